"""The record keeps: who, where, with what; its guards hold past the model; it is written whatever columns there are."""

import datetime as dt
import getpass
import hashlib
import socket
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from tests.deployment.procedure.conftest import execute, in_order, runs, value
from tests.factories import make_migration_run, make_migration_run_step
from whitecross.deployment.enums import MigrationRunStatus as Status
from whitecross.deployment.record import Run


@pytest.mark.parametrize("table", ["migration_runs", "migration_run_steps"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {} CASCADE", "DELETE FROM {} WHERE false"])
def test_no_row_of_it_can_be_removed(table: str, statement: str, db: Any) -> None:
    make_migration_run_step(run=make_migration_run())
    said = r"keeps what was done to the schema: (DELETE|TRUNCATE) refused"
    with pytest.raises(DatabaseError, match=said) as refusal, transaction.atomic():
        execute("SET CONSTRAINTS ALL IMMEDIATE", statement.format(table))
    assert refusal.value.__cause__.sqlstate == "23001"  # type: ignore[union-attr]
    assert value(f"SELECT count(*) FROM {table}") >= 1


@pytest.mark.parametrize(
    ("table", "change", "rule"),
    [
        ("migration_runs", "command = 'meddle'", "migration_runs_command_check"),
        ("migration_runs", '"endedAt" = NULL', "migration_runs_ended_at_check"),
        ("migration_runs", "status = 'RUNNING'", "migration_runs_ended_at_check"),
        ("migration_runs", '"endedAt" = "startedAt" - interval \'1 s\'', "migration_runs_ended_at_check"),
        ("migration_runs", "status = 'SKIPPED'", "MigrationRunStatus"),
        ("migration_run_steps", "position = 0", "migration_run_steps_counts_check"),
        ("migration_run_steps", "attempts = 0", "migration_run_steps_counts_check"),
        ("migration_run_steps", '"lockWaits" = -1', "migration_run_steps_counts_check"),
        ("migration_run_steps", '"endedAt" = NULL', "migration_run_steps_ended_at_check"),
        ("migration_run_steps", "status = 'RUNNING'", "migration_run_steps_ended_at_check"),
        ("migration_run_steps", '"runId" = 0', "foreign key"),
    ],
)
def test_the_database_refuses_what_makes_no_sense(table: str, change: str, rule: str, db: Any) -> None:
    step = make_migration_run_step(run=make_migration_run())
    row = step.pk if table == "migration_run_steps" else step.run_id
    with pytest.raises(DatabaseError, match=rule), transaction.atomic():
        execute(f"UPDATE {table} SET {change} WHERE id = {row}", "SET CONSTRAINTS ALL IMMEDIATE")


def test_a_run_has_one_step_at_a_position(db: Any) -> None:
    step = make_migration_run_step(run=make_migration_run())
    with pytest.raises(DatabaseError, match="migration_run_steps_position_key"), transaction.atomic():
        make_migration_run_step(run=step.run)


def test_the_labels_are_those_of_the_type(db: Any) -> None:
    assert value('SELECT enum_range(NULL::"MigrationRunStatus")::text') == "{RUNNING,SUCCEEDED,FAILED,ROLLED_BACK}"


def test_it_says_who_where_and_with_what_from_the_first_moment(db: Any) -> None:
    plan = [(migration, False) for migration in in_order()[-2:]]
    run = Run(connection, "upgrade", plan)
    run.begin()
    kept = runs()[-1]
    names = [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
    with (Path(settings.BASE_DIR) / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    assert (kept["id"], kept["command"], kept["status"], kept["endedAt"]) == (run.id, "upgrade", "RUNNING", None)
    assert (kept["executor"], kept["host"]) == (getpass.getuser(), socket.gethostname())
    assert kept["databaseRole"] == value("SELECT current_user")
    assert kept["postgresqlVersion"] == value("SHOW server_version").split()[0]
    assert kept["codeVersion"].split()[0] == version
    assert kept["environment"] == settings.ENVIRONMENT
    assert kept["plan"] == names
    assert kept["planHash"] == hashlib.sha256("".join(f"{name}\n" for name in names).encode()).hexdigest()


def test_the_next_run_finds_one_that_has_ended_without_a_word(db: Any) -> None:
    left = Run(connection, "migrate", [(in_order()[-1], False)])
    left.begin()
    left.step(in_order()[-1], backwards=False)
    Run(connection, "upgrade", []).begin()
    killed, second = runs()[-2:]
    assert (killed["status"], second["status"]) == ("FAILED", "RUNNING")
    assert killed["issues"] == ["It ended without a word: its process, its machine or its connection was gone."]
    assert value('SELECT status::text FROM migration_run_steps WHERE "runId" = %s', killed["id"]) == "FAILED"


def test_it_is_written_where_columns_of_a_later_release_are_not_there_yet(db: Any) -> None:
    execute(
        'ALTER TABLE migration_runs DROP COLUMN "smokeTest", DROP COLUMN issues, DROP COLUMN host',
        'ALTER TABLE migration_run_steps DROP COLUMN "lockWaits", DROP COLUMN notes',
    )
    run = Run(connection, "upgrade", [(in_order()[-1], False)])
    run.save()
    step = run.step(in_order()[-1], backwards=False)
    step.end(Status.SUCCEEDED, "noted")
    run.note(smokeTest=[])
    run.end(Status.SUCCEEDED, "an issue")
    assert (runs()[-1]["id"], runs()[-1]["status"]) == (run.id, "SUCCEEDED")
    assert value('SELECT status::text FROM migration_run_steps WHERE "runId" = %s', run.id) == "SUCCEEDED"


def test_a_clock_that_is_set_back_stops_nothing(db: Any) -> None:
    run = Run(connection, "upgrade", [(in_order()[-1], False)])
    step = run.step(in_order()[-1], backwards=False)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    run.facts["startedAt"] = step.facts["startedAt"] = later
    step.end(Status.SUCCEEDED)
    run.end(Status.SUCCEEDED)
    assert runs()[-1]["endedAt"] == runs()[-1]["startedAt"]
