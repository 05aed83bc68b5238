"""Sequences: near their end, or behind the ids that are there."""

from collections.abc import Iterator
from typing import Any

from django.db import Error as DatabaseError

from whitecross.deployment.doctor.catalog import PEOPLES
from whitecross.deployment.doctor.checks import check
from whitecross.deployment.doctor.finding import Finding, Severity, Step, broken, warning
from whitecross.deployment.doctor.look import Look
from whitecross.deployment.doctor.reasons import reason_of

NEAR = 0.8

# Those that count upward and end. Their column (of the table o), if they have one, may end before them.
SEQUENCES = f"""
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name, q.seqstart AS start, q.seqmax AS maximum,
       format_type(q.seqtypid, NULL) AS type, quote_ident(a.attname) AS "column", a.attidentity <> '' AS is_identity,
       quote_ident(m.nspname) || '.' || quote_ident(o.relname) AS "table", format_type(a.atttypid, NULL) AS column_type,
       CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647
                       ELSE 9223372036854775807 END AS room,
       EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am am ON am.oid = x.relam
               WHERE i.indrelid = o.oid AND i.indkey[0] = a.attnum AND i.indisvalid AND i.indpred IS NULL
                 AND am.amname = 'btree') AS is_indexed,
       has_sequence_privilege(c.oid, 'USAGE') OR has_sequence_privilege(c.oid, 'SELECT') AS readable,
       coalesce(has_column_privilege(o.oid, a.attnum, 'SELECT'), true) AS column_readable
FROM pg_sequence q
JOIN pg_class c ON c.oid = q.seqrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
                      AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
LEFT JOIN pg_class o ON o.oid = d.refobjid
LEFT JOIN pg_namespace m ON m.oid = o.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum = d.refobjsubid
WHERE q.seqincrement > 0 AND NOT q.seqcycle AND {PEOPLES}
ORDER BY 1
"""  # noqa: S608 - a constant
INTEGERS = ("smallint", "integer", "bigint")


def _readable(look: Look) -> Iterator[Any]:
    for found in look.rows(SEQUENCES):
        if found.readable:
            yield found
        else:
            look.cannot_see(f"the sequence {found.name.removeprefix('public.')}: {look.role} may not read it")


def _last(look: Look, name: str) -> int | None:
    """What it gave last; None where it has given nothing."""
    (found,) = look.rows("SELECT pg_sequence_last_value(%(name)s::regclass) AS last", {"name": name})
    return None if found.last is None else int(found.last)


@check("D14", Severity.BROKEN, "Is a sequence near its end?")
def ending(look: Look) -> Iterator[Finding]:
    """The end is its own, or that of its column's type."""
    for found in _readable(look):
        last = _last(look, found.name)
        end = min(found.maximum, found.room)
        if last is None or last < NEAR * end:
            continue
        steps = []
        if found.column_type in INTEGERS and found.column_type != "bigint":
            steps.append(
                Step(
                    f"ALTER TABLE {found.table} ALTER COLUMN {found.column} TYPE bigint;",
                    "this writes the table anew and blocks it meanwhile, so in a quiet hour",
                )
            )
        steps.append(Step(f"ALTER SEQUENCE {found.name} AS bigint NO MAXVALUE;"))
        of = f" of {found.table.removeprefix('public.')}.{found.column}" if found.table else ""
        how_badly = broken if last >= end else warning
        yield how_badly(found.name, f"the sequence{of} has given {last:,} of {end:,}", *steps)


@check("D15", Severity.BROKEN, "Is a sequence behind the ids that are there?")
def behind(look: Look) -> Iterator[Finding]:
    """The next row would be refused. Where no index finds the highest id at once, only --deep looks."""
    for found in _readable(look):
        if found.column_type not in INTEGERS or not (found.is_indexed or look.choices.deep):
            continue
        name = f"{found.table.removeprefix('public.')}.{found.column}"
        if not found.column_readable:
            look.cannot_see(f"the ids {name}: {look.role} may not read them")
            continue
        try:
            # The ids first: what is added meanwhile moves the sequence on, which is then not behind.
            (ids,) = look.rows(f"SELECT max({found.column}) AS highest FROM {found.table}")  # noqa: S608 - names are quoted
            last = _last(look, found.name)
        except DatabaseError as error:
            look.gave_up(f"the ids {name}: {reason_of(error, look.choices)}")
            continue
        coming = found.start if last is None else last + 1
        if ids.highest is None or ids.highest < coming:
            continue
        sequence = found.name.replace("'", "''")
        step = Step(f"SELECT setval('{sequence}', (SELECT max({found.column}) FROM {found.table}));")  # noqa: S608 - names are quoted
        yield broken(
            found.name, f"it gives {coming:,} next, but {name} is at {ids.highest:,}: new rows are refused", step
        )
