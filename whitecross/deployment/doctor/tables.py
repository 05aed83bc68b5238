"""Tables: without a primary key, worn by dead rows, near the end of transaction ids, left alone by autovacuum."""

import shlex
from collections.abc import Iterator
from typing import Any

from django.db import Error as DatabaseError

from core.schema.advice import quoted
from whitecross.adoption.reporting import size
from whitecross.deployment.doctor.catalog import PEOPLES, TABLE
from whitecross.deployment.doctor.checks import check
from whitecross.deployment.doctor.finding import Finding, Severity, Step, broken, note, warning
from whitecross.deployment.doctor.look import Look
from whitecross.deployment.doctor.reasons import reason_of

DEAD_ROWS, DEAD_SHARE = 5_000, 0.3  # autovacuum comes at 0.2 unless it is told otherwise
WORN_BYTES, WORN_SHARE = 10 * 1024**2, 0.5  # smaller ones are not worth a scan
LATE = 1.2  # times autovacuum_freeze_max_age: autovacuum has had its time
PRESSING = 1_600_000_000  # of 2,147,483,648; here PostgreSQL itself drops everything else (vacuum_failsafe_age)

KEYLESS = f"""
SELECT {TABLE} AS "table", c.relname AS relation, n.nspname = current_schema() AS of_ours,
       (SELECT quote_ident(x.relname) FROM pg_index u JOIN pg_class x ON x.oid = u.indexrelid
        WHERE u.indrelid = c.oid AND u.indisunique AND u.indisvalid AND u.indimmediate AND u.indpred IS NULL
          AND u.indexprs IS NULL AND u.indnatts = u.indnkeyatts AND (to_jsonb(u) ->> 'indnullsnotdistinct') = 'false'
          AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.oid)
          AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY(u.indkey)
                          AND NOT a.attnotnull)
        ORDER BY u.indnatts, x.relname LIMIT 1) AS index,
       EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'id') AS has_id,
       CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS divided_by
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND {PEOPLES}
  AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
ORDER BY 1
"""  # noqa: S608 - a constant

DEAD = f"""
SELECT {TABLE} AS "table", s.n_dead_tup AS dead, s.n_dead_tup::float8 / (s.n_dead_tup + s.n_live_tup) AS share,
       to_char(greatest(s.last_vacuum, s.last_autovacuum), 'YYYY-MM-DD HH24:MI') AS last
FROM pg_stat_all_tables s
JOIN pg_class c ON c.oid = s.relid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {PEOPLES} AND s.n_dead_tup >= %(rows)s AND s.n_dead_tup >= %(share)s * (s.n_dead_tup + s.n_live_tup)
ORDER BY s.n_dead_tup DESC
"""  # noqa: S608 - a constant

EXTENSION = """
SELECT quote_ident(n.nspname) AS schema,
       has_schema_privilege(n.oid, 'USAGE') AND NOT EXISTS (
           SELECT FROM pg_proc p WHERE p.pronamespace = n.oid AND p.proname IN ('pgstattuple_approx', 'pgstatindex')
           AND NOT has_function_privilege(p.oid, 'EXECUTE')
       ) AS may_measure
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'pgstattuple'
"""
LARGE = f"""
SELECT x.oid, {TABLE} AS "table", quote_ident(n.nspname) || '.' || quote_ident(x.relname) AS name, m.amname AS method,
       x.relpages::bigint * current_setting('block_size')::int AS bytes
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT c.oid UNION ALL
    SELECT i.indexrelid FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid AND NOT i.indisexclusion
) part
JOIN pg_class x ON x.oid = part.oid
JOIN pg_am m ON m.oid = x.relam AND m.amname IN ('heap', 'btree')
WHERE c.relkind = 'r' AND {PEOPLES} AND x.relpages::bigint * current_setting('block_size')::int >= %(bytes)s
ORDER BY x.relpages DESC
"""  # noqa: S608 - a constant

# A table's values that do not fit in a row lie in a table of their own, which goes with it.
AGES = f"""
SELECT {TABLE} AS "table", greatest(age(c.relfrozenxid), age(t.relfrozenxid)) AS age,
       greatest(mxid_age(c.relminmxid), mxid_age(t.relminmxid)) AS mxid_age
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
UNION ALL
SELECT 'database ' || datname, age(datfrozenxid), mxid_age(datminmxid) FROM pg_database
WHERE datname <> current_database() AND datallowconn
ORDER BY 2 DESC
"""  # noqa: S608 - a constant
LIMITS = """
SELECT current_setting('autovacuum_freeze_max_age')::bigint AS age,
       current_setting('autovacuum_multixact_freeze_max_age')::bigint AS mxid_age
"""

LEFT_ALONE = f"""
SELECT {TABLE} AS "table", o.option_name AS option
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT option_name, option_value FROM pg_options_to_table(c.reloptions) UNION ALL
    SELECT 'toast.' || option_name, option_value
    FROM pg_class t, pg_options_to_table(t.reloptions) WHERE t.oid = c.reltoastrelid
) o
WHERE {PEOPLES} AND o.option_name IN ('autovacuum_enabled', 'toast.autovacuum_enabled') AND NOT o.option_value::boolean
ORDER BY 1, 2
"""  # noqa: S608 - a constant
OFF = "SELECT name FROM pg_settings WHERE name IN ('autovacuum', 'track_counts') AND setting = 'off' ORDER BY 1"


