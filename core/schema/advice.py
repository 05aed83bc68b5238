"""What to do about a difference: a statement where one is safe to type, else a sentence. Pure.

Each function serves one kind of difference and takes the facts that `core.schema.compare` knows of it by name.
Statements quote every name, so that they can be typed as they stand. None of them removes rows, or changes a value
without a word.
"""

from collections.abc import Callable, Sequence
from typing import Any

from core.schema.conversions import are_numbers, conversion, keeps_every_value

Advice = Callable[..., str]
ADVICE: dict[str, Advice] = {}

UNWANTED = "find out who added it; to keep it, declare it in the model and write a migration; to remove it:"
RESTORE = "restore from a backup what it held"
# Before what reads or writes all of a table, and lets nobody else at it meanwhile.
QUIET = "in a quiet hour: "


def quoted(name: str) -> str:
    """An identifier as PostgreSQL takes it whatever its letters."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string constant."""
    return "'" + text.replace("'", "''") + "'"


def advise(kind: str, subject: str, /, **facts: Any) -> str:
    """The next step for a difference of this kind in the object of this name."""
    return ADVICE[kind](subject, **facts)


# What is mended the same way whichever release made it. Anything else may be of a release that this code does not know.
OF_ANY_RELEASE = (
    "trigger disabled",
    "rule disabled",
    "index invalid",
    "constraint not validated",
    "nullability not validated",
    "triggers silenced",
    "not readable",
    "migration unapplied",
    "migration unknown",
    "snapshot out of date",
    "model without migration",
    "database empty",
)
AHEAD = "deploy the release that has it, or go back with its code; a newer release may have made it so, and needs it"
PERHAPS_AHEAD = "find out first whether a newer release made it so: the record of migrations cannot be read here"


def of_unknown_release(kind: str, advice: str, *, is_known: bool) -> str:
    """The advice where the database is ahead of this code, or may be: none that undoes what a newer release made."""
    if kind in OF_ANY_RELEASE:
        return advice
    return AHEAD if is_known else PERHAPS_AHEAD


def _for(*kinds: str) -> Callable[[Advice], Advice]:
    def register(advice: Advice) -> Advice:
        ADVICE.update(dict.fromkeys(kinds, advice))
        return advice

    return register


def _alter(table: str, action: str) -> str:
    return f"ALTER TABLE {quoted(table)} {action};"


@_for("enum type missing")
def _enum_type(name: str, *, labels: Sequence[str], twin: str | None) -> str:
    if twin:
        return f"ALTER TYPE {quoted(twin)} RENAME TO {quoted(name)};"
    return f"CREATE TYPE {quoted(name)} AS ENUM ({', '.join(map(literal, labels))});"


@_for("enum labels missing")
def _enum_labels(name: str, *, labels: Sequence[str], missing: Sequence[str], extra: Sequence[str]) -> str:
    if len(missing) == len(extra) == 1:
        return (
            f"if it was renamed: ALTER TYPE {quoted(name)} RENAME VALUE {literal(extra[0])} TO {literal(missing[0])};"
        )
    statements = []
    for label in missing:
        place = labels.index(label)
        following = next((other for other in labels[place + 1 :] if other not in missing), None)
        before = f" BEFORE {literal(following)}" if following else ""
        statements.append(f"ALTER TYPE {quoted(name)} ADD VALUE {literal(label)}{before};")
    return " ".join(statements)


@_for("enum labels extra")
def _enum_extra(name: str) -> str:
    return "find out who added it and which rows say it; see docs/verify-schema.md"


@_for("enum labels order")
def _enum_order(name: str) -> str:
    return "only sorting is wrong, no row is; see docs/verify-schema.md"


@_for("function missing", "function attributes", "function body")
def _function(name: str) -> str:
    return f"python manage.py verify_schema --definition {literal(name)} | python manage.py dbshell"


@_for("table missing")
def _table(name: str, *, twin: str | None) -> str:
    return _alter(twin, f"RENAME TO {quoted(name)}") if twin else f"{RESTORE}; a new table would be empty"


