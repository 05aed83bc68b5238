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

# Those that end. Their column (of the table o), if they have one, may end before them.
SEQUENCES = f"""
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name, q.seqincrement AS step, q.seqmax AS maximum,
       format_type(q.seqtypid, NULL) AS type, quote_ident(a.attname) AS "column", a.attidentity <> '' AS is_identity,
       quote_ident(m.nspname) || '.' || quote_ident(o.relname) AS "table", format_type(a.atttypid, NULL) AS column_type,
       CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647
                       ELSE 9223372036854775807 END AS room,
       EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am am ON am.oid = x.relam
               WHERE i.indrelid = o.oid AND i.indkey[0] = a.attnum AND i.indisvalid AND i.indpred IS NULL
                 AND am.amname = 'btree') AS is_indexed,
       has_sequence_privilege(c.oid, 'SELECT') AS readable,
       coalesce(has_column_privilege(o.oid, a.attnum, 'SELECT'), true) AS column_readable
FROM pg_sequence q
JOIN pg_class c ON c.oid = q.seqrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
                      AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
LEFT JOIN pg_class o ON o.oid = d.refobjid
LEFT JOIN pg_namespace m ON m.oid = o.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum = d.refobjsubid
WHERE NOT q.seqcycle AND {PEOPLES}
ORDER BY 1
"""  # noqa: S608 - a constant
INTEGERS = ("smallint", "integer", "bigint")


def _readable(look: Look) -> Iterator[Any]:
    for found in look.rows(SEQUENCES):
        if found.readable:
            yield found
        else:
            look.cannot_see(f"the sequence {found.name.removeprefix('public.')}: {look.role} may not read it")


def _coming(look: Look, sequence: Any) -> int:
    """What it gives next. Until it is called, that is its last_value: after it was made, or RESTART WITH."""
    # pg_sequence_last_value is NULL until then, and does not tell the one from the other.
    (found,) = look.rows(f"SELECT last_value, is_called FROM {sequence.name}")  # noqa: S608 - the name is quoted
    return int(found.last_value) + (int(sequence.step) if found.is_called else 0)


@check("D14", Severity.BROKEN, "Is a sequence near its end?")
def ending(look: Look) -> Iterator[Finding]:
    """The end is its own, or that of its column's type."""
    for found in _readable(look):
        if found.step < 0:
            continue  # it counts down
        last = _coming(look, found) - found.step
        end = min(found.maximum, found.room)
        if last < NEAR * end:
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
        counts_up = found.step > 0
        farthest, farther = ("max", "greatest") if counts_up else ("min", "least")
        ids = f"SELECT {farthest}({found.column}) FROM {found.table}"  # noqa: S608 - names are quoted
        try:
            # The ids first: what is added meanwhile moves the sequence on, which is then not behind.
            (there,) = look.rows(f"SELECT ({ids}) AS farthest")
            coming = _coming(look, found)
        except DatabaseError as error:
            look.gave_up(f"the ids {name}: {reason_of(error, look.choices)}")
            continue
        if there.farthest is None or (there.farthest < coming if counts_up else there.farthest > coming):
            continue
        sequence = found.name.replace("'", "''")
        # Never back: meanwhile it may have gone on.
        value = f"{farther}(({ids}), (SELECT last_value FROM {found.name}))"  # noqa: S608 - names are quoted
        step = Step(f"SELECT setval('{sequence}', {value});")
        yield broken(
            found.name, f"it gives {coming:,} next, but {name} is at {there.farthest:,}: new rows are refused", step
        )
