"""migration_log: the page that the runbook asks operators to keep, filled from the record; the same for machines."""

import datetime as dt
import io
import json
import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.deployment.procedure.conftest import command
from tests.factories import NOON, make_migration_run, make_migration_run_step
from tests.waiting import until
from whitecross.deployment.models import MigrationRun
from whitecross.deployment.watch import Watch

LOOKED = [
    {"name": "version", "outcome": "ok", "sentence": "White Cross 0.1.0"},
    {"name": "replicas", "outcome": "warning", "sentence": "walreceiver lags by 40 s: let it catch up first."},
    {"name": "drift", "outcome": "ok", "sentence": "none: the schema is as its migrations made it"},
]
HELD = "waiting for process 7 of nurse: SELECT count(*) FROM a WHERE b < ? | count(*)"


@pytest.fixture
def run(db: Any) -> MigrationRun:
    """An upgrade of two migrations, of which the second failed."""
    made = make_migration_run(
        command="upgrade",
        status="FAILED",
        ended_at=NOON + dt.timedelta(minutes=3, seconds=5),
        plan=["core.0001_base_schema", "core.0002_performance_indexes"],
        preflight=LOOKED,
        backup_file="/backups/whitecross-20260302T120000Z.wcb",
        backup_sha256="a" * 64,
        issues=["core.0002_performance_indexes got no lock in 600 s."],
    )
    make_migration_run_step(run=made, ended_at=NOON + dt.timedelta(seconds=1.5), lock_waits=2, notes=HELD)
    make_migration_run_step(
        run=made,
        position=2,
        name="0002_performance_indexes",
        status="FAILED",
        notes="core.0002_performance_indexes got no lock in 600 s.",
    )
    return made


def test_the_page_has_all_that_the_runbook_asks_for(run: MigrationRun) -> None:
    lines = command("migration_log", str(run.pk), "--markdown").splitlines()
    assert lines[0] == f"# Migration run {run.pk}: upgrade"
    for line in (
        "| Date | 2026-03-02 12:00:00 UTC |",
        "| Executor | operator on db.example, as whitecross |",
        "| Environment | production |",
        "| Code | 0.1.0 |",
        "| PostgreSQL | 17.10 |",
        f"| Plan | 2 migrations, SHA-256 {'0' * 64} |",
        "- Backup: /backups/whitecross-20260302T120000Z.wcb",
        f"- SHA-256 of the backup: {'a' * 64}",
        "- Schema verified: yes: the schema is as its migrations made it",
        "- Preflight: replicas: walreceiver lags by 40 s: let it catch up first.",
        "| # | Migration | Status | Duration | Notes |",
        "| 1 | core.0001_base_schema | Succeeded | 1.50 s | Stepped back 2 times for others. waiting for process 7 of "
        "nurse: SELECT count(\\*) FROM a WHERE b \\< ? \\| count(\\*) |",
        "| 2 | core.0002_performance_indexes | Failed | 0.00 s | core.0002_performance_indexes got no lock in 600 s. |",
        "- Schema verified: not by this run",
        "- Smoke test: not by this run",
        "- core.0002_performance_indexes got no lock in 600 s.",
        "Failed after 3 min 5 s.",
    ):
        assert line in lines, line
    assert [line for line in lines if line.startswith("## ")] == [
        *("## Before", "## Migrations", "## After", "## Issues", "## Final status", "## Sign-off")
    ]
    assert [line.split(":")[0] for line in lines if "____" in line] == ["Executor", "Reviewer"]


def test_of_an_upgrade_that_succeeded_it_says_what_was_verified_and_tried(run: MigrationRun) -> None:
    MigrationRun.objects.filter(pk=run.pk).update(
        status="SUCCEEDED",
        issues=[],
        verification={"ok": True, "counts": {"tables": 30, "indexes": 200}, "differences": []},
        smoke_test=[{"name": "models", "outcome": "ok", "sentence": "fine"}],
    )
    run.steps.all().update(notes="", lock_waits=0)
    said = command("migration_log", str(run.pk))  # Markdown as well, as nobody looks at a terminal
    assert "- Schema verified: yes (30 tables, 200 indexes)\n- Smoke test: all well (models)\n" in said
    assert "## Issues\n\nNone.\n" in said
    assert "Succeeded after 3 min 5 s.\n" in said
    MigrationRun.objects.filter(pk=run.pk).update(
        verification={"ok": False, "counts": {}, "differences": ["index missing: a.b"]},
        smoke_test=[{"name": "models", "outcome": "refused", "sentence": "no"}],
    )
    said = command("migration_log", str(run.pk))
    assert "- Schema verified: no: index missing: a.b\n- Smoke test: models: no\n" in said