@_for("table kind")
def _table_kind(name: str, *, actual: Any, **_: Any) -> str:
    if actual == "partitioned table":
        return "it is not divided as in docs/scaling.md: nothing else of it was looked at, compare it by hand"
    return "find out who put it in the table's place, and where the rows are"


@_for("table persistence")
def _persistence(name: str, *, wanted: Any, **_: Any) -> str:
    return f"{QUIET}{_alter(name, 'SET UNLOGGED' if wanted else 'SET LOGGED')}"


@_for("row security")
def _row_security(name: str, *, wanted: str | None, **_: Any) -> str:
    if wanted is None:
        return _alter(name, "DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY")
    force = "FORCE" if wanted == "forced" else "NO FORCE"
    return _alter(name, f"ENABLE ROW LEVEL SECURITY, {force} ROW LEVEL SECURITY")


@_for("storage parameters")
def _storage(name: str, *, wanted: Sequence[str], actual: Sequence[str], **_: Any) -> str:
    keys = {option.partition("=")[0] for option in wanted}
    unwanted = [key for key in (option.partition("=")[0] for option in actual) if key not in keys]
    steps = [_alter(name, f"SET ({', '.join(wanted)})")] if wanted else []
    steps += [_alter(name, f"RESET ({', '.join(unwanted)})")] if unwanted else []
    return " ".join(steps)


@_for("inheritance")
def _inheritance(name: str, *, fact: str, wanted: Any, actual: Any, **_: Any) -> str:
    if wanted or not actual:
        return "attach it again as in the migrations"
    pairs = [(name, other) if fact == "inherits" else (other, name) for other in actual]
    return " ".join(f"ALTER TABLE {child} NO INHERIT {parent};" for child, parent in pairs)


def _column_clause(name: str, facts: dict[str, Any]) -> str:
    default = f" DEFAULT {facts['default']}" if facts.get("default") else ""
    return f"{quoted(name)} {facts['type']}{default}{'' if facts.get('null') else ' NOT NULL'}"


@_for("column missing")
def _column_missing(_: str, *, table: str, name: str, facts: dict[str, Any]) -> str:
    return f"{_alter(table, f'ADD COLUMN {_column_clause(name, facts)}')} then {RESTORE}"


@_for("column renamed")
def _column_renamed(_: str, *, table: str, name: str, found: str) -> str:
    return _alter(table, f"RENAME COLUMN {quoted(found)} TO {quoted(name)}")


@_for("column extra")
def _column_extra(_: str, *, table: str, name: str, **__: Any) -> str:
    return f"{UNWANTED} save its values first, which are lost with it: {_alter(table, f'DROP COLUMN {quoted(name)}')}"


# Between a query and the statement that is right only where the query counts nothing.
ONLY_IF_NONE = " Go on only if that is 0, in a quiet hour: "


@_for("column type")
def _column_type(_: str, *, table: str, name: str, wanted: str, actual: str, **__: Any) -> str:
    """Never a cast that cuts or rounds unasked: what may lose something stands behind a query that counts it."""
    column = quoted(name)
    into = conversion(column, actual, wanted)
    action = f"ALTER COLUMN {column} TYPE {wanted}" + (f" USING {into}" if into else "")
    if keeps_every_value(actual, wanted):
        return f"{QUIET}{_alter(table, action)}"
    there = f"({into})::{wanted}" if into else f"{column}::{wanted}"
    if are_numbers(actual, wanted):
        changes = f"({there})::{actual} IS DISTINCT FROM {column}"  # 1.50 is 1.5
    else:
        back = conversion(f"({there})", wanted, actual) or f"({there})::{actual}"
        changes = f"({back})::text IS DISTINCT FROM {column}::text"
    count = f"SELECT count(*) FROM {quoted(table)} WHERE {changes};"  # noqa: S608 - to be read
    return f"see how many rows would change or be cut: {count}{ONLY_IF_NONE}{_alter(table, action)}"


@_for("collation")
def _collation(_: str, *, table: str, name: str, wanted: str | None, facts: dict[str, Any], **__: Any) -> str:
    type_, collation = facts["type"], wanted or '"default"'
    return f"{QUIET}{_alter(table, f'ALTER COLUMN {quoted(name)} TYPE {type_} COLLATE {collation}')}"


