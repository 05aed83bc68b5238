"""Databases for tests.

Most tests take `db`: a transaction on the migrated test database, rolled back at the end. Tests that commit, migrate
or tamper take `committed_db`: a database of their own, copied from a pristine one in a few hundredths of a second.
Django's way for these, to empty all tables, cannot be: configuration_history refuses TRUNCATE.

Settings are read by a thread with a connection of its own, so a test with `db` reads those of the test database as it
was migrated: `config.override(KEY=value)` gives it others. A test that changes settings and reads them takes
`committed_db`, where they are read as in production.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import bcrypt
import psycopg
import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from django.test.utils import setup_databases, teardown_databases
from psycopg import sql

from configuration import config
from core.hashers import BareBcryptPasswordHasher
from whitecross import notifications

# Each takes a minute: begun last, one core would wait for the other.
LONGEST = ("docs/test_commands.py", "adoption/test_roads.py", "killed/test_backends.py", "docs/test_runbook.py")

_numbers = itertools.count()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest modules first; the others in the order of their names."""
    items.sort(key=lambda item: not str(item.path).endswith(LONGEST))


def _maintenance() -> psycopg.Connection[Any]:
    """A connection to the server's `postgres` database, in autocommit."""
    connection.ensure_connection()
    parameters = {**connection.get_connection_params(), "dbname": "postgres"}
    for ours in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(ours, None)
    return psycopg.connect(**parameters, autocommit=True)


def _let_go_of(name: str, server: psycopg.Connection[Any]) -> None:
    """End the connections that a pooler keeps to a database after its clients have left. Without one, nothing."""
    if connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]:
        server.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name])


def create_database(name: str, template: str = "template0") -> None:
    """CREATE DATABASE, replacing one of that name."""
    with _maintenance() as server:
        _let_go_of(template, server)
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        # Files are copied in half the time that it takes to write each page to the log.
        made = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        server.execute(made.format(sql.Identifier(name), sql.Identifier(template)))


def drop_database(name: str) -> None:
    """DROP DATABASE, with its connections."""
    with _maintenance() as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session", autouse=True)
def _hash_quickly() -> None:
    """Passwords are hashed as in production, but with the least work: what is tested of it does not depend on that."""
    Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost, Argon2PasswordHasher.parallelism = 1, 8, 1
    BareBcryptPasswordHasher.salt = lambda self: bcrypt.gensalt(4).decode()  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: Any, django_db_keepdb: bool, django_db_modify_db_settings: None
) -> Iterator[None]:
    """The test database, always: pytest-django makes one only where a test says `db`, so that a run of `committed_db`
    alone would stand on the database of the settings."""
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, keepdb=django_db_keepdb)
    yield
    config.stop()
    if not django_db_keepdb:
        with django_db_blocker.unblock():
            with _maintenance() as server:
                _let_go_of(str(connection.settings_dict["NAME"]), server)
            teardown_databases(made, verbosity=0)


@pytest.fixture(scope="session")
def pristine_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The name of a copy of the migrated test database, to which nobody connects."""
    name = f"{connection.settings_dict['NAME']}_pristine"
    with django_db_blocker.unblock():
        original = connection.settings_dict["NAME"]
        connection.close()
        create_database_from(original, name)
        yield name
        drop_database(name)


def create_database_from(original: str, copy: str) -> None:
    """Copy a database to which this process alone is connected."""
    config.stop()
    connection.settings_dict["NAME"] = "postgres"
    try:
        create_database(copy, original)
        connection.close()
    finally:
        connection.settings_dict["NAME"] = original


def _stop_reading() -> None:
    """Let nothing that a test has set off read settings any more: it would do so from the next test's database."""
    notifications.wait()
    config.stop()


def _on_database_of_its_own(template: str) -> Iterator[str]:
    _stop_reading()
    original = connection.settings_dict["NAME"]
    name = f"{original}_{next(_numbers)}"
    connection.close()
    create_database(name, template)
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield name
    finally:
        _stop_reading()
        connection.close()
        connection.settings_dict["NAME"] = original
        drop_database(name)
        connection.close()


@pytest.fixture
def committed_db(pristine_database: str, django_db_blocker: Any) -> Iterator[str]:
    """A migrated database of this test's own, in autocommit; yields its name. All threads are connected to it."""
    with django_db_blocker.unblock():
        yield from _on_database_of_its_own(pristine_database)


@pytest.fixture
def empty_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """An empty database of this test's own, in autocommit; yields its name."""
    with django_db_blocker.unblock():
        yield from _on_database_of_its_own("template0")
