"""Runs the commands here, and goes back and forward without what a test is not about."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.recorder import MigrationRecorder

from tests.conftest import _on_database_of_its_own, create_database_from, drop_database
from tests.migrations import steps
from tests.migrations.steps import catalog
from whitecross.deployment import preflight, procedure
from whitecross.deployment.executor import DeploymentExecutor
from whitecross.deployment.procedure import Procedure
from whitecross.deployment.reference import applied_in_order
from whitecross.deployment.rolling_back import WayBack

LAST = {
    ("configuration", "0006_notify_of_changes"),
    ("configuration", "0007_announce_security_changes"),
    ("adoption", "0001_rejects"),
}

copy_of = contextmanager(_on_database_of_its_own)  # a database of the block's own, copied from a template


def command(name: str, *arguments: str, **options: Any) -> str:
    """Run it here, without questions; what it printed."""
    out = io.StringIO()
    call_command(name, *arguments, stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def upgrade(*arguments: str, **options: Any) -> str:
    """upgrade --yes --no-backup; what it printed."""
    return command("upgrade", "--yes", "--no-backup", *arguments, **options)


def rollback(*arguments: str, **options: Any) -> str:
    """rollback --yes --no-backup; what it printed."""
    return command("rollback", "--yes", "--no-backup", *arguments, **options)


def go(way: WayBack, said: list[str] | None = None) -> dict[str, Any]:
    """Go this way back, as the command would."""
    carried_out = Procedure("rollback", "default", (said if said is not None else []).append, "What was typed")
    return carried_out.roll_back(way, patience_s=10, allows_long_locks=False, folder=None, backs_up=False)


def in_order() -> list[Migration]:
    """All migrations, in the order in which an empty database gets them."""
    executor = DeploymentExecutor(connection)
    return [migration for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes(), clean_start=True)]


def value(query: str, *parameters: Any) -> Any:
    """The first value of the first row."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchone()[0]


def execute(*statements: str) -> None:
    """Carry them out."""
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def runs() -> list[dict[str, Any]]:
    """What is on record of all runs, the first one first."""
    found: list[dict[str, Any]] = json.loads(
        value("SELECT coalesce(jsonb_agg(to_jsonb(r) ORDER BY id), '[]')::text FROM migration_runs r")
    )
    return found


def run_id(number: int) -> str:
    """The id of the nth run, which need not be its number: other tests have used some up."""
    return str(runs()[number - 1]["id"])


@pytest.fixture(autouse=True)
def without_collected_static_files(settings: Any) -> None:
    """Tests run with DEBUG off and without collectstatic, which WhiteNoise warns about."""
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture
def without_scratch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is compared with a scratch database, which takes seconds."""
    for module in (preflight, procedure):
        monkeypatch.setattr(module, "drift", lambda alias, applied: [])


@pytest.fixture(scope="package")
def behind_template(pristine_database: str, django_db_blocker: Any) -> Iterator[str]:
    """The name of a database to which the last three of our migrations are still to be applied."""
    name = f"{pristine_database}_behind"
    with django_db_blocker.unblock():
        with copy_of(pristine_database) as copy, pytest.MonkeyPatch.context() as patched:
            patched.setattr(procedure, "drift", lambda alias, applied: [])
            last = [migration for migration in reversed(in_order()) if (migration.app_label, migration.name) in LAST]
            way = WayBack("before the last three", last, set(applied_in_order(connection)) - LAST, [])
            go(way)
            connection.close()
            create_database_from(copy, name)
        yield name
        drop_database(name)


@pytest.fixture
def behind(behind_template: str, django_db_blocker: Any) -> Iterator[str]:
    """A copy of it, in autocommit; yields its name."""
    with django_db_blocker.unblock(), copy_of(behind_template) as name:
        yield name


def applied() -> set[tuple[str, str]]:
    """Which of the last three are applied."""
    return LAST & set(MigrationRecorder(connection).applied_migrations())


def fill() -> None:
    """A row in each table that is there, and values where a column needs none."""
    there = [table for table in steps.TABLES if table in catalog()["tables"]]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(steps, "TABLES", there)
        steps.fill_in()
    if "allergies" in there:
        execute("""UPDATE allergies SET reaction = 'kept', notes = 'kept', "createdBy" = id""")
    if "chronic_conditions" in there:
        execute("UPDATE chronic_conditions SET notes = 'kept'")
    if {"system_configurations", "configuration_history"} <= {*there} and value(
        "SELECT count(*) FROM system_configurations WHERE key = 'SYSTEM_NAME'"
    ):
        execute("UPDATE system_configurations SET value = 'Ours' WHERE key = 'SYSTEM_NAME'")
