"""upgrade: the whole of it, each of its steps failing, two at once, and killed: how the database stands is as said."""

import io
import json
import logging
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations import RunPython, RunSQL
from django.test.utils import override_settings

from core.schema.actual import read_catalog
from core.schema.compare import Difference
from core.schema.verify import verify
from tests.adoption.killing import at, terminate
from tests.deployment.migrating.conftest import beside, last_run, started, steps
from tests.deployment.migrating.test_among_others import pause_briefly
from tests.deployment.procedure.conftest import LAST, applied, command, execute, rollback, run_id, runs, upgrade, value
from tests.waiting import until
from whitecross.deployment import preflight, procedure
from whitecross.deployment.backups import BackupError
from whitecross.deployment.preflight import Preflight
from whitecross.deployment.procedure import Procedure, StoppedError
from whitecross.postgres.connecting import connect

FIRST = ("configuration", "0006_notify_of_changes")


pytestmark = pytest.mark.direct("upgrade refuses a pooler, whatever else is wrong")


@pytest.fixture
def other(behind: str) -> Iterator[psycopg.Connection[Any]]:
    """Somebody else's connection, in autocommit."""
    with connect("default", application_name="nightly import") as server:
        yield server


@contextmanager
def stopped(returncode: int = 1) -> Iterator[list[str]]:
    """The block ends in one sentence, with this exit code, and no value of a row; it is added to the list."""
    said: list[str] = []
    with pytest.raises(CommandError) as refusal:
        yield said
    assert refusal.value.returncode == returncode
    said.append(str(refusal.value))
    assert "\n" not in said[0]
    assert "Peanut" not in said[0]
    assert "Traceback" not in said[0]
    assert re.search(r"Next(, when that is mended)?: python manage\.py \w+( \d+| --.+)?$", said[0]), said[0]


def test_it_looks_backs_up_migrates_verifies_tries_and_records(behind: str, tmp_path: Path) -> None:
    """The whole of it, with the scratch database, for a person."""
    said = command("upgrade", "--yes", backup_folder=tmp_path)
    order = ["Looking:", "To be applied:", "Backup: ", "Migrating:", "Verified: ", "Smoke test: ", "Done in "]
    assert [start for line in said.splitlines() for start in order if line.startswith(start)] == order
    assert "  ok       drift: none: the schema is as its migrations made it\n" in said
    assert re.search(r"lock: SHARE ROW EXCLUSIVE on system_configurations, for moments \(", said)
    assert "    way back: loses nothing; processes notice changes when they next look" in said
    assert "[1/3] Applying configuration.0006_notify_of_changes... OK (" in said
    assert "\x1b" not in said
    assert verify("default").differences == []
    run = last_run()
    assert (run["command"], run["status"], run["issues"]) == ("upgrade", "SUCCEEDED", [])
    assert [f"{step['app']}.{step['name']} {step['status']}" for step in steps()] == [
        f"{name} SUCCEEDED" for name in run["plan"]
    ]
    (backup,) = tmp_path.iterdir()
    assert run["backupFile"] == str(backup)
    assert run["verification"]["ok"] is True
    assert {one["outcome"] for one in run["smokeTest"]} == {"ok"}
    assert {one["name"] for one in run["preflight"]} == {
        *("version", "plan", "privileges", "other runs", "blockers", "backup", "disk space", "replicas", "drift")
    }
    assert value("SELECT count(*) FROM districts") == 0  # the smoke test's rows are gone
    assert len(runs()) == 3


def test_the_plan_changes_nothing_and_is_json_where_a_machine_reads_it(behind: str, without_scratch: None) -> None:
    before, recorded = read_catalog(connection), runs()
    found = json.loads(upgrade("--plan", "--json"))
    assert [one["migration"] for one in found["plan"]] == [
        "configuration.0006_notify_of_changes",
        "configuration.0007_announce_security_changes",
        "adoption.0001_rejects",
    ]
    first = found["plan"][0]
    assert first["locks"][0]["table"] == "system_configurations"
    assert first["reverseLoses"].startswith("loses nothing")
    assert first["reversible"] is True
    assert {one["outcome"] for one in found["preflight"]} <= {"ok", "warning"}
    assert len(found["planHash"]) == 64
    assert (read_catalog(connection), runs()) == (before, recorded)


def test_a_machine_is_told_all_as_json_also_of_an_upgrade_that_has_nothing_to_migrate(committed_db: str) -> None:
    found = json.loads(upgrade("--json"))
    assert (found["status"], found["plan"]) == ("SUCCEEDED", [])
    assert found["verification"]["ok"] is True
    assert found["run"] == last_run()["id"]


