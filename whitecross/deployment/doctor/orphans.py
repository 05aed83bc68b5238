"""Rows whose foreign key points to nothing: behind a key that did not look at them, or did not work for a while."""

from collections.abc import Iterator
from typing import Any

from django.db import Error as DatabaseError

from whitecross.deployment.doctor.catalog import PEOPLES, TABLE
from whitecross.deployment.doctor.checks import check
from whitecross.deployment.doctor.finding import Finding, Severity, Step, broken
from whitecross.deployment.doctor.look import Look
from whitecross.deployment.doctor.reasons import reason_of

SHOWN = 10

# A key is under suspicion where it is not validated or one of its triggers does not fire.
KEYS = f"""
SELECT {TABLE} AS "table", c.relkind = 'p' AS partitioned, quote_ident(k.conname) AS name,
       quote_ident(pn.nspname) || '.' || quote_ident(p.relname) AS parent, p.relkind = 'p' AS parent_partitioned,
       strpos(pg_get_constraintdef(k.oid), 'PERIOD ') > 0 AS of_periods, NOT k.convalidated AS unproven,
       has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(p.oid, 'SELECT') AS readable,
       ARRAY(SELECT quote_ident(a.attname) FROM unnest(k.conkey) WITH ORDINALITY x(n, place)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = x.n ORDER BY x.place) AS columns,
       ARRAY(SELECT quote_ident(a.attname) FROM unnest(k.confkey) WITH ORDINALITY x(n, place)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = x.n ORDER BY x.place) AS referenced,
       ARRAY(SELECT quote_ident(a.attname) FROM pg_attribute a
             WHERE a.attrelid = k.conrelid AND a.attnum = ANY(k.conkey) AND NOT a.attnotnull) AS nullable,
       ARRAY(SELECT quote_ident(a.attname) FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY x(n, place)
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = x.n
             WHERE i.indrelid = k.conrelid AND i.indisprimary ORDER BY x.place) AS ids
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class p ON p.oid = k.confrelid
JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND {PEOPLES}
  AND (%(deep)s OR NOT k.convalidated
       OR EXISTS (SELECT FROM pg_trigger g WHERE g.tgconstraint = k.oid AND g.tgenabled NOT IN ('O', 'A')))
ORDER BY 1, k.conname
"""  # noqa: S608 - a constant


@check("D01", Severity.BROKEN, "Do rows point to rows that are not there? (--deep: behind every foreign key)")
def orphans(look: Look) -> Iterator[Finding]:
    """One query a key, each in a transaction of its own: none holds its snapshot longer than it needs."""
    for key in look.rows(KEYS, {"deep": look.choices.deep}):
        name = f"{key.table.removeprefix('public.')}.{key.name}"
        look.told(name)
        if not key.readable or key.of_periods:
            why = "it is one of periods" if key.of_periods else f"{look.role} may not read both of its tables"
            look.cannot_see(f"rows behind the foreign key {name}: {why}")
            continue
        try:
            (found,) = look.rows(_count(key))
        except DatabaseError as error:
            look.gave_up(f"rows behind the foreign key {name}: {reason_of(error, look.choices)}")
            continue
        if found.number:
            yield broken(name, _said(key, found), *_steps(key))


def _lost(key: Any) -> str:
    """FROM and WHERE of the rows that have lost what they point to."""
    child, parent = (
        name if partitioned else f"ONLY {name}"
        for name, partitioned in ((key.table, key.partitioned), (key.parent, key.parent_partitioned))
    )
    points = " AND ".join(f"c.{column} IS NOT NULL" for column in key.columns)
    same = " AND ".join(f"p.{there} = c.{column}" for column, there in zip(key.columns, key.referenced, strict=True))
    return f"{child} c WHERE {points} AND NOT EXISTS (SELECT FROM {parent} p WHERE {same})"


def _count(key: Any) -> str:
    # Of a table without a primary key: where the row lies.
    id_ = f"concat_ws(',', {', '.join(f'c.{column}' for column in key.ids)})" if key.ids else "c.ctid::text"
    return (
        f"WITH lost AS (SELECT {id_} AS id FROM {_lost(key)}) "  # noqa: S608 - names are quoted
        f"SELECT (SELECT count(*) FROM lost) AS number, ARRAY(SELECT id FROM lost ORDER BY 1 LIMIT {SHOWN}) AS ids"
    )


def _said(key: Any, found: Any) -> str:
    rows, they = ("row points", "it is") if found.number == 1 else ("rows point", "they are")
    more = f" and {found.number - SHOWN:,} more" if found.number > SHOWN else ""
    parent = key.parent.removeprefix("public.")
    return f"{found.number:,} {rows} to no row of {parent}; by id {they} {', '.join(found.ids)}{more}"


def _steps(key: Any) -> Iterator[Step]:
    shown = ", ".join(f"c.{column}" for column in dict.fromkeys([*(key.ids or ["ctid"]), *key.columns]))
    look = "to look at them"
    if not key.nullable:
        look += "; then bring back what they point to from a backup, or point them to the right row"
    yield Step(f"SELECT {shown} FROM {_lost(key)};", look)  # noqa: S608 - names are quoted
    if key.nullable:
        emptied = ", ".join(f"{column} = NULL" for column in key.nullable)
        yield Step(
            f"UPDATE {_lost(key).replace(' c WHERE ', f' c SET {emptied} WHERE ', 1)};",  # noqa: S608 - names are quoted
            "either bring back what they point to from a backup, or let them point to nothing",
        )
    if key.unproven:
        say = "then let the key look at every row"
        yield Step(f"ALTER TABLE {key.table} VALIDATE CONSTRAINT {key.name};", say)
