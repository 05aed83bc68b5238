"""Where a catalog differs from the expected one, and what to do about it. Pure: no database, no Django.

A difference names its kind, the object, what was expected, what was found, and the next step: a statement where one is
safe to type, else a sentence. What nobody expected and nobody needs to mend (a table of the operator's own) is a note.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from core.schema.advice import advise, quoted
from core.schema.catalog import MEMBERS, Catalog, Facts
from core.schema.partitions import advice_on, as_divided, divided, elsewhere

# How a difference calls the members of a table.
NOUNS = {
    "columns": "column",
    "constraints": "constraint",
    "indexes": "index",
    "triggers": "trigger",
    "rules": "rule",
    "policies": "policy",
}
# Facts: what a difference in one is called, and how the usual value (which the catalog leaves out) reads.
FACTS: dict[str, dict[str, tuple[str, str]]] = {
    "tables": {
        "kind": ("table kind", "table"),
        "unlogged": ("table persistence", "logged"),
        "row_security": ("row security", "off"),
        "options": ("storage parameters", "none"),
        "inherits": ("inheritance", "no parent"),
        "inherited_by": ("inheritance", "no child"),
    },
    "columns": {
        "type": ("column type", ""),
        "null": ("nullability", "NOT NULL"),
        "null_not_validated": ("nullability not validated", "every row looked at"),
        "default": ("default", "no default"),
        "identity": ("identity", "no identity"),
        "generated": ("generated column", "not generated"),
        "collation": ("collation", "the type's own"),
    },
    "constraints": {
        "definition": ("constraint changed", ""),
        "not_validated": ("constraint not validated", "every row looked at"),
        "not_enforced": ("constraint not enforced", "enforced"),
        "triggers_off": ("constraint not enforced", "enforced"),
    },
    "indexes": {
        "definition": ("index changed", ""),
        "unique": ("index changed", "not unique"),
        "invalid": ("index invalid", "valid"),
        "constraint": ("index changed", "no constraint's index"),
    },
    "triggers": {"definition": ("trigger changed", ""), "mode": ("trigger mode", "enabled")},
    "rules": {"definition": ("rule changed", ""), "mode": ("rule mode", "enabled")},
    "policies": {"definition": ("policy changed", "")},
}
# How a value reads where it is only a flag, or too technical.
WORDS = {
    "unlogged": "unlogged",
    "null": "NULL allowed",
    "null_not_validated": "rows from before not looked at",
    "not_validated": "rows from before not looked at",
    "not_enforced": "NOT ENFORCED",
    "triggers_off": "its triggers are disabled",
    "unique": "unique",
    "invalid": "invalid: no query uses it",
}


@dataclass(frozen=True)
class Difference:
    """One line of the report."""

    kind: str
    object: str
    expected: str
    found: str
    advice: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.object}: expected {self.expected}; found {self.found}. To do: {self.advice}"


@dataclass
class Comparison:
    """The differences in the order in which to mend them, and the notes."""

    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def compare(expected: Catalog, actual: Catalog, *, built_in: frozenset[str] = frozenset()) -> Comparison:
    """Compare two catalogs as `core.schema.actual.read_catalog` returns them.

    `built_in`: signatures of functions that the server has built in, so that nobody misses them.
    """
    expected, by_month = as_divided(expected, actual), divided(actual)
    found = (
        *_enums(expected["enums"], actual["enums"]),
        *_functions(expected["functions"], actual["functions"], built_in),
        *_tables(expected["tables"], actual["tables"]),
        *_sequences(expected, actual),
    )
    return Comparison(
        differences=[replace(one, advice=advice_on(one.object, one.kind, one.advice, by_month)) for one in found],
        notes=[*_notes(expected, actual), *elsewhere(actual)],
    )


def _difference(kind: str, subject: str, expected: str, found: str, /, **facts: Any) -> Difference:
    return Difference(kind, subject, expected, found, advise(kind, subject, **facts))


def _enums(expected: dict[str, list[str]], actual: dict[str, list[str]]) -> Iterator[Difference]:
    for name, labels in sorted(expected.items()):
        if name not in actual:
            twin = next((other for other in actual if other not in expected and actual[other] == labels), None)
            found = f"none of that name, but {twin} with the same labels" if twin else "none"
            yield _difference("enum type missing", name, _count(labels, "label"), found, labels=labels, twin=twin)
            continue
        found_labels = actual[name]
        missing = [label for label in labels if label not in found_labels]
        extra = [label for label in found_labels if label not in labels]
        if missing:
            yield _difference(
                "enum labels missing",
                name,
                ", ".join(missing),
                "not among its labels",
                labels=labels,
                missing=missing,
                extra=extra,
            )
        if extra:
            yield _difference("enum labels extra", name, "not among its labels", ", ".join(extra))
        kept = [label for label in labels if label in found_labels]
        if kept != [label for label in found_labels if label in labels]:
            yield _difference("enum labels order", name, ", ".join(labels), ", ".join(found_labels))


def _functions(
    expected: dict[str, list[str]], actual: dict[str, list[str]], built_in: frozenset[str]
) -> Iterator[Difference]:
    for name, lines in sorted(expected.items()):
        if name not in actual:
            if name not in built_in:
                yield _difference("function missing", name, _count(lines, "line"), "none")
            continue
        (head, body), (found_head, found_body) = _split(lines), _split(actual[name])
        if head != found_head:
            yield _difference("function attributes", name, head, found_head)
        if body != found_body:
            place = next((n for n, (a, b) in enumerate(zip(body, found_body, strict=False)) if a != b), None)
            place = min(len(body), len(found_body)) if place is None else place
            yield _difference("function body", name, f"line {place + 1} {_line(body, place)}", _line(found_body, place))


def _split(lines: list[str]) -> tuple[str, list[str]]:
    """The attributes of a function in one line, and its body: what stands before AS $function$ and after."""
    start = next((number for number, line in enumerate(lines) if line.startswith("AS ")), len(lines))
    body = re.sub(r"^AS \$\w*\$|\$\w*\$$", "", "\n".join(lines[start:])).strip("\n")
    return " ".join(line.strip() for line in lines[1:start]), body.splitlines()


def _line(lines: list[str], place: int) -> str:
    return f"`{lines[place].strip()}`" if place < len(lines) else "no such line"


def _tables(expected: dict[str, Any], actual: dict[str, Any]) -> Iterator[Difference]:
    for table, facts in sorted(expected.items()):
        if table not in actual:
            twin = _twin(facts["columns"], expected, actual)
            found = f"none of that name, but {twin} with the same columns" if twin else "none"
            yield _difference("table missing", table, _count(facts["columns"], "column"), found, twin=twin)
            continue
        differing = list(_facts("tables", table, facts["facts"], actual[table]["facts"]))
        other_kind = [difference for difference in differing if difference.kind == "table kind"]
        yield from other_kind or differing
        if other_kind:
            continue  # a view has none of the rest, and of a table divided otherwise all of it may differ
        for members in MEMBERS:
            yield from _members(members, table, facts, actual[table])


def _twin(columns: Facts, expected: dict[str, Any], actual: dict[str, Any]) -> str | None:
    return next(
        (other for other in actual if other not in expected and actual[other].get("columns") == columns),
        None,
    )


def _members(members: str, table: str, expected: dict[str, Any], actual: dict[str, Any]) -> Iterator[Difference]:
    wanted, there = expected.get(members, {}), actual.get(members, {})
    missing, extra = [name for name in wanted if name not in there], [name for name in there if name not in wanted]
    noun = NOUNS[members]
    if members == "indexes":  # the index of a constraint comes, goes and changes with it
        follows = _differing(expected.get("constraints", {}), actual.get("constraints", {}))
        missing = [name for name in missing if wanted[name].get("constraint") not in follows]
        extra = [name for name in extra if there[name].get("constraint") not in follows]
    else:
        follows = set()
    for name in list(missing):
        other = _renamed(name, wanted[name], {name: there[name] for name in extra})
        if other:
            missing.remove(name)
            extra.remove(other)
            yield Difference(
                f"{noun} renamed",
                f"{table}.{name}",
                "this name",
                other,
                advise(f"{noun} renamed", name, table=table, name=name, found=other),
            )
    for name in missing:
        facts = {"table": table, "name": name, "facts": wanted[name]}
        yield _difference(f"{noun} missing", f"{table}.{name}", _described(wanted[name]), "none", **facts)
    for name in extra:
        facts = {"table": table, "name": name, "facts": there[name]}
        yield _difference(f"{noun} extra", f"{table}.{name}", "none", _described(there[name]), **facts)
    for name in [name for name in wanted if name in there]:
        if wanted[name].get("constraint", "") in follows:
            continue
        yield from _facts(members, f"{table}.{name}", wanted[name], there[name], table=table, name=name)


def _differing(expected: Facts, actual: Facts) -> set[str]:
    names = {*expected, *actual}
    return {name for name in names if _definition(expected.get(name)) != _definition(actual.get(name))}


def _definition(facts: Facts | None) -> str | None:
    return facts.get("definition") if facts else None


def _renamed(name: str, facts: Facts, extra: dict[str, Facts]) -> str | None:
    """The one of the extra objects that is the missing one under another name."""

    def nameless(name: str, facts: Facts) -> Facts:
        plain = {key: value for key, value in facts.items() if key not in ("constraint", "invalid", "triggers_off")}
        if "definition" in plain:
            for form in (name, quoted(name)):
                plain["definition"] = plain["definition"].replace(f"TRIGGER {form} ", "TRIGGER ", 1)
                plain["definition"] = plain["definition"].replace(f"RULE {form} ", "RULE ", 1)
        return plain

    twins = [other for other, found in extra.items() if nameless(other, found) == nameless(name, facts)]
    return twins[0] if len(twins) == 1 else None


def _facts(group: str, subject: str, expected: Facts, actual: Facts, /, **where: Any) -> Iterator[Difference]:
    for fact, (kind, usual) in FACTS[group].items():
        wanted, found = expected.get(fact), actual.get(fact)
        if fact == "options":
            wanted, found = _ours(wanted), _ours(found)
        if wanted == found:
            continue
        if fact == "mode" and found == "disabled":
            kind = kind.replace("mode", "disabled")
        yield _difference(
            kind,
            subject,
            _worded(fact, wanted, usual),
            _worded(fact, found, usual),
            fact=fact,
            wanted=wanted,
            actual=found,
            facts=expected,
            **where,
        )


def _worded(fact: str, value: Any, usual: str) -> str:
    if value is None:
        return usual
    if fact in WORDS:
        return WORDS[fact]
    return ", ".join(value) if isinstance(value, list) else str(value)


def _ours(options: list[str] | None) -> list[str]:
    """Without what an operator may tune as the load demands."""
    return [option for option in options or [] if not option.startswith(TUNABLE)]


TUNABLE = ("autovacuum_", "toast.autovacuum_", "log_autovacuum_", "parallel_workers", "vacuum_")


def _described(facts: Facts) -> str:
    """An object in a few words: its definition, or a column's type and the rest."""
    if "definition" in facts:
        return ("unique " if facts.get("unique") else "") + str(facts["definition"])
    return " ".join(
        [
            str(facts.get("type", "")),
            "NULL" if facts.get("null") else "NOT NULL",
            *([f"DEFAULT {facts['default']}"] if facts.get("default") else []),
        ]
    )


