"""What is expected of a database in which tables were divided by month, as docs/scaling.md says. Pure.

The snapshot knows the tables whole. What dividing has to change is changed in it here: the primary key gains the column
that the table is divided by, and the trigger that refuses DELETE lets a row move between partitions. Each partition is
then expected to be like its parent, as that is found.
"""

from collections.abc import Iterator
from typing import Any

from core.schema.advice import quoted
from core.schema.catalog import Catalog, Facts

# The tables that may be divided, and the column that says by which month.
MONTH_OF = {"medication_logs": "timeGiven", "vital_signs": "measurementDate"}

REFUSE_DELETE = "refuse_delete_but_not_a_move()"
# As PostgreSQL shows it once the statement of docs/scaling.md has made it.
REFUSE_DELETE_LINES = """\
CREATE OR REPLACE FUNCTION refuse_delete_but_not_a_move()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    has_moved boolean;
BEGIN
    IF current_setting('whitecross.erase', true) = 'on' THEN
        RETURN NULL;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE id = $1)', pg_partition_root(TG_RELID))
        INTO has_moved USING OLD.id;
    IF has_moved THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% holds health records: DELETE refused', pg_partition_root(TG_RELID)
        USING ERRCODE = 'restrict_violation',
              HINT = 'Set "deletedAt" to mark the row as deleted. To remove it for good, first say, in the same'
                     ' transaction: SET LOCAL whitecross.erase = ''on''.';
END
$function$""".splitlines()

# What is to be done about an index that PostgreSQL calls invalid, as some partition lacks it.
ON_EACH = "build it CONCURRENTLY in each partition that lacks it, then ALTER INDEX ... ATTACH PARTITION that one"


def divided(actual: Catalog) -> list[str]:
    """The tables that are divided as the page says. Divided otherwise, a table is not the expected one."""
    return [
        table
        for table, column in MONTH_OF.items()
        if actual["tables"].get(table, {}).get("facts", {}).get("partitioned_by") == f"RANGE ({quoted(column)})"
    ]


def as_divided(expected: Catalog, actual: Catalog) -> Catalog:
    """The expected catalog, with those tables divided that are, and their partitions in it."""
    tables, functions = dict(expected["tables"]), expected["functions"]
    for table in divided(actual):
        if table not in tables or "kind" in tables[table]["facts"]:  # a backup knows of which kind it was
            continue
        parent = actual["tables"][table]
        tables[table] = _parent(table, tables[table], parent)
        for name in _partitions(table, actual):
            tables[name] = _partition(parent, actual["tables"][name])
        functions = {**functions, REFUSE_DELETE: REFUSE_DELETE_LINES}
    return {**expected, "tables": tables, "functions": functions}


def _partitions(table: str, actual: Catalog) -> list[str]:
    return [name for name, found in actual["tables"].items() if found["facts"].get("inherits") == [table]]


def _parent(table: str, expected: dict[str, Facts], found: dict[str, Facts]) -> dict[str, Facts]:
    key, trigger = f"{table}_pkey", f"{table}_refuse_delete"
    columns = f"(id, {quoted(MONTH_OF[table])})"
    refuses = f"CREATE TRIGGER {trigger} AFTER DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {REFUSE_DELETE}"
    unavoidable = {fact: found["facts"].get(fact) for fact in ("kind", "inherited_by")}
    return {
        **expected,
        "facts": {**expected["facts"], **unavoidable},
        "constraints": {**expected["constraints"], key: {"definition": f"PRIMARY KEY {columns}"}},
        "indexes": {
            **expected["indexes"],
            key: {"constraint": key, "definition": f"USING btree {columns}", "unique": True},
        },
        "triggers": {**expected["triggers"], trigger: {"definition": refuses}},
    }


def _partition(parent: dict[str, Facts], found: dict[str, Facts]) -> dict[str, Facts]:
    """PostgreSQL keeps in each partition what its parent has, under names of its own; but not whether it works.

    Indexes of a partition's own are left to whoever made them.
    """
    rules = {facts["definition"]: facts for facts in parent.get("constraints", {}).values()}
    constraints, triggers = found.get("constraints", {}), found.get("triggers", {})
    return {
        "facts": {"inherits": found["facts"]["inherits"]},
        "columns": parent["columns"],
        "constraints": {
            name: _inherited(rules[facts["definition"]], facts)
            for name, facts in constraints.items()
            if facts["definition"] in rules
        },
        "triggers": {
            name: _inherited(facts, triggers[name])
            for name, facts in parent.get("triggers", {}).items()
            if name in triggers
        },
        "indexes": found.get("indexes", {}),
    }


def _inherited(parent: Facts, found: Facts) -> Facts:
    """A constraint or trigger of a partition. What does not work in the parent is said of the parent, and once."""
    return {"definition": found["definition"]} if parent.keys() == {"definition"} else found


def elsewhere(actual: Catalog) -> Iterator[str]:
    """The partitions that lie in other schemas, which nobody looks into."""
    for table in divided(actual):
        here = len(_partitions(table, actual))
        there = len(actual["tables"][table]["facts"].get("inherited_by", [])) - here
        if there:
            yield f"{there} of the partitions of {table} in other schemas: not looked at"


def advice_on(subject: str, kind: str, advice: str, tables: Any) -> str:
    """The advice where `tables` are divided: PostgreSQL does less of a table with partitions beside others' work."""
    if subject == REFUSE_DELETE:
        return "run its CREATE FUNCTION in docs/scaling.md again, as CREATE OR REPLACE FUNCTION"
    if subject.partition(".")[0] not in tables:
        return advice
    if kind == "index invalid":
        return ON_EACH
    # Neither may be said of it: CONCURRENTLY at all, NOT VALID of a foreign key before PostgreSQL 18.
    plain = advice.replace(" CONCURRENTLY", "").replace(" NOT VALID", "")
    return advice if plain == advice else f"in a quiet hour: {plain}"