@_for("nullability")
def _nullability(_: str, *, table: str, name: str, wanted: Any, **__: Any) -> str:
    if wanted:
        return _alter(table, f"ALTER COLUMN {quoted(name)} DROP NOT NULL")
    return f"fill in the rows that lack it, then {QUIET}{_alter(table, f'ALTER COLUMN {quoted(name)} SET NOT NULL')}"


@_for("nullability not validated")
def _null_not_validated(_: str, *, table: str, actual: str, **__: Any) -> str:
    return _alter(table, f"VALIDATE CONSTRAINT {quoted(actual)}")


@_for("default")
def _default(_: str, *, table: str, name: str, wanted: str | None, **__: Any) -> str:
    return _alter(table, f"ALTER COLUMN {quoted(name)} {f'SET DEFAULT {wanted}' if wanted else 'DROP DEFAULT'}")


@_for("identity")
def _identity(_: str, *, table: str, name: str, wanted: str | None, actual: str | None, **__: Any) -> str:
    column = f"ALTER COLUMN {quoted(name)}"
    if wanted is None:
        return _alter(table, f"{column} DROP IDENTITY")
    if actual:
        return _alter(table, f"{column} SET GENERATED {wanted}")
    sequence = f"pg_get_serial_sequence({literal(quoted(table))}, {literal(name)})"
    added = _alter(table, f"{column} ADD GENERATED {wanted} AS IDENTITY")
    highest = f"SELECT setval({sequence}, max({quoted(name)})) FROM {quoted(table)};"  # noqa: S608 - to be read
    return f"{added} {highest}"


@_for("generated column")
def _generated(_: str, **__: Any) -> str:
    return "drop the column and add it as in the migrations; it holds nothing of its own"


@_for("constraint missing")
def _constraint_missing(_: str, *, table: str, name: str, facts: dict[str, Any]) -> str:
    definition = facts["definition"]
    if not definition.startswith(("CHECK", "FOREIGN KEY")):
        return f"{QUIET}{_alter(table, f'ADD CONSTRAINT {quoted(name)} {definition}')}"
    return _proved_beside_others(table, name, f"ADD CONSTRAINT {quoted(name)} {definition}")


def _proved_beside_others(table: str, name: str, action: str) -> str:
    return f"{_alter(table, f'{action} NOT VALID')} {_alter(table, f'VALIDATE CONSTRAINT {quoted(name)}')}"


@_for("constraint renamed")
def _constraint_renamed(_: str, *, table: str, name: str, found: str) -> str:
    return _alter(table, f"RENAME CONSTRAINT {quoted(found)} TO {quoted(name)}")


@_for("constraint extra")
def _constraint_extra(_: str, *, table: str, name: str, **__: Any) -> str:
    return f"{UNWANTED} {_alter(table, f'DROP CONSTRAINT {quoted(name)}')}"


@_for("constraint changed")
def _constraint_changed(_: str, *, table: str, name: str, wanted: str, **__: Any) -> str:
    action = f"DROP CONSTRAINT {quoted(name)}, ADD CONSTRAINT {quoted(name)} {wanted}"
    if wanted.startswith("CHECK"):
        return _proved_beside_others(table, name, action)
    return f"{QUIET}{_alter(table, action)}"


@_for("constraint not validated")
def _constraint_not_validated(_: str, *, table: str, name: str, **__: Any) -> str:
    return _alter(table, f"VALIDATE CONSTRAINT {quoted(name)}")


@_for("constraint not enforced")
def _constraint_not_enforced(_: str, *, table: str, name: str, actual: Any, facts: dict[str, Any], **__: Any) -> str:
    if isinstance(actual, list):
        return " ".join(f"{statement};" for statement in actual)
    return _constraint_changed(_, table=table, name=name, wanted=facts["definition"])


