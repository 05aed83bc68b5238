"""While it runs, the application works on: locks that are not free are tried again, work under locks is ended."""

import io
import re
import time
from importlib import import_module
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError
from django.db import connection, transaction
from django.db.migrations import RunSQL

from core.db import RunInBatches
from core.schema.actual import read_catalog
from tests.deployment.migrating.conftest import (
    OUTSIDE_TRANSACTIONS,
    application,
    beside,
    last_run,
    migrate,
    somebody_waits_in,
    started,
    steps,
)
from tests.waiting import until
from whitecross.deployment import executor, governing, trying, watch
from whitecross.postgres.connecting import connect


def pause_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test not wait as long between attempts."""
    monkeypatch.setattr(trying, "FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(trying, "LONGEST_PAUSE_S", 0.1)


def however_often_it_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it go on for longer than it would: on a busy machine, others seem to wait long for what takes moments."""
    monkeypatch.setattr(trying, "MOST_STALLS", 1000)


def pid_of(server: psycopg.Connection[Any]) -> int:
    """The process id of a session within its transaction; the driver knows a pooler's."""
    row = server.execute("SELECT pg_backend_pid()").fetchone()
    assert row
    return int(row[0])


def reads_the_table(server: psycopg.Connection[Any]) -> int:
    """A report begins, and goes on; the process id of its session."""
    server.execute("BEGIN")
    server.execute("SELECT count(*) FROM allergies")
    return pid_of(server)


