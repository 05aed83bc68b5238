"""doctor finds a change of the schema that ended without a word."""

import datetime as dt
from typing import Any

import psycopg
import pytest

from configuration.live import parameters
from tests.deployment.doctor.conftest import ask, named, run
from tests.factories import make_migration_run
from whitecross.deployment.models import MigrationRun
from whitecross.deployment.watch import LOCK

BEGUN = dt.datetime(2026, 11, 25, 22, tzinfo=dt.UTC)


def make_run(**facts: Any) -> MigrationRun:
    """A run of which nobody knows the end."""
    return make_migration_run(**{"status": "RUNNING", "started_at": BEGUN, "ended_at": None, "host": "app1", **facts})


@pytest.fixture
def behind(committed_db: str, quick: None) -> None:
    """A database in which a migration is not applied."""
    run("DELETE FROM django_migrations WHERE app = 'core' AND name LIKE '0001%'")


@pytest.mark.parametrize("command", ["migrate", "upgrade", "rollback"])
def test_a_run_that_ended_without_a_word(command: str, behind: None) -> None:
    made = make_run(command=command)
    ((_, finding),) = ask("D27").found
    assert finding.object == f"{command} run {made.pk}"
    assert finding.severity == "warning"
    assert finding.sentence == "begun at 2026-11-25 22:00 UTC on app1, it ended without a word"
    again = "showmigrations --plan" if command == "rollback" else command
    assert [step.run for step in finding.steps] == [f"python manage.py {again}"]


def test_a_run_that_is_at_work_is_none(behind: None) -> None:
    make_run()
    with psycopg.connect(**parameters()) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s, 0)", [LOCK])
        assert named(ask("D27")) == []
    assert len(named(ask("D27"))) == 1


def test_a_run_that_failed_and_one_that_has_succeeded_since(behind: None) -> None:
    made = make_run(status="FAILED", ended_at=BEGUN)
    assert named(ask("D27")) == [f"warning D27 migrate run {made.pk}"]
    make_run(status="SUCCEEDED", ended_at=BEGUN)
    assert named(ask("D27")) == []


def test_where_nothing_is_left_to_do_it_is_worth_knowing(committed_db: str, quick: None) -> None:
    made = make_run()
    assert named(ask("D27")) == [f"note D27 migrate run {made.pk}"]
