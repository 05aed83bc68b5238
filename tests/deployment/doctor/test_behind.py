"""doctor while migrations are not applied: before an upgrade, in one, and after one that has stopped halfway."""

import threading

import psycopg
import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from configuration.live import parameters
from tests.deployment.doctor.conftest import ask, named, run
from tests.migrations.steps import back, migrations
from tests.waiting import until
from whitecross.deployment.doctor import sessions
from whitecross.deployment.watch import Watch


def test_what_a_migration_will_make_is_not_to_be_made_by_hand(committed_db: str, quick: None) -> None:
    """CREATE TYPE and CREATE INDEX were printed for each thing, and would have been in the migration's way."""
    loader = MigrationLoader(connection)
    back(*(one for one in reversed(migrations(loader)) if one.app_label == "health_records" and one.name > "0003"))
    run("ALTER TABLE students DISABLE TRIGGER students_refuse_delete")
    report = ask("D03", "D04", "D05")
    assert named(report) == ["broken D03 students.students_refuse_delete", f"broken D04 {report.database}"]
    _, (_, finding) = report.found
    assert finding.sentence == (
        "2 migrations, from health_records.0003_complete_health_records_schema on, are not applied; what else differs "
        "may be what they make, and is told once they are applied"
    )
    assert [step.run for step in finding.steps] == ["python manage.py upgrade"]


def test_what_no_migration_mends_is_told_beside(committed_db: str, quick: None) -> None:
    run("UPDATE django_migrations SET name = '0009_of_tomorrow' WHERE app = 'knox' AND name LIKE '0009%'")
    report = ask("D04")
    assert named(report) == [f"broken D04 {report.database}", "warning D04 knox.0009_of_tomorrow"]
    assert report.found[0][1].sentence == "knox.0009_extend_authtoken_field is not applied"


@pytest.mark.direct("knows sessions by the process ids that the driver tells")
def test_the_session_that_keeps_other_runs_away_has_forgotten_nothing(one_db: None) -> None:
    """It idles within a transaction as long as its run lasts, and the command that was given ended that run."""
    watch = Watch("default")
    try:
        watch.acquire(5, lambda others: None)
        assert ask("D16", "D17", minutes=0).found == []
    finally:
        watch.release()


def test_who_waits_for_a_lock_is_told_from_who_holds_it(one_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "WAITING_S", 0)
    with psycopg.connect(**parameters()) as holder, psycopg.connect(**parameters()) as waiting:
        holder.execute("LOCK TABLE students")
        thread = threading.Thread(target=waiting.execute, args=["SELECT FROM students"])
        thread.start()
        until(lambda: named(ask("D18", minutes=0)))
        ((_, finding),) = ask("D16", minutes=0).found
        assert " s old, and waits for a lock (for whom, D18 says): SELECT FROM students" in finding.sentence
        holder.rollback()
        thread.join()
