"""A doctor for the database of the test."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from core.schema import verify as verify_module
from core.schema.expected import load_expected
from tests.conftest import _on_database_of_its_own
from whitecross.deployment.doctor.checks import all_checks
from whitecross.deployment.doctor.examining import Report, examine
from whitecross.deployment.doctor.look import Choices

# What an illness leaves that its commands do not: everything that is not ours, in the order in which it can go.
FOREIGN = """
SELECT 'DROP SCHEMA whitecross_legacy CASCADE' WHERE to_regnamespace('whitecross_legacy') IS NOT NULL
UNION ALL
SELECT format('DROP TABLE %I CASCADE', relname) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> ALL(%s)
UNION ALL
SELECT format('DROP SEQUENCE IF EXISTS %I', relname) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'S' AND relname <> ALL(%s)
UNION ALL
SELECT format('DROP INDEX IF EXISTS %I', relname) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'i' AND relname <> ALL(%s)
UNION ALL
SELECT 'DROP EXTENSION IF EXISTS pgstattuple, pg_stat_statements'
"""


@cache
def _files() -> MigrationLoader:
    return MigrationLoader(None)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The migration files are read once for all tests, and the models taken as sound."""
    monkeypatch.setattr(verify_module, "MigrationLoader", lambda _: _files())
    monkeypatch.setattr(verify_module, "compare_models", lambda _: [])


@pytest.fixture(scope="module")
def one_db(pristine_database: str, django_db_blocker: Any) -> Iterator[None]:
    """A migrated database for all tests of a module, in autocommit."""
    with django_db_blocker.unblock():
        yield from _on_database_of_its_own(pristine_database)  # type: ignore[misc]


@pytest.fixture
def patient(one_db: None) -> Iterator[None]:
    """A database to make ill. What is not ours is removed afterwards."""
    yield
    tables = load_expected()["tables"]
    indexes = [name for facts in tables.values() for name in facts.get("indexes", {})]
    with connection.cursor() as cursor:
        cursor.execute(FOREIGN.replace("%I", "%%I"), [list(tables), list(load_expected()["sequences"]), indexes])
        statements = [statement for (statement,) in cursor.fetchall()]
    run(*statements)


@contextmanager
def on(**entry: Any) -> Iterator[None]:
    """Let Django's `default` be another connection for a while."""
    connection.close()
    before = dict(connection.settings_dict)
    connection.settings_dict.update(entry)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


def run(*statements: str) -> None:
    """Each in autocommit, as psql would."""
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def ask(*ids: str, deep: bool = False, minutes: float = 5, seconds: int = 30) -> Report:
    """Make these checks, or all."""
    choices = Choices(deep=deep, minutes=minutes, seconds=seconds)
    return examine("default", choices, [one for one in all_checks() if not ids or one.id in ids])


def named(report: Report) -> list[str]:
    """What was found, as `severity id object`."""
    return [f"{finding.severity} {check.id} {finding.object}" for check, finding in report.found]


@pytest.fixture
def role(one_db: None) -> Iterator[str]:
    """A role of this test's own: roles are the whole server's."""
    name = f"wc_doctor_{os.getpid()}"
    run(f"CREATE ROLE {name}")
    yield name
    run(f"DROP OWNED BY {name}", f"DROP ROLE {name}")
