"""The scratch databases of the benchmarks, on the server that the settings name.

`python -m benchmarks.databases drop` removes all of them, those of a benchmark that was broken off too.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django.db import connections
from psycopg import sql

# Each name begins with the first; some benchmarks have databases of their own besides.
TARGET, PREDECESSOR, EMPTY = "whitecross_bench", "whitecross_bench_predecessor", "whitecross_bench_empty"
LEGACY, ADOPTED, RESTORED = "whitecross_bench_legacy", "whitecross_bench_adopted", "whitecross_bench_restored"
PREDECESSOR_INDEXES = Path(__file__).with_name("predecessor_indexes.sql")


def use(name: str, alias: str = "default") -> None:
    """Let a Django alias mean that database."""
    if alias in connections.databases:
        connections[alias].close()
    else:
        connections.databases[alias] = {**connections.databases["default"]}
    connections.databases[alias]["NAME"] = connections[alias].settings_dict["NAME"] = name


def run(*statements: str, database: str) -> None:
    """Execute statements, each in a transaction of its own."""
    with _on(database):
        for statement in statements:
            with connections["default"].cursor() as cursor:
                cursor.execute(statement)


def create(name: str, template: str = "template0") -> None:
    """CREATE DATABASE, replacing one of that name."""
    drop(name)
    _administer(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))


def drop(name: str) -> None:
    """DROP DATABASE, where there is one."""
    _administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def drop_all() -> None:
    """Drop every one of them that is there."""
    with _on("postgres"), connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT datname FROM pg_database WHERE datname = %s OR starts_with(datname, %s)", [TARGET, f"{TARGET}_"]
        )
        found = cursor.fetchall()
    for (name,) in found:
        drop(name)


def exists(name: str) -> bool:
    """Whether the server has the database."""
    with _on("postgres"), connections["default"].cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        return cursor.fetchone() is not None


def give_predecessors_indexes(name: str) -> None:
    """Replace the indexes of a copy of the target, but for the primary keys, by the predecessor's."""
    with _on(name), connections["default"].cursor() as cursor:
        cursor.execute(
            """
            SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)
            FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
            WHERE conname = 'students_school_district_fkey'
               OR (contype = 'u' AND relnamespace = 'public'::regnamespace AND relname !~ '^(auth|django|users_)')
            ORDER BY contype
            """
        )
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)
        cursor.execute(
            """
            SELECT format('DROP INDEX %s', indexrelid::regclass)
            FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
            WHERE relnamespace = 'public'::regnamespace AND relname !~ '^(auth|django|users_)'
              AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
            """
        )
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)
        for statement in PREDECESSOR_INDEXES.read_text().split(";\n"):
            if statement.strip():
                cursor.execute(statement)


@contextmanager
def _on(name: str) -> Iterator[None]:
    before = connections["default"].settings_dict["NAME"]
    use(name)
    try:
        yield
    finally:
        use(before)


def _administer(statement: sql.Composed) -> None:
    with _on("postgres"), connections["default"].cursor() as cursor:
        cursor.execute(statement)


if __name__ == "__main__":
    django.setup()
    if sys.argv[1:] != ["drop"]:
        sys.exit("usage: python -m benchmarks.databases drop")
    drop_all()
