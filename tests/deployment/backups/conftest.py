"""A small district that is backed up, plain and encrypted, once for all tests that only read what came of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyrage  # type: ignore[import-untyped]
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

from tests.adoption.conftest import _standing_on
from tests.conftest import _maintenance, create_database, drop_database
from whitecross.adoption.sql import quoted
from whitecross.deployment.backups import make_backup
from whitecross.deployment.backups.connecting import connected

AWKWARD = (
    'ALTER DATABASE {name} SET search_path TO "$user", public, "O\'Brien, ""s"',
    "ALTER DATABASE {name} SET work_mem TO '7MB'",
    "REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC",
    'CREATE TABLE awkward ("ROW" float8, "a b" text, days date)',
    "INSERT INTO awkward VALUES ('NaN', E'100% \\\\ \\t\\n', 'infinity'), (NULL, NULL, NULL)",
)


@dataclass(frozen=True)
class Made:
    """A database's name, a plain and an encrypted backup of it, and who can open the latter."""

    database: str
    plain: Path
    encrypted: Path
    identity: Any


@pytest.fixture(scope="package")
def identity() -> Any:
    """Who can open what is encrypted."""
    return pyrage.x25519.Identity.generate()


@pytest.fixture(scope="package")
def made(
    pristine_database: str, django_db_blocker: Any, identity: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Made]:
    """Backups of a district with every kind of record, and with what stands in no dump."""
    folder = tmp_path_factory.mktemp("backups")
    name = pristine_database.replace("pristine", "district")
    with django_db_blocker.unblock():
        create_database(name, pristine_database)
        with _standing_on(name):
            call_command("seed_demo", students=50, verbosity=0)
            with connection.cursor() as cursor:
                for statement in AWKWARD:
                    cursor.execute(statement.format(name=quoted(name)))
            plain = make_backup("default", folder)
            with override_settings(WHITECROSS_BACKUP_RECIPIENTS=[str(identity.to_public())]):
                encrypted = make_backup("default", folder)
        yield Made(name, plain.path, encrypted.path, identity)
        drop_database(name)


@pytest.fixture
def server(committed_db: str) -> Iterator[Any]:
    """A connection to the server, to none of the databases that matter."""
    with _maintenance() as server:
        yield server


def names_of(server: Any) -> set[str]:
    """The server's databases, without those that other tests make and drop beside this one."""
    own = str(connection.settings_dict["NAME"]).rpartition("_")[0]
    names = {name for (name,) in server.execute("SELECT datname FROM pg_database").fetchall()}
    return {name for name in names if name.startswith(own)}


def every_row(database: str) -> dict[str, list[str]]:
    """All tables, each as a sorted list of rows; read as text, with nothing of ours in between."""
    with connected("default", database) as there, there.cursor() as cursor:
        cursor.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        found = {}
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT t::text FROM {table} t")
            found[table] = sorted(row for (row,) in cursor.fetchall())
        return found
