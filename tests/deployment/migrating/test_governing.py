"""What each statement of a migration may wait for, and what is said and written down when something else goes wrong."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import OperationalError, connection, transaction

from core.schema.actual import read_catalog
from tests.deployment.migrating.conftest import OUTSIDE_TRANSACTIONS, last_run, migrate, steps
from tests.migrations.steps import back
from whitecross.deployment.governing import Governor
from whitecross.deployment.management.commands import migrate as command
from whitecross.deployment.watch import Watch
from whitecross.postgres.connecting import connect


@pytest.fixture
def governor(in_use: str) -> Iterator[Governor]:
    """One with a minute of patience, for statements in the test's own transactions."""
    watch = Watch("default")
    watch.acquire(10, lambda others: None)
    yield Governor(connection, watch, 60)
    watch.release()


def shown(name: str) -> str:
    """What holds for the transaction now."""
    return str(connection.connection.execute(f"SHOW {name}").fetchone()[0])


WAITS = [
    ("SELECT count(*) FROM allergies", "1min"),
    ("UPDATE allergies SET notes = NULL", "1min"),
    ("CREATE TABLE newcomers (id int)", "1min"),
    ("ALTER TABLE allergies VALIDATE CONSTRAINT allergies_pkey", "1min"),
    ("ALTER TABLE allergies ADD COLUMN one int", "60ms"),
    ("DROP TABLE allergies", "60ms"),
    ("CREATE OR REPLACE VIEW milk AS SELECT 1 AS one", "60ms"),
    ("ALTER TABLE elsewhere.allergies ADD COLUMN one int", "60ms"),
    ("DO $$ BEGIN NULL; END $$", "60ms"),
]


@pytest.mark.parametrize(("statement", "waits"), WAITS)
def test_only_what_is_known_to_stop_nobody_may_wait_long(governor: Governor, statement: str, waits: str) -> None:
    with transaction.atomic():
        governor.begin()
        governor(lambda *args: None, statement, None, False, {})
        assert shown("lock_timeout") == waits


def test_with_a_lock_in_hand_less_and_less_is_left_and_a_client_that_stands_still_loses_it(governor: Governor) -> None:
    with transaction.atomic():
        governor.begin()
        assert shown("statement_timeout") == shown("idle_in_transaction_session_timeout") == "0"
        assert shown("client_connection_check_interval") == "100ms"
        with connection.execute_wrapper(governor), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE allergies ADD COLUMN one int")
            assert shown("idle_in_transaction_session_timeout") == "10s"
            assert shown("synchronous_commit") == "local"
            cursor.execute("SELECT count(*) FROM allergies")
            assert 1 <= int(shown("lock_timeout").removesuffix("ms")) < 60
            with pytest.raises(OperationalError), transaction.atomic():
                cursor.execute("DO $$ BEGIN RAISE 'no' USING ERRCODE = '55P03'; END $$")
            cursor.execute("SELECT count(*) FROM allergies")  # and not what held before the savepoint
            assert shown("lock_timeout").endswith("ms")
    assert shown("lock_timeout") == "0"


@OUTSIDE_TRANSACTIONS
def test_where_the_answer_to_commit_is_lost_it_is_looked_up_what_became_of_it(
    in_use: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate("sample", "0001", verbosity=0)
    commit = connection._commit  # type: ignore[attr-defined]
    lost: list[bool] = []

    def commit_unheard() -> None:
        commit()
        with connect("default") as server:
            added = server.execute(
                "SELECT FROM pg_attribute WHERE attrelid = 'allergies'::regclass AND attname = 'source'"
            ).fetchone()
            if added is not None and not lost:
                lost.append(True)
                server.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
                raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(connection, "_commit", commit_unheard)
    said = migrate("sample", "0003")
    assert lost
    assert "[1/2] Applying sample.0002_add_a_column... OK" in said
    assert [(step["name"], step["status"]) for step in steps()] == [
        ("0002_add_a_column", "SUCCEEDED"),
        ("0003_index_concurrently", "SUCCEEDED"),
    ]


def test_an_interrupt_when_the_commit_is_through_leaves_no_false_record(
    in_use: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate("sample", "0001", verbosity=0)
    commit = connection._commit  # type: ignore[attr-defined]

    def commit_and_be_interrupted() -> None:
        commit()
        with connect("default") as server:
            done = server.execute("SELECT FROM django_migrations WHERE name = '0002_add_a_column'").fetchone()
        if done is not None:
            monkeypatch.undo()
            raise KeyboardInterrupt

    monkeypatch.setattr(connection, "_commit", commit_and_be_interrupted)
    with pytest.raises(CommandError, match=r"^Every migration of this run is applied, but what follows failed"):
        migrate("sample", "0002")
    assert [(step["name"], step["status"]) for step in steps()] == [("0002_add_a_column", "SUCCEEDED")]
    assert last_run()["status"] == "FAILED"


def test_the_record_of_runs_is_made_even_where_the_rest_is_only_noted(in_use: str) -> None:
    from django.db.migrations.loader import MigrationLoader

    back(MigrationLoader(None).graph.nodes["deployment", "0001_migration_runs"])
    migrate("sample", "0001", fake=True, verbosity=0)
    assert "migration_runs" in read_catalog(connection)["tables"]
    assert [(step["name"], step["notes"]) for step in steps()] == [
        ("0001_migration_runs", ""),
        ("0001_tables_in_use", "Only noted, as --fake says."),
    ]


@pytest.mark.parametrize("plan", [False, True])
def test_a_record_that_makes_no_sense_is_a_sentence(plan: bool, in_use: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE (app, name) = ('core', '0002_performance_indexes')")
    with pytest.raises(CommandError, match=r" is applied before its dependency core\.0002_performance_indexes on "):
        migrate(plan=plan)


@OUTSIDE_TRANSACTIONS
def test_a_failure_after_the_last_migration_is_not_blamed_on_it(in_use: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(alias: str) -> Any:
        raise OperationalError("no")

    monkeypatch.setattr(command, "verify", fail)
    with pytest.raises(CommandError, match=r"^Every migration of this run is applied, but what follows failed"):
        migrate()
    assert last_run()["status"] == "FAILED"
    assert {step["status"] for step in steps()} == {"SUCCEEDED"}


@OUTSIDE_TRANSACTIONS
def test_a_refusal_of_an_operation_is_written_down_in_its_own_words(
    in_use: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.db import AddIndexConcurrently

    def refuse(*args: Any) -> None:
        raise CommandError("The index allergies_source_idx stands there already, and is another one.")

    monkeypatch.setattr(AddIndexConcurrently, "database_forwards", refuse)
    with pytest.raises(CommandError) as refusal:
        migrate("sample", "0003")
    assert "stands there already, and is another one." in str(refusal.value)
    assert "2 of 3 migrations of this run stand. Next: python manage.py migrate sample 0003" in str(refusal.value)
    assert "stands there already" in last_run()["issues"][0]
