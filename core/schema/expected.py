"""What models and migrations say: a snapshot of the catalog that a fresh `migrate` leaves.

A snapshot, and not the same DDL run again in a scratch schema at verification: a database has to be verifiable
read-only, on a standby, by a monitoring role, and in under a second. A test migrates an empty database and compares, so
that models, migrations and snapshot are one. `manage.py verify_schema --write-expected` writes it again.
"""

import itertools
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from core.schema.actual import read_catalog
from core.schema.catalog import Catalog
from core.schema.history import applied_migrations, system_settings

SNAPSHOT = Path(__file__).with_name("expected.json")

_numbers = itertools.count()


class BuiltInError(Exception):
    """The server has functions built in that the snapshot has to hold."""


def load_expected() -> Catalog:
    """The snapshot: a catalog, and beside it `migrations` (those it was made with) and `settings` (the seeded keys)."""
    expected: Catalog = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    return expected


def write_expected(alias: str) -> bool:
    """Write the snapshot from a fresh migrate of a scratch database. Returns whether the file has changed.

    Raises BuiltInError from PostgreSQL 18 on.
    """
    if connections[alias].pg_version >= 180000:  # type: ignore[attr-defined]
        raise BuiltInError(
            "PostgreSQL 18 has uuidv7() built in, which the snapshot has to hold for 15 to 17. "
            "Run this on one of those; without DATABASE_URL the embedded PostgreSQL 17 serves."
        )
    with scratch_database(alias) as connection:
        call_command("migrate", database=alias, verbosity=0)
        text = dump(snapshot(connection))
    if SNAPSHOT.exists() and SNAPSHOT.read_text(encoding="utf-8") == text:
        return False
    SNAPSHOT.write_text(text, encoding="utf-8")
    return True


def snapshot(connection: BaseDatabaseWrapper) -> Catalog:
    """What the snapshot would hold if this database were the fresh one."""
    catalog = read_catalog(connection)
    with connection.cursor() as cursor:
        applied, settings = applied_migrations(cursor), system_settings(cursor)
    return {
        **catalog,
        "migrations": sorted(f"{app}.{name}" for app, name in applied),
        "settings": sorted(settings),
    }


def dump(value: Any) -> str:
    """JSON with sorted keys and one object a line, so that a change of the schema reads well as a diff."""
    return "".join(_lines(value, 0)) + "\n"


def _lines(value: Any, depth: int) -> Iterator[str]:
    is_leaf = not isinstance(value, dict) or not any(isinstance(member, dict) for member in value.values())
    if is_leaf and not (depth < 3 and _is_long(value)):
        yield json.dumps(value, ensure_ascii=False, sort_keys=True)
        return
    if isinstance(value, dict):
        opening, closing = "{", "}"
        members = [(f"{json.dumps(key, ensure_ascii=False)}: ", value[key]) for key in sorted(value)]
    else:
        opening, closing = "[", "]"
        members = [("", member) for member in value]
    yield opening
    for number, (key, member) in enumerate(members):
        yield f"{',' if number else ''}\n{' ' * (depth + 1)}{key}"
        yield from _lines(member, depth + 1)
    yield f"\n{' ' * depth}{closing}"


def _is_long(value: Any) -> bool:
    return isinstance(value, dict | list) and len(json.dumps(value, ensure_ascii=False)) > 100


@contextmanager
def scratch_database(alias: str) -> Iterator[BaseDatabaseWrapper]:
    """An empty database on the same server. The connection of this alias leads there meanwhile; dropped at the end."""
    connection = connections[alias]
    connection.ensure_connection()
    original = connection.settings_dict["NAME"]
    name = f"{original}_scratch_{os.getpid()}_{next(_numbers)}"[-63:]
    quoted = connection.ops.quote_name(name)
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {quoted} TEMPLATE template0")
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield connection
    finally:
        connection.close()
        connection.settings_dict["NAME"] = original
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {quoted} WITH (FORCE)")
        connection.close()
