"""rollback: what it refuses, what it says, and what is left of it wherever it stops."""

import hashlib
import io
import json
import re
import signal
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations import RunSQL, SeparateDatabaseAndState

from core.schema.actual import read_catalog
from core.schema.compare import Difference
from core.schema.verify import verify
from tests.deployment.migrating.conftest import started, steps
from tests.deployment.procedure.conftest import LAST, applied, command, execute, go, rollback, run_id, runs, value
from tests.factories import make_student, make_user
from tests.waiting import until
from whitecross.deployment import procedure
from whitecross.deployment.losing import losses
from whitecross.deployment.management.commands import rollback as rollback_command
from whitecross.deployment.procedure import StoppedError
from whitecross.deployment.record import Run
from whitecross.deployment.reference import applied_in_order
from whitecross.deployment.rolling_back import to_migration
from whitecross.deployment.watch import OthersError, Watch
from whitecross.postgres.connecting import connect

LONG_AGO = "configuration.0005"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "Name a migration (app.name) or a run (--to-run N), one of the two."),
        (["core.0001", "--to-run", "1"], "Name a migration (app.name) or a run (--to-run N), one of the two."),
        (["core"], "'core' names no migration: write app.name, as in health_records.0003. Nothing was changed."),
        (["core."], "'core.' names no migration: write app.name, as in health_records.0003. Nothing was changed."),
        (["core.0099"], "This code has no migration core.0099; python manage.py showmigrations lists them. Nothing "),
        (["nobody.0001"], "This code has no migration nobody.0001; "),
        (["core.000"], "Several migrations of core begin with '000': write more of the name. Nothing was changed."),
        (["adoption.0001"], "adoption.0001_rejects is not applied here, so there is nothing to go back to. Nothing "),
        (["--to-run", "99"], "There is no run 99 here; python manage.py migration_log --list shows them. Nothing was "),
        (["--to-run", "99999999999999999999"], "There is no run 99999999999999999999 here; "),
    ],
)
def test_what_cannot_be_gone_back_to_is_said_in_a_sentence(words: list[str], sentence: str, db: Any) -> None:
    execute("DELETE FROM django_migrations WHERE app = 'adoption'")
    with pytest.raises(CommandError) as refusal:
        rollback(*words)
    assert str(refusal.value).startswith(sentence)
    assert refusal.value.returncode == 1


