"""A database of the project's predecessor with the rows of seed_demo, for measuring what takes it over.

usage: python -m benchmarks.predecessor [students]

The rows come from the database of benchmarks.seed, which is seeded where it does not hold that many students.
"""

import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django
import psycopg
from django.db import connection
from psycopg import sql

from benchmarks import databases, measure
from benchmarks.databases import LEGACY
from benchmarks.seed import TODAY
from tests.adoption import predecessor
from tests.adoption.own_settings import SETTINGS

STATE = 7
SETTING_TABLES = ("system_configurations", "configuration_history")
# What the predecessor has otherwise: expressions of the columns here.
INSTEAD = {("allergies", "active"): '"isActive"', ("users", "password"): f"'{predecessor.BCRYPT}'"}


def main(students: int) -> None:
    """Seed, copy, add the keys; say how long each took and what there is."""
    took = {"seed": measure.seconds(lambda: seed(students))}
    databases.create(LEGACY)
    with connected(LEGACY) as legacy:
        predecessor.create(legacy.cursor(), STATE, keys=False)
        with connected(databases.TARGET) as target:
            took["copy"] = measure.seconds(lambda: copy_rows(target, legacy))
        add_settings(legacy.cursor())
        # Nothing else runs here meanwhile.
        legacy.execute("SET maintenance_work_mem = '512MB'")
        took["keys and indexes"] = measure.seconds(lambda: predecessor.add_keys(legacy.cursor(), STATE))
        took["vacuum, analyze"] = measure.seconds(lambda: legacy.execute("VACUUM (ANALYZE)"))
        rows = counts(legacy)
        size = legacy.execute("SELECT pg_database_size(current_database()) >> 20").fetchone()
    measure.show(f"{LEGACY}, seconds", ("", "seconds"), [(what, f"{seconds:.1f}") for what, seconds in took.items()])
    total = [("all", f"{sum(rows.values()):,}"), ("MiB", f"{size[0] if size else 0:,}")]
    measure.show(LEGACY, ("table", "rows"), [*((table, f"{number:,}") for table, number in rows.items()), *total])


def seed(students: int) -> None:
    """See to it that the target database holds that many students."""
    if databases.exists(databases.TARGET):
        with connected(databases.TARGET) as target:
            there = target.execute("SELECT to_regclass('students') IS NOT NULL").fetchone()
            if there == (True,) and target.execute("SELECT count(*) FROM students").fetchone() == (students,):
                return
    databases.create(databases.TARGET)
    measure.manage("migrate", "--verbosity=0", database=databases.TARGET)
    measure.manage("seed_demo", f"--students={students}", f"--today={TODAY}", database=databases.TARGET)


@contextmanager
def connected(name: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection of psycopg's own to a database, in UTC."""
    databases.use(name)
    parameters = connection.get_connection_params()
    for ours in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(ours, None)
    with psycopg.connect(**parameters, autocommit=True) as made:
        made.execute("SET TimeZone = 'UTC'")
        yield made


def copy_rows(target: psycopg.Connection[Any], legacy: psycopg.Connection[Any]) -> None:
    """Copy the tables but for the settings', column by column as far as both sides have it."""
    known = predecessor.facts(STATE)
    for table in predecessor.in_order(known):
        if table in SETTING_TABLES:
            continue
        here = {
            name
            for (name,) in target.execute(
                f"SELECT attname::text FROM pg_attribute WHERE attrelid = '{table}'::regclass"
            )
        }
        columns = [name for name in known["tables"][table]["columns"] if name in here or (table, name) in INSTEAD]
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        values = ", ".join(INSTEAD.get((table, name), f'"{name}"') for name in columns)
        with (
            target.cursor().copy(f"COPY (SELECT {values} FROM {table}) TO STDOUT") as out,
            legacy.cursor().copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)) as into,
        ):
            for block in out:
                into.write(block)


def add_settings(cursor: psycopg.Cursor[Any]) -> None:
    """The twelve settings, and how each came to be what it is."""
    cursor.execute("SELECT id FROM users ORDER BY id LIMIT 1")
    (author,) = cursor.fetchone() or (None,)
    settings: list[predecessor.Row] = []
    history: list[predecessor.Row] = []
    for setting in SETTINGS:
        own = {"id": str(uuid.uuid5(uuid.NAMESPACE_OID, setting.key)), "key": setting.key, "value": setting.value}
        settings.append({**own, "category": setting.category, "validationRules": setting.rules})
        for before, after, day in ((None, setting.earlier, 1), (setting.earlier, setting.value, 2)):
            change = {"id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{setting.key} {day}")), "configurationId": own["id"]}
            values = {"configKey": setting.key, "oldValue": before, "newValue": after, "changedBy": str(author)}
            history.append({**change, **values, "createdAt": f"2025-02-0{day} 08:00:00+00"})
    predecessor.insert(cursor, "system_configurations", settings)
    predecessor.insert(cursor, "configuration_history", history)


def counts(legacy: psycopg.Connection[Any]) -> dict[str, int]:
    """Rows by table."""
    tables = predecessor.in_order(predecessor.facts(STATE))
    return {table: legacy.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}  # type: ignore[index]


if __name__ == "__main__":
    django.setup()
    started = time.perf_counter()
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
    measure.console.print(f"{time.perf_counter() - started:.1f} s in all.")