@check("D09", Severity.WARNING, "Is there a table without a primary key?")
def keyless(look: Look) -> Iterator[Finding]:
    """No row of it can be named, and a logical replica cannot follow its changes."""
    for found in look.rows(KEYLESS):
        said = "it has no primary key: no row can be named"
        if found.divided_by:
            # Neither CONCURRENTLY nor USING INDEX nor a column of its own is to be had there.
            todo = f"name the row's columns and what it is divided by ({found.divided_by}) in ADD PRIMARY KEY (...)"
            yield warning(found.table, f"{said}. To do: in a quiet hour, as it blocks the table, {todo}")
            continue
        yield warning(found.table, said, *_key(look, found))


def _key(look: Look, found: Any) -> Iterator[Step]:
    if found.index:
        yield Step(f"ALTER TABLE {found.table} ADD PRIMARY KEY USING INDEX {found.index};")
        return
    ours = look.expected.get(found.relation, {}).get("constraints", {}) if found.of_ours else {}
    for name, facts in ours.items():
        if facts["definition"].startswith("PRIMARY KEY "):
            columns = facts["definition"].removeprefix("PRIMARY KEY ")
            yield Step(f"CREATE UNIQUE INDEX CONCURRENTLY {quoted(name)} ON {found.table} {columns};")
            yield Step(
                f"ALTER TABLE {found.table} ADD CONSTRAINT {quoted(name)} PRIMARY KEY USING INDEX {quoted(name)};"
            )
            return
    column = "row_id" if found.has_id else "id"
    yield Step(
        f"ALTER TABLE {found.table} ADD COLUMN {column} bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY;",
        "this writes the table anew and blocks it meanwhile, so in a quiet hour",
    )


@check("D10", Severity.WARNING, "Is a table full of dead rows?")
def dead_rows(look: Look) -> Iterator[Finding]:
    """By PostgreSQL's own statistics, which cost nothing to read."""
    for found in look.rows(DEAD, {"rows": DEAD_ROWS, "share": DEAD_SHARE}):
        when = f"last vacuumed {found.last} UTC" if found.last else "never vacuumed"
        said = f"{found.dead:,} dead rows, {found.share:.0%} of all; {when}"
        yield warning(found.table, said, Step(f"VACUUM (ANALYZE) {found.table};"))


@check("D11", Severity.NOTE, "Does a large table or index hold mostly free space? (--deep, with pgstattuple)")
def worn(look: Look) -> Iterator[Finding]:
    """It reads what it measures from the disk, and so only on demand."""
    if not look.choices.deep:
        return
    extension = look.rows(EXTENSION)
    if not extension or not extension[0].may_measure:
        lacks = f"GRANT pg_stat_scan_tables TO {look.role}" if extension else "CREATE EXTENSION pgstattuple"
        look.cannot_see(f"how full tables and indexes are: {lacks}, by a superuser, lets it be measured")
        return
    for found in look.rows(LARGE, {"bytes": WORN_BYTES}):
        look.told(found.name.removeprefix("public."))
        try:
            yield from _worn(look, found, extension[0].schema)
        except DatabaseError as error:
            look.gave_up(f"how full {found.name.removeprefix('public.')} is: {reason_of(error, look.choices)}")


def _worn(look: Look, found: Any, schema: str) -> Iterator[Finding]:
    if found.method == "heap":
        measured = f"approx_free_percent AS free FROM {schema}.pgstattuple_approx({found.oid}::oid::regclass)"
        say = "this writes the table anew and blocks it meanwhile, so in a quiet hour (pg_repack does it beside others)"
        step = Step(f"VACUUM (FULL, ANALYZE) {found.table};", say)
    else:
        measured = f"100 - avg_leaf_density AS free FROM {schema}.pgstatindex({found.oid}::oid::regclass)"
        step = Step(f"REINDEX INDEX CONCURRENTLY {found.name};")
    (answer,) = look.rows(f"SELECT {measured}")
    if answer.free >= 100 * WORN_SHARE:
        yield note(found.name, f"{answer.free:.0f} % of its {size(found.bytes)} is free space", step)


@check("D12", Severity.BROKEN, "Is a table near the end of its transaction ids?")
def ages(look: Look) -> Iterator[Finding]:
    """At two thousand million PostgreSQL refuses every write."""
    (limits,) = look.rows(LIMITS)
    for found in look.rows(AGES):
        for noun, age, limit in (
            ("transactions", found.age, limits.age),
            ("multixacts", found.mxid_age, limits.mxid_age),
        ):
            if age is None or age < min(LATE * limit, PRESSING):
                continue
            how_badly = broken if age >= PRESSING else warning
            said = f"{age:,} {noun} old; autovacuum should have come at {limit:,}, and at 2,147,483,648 writes end"
            name = found.table.removeprefix("database ")
            if name == found.table:
                step = Step(
                    f"VACUUM (FREEZE, ANALYZE) {name};", "first mend what D16 to D21 find: they hold it up; then"
                )
            else:
                step = Step(f"vacuumdb --freeze --dbname={shlex.quote(name)}")
            yield how_badly(found.table, said, step)
            break


@check("D13", Severity.WARNING, "Is autovacuum switched off?")
def left_alone(look: Look) -> Iterator[Finding]:
    """For a table, or for all."""
    for found in look.rows(OFF):
        steps = Step(f"ALTER SYSTEM SET {found.name} = on;", "as a superuser"), Step("SELECT pg_reload_conf();")
        yield warning(found.name, "off: dead rows stay, and transaction ids come to their end", *steps)
    for found in look.rows(LEFT_ALONE):
        step = Step(f"ALTER TABLE {found.table} RESET ({found.option});")
        yield warning(found.table, f"{found.option} is off: its dead rows stay", step)