def test_a_whole_name_is_itself_though_another_begins_with_it(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    migration = import_module("core.migrations.0003_notify_of_moved_schools")
    monkeypatch.setitem(import_module("sys").modules, "core.migrations.0003_notify", migration)
    names = ["core.0001_base_schema", "core.0003_notify_of_moved_schools"]
    assert [to_migration(connection, name).target for name in names] == names


@pytest.mark.parametrize(
    "operation",
    [RunSQL("SELECT 1"), SeparateDatabaseAndState(database_operations=[RunSQL("SELECT 1")])],
    ids=["plain", "beside a state"],
)
def test_what_cannot_be_reversed_is_known_beforehand(operation: Any, db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    migration = import_module("whitecross.adoption.migrations.0001_rejects").Migration
    monkeypatch.setattr(migration, "operations", [*migration.operations, operation])
    with pytest.raises(CommandError) as refusal:
        rollback("configuration.0007")
    assert str(refusal.value) == (
        "adoption.0001_rejects cannot be reversed: restore a backup from before it (python manage.py backup list). "
        "Nothing was changed."
    )


def test_losses_are_rows_of_tables_that_go_and_values_that_are_not_the_default(committed_db: str) -> None:
    student = make_student()
    for allergen in ("Peanut", "Milk", "Egg"):
        with connection.cursor() as cursor:
            cursor.execute(
                'INSERT INTO allergies ("studentId", allergen, severity) VALUES (%s, %s, %s)',
                [student.pk, allergen, "SEVERE"],
            )
    execute(
        "ALTER TABLE allergies ALTER COLUMN symptoms SET DEFAULT 'as ('' usual'",
        "UPDATE allergies SET symptoms = CASE allergen WHEN 'Peanut' THEN 'hives' WHEN 'Egg' THEN 'as ('' usual' END",
        "CREATE SEQUENCE counting",
        """ALTER TABLE allergies ALTER COLUMN "epiPenLocation" SET DEFAULT nextval('counting')::text""",
        """UPDATE allergies SET "epiPenLocation" = 'room 1' WHERE allergen = 'Milk'""",
    )
    order = applied_in_order(connection)
    everything = set(order)
    without = set(order[: order.index(("health_records", "0003_complete_health_records_schema"))])
    found = {(loss.table, loss.column): loss for loss in losses(connection, everything, without)}
    assert found["allergies", "symptoms"].number == 1
    assert str(found["allergies", "symptoms"]) == "allergies.symptoms: 1 value"
    assert found["allergies", "epiPenLocation"].number == 1
    assert value("SELECT is_called FROM counting") is False  # no number was used up by looking
    assert ("allergies", "") not in found
    assert ("vital_signs", "") not in found  # it goes, and holds nothing
    assert not {table for table, column in found} - {"allergies"}
    assert losses(connection, everything, everything) == []


def test_the_plan_says_what_is_reversed_and_lost_and_changes_nothing(committed_db: str) -> None:
    before, applied_before = read_catalog(connection), applied_in_order(connection)
    said = rollback(LONG_AGO, "--plan")
    assert "To go back to configuration.0005_record_every_change, " in said
    assert "  configuration.0006_notify_of_changes: loses nothing; processes notice changes when they next look" in said
    assert said.index("adoption.0001_rejects") < said.index("configuration.0007") < said.index("configuration.0006")
    assert "\x1b" not in said
    found = json.loads(rollback(LONG_AGO, "--plan", "--json"))
    assert found["target"] == "configuration.0005_record_every_change"
    assert found["reversed"][-3:] == [
        "adoption.0001_rejects",
        "configuration.0007_announce_security_changes",
        "configuration.0006_notify_of_changes",
    ]
    assert not [loss for loss in found["losses"] if loss["table"].startswith("migration_run")]
    assert (read_catalog(connection), applied_in_order(connection)) == (before, applied_before)
    assert len(runs()) == 1
    newest = applied_in_order(connection)[-1]
    assert "there is nothing to reverse." in rollback(".".join(newest))
    assert json.loads(rollback(".".join(newest), "--json")) == {
        "target": ".".join(newest),
        "reversed": [],
        "losses": [],
        "changesRows": [],
    }


def test_rows_that_came_since_they_were_counted_are_not_dropped(committed_db: str, without_scratch: None) -> None:
    """The question, the backup and the wait for locks take their time, and the application goes on."""
    execute("INSERT INTO django_session VALUES ('a', 'b', now())")
    way = to_migration(connection, "knox.0009")
    assert [str(loss) for loss in way.losses] == ["django_session: 1 row"]
    execute("INSERT INTO django_session VALUES ('c', 'd', now())")
    with pytest.raises(StoppedError) as refusal:
        go(way)
    assert str(refusal.value) == (
        "django_session: 2 rows would be lost, of which 1 were there when counted: the others are in no backup of this "
        "run. 0 of 1 migrations are reversed, each whole. Next: What was typed goes on; python manage.py "
        "upgrade goes forward again"
    )
    assert value("SELECT count(*) FROM django_session") == 2
    assert runs()[-1]["status"] == "FAILED"
    execute("DELETE FROM django_session WHERE session_key = 'c'")
    go(way)
    assert to_migration(connection, "knox.0009").migrations == []


def test_values_that_came_into_a_column_since_are_not_dropped_either(committed_db: str, without_scratch: None) -> None:
    student = make_student()
    way = to_migration(connection, "health_records.0002")
    column = ("allergies", "symptoms")
    assert column not in {(loss.table, loss.column) for loss in way.losses}
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO allergies ("studentId", allergen, severity, symptoms) VALUES (%s, %s, %s, %s)',
            [student.pk, "Peanut", "SEVERE", "hives"],
        )
    with pytest.raises(StoppedError, match=r"^allergies\.symptoms: 1 value would be lost, of which 0 were there"):
        go(way)
    assert value("SELECT symptoms FROM allergies") == "hives"


def test_rows_that_a_reverse_changes_are_never_called_none(committed_db: str) -> None:
    said = rollback("configuration.0002", "--plan")
    assert "No row and no value is lost." not in said
    assert "  configuration.0003_seed_settings: " in said
    assert "Rows of tables that stay are changed, as is said above, by: configuration.0003_seed_settings." in said
    assert json.loads(rollback("configuration.0002", "--plan", "--json"))["changesRows"] == [
        "configuration.0003_seed_settings"
    ]


def test_a_table_that_is_dropped_and_made_anew_on_the_way_is_counted(committed_db: str) -> None:
    from knox.models import AuthToken

    AuthToken.objects.create(make_user())
    way = to_migration(connection, "knox.0001")
    assert "knox_authtoken: 1 row" in [str(loss) for loss in way.losses]


@pytest.mark.parametrize("table", ["django_session", "django_migrations"])
def test_what_is_locked_is_not_waited_for_without_a_word(
    table: str, committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollback_command, "LOCK_WAIT_MS", 100)
    with connect("default", application_name="nightly report") as other:
        other.execute(f"BEGIN; LOCK TABLE {table}")
        with pytest.raises(CommandError) as refusal:
            rollback("knox.0009", "--plan")
        other.execute("ROLLBACK")
    assert str(refusal.value).startswith("What would be lost cannot be counted: ")
    assert "Nothing was changed. Next: python manage.py doctor --check D16" in str(refusal.value)


def test_an_interrupt_before_the_run_is_on_record_is_a_sentence(
    committed_db: str, without_scratch: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(run: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "begin", interrupt)
    with pytest.raises(
        CommandError, match=r"^It was interrupted at the keyboard\. Nothing was changed\. Next"
    ) as refusal:
        rollback("knox.0009")
    assert refusal.value.returncode == 130


def test_what_stops_it_before_it_begins_is_told_to_a_machine_as_well(db: Any) -> None:
    out = io.StringIO()
    with pytest.raises(CommandError) as refusal:
        call_command("rollback", "core.0099", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"stopped": str(refusal.value)}


def test_only_where_a_lock_is_held_is_one_sent_to_look_for_who_holds_it(
    db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute("CREATE ROLE nobody_much; SET LOCAL ROLE nobody_much")
    with pytest.raises(CommandError) as refusal:
        rollback("knox.0009", "--plan")
    execute("RESET ROLE")
    assert "doctor" not in str(refusal.value)
    assert str(refusal.value).endswith(
        "Nothing was changed. Next, when that is mended: python manage.py rollback knox.0009 --no-backup"
    )


def test_a_lock_on_migrations_that_cannot_be_had_is_a_sentence_with_what_to_type(
    committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[Exception] = [OthersError("Another run is at work."), psycopg.OperationalError("connection failed")]

    def fail(*args: Any) -> None:
        raise failures.pop(0)

    monkeypatch.setattr(Watch, "acquire", fail)
    again = "python manage.py rollback knox.0009"
    for sentence in (rf"^Another run is at work\. Next: {again}$", rf"Nothing was changed\. Next, .*: {again}$"):
        out = io.StringIO()
        with pytest.raises(CommandError, match=sentence) as refusal:
            call_command("rollback", "knox.0009", "--yes", "--json", stdout=out)
        assert json.loads(out.getvalue())["stopped"] == str(refusal.value)


@pytest.mark.direct("pg_dump and pg_restore need a session of their own, so backup refuses a pooler")
def test_a_backup_comes_first_then_the_reverses_then_the_proof(committed_db: str, tmp_path: Path) -> None:
    """The whole of it, with the scratch database."""
    execute("INSERT INTO django_session VALUES ('a', 'b', now())")
    lines = command("rollback", "knox.0009", "--yes", backup_folder=tmp_path).splitlines()
    assert "  django_session: 1 row" in lines
    order = [
        "To go back to ",
        "What is lost for good",
        "Backup: ",
        "Reversing:",
        "Verified: the schema is ",
        "Done in ",
    ]
    assert [start for line in lines for start in order if line.startswith(start)] == order
    run = runs()[-1]
    (backup,) = tmp_path.iterdir()
    assert (run["backupFile"], run["backupSha256"]) == (str(backup), hashlib.sha256(backup.read_bytes()).hexdigest())
    assert (run["command"], run["status"]) == ("rollback", "SUCCEEDED")
    assert run["verification"] == {"ok": True, "differences": []}
    assert run["plan"] == ["-sessions.0001_initial"]
    assert to_migration(connection, "knox.0009").migrations == []
    assert value("SELECT count(*) FROM pg_database WHERE datname LIKE %s", f"{committed_db}_scratch%") == 0


def test_what_was_applied_is_marked_as_rolled_back_and_its_run_when_nothing_is_left_of_it(
    behind: str, without_scratch: None
) -> None:
    command("migrate", verbosity=0)
    rollback("configuration.0007")  # just what was applied after it, in another order than the graph's
    assert [run["status"] for run in runs()] == ["SUCCEEDED"] * 4
    assert value(
        "SELECT array_agg(name || ' ' || status ORDER BY position) FROM migration_run_steps WHERE \"runId\" = %s",
        run_id(3),
    ) == [
        "0006_notify_of_changes SUCCEEDED",
        "0007_announce_security_changes SUCCEEDED",
        "0001_rejects ROLLED_BACK",
    ]
    command("migrate", verbosity=0)
    assert "there is nothing to reverse" in rollback("--to-run", run_id(3))  # reversed since, and applied again
    rollback("--to-run", run_id(2))
    assert [run["status"] for run in runs()] == [
        *("SUCCEEDED", "SUCCEEDED", "ROLLED_BACK", "SUCCEEDED", "ROLLED_BACK", "SUCCEEDED")
    ]
    with pytest.raises(CommandError) as refusal:
        rollback("--to-run", run_id(3))
    assert str(refusal.value) == (
        f"adoption.0001_rejects was applied at the end of run {run_id(3)} and has been reversed since: going forward "
        "is for python manage.py upgrade. Nothing was changed."
    )


def test_killed_in_the_middle_it_is_run_again_and_finishes(behind: str, without_scratch: None) -> None:
    command("migrate", verbosity=0)
    with connect("default", application_name="nightly report") as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM configuration_announcements")  # which configuration.0007 would drop
        process = started(
            *(behind, "rollback", "--to-run", run_id(2), "--yes", "--no-backup"),
            DJANGO_SETTINGS_MODULE="whitecross.settings",
        )
        until(lambda: "adoption.0001_rejects reversed" in process.stdout.readline() if process.stdout else False, 60)
        until(lambda: runs()[-1]["status"] == "RUNNING" and steps()[-1]["name"] == "0007_announce_security_changes")
        process.send_signal(signal.SIGKILL)
        process.communicate()
        other.execute("COMMIT")
    assert applied() == LAST - {("adoption", "0001_rejects")}
    assert "2 migrations are reversed:" in rollback("--to-run", run_id(2))
    assert applied() == set()
    killed, second = runs()[-2:]
    assert (killed["status"], second["status"]) == ("FAILED", "SUCCEEDED")
    assert "ended without a word" in killed["issues"][0]
    command("migrate", verbosity=0)
    assert verify("default").differences == []


def test_of_two_at_once_the_second_finds_nothing_left_and_one_with_another_aim_is_stopped(
    committed_db: str, without_scratch: None
) -> None:
    same, further = to_migration(connection, "knox.0009"), to_migration(connection, "knox.0008")
    rollback("knox.0009")
    said: list[str] = []
    assert go(same, said) == {}
    # Perhaps after a line that it waits: the server lets the lock go a moment after who held it has left.
    assert said[-1] == f"Another run has gone back to {same.target} meanwhile: there is nothing left to reverse."
    with pytest.raises(StoppedError, match=r"Somebody has changed the schema since it was looked at\. Nothing was "):
        go(further)
    assert to_migration(connection, "knox.0009").migrations == []


@pytest.mark.direct("pg_dump and pg_restore need a session of their own, so backup refuses a pooler")
def test_a_schema_that_is_another_after_it_is_said_with_the_backup(
    committed_db: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    odd = Difference("index missing", "districts.districts_name_idx", "one", "none", "CREATE INDEX")
    monkeypatch.setattr(procedure, "drift", lambda alias, applied: [odd])
    with pytest.raises(CommandError) as refusal:
        command("rollback", "knox.0009", "--yes", backup_folder=tmp_path)
    run = runs()[-1]
    assert str(refusal.value) == (
        "All of it is reversed, but the schema differs in 1 place from what the remaining migrations make, the first: "
        f"index missing: districts.districts_name_idx. The backup from before is {run['backupFile']}. "
        f"Next: python manage.py migration_log {run['id']}"
    )
    assert run["status"] == "FAILED"
    assert run["verification"] == {"ok": False, "differences": ["index missing: districts.districts_name_idx"]}


def test_without_a_record_no_log_of_it_is_named(committed_db: str, without_scratch: None) -> None:
    command("migrate", "deployment", "zero", verbosity=0)
    assert re.search(r"^Done in [\d.]+ m?s\.$", rollback("knox.0009").splitlines()[-1])


def test_without_a_backup_nothing_is_reversed(committed_db: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandError) as refusal:
        command("rollback", "knox.0009", "--yes", "--json", backup_folder=tmp_path / "file" / "backups")
    assert str(refusal.value).endswith(
        "Nothing was changed. Next, when that is mended: python manage.py rollback knox.0009 --backup-folder "
        f"{tmp_path / 'file' / 'backups'}"
    )
    assert len(to_migration(connection, "knox.0009").migrations) == 1
    assert runs()[-1]["status"] == "FAILED"