def _sequences(expected: Catalog, actual: Catalog) -> Iterator[Difference]:
    for name, facts in sorted(expected["sequences"].items()):
        table, _, column = facts.get("owner", "").partition(".")
        owners = [catalog["tables"].get(table, {}).get("columns", {}).get(column) for catalog in (expected, actual)]
        if not owners[1] or (owners[0] or {}).get("identity") != owners[1].get("identity"):
            continue  # it went with its column, or with what makes that an identity
        found = actual["sequences"].get(name)
        if found is None:
            yield _difference("sequence missing", name, f"{facts['type']} of {facts.get('owner')}", "none")
        elif found != facts:
            yield _difference(
                "sequence changed",
                name,
                f"{facts['type']} of {facts.get('owner', 'no column')}",
                f"{found['type']} of {found.get('owner', 'no column')}",
                facts=facts,
            )


def _notes(expected: Catalog, actual: Catalog) -> Iterator[str]:
    for name, found in sorted(actual["tables"].items()):
        if name not in expected["tables"]:
            yield f"unknown {found['facts'].get('kind', 'table')} {name}: not looked at"
            continue
        for option in found["facts"].get("options", []):
            if option.startswith(TUNABLE) and option not in expected["tables"][name]["facts"].get("options", []):
                yield f"table {name} is tuned: {option}"
    stray = [
        name
        for name, facts in actual["sequences"].items()
        if name not in expected["sequences"] and facts.get("owner", "").partition(".")[0] not in actual["tables"]
    ]
    unknown = {
        "enum type": [name for name in actual["enums"] if name not in expected["enums"]],
        "function": [name for name in actual["functions"] if name not in expected["functions"]],
        "sequence": stray,
    }
    for noun, names in unknown.items():
        for name in sorted(names):
            yield f"unknown {noun} {name}: not looked at"


def _count(things: Any, noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"