def test_a_machine_reads_the_same(run: MigrationRun) -> None:
    found = json.loads(command("migration_log", "--json"))
    assert (found["run"], found["status"], found["command"]) == (run.pk, "FAILED", "upgrade")
    assert [one["migration"] for one in found["migrations"]] == found["plan"]
    first, second = found["migrations"]
    assert (first["seconds"], first["lockWaits"], first["status"], first["reversal"]) == (1.5, 2, "SUCCEEDED", False)
    assert second["status"] == "FAILED"
    assert found["issues"] == run.issues
    assert found["preflight"] == LOOKED
    assert (found["backupFile"], found["backupSha256"]) == (run.backup_file, run.backup_sha256)


def test_a_run_at_work_and_reversals_are_shown_as_such(db: Any) -> None:
    made = make_migration_run(command="rollback", status="RUNNING", ended_at=None, plan=["-core.0001_base_schema"])
    make_migration_run_step(run=made, status="RUNNING", ended_at=None, is_reversal=True)
    watch = Watch("default")
    try:
        watch.acquire(1, lambda holders: None)
        said = command("migration_log")
        assert json.loads(command("migration_log", "--json"))["atWork"] is True
    finally:
        watch.release()
    assert "| 1 | core.0001_base_schema (reversed) | Running |  |  |" in said
    assert "## Final status\n\nRunning.\n" in said
    assert "- Backup: none was made by this run\n" in said
    # Nobody holds the lock on migrations: it was killed, and no other run has written that down yet.
    until(lambda: json.loads(command("migration_log", "--json"))["atWork"] is False)  # the server takes its time
    said = command("migration_log")
    assert "| 1 | core.0001_base_schema (reversed) | Ended without a word |  |  |" in said
    assert "## Final status\n\nEnded without a word.\n" in said
    assert "\tEnded without a word\t" in command("migration_log", "--list")


def test_it_reads_without_what_a_later_release_has_not_added_yet(run: MigrationRun) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute('ALTER TABLE migration_runs DROP COLUMN "smokeTest"')
        cursor.execute("ALTER TABLE migration_run_steps DROP COLUMN notes")
    said = command("migration_log", str(run.pk))
    assert "- Smoke test: not by this run\n" in said
    assert "| 2 | core.0002_performance_indexes | Failed | 0.00 s |  |" in said


def test_all_runs_are_listed_the_newest_first(run: MigrationRun) -> None:
    newest = make_migration_run(status="ROLLED_BACK")
    lines = command("migration_log", "--list").splitlines()
    assert lines[0] == "run\tstarted\tcommand\tmigrations\tstatus\texecutor\tcode"
    assert lines[1] == f"{newest.pk}\t2026-03-02 12:00 UTC\tmigrate\t0\tRolled back\toperator\t0.1.0"
    assert lines[2] == f"{run.pk}\t2026-03-02 12:00 UTC\tupgrade\t2\tFailed\toperator\t0.1.0"
    assert json.loads(command("migration_log", "--list", "--json"))[1]["status"] == "Failed"


@pytest.mark.parametrize("number", ["0", "-1", "99999999999999999999"])
def test_a_run_that_is_not_there_is_said_in_a_sentence(number: str, run: MigrationRun) -> None:
    with pytest.raises(CommandError) as refusal:
        command("migration_log", run=int(number))
    assert str(refusal.value) == (f"No run {number} is recorded here; python manage.py migration_log --list shows all.")


def test_before_the_first_migration_it_says_what_to_type(empty_db: str) -> None:
    with pytest.raises(CommandError, match=r"^No run is recorded here yet\. Next: python manage\.py upgrade$"):
        command("migration_log")


def test_nothing_that_was_recorded_can_pass_for_a_part_of_the_page(run: MigrationRun, tmp_path: Any) -> None:
    folder = "/backups\n## Final status\n\nSucceeded.\n[all well](https://example.org)"
    MigrationRun.objects.filter(pk=run.pk).update(backup_file=folder, executor="one\nanother")
    lines = command("migration_log", str(run.pk), "--markdown").splitlines()
    assert lines.count("## Final status") == 1
    assert "- Backup: /backups ## Final status Succeeded. \\[all well\\](https://example.org)" in lines
    assert command("migration_log", "--list").splitlines()[1].endswith("\tone another\t0.1.0")


@pytest.mark.parametrize("columns", [70, 200])
def test_on_a_narrow_terminal_the_list_still_says_how_each_run_ended(
    columns: int, run: MigrationRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    make_migration_run(status="SUCCEEDED", executor="a-deployer-with-a-long-name")
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    call_command("migration_log", "--list", stdout=terminal)
    said = terminal.getvalue()
    assert "Succeeded" in said
    assert "Failed" in said
    assert "…" not in said
    assert max(len(re.sub(r"\x1b\[[\d;]*m", "", line)) for line in said.splitlines()) <= columns
    assert ("a-deployer-with-a-long-name" in said) is (columns == 200)