def _index(table: str, name: str, facts: dict[str, Any]) -> str:
    unique = "UNIQUE " if facts.get("unique") else ""
    return f"CREATE {unique}INDEX CONCURRENTLY {quoted(name)} ON {quoted(table)} {facts['definition']};"


@_for("index missing")
def _index_missing(_: str, *, table: str, name: str, facts: dict[str, Any]) -> str:
    return _index(table, name, facts)


@_for("index renamed")
def _index_renamed(_: str, *, table: str, name: str, found: str) -> str:
    return f"ALTER INDEX {quoted(found)} RENAME TO {quoted(name)};"


@_for("index extra")
def _index_extra(_: str, *, table: str, name: str, facts: dict[str, Any]) -> str:
    drop = f"DROP INDEX CONCURRENTLY {quoted(name)};"
    return f"a build that failed left it: {drop}" if facts.get("invalid") else f"{UNWANTED} {drop}"


@_for("index changed")
def _index_changed(_: str, *, table: str, name: str, facts: dict[str, Any], **__: Any) -> str:
    return f"DROP INDEX CONCURRENTLY {quoted(name)}; {_index(table, name, facts)}"


@_for("index invalid")
def _index_invalid(_: str, *, name: str, **__: Any) -> str:
    return f"REINDEX INDEX CONCURRENTLY {quoted(name)};"


MODES = {"always": "ENABLE ALWAYS", "in replica mode only": "ENABLE REPLICA", "disabled": "DISABLE"}


def _trigger_mode(table: str, name: str, mode: str | None) -> str:
    return _alter(table, f"{MODES.get(mode or '', 'ENABLE')} TRIGGER {quoted(name)}")


@_for("trigger missing")
def _trigger_missing(_: str, *, table: str, name: str, facts: dict[str, Any]) -> str:
    mode = f" {_trigger_mode(table, name, facts['mode'])}" if "mode" in facts else ""
    return f"{facts['definition']};{mode}"


@_for("trigger renamed")
def _trigger_renamed(_: str, *, table: str, name: str, found: str) -> str:
    return f"ALTER TRIGGER {quoted(found)} ON {quoted(table)} RENAME TO {quoted(name)};"


@_for("trigger extra")
def _trigger_extra(_: str, *, table: str, name: str, **__: Any) -> str:
    return f"{UNWANTED} DROP TRIGGER {quoted(name)} ON {quoted(table)};"


@_for("trigger changed")
def _trigger_changed(_: str, *, table: str, name: str, facts: dict[str, Any], **__: Any) -> str:
    drop = f"DROP TRIGGER {quoted(name)} ON {quoted(table)};"
    return f"BEGIN; {drop} {_trigger_missing(_, table=table, name=name, facts=facts)} COMMIT;"


@_for("trigger disabled", "trigger mode")
def _trigger_off(_: str, *, table: str, name: str, wanted: str | None, **__: Any) -> str:
    return _trigger_mode(table, name, wanted)


@_for("rule missing", "rule renamed", "rule changed", "rule disabled", "rule mode")
def _rule(_: str, **__: Any) -> str:
    return "make it as in the migrations"


@_for("rule extra")
def _rule_extra(_: str, *, table: str, name: str, **__: Any) -> str:
    return f"{UNWANTED} DROP RULE {quoted(name)} ON {quoted(table)};"


@_for("policy missing", "policy renamed", "policy changed")
def _policy(_: str, **__: Any) -> str:
    return "make it as in the migrations; until then rows may be seen by those who should not"


@_for("policy extra")
def _policy_extra(_: str, *, table: str, name: str, **__: Any) -> str:
    return f"{UNWANTED} DROP POLICY {quoted(name)} ON {quoted(table)};"


@_for("sequence missing")
def _sequence_missing(name: str) -> str:
    return "ids of new rows come from it: make it as in the migrations, above the highest id"


@_for("sequence changed")
def _sequence_changed(name: str, *, facts: dict[str, Any]) -> str:
    table, _, column = facts.get("owner", "").partition(".")
    owner = f"{quoted(table)}.{quoted(column)}" if column else "NONE"
    return f"ALTER SEQUENCE {quoted(name)} AS {facts['type']} OWNED BY {owner};"