def test_a_column_is_added_beside_a_long_report_and_nobody_fails(
    in_use: str, other: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pause_briefly(monkeypatch)
    however_often_it_steps_back(monkeypatch)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM allergies WHERE allergen = 'Peanut'")
    out = io.StringIO()

    def report_ends() -> None:
        until(lambda: "nightly report" in out.getvalue() and app.queries > 10, 60)
        other.execute("COMMIT")

    with application() as app, beside(report_ends):
        said = migrate("sample", "0002", out=out)
    assert app.failures == []
    added = steps()[-1]
    assert (added["name"], added["status"]) == ("0002_add_a_column", "SUCCEEDED")
    assert added["lockWaits"] >= 1
    assert added["attempts"] == added["lockWaits"] + 1
    assert re.search(r"waiting for process \d+ of \w+ \(nightly report, .*: SELECT count\(\*\) FROM allergies", said)
    assert "Peanut" not in said


def test_out_of_patience_it_stops_and_names_who_holds_the_lock_without_a_value(
    in_use: str, other: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pause_briefly(monkeypatch)
    migrate("sample", "0001", verbosity=0)
    before = read_catalog(connection)
    other.execute("BEGIN")
    holder = pid_of(other)
    other.execute("SELECT count(*) FROM allergies WHERE allergen = 'Peanut'")
    with application() as app, pytest.raises(CommandError) as refusal:
        migrate("sample", "0002", patience=0.5)
    sentence = str(refusal.value)
    assert app.failures == []
    assert f"process {holder} of " in sentence
    assert "nightly report" in sentence
    assert "since 20" in sentence
    assert "WHERE allergen = ?" in sentence
    assert "Peanut" not in sentence
    assert f"SELECT pg_terminate_backend({holder});" in sentence
    assert sentence.endswith(
        "0 of 1 migrations of this run stand. Next: python manage.py migrate sample 0002 --patience 0.5s"
    )
    assert read_catalog(connection) == before
    run = last_run()
    assert (run["status"], run["issues"]) == ("FAILED", [steps()[-1]["notes"]])
    assert steps()[-1]["status"] == "FAILED"
    other.execute("COMMIT")
    assert "OK" in migrate("sample", "0002")


def test_who_held_the_lock_is_named_also_where_the_last_attempt_was_over_before_anybody_looked(
    in_use: str, other: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pause_briefly(monkeypatch)
    monkeypatch.setattr(governing, "WAIT_MS", 300)  # that is long enough for a look
    holders, seen = watch.Watch.holders, list[Any]()

    def at_first(self: watch.Watch) -> list[Any]:
        found = [] if seen else holders(self)
        seen.extend(found)
        return found

    monkeypatch.setattr(watch.Watch, "holders", at_first)
    with pytest.raises(CommandError, match=f"Who held it: process {reads_the_table(other)} of .*nightly report"):
        migrate("sample", "0002", patience=1)


def test_where_others_may_wait_long_who_holds_the_lock_is_named_as_well(
    in_use: str, other: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pause_briefly(monkeypatch)
    migrate("sample", "0001", verbosity=0)
    with pytest.raises(CommandError, match=f"Who held it: process {reads_the_table(other)} of .*nightly report"):
        migrate("sample", "0002", patience=0.5, allow_long_locks=True)


def test_what_stops_on_the_way_back_is_not_sent_forward(
    in_use: str, other: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pause_briefly(monkeypatch)
    migrate("sample", "0002", verbosity=0)
    reads_the_table(other)
    with pytest.raises(CommandError) as refusal:
        migrate("sample", "0001", patience=0.2)
    assert str(refusal.value).endswith(
        "0 of 1 migrations of this run are reversed. Next: python manage.py migrate sample 0001 --patience 0.2s"
    )


def test_a_patience_that_is_longer_than_postgresql_counts_is_taken(in_use: str) -> None:
    assert "OK" in migrate("sample", "0002", patience=4e9)
    assert "OK" in migrate("sample", "0001", patience=4e9)


@OUTSIDE_TRANSACTIONS
def test_the_patience_is_for_waiting_and_not_for_work(
    in_use: str, other: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pause_briefly(monkeypatch)
    migrate("sample", "0003", verbosity=0)
    rule = import_module("tests.deployment.migrating.sample.migrations.0004_a_rule_to_be_proven").Migration
    work = RunInBatches("allergy", "UPDATE allergies SET source = 'work' FROM pg_sleep(3) WHERE {batch}", reverse="")
    monkeypatch.setattr(rule, "operations", [work, *rule.operations])

    def report() -> None:
        with connect("default") as onlooker:
            working = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'UPDATE allergies%' AND state = 'active'"
            until(lambda: onlooker.execute(working).fetchone())
        reads_the_table(other)
        somebody_waits_in("ALTER TABLE")
        time.sleep(0.2)
        other.execute("COMMIT")

    with beside(report):
        migrate("sample", "0004", verbosity=0, patience=2.5)  # less than the work takes
    assert steps()[-1]["lockWaits"] >= 1


@OUTSIDE_TRANSACTIONS
def test_an_index_is_built_beside_a_report_without_stepping_back_and_a_rule_proven(
    in_use: str, other: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    however_often_it_steps_back(monkeypatch)
    migrate("sample", "0002", verbosity=0)
    other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    other.execute("SELECT count(*) FROM allergies")

    def report_ends() -> None:
        # Until then the index waits for everybody who could still see the table as it was.
        somebody_waits_in("CREATE INDEX CONCURRENTLY")
        time.sleep(0.3)
        other.execute("COMMIT")

    with application() as app, beside(report_ends):
        migrate("sample", "0004", verbosity=0)
    assert app.failures == []
    assert [(step["name"], step["status"]) for step in steps()] == [
        ("0003_index_concurrently", "SUCCEEDED"),
        ("0004_a_rule_to_be_proven", "SUCCEEDED"),
    ]
    assert steps()[0]["lockWaits"] == 0  # the rule takes its lock for moments, in which somebody may work
    table = read_catalog(connection)["tables"]["allergies"]
    assert "allergies_source_idx" in table["indexes"]
    assert "NOT VALID" not in table["constraints"]["allergies_source_check"]["definition"]


@OUTSIDE_TRANSACTIONS
def test_an_index_that_others_keep_waiting_is_given_up_when_the_patience_is_over_and_built_the_next_time(
    in_use: str, other: psycopg.Connection[Any]
) -> None:
    migrate("sample", "0002", verbosity=0)
    other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    holder = pid_of(other)
    other.execute("SELECT count(*) FROM allergies")
    with pytest.raises(CommandError, match=f"0003_index_concurrently got no lock .*process {holder} "):
        migrate("sample", "0003", patience=0.5)
    other.execute("COMMIT")
    migrate("sample", "0003", verbosity=0)
    assert other.execute(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'allergies_source_idx'::regclass"
    ).fetchone() == (True,)


@OUTSIDE_TRANSACTIONS
def test_work_under_a_lock_is_ended_where_somebody_waits_and_stops_with_a_sentence(
    in_use: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause_briefly(monkeypatch)
    migrate("sample", "0004", verbosity=0)
    with application() as app, pytest.raises(CommandError) as refusal:
        migrate("sample", "0005")
    assert app.failures == []
    assert "needs its locks for longer than others may wait (150 ms): 4 attempts in a row" in str(refusal.value)
    assert "--allow-long-locks" in str(refusal.value)
    with application(), pytest.raises(CommandError, match="needs its locks for longer than others may wait"):
        migrate("sample", "0005", patience=0)
    with application() as app:
        migrate("sample", "0005", allow_long_locks=True, verbosity=0)
    assert app.failures == []
    assert app.longest > 0.2  # they did wait


@OUTSIDE_TRANSACTIONS
def test_work_under_a_lock_for_which_nobody_waits_is_done(in_use: str) -> None:
    assert "OK" in migrate("sample")


def test_the_plan_names_the_locks_that_stop_others_and_changes_nothing(in_use: str) -> None:
    before = read_catalog(connection)
    said = migrate("sample", plan=True)
    assert "sample.0002_add_a_column: ACCESS EXCLUSIVE on allergies, for moments" in said
    assert "0003_index_concurrently:" not in said
    assert "sample.0005_work_under_a_lock: ACCESS EXCLUSIVE on allergies" in said
    assert read_catalog(connection) == before
    assert not last_run()["plan"] or "sample" not in str(last_run()["plan"])


@OUTSIDE_TRANSACTIONS
def test_limits_and_isolation_that_the_role_has_do_not_end_a_migration(
    in_use: str, other: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
        other.execute(f"""ALTER DATABASE "{in_use}" SET {limit} = '1500ms'""")
    if other.info.server_version >= 170000:
        other.execute(f"""ALTER DATABASE "{in_use}" SET transaction_timeout = '2s'""")
    other.execute(f"""ALTER DATABASE "{in_use}" SET default_transaction_isolation = 'repeatable read'""")
    connection.close()
    long = import_module("tests.deployment.migrating.sample.migrations.0005_work_under_a_lock").Migration
    monkeypatch.setattr(long, "operations", [*long.operations, RunSQL("SELECT pg_sleep(2.5)", RunSQL.noop)])
    assert "OK" in migrate("sample", patience=20)


def test_of_two_at_once_one_waits_and_sees_that_nothing_is_left(in_use: str, other: psycopg.Connection[Any]) -> None:
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM allergies")  # so that the first is held up, and the second meets it
    first = started(in_use, "migrate", "sample", "0002")
    until(lambda: "sample.0002" in str(last_run()["plan"]), 120)
    second = started(in_use, "migrate", "sample", "0002")
    line = second.stdout.readline() if second.stdout else ""
    other.execute("COMMIT")
    outputs = [process.communicate(timeout=120) for process in (first, second)]
    assert [process.returncode for process in (first, second)] == [0, 0], outputs
    assert re.match(r"Waiting for another run on this database: process \d+ of ", line)
    assert "Applying sample.0002_add_a_column" in outputs[0][0]
    assert "The other run has ended." in outputs[1][0]
    assert "No migrations to apply" in outputs[1][0]


@OUTSIDE_TRANSACTIONS
def test_a_long_build_and_a_long_backfill_say_how_far_they_are(
    in_use: str, other: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "TELL_EACH_S", 0.1)
    monkeypatch.setattr(executor, "TELL_EACH_S", 0.0)
    migrate("sample", "0002", verbosity=0)
    other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    other.execute("SELECT count(*) FROM allergies")

    out = io.StringIO()

    def report_ends() -> None:
        until(lambda: "allergies_source_idx: waiting for " in out.getvalue(), 60)
        other.execute("COMMIT")

    with beside(report_ends):
        migrate("sample", "0003", out=out)
    assert re.search(r"\d of about \d+ rows", migrate("sample", "0006"))


@OUTSIDE_TRANSACTIONS
def test_a_backfill_for_which_somebody_waits_goes_on_with_smaller_batches(
    in_use: str, other: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pause_briefly(monkeypatch)
    however_often_it_steps_back(monkeypatch)
    other.execute("""INSERT INTO allergies ("studentId", allergen, severity)
                     SELECT "studentId", 'Milk ' || n, 'MILD' FROM allergies, generate_series(1, 400) n""")
    # Each row takes its time, so that a batch of all of them lets nobody at a row for long.
    other.execute("""CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                     IF OLD.source = '' AND NEW.source <> '' THEN PERFORM pg_sleep(0.002); END IF;
                     RETURN NEW; END $$""")
    other.execute("CREATE TRIGGER slowly BEFORE UPDATE ON allergies FOR EACH ROW EXECUTE FUNCTION slowly()")
    migrate("sample", "0005", verbosity=0)
    (batches,) = import_module(
        "tests.deployment.migrating.sample.migrations.0006_fill_in_by_batches"
    ).Migration.operations
    monkeypatch.setattr(batches, "size", batches.size)  # as it was, for whoever comes after this test
    with application() as app:
        migrate("sample", "0006", verbosity=0)
    assert app.failures == []
    assert other.execute("SELECT count(*) FROM allergies WHERE source <> 'unknown'").fetchone() == (0,)
    assert steps()[-1]["attempts"] > 1


def test_behind_a_pooler_what_runs_outside_of_transactions_is_refused(in_use: str) -> None:
    migrate("sample", "0002", verbosity=0)
    with transaction.atomic():
        if pid_of(connection.connection) == connection.connection.info.backend_pid:
            pytest.skip("no pooler here: make test-pgbouncer")
    with pytest.raises(CommandError, match="0003_index_concurrently runs outside of transactions, which the pooler"):
        migrate("sample", "0003", verbosity=0)
    assert last_run()["status"] == "FAILED"