def test_a_backup_that_cannot_be_written_is_known_before(behind: str, without_scratch: None, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "backups"
    with stopped() as said:
        command("upgrade", "--yes", backup_folder=folder)
    assert said[0].startswith(
        f"disk space: No backup can be written to {folder}, as {tmp_path / 'file'} is no folder: "
    )
    assert "Nothing was changed." in said[0]
    assert (applied(), len(runs())) == (set(), 2)


def test_a_disk_that_is_too_small_is_known_before(
    behind: str, without_scratch: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    full = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    with stopped() as said:
        command("upgrade", "--yes", backup_folder=tmp_path)
    assert re.match(
        r"disk space: 1,000 bytes free for a backup of about [\d.]+ MB in .* another --backup-folder", said[0]
    )
    assert (applied(), len(runs())) == (set(), 2)


def test_a_backup_that_fails_is_on_record_and_nothing_else_is_done(
    behind: str, without_scratch: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(alias: str, folder: Path | None) -> None:
        raise BackupError("The disk of the backups is full: free some.")

    monkeypatch.setattr(procedure, "make_backup", fail)
    with stopped() as said:
        command("upgrade", "--yes", backup_folder=tmp_path)
    assert said == [
        "The disk of the backups is full: free some. Nothing was changed. Next, when that is mended: python manage.py "
        f"upgrade --backup-folder {tmp_path}"
    ]
    assert applied() == set()
    run = last_run()
    assert (run["status"], run["issues"]) == ("FAILED", ["The disk of the backups is full: free some."])
    assert (steps(), run["backupFile"]) == ([], None)


def test_out_of_patience_it_names_who_holds_the_lock(
    behind: str, other: psycopg.Connection[Any], without_scratch: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause_briefly(monkeypatch)
    other.execute("BEGIN")
    other.execute("UPDATE system_configurations SET description = 'Peanut'")
    with stopped() as said:
        upgrade(patience=1)
    assert f"process {other.info.backend_pid} of " in said[0]
    assert "0 of 3 migrations of this run stand. Next: python manage.py upgrade --no-backup --patience 1s" in said[0]
    assert applied() == set()
    run = last_run()
    assert (run["status"], run["issues"]) == ("FAILED", [steps()[-1]["notes"]])
    assert said[0].startswith(run["issues"][0][:80])
    other.execute("ROLLBACK")
    assert "Done in" in upgrade()
    assert applied() == LAST


def fail(apps: Any, editor: Any) -> None:
    raise ValueError("Peanut")


def interrupt(apps: Any, editor: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (
            RunSQL("INSERT INTO districts (name, code) SELECT 'Peanut', 'Peanut' FROM generate_series(1, 2)", ""),
            "duplicate key value violates unique constraint",
        ),
        (RunSQL("SELECT 'Peanut'::int", ""), "PostgreSQL refused it (SQLSTATE 22P02, InvalidTextRepresentation)"),
        (RunPython(fail, RunPython.noop), "ValueError; --traceback shows where."),
        (RunPython(interrupt, RunPython.noop), "It was interrupted at the keyboard."),
    ],
    ids=["a row", "a value", "Python", "Ctrl-C"],
)
def test_a_migration_that_fails_leaves_those_before_it_and_nothing_of_itself(
    operation: Any, sentence: str, behind: str, without_scratch: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration = import_module("configuration.migrations.0007_announce_security_changes").Migration
    monkeypatch.setattr(migration, "operations", [*migration.operations, operation])
    with stopped(130 if "interrupted" in sentence else 1) as said:
        upgrade()
    assert sentence in said[0]
    assert re.search(r"1 of 3 migrations (of this run stand|are applied, each whole)\.", said[0])
    assert applied() == {FIRST}
    assert "configuration_announcements" not in read_catalog(connection)["tables"]
    run, (done, failed) = last_run(), steps()
    assert (run["status"], done["status"], failed["status"]) == ("FAILED", "SUCCEEDED", "FAILED")
    assert sentence in run["issues"][0]
    assert sentence in failed["notes"]
    assert "Peanut" not in json.dumps([run, failed])


def test_a_connection_that_is_lost_is_said_and_recorded(
    behind: str, other: psycopg.Connection[Any], without_scratch: None
) -> None:
    with at("CREATE TABLE", lambda: terminate(other, connection)), stopped() as said:
        upgrade()
    assert "1 of 3 migrations of this run stand. Next: python manage.py upgrade --no-backup" in said[0]
    assert (applied(), last_run()["status"]) == ({FIRST}, "FAILED")


ODD = Difference("index missing", "districts.districts_name_idx", "one", "none", "CREATE INDEX")


def test_killed_in_the_middle_while_another_waits_for_it_that_one_finishes(
    behind: str, other: psycopg.Connection[Any], without_scratch: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    other.execute("BEGIN")
    other.execute("LOCK TABLE system_configurations IN ROW EXCLUSIVE MODE")
    killed = started(behind, "upgrade", "--yes", "--no-backup", DJANGO_SETTINGS_MODULE="whitecross.settings")
    until(lambda: last_run()["command"] == "upgrade" and steps(), 120)
    seen: list[bool] = []

    def look(alias: str, applied: Any) -> list[Difference]:
        seen.append(True)
        return [ODD] if len(seen) == 1 else []  # as it may look while another is at work

    monkeypatch.setattr(preflight, "drift", look)
    out = io.StringIO()

    def kill() -> None:
        until(lambda: "Waiting for another run on this database: process " in out.getvalue())
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        other.execute("COMMIT")

    with beside(kill):
        call_command("upgrade", yes=True, no_backup=True, stdout=out)
    assert "  warning  other runs: process " in out.getvalue()
    assert "  warning  drift: another run is changing the schema: looked at when that has ended\n" in out.getvalue()
    assert len(seen) == 2
    assert [run["status"] for run in runs()[2:]] == ["FAILED", "SUCCEEDED"]
    assert "ended without a word" in runs()[2]["issues"][0]
    assert [one["sentence"] for one in last_run()["preflight"] if one["name"] == "drift"] == [
        "none: the schema is as its migrations made it"
    ]
    assert applied() == LAST
    assert verify("default").differences == []


def carry_out(look: Preflight) -> list[str]:
    """What upgrade does once it has looked and asked; what it said."""
    said: list[str] = []
    Procedure("upgrade", "default", said.append, "What was typed").upgrade(
        look, io.StringIO(), patience_s=10, allows_long_locks=False, folder=None, backs_up=False
    )
    return said


def test_of_two_at_once_both_succeed_and_what_one_has_done_the_other_does_not_do_again(
    behind: str, without_scratch: None
) -> None:
    early, late = (Preflight("default", None, backs_up=False) for _ in range(2))
    early.look()
    late.look()
    command("migrate", "configuration", "0006", verbosity=0)
    assert carry_out(early)[0] == "Another run has migrated meanwhile: 2 of 3 migrations are left."
    assert carry_out(late)[0] == "Another run has migrated meanwhile: 0 of 3 migrations are left."
    assert [len(run["plan"]) for run in runs()[3:]] == [2, 0]
    assert {run["status"] for run in runs()} == {"SUCCEEDED"}
    assert verify("default").differences == []
    rollback("--to-run", run_id(2))
    with pytest.raises(StoppedError) as refusal:
        carry_out(late)
    assert str(refusal.value) == (
        "Somebody has changed the schema since this was planned. Nothing was changed. Next: What was typed"
    )


def test_drift_is_refused_or_allowed_and_then_found_by_the_verification(committed_db: str) -> None:
    execute("ALTER TABLE districts ADD COLUMN odd text")
    with stopped() as said:
        upgrade()
    assert re.match(r"drift: The schema differs in 1 place from what its migrations made, the first: .*odd", said[0])
    assert "Mend them, or say --allow-drift. Nothing was changed." in said[0]
    assert len(runs()) == 1
    with stopped() as said:
        upgrade("--allow-drift")
    assert said == [
        "All migrations are applied, but the schema differs in 1 place from what it should be. "
        "Next: python manage.py verify_schema"
    ]
    run = last_run()
    assert (run["status"], run["verification"]["ok"]) == ("FAILED", False)
    assert "odd" in run["verification"]["differences"][0]
    assert run["issues"] == said


def test_a_smoke_test_that_fails_is_said_and_recorded(committed_db: str) -> None:
    logging.disable()
    try:
        with override_settings(ALLOWED_HOSTS=[]), stopped() as said:
            upgrade("--json")
    finally:
        logging.disable(logging.NOTSET)
    run = last_run()
    assert said == [
        "The schema is right, but the smoke test failed (/admin/login/: answers 400; see the log). "
        "Next, when that is mended: python manage.py upgrade --no-backup"
    ]
    assert run["status"] == "FAILED"
    assert run["verification"]["ok"] is True
    assert {one["name"]: one["outcome"] for one in run["smokeTest"]}["models"] == "ok"


def failing(get_response: Any) -> Any:
    """A middleware in which the page to sign in fails."""

    def answer(request: Any) -> Any:
        if request.path == "/admin/login/":
            raise ValueError("Peanut")
        return get_response(request)

    return answer


def test_a_page_that_fails_is_said_with_its_place_and_without_what_the_error_quotes(
    committed_db: str, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.failing"]
    with stopped() as said:
        upgrade()
    place = r"ValueError in deployment/procedure/test_upgrading\.py, line \d+"
    assert re.search(
        rf"the smoke test failed \(/admin/login/: answers 500: {place}\)\. "
        r"Next, when that is mended: python manage\.py upgrade --no-backup$",
        said[0],
    )
    assert "Peanut" not in caplog.text
    assert last_run()["issues"] == said


def test_what_stops_it_is_told_to_a_machine_as_well(committed_db: str) -> None:
    execute("ALTER TABLE districts ADD COLUMN odd text")
    out = io.StringIO()
    with stopped() as said:
        call_command("upgrade", yes=True, no_backup=True, json=True, stdout=out)
    assert json.loads(out.getvalue())["stopped"] == said[0]
