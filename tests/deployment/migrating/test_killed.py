"""Whatever dies at whatever moment: a migration is done or is not, and running it again finishes.

Each statement of each migration is sent in the transaction that also records it, so there is nothing between. To kill
at every statement takes minutes: WHITECROSS_EXHAUSTIVE=1 does; otherwise it is the first, the last and some between.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError
from django.db import Error, connection
from django.db.migrations import Migration
from django.db.migrations.state import ProjectState

from core.schema.actual import read_catalog
from core.schema.verify import verify
from tests.adoption.killing import at, terminate
from tests.deployment.migrating.conftest import last_run, migrate, started, steps
from tests.migrations.steps import APPS, STEPS
from tests.waiting import until
from whitecross.deployment import watch
from whitecross.deployment.executor import DeploymentExecutor
from whitecross.deployment.record import current_run
from whitecross.deployment.trying import Governance
from whitecross.deployment.watch import AT_WORK, Watch
from whitecross.postgres.connecting import connect

pytestmark = pytest.mark.direct("ends backends by the process ids that the driver knows")


class Undone(Exception):  # noqa: N818 - nothing is wrong
    """Ends a transaction that is not to be kept."""


EXHAUSTIVE = bool(os.environ.get("WHITECROSS_EXHAUSTIVE"))
CONTROL = ("SAVEPOINT", "RELEASE", "ROLLBACK")
STATE = """
SELECT md5(string_agg(line, ';' ORDER BY line)) FROM (
    SELECT format('c %s %s %s %s', relname, relkind, relnatts, relchecks) AS line FROM pg_class
    WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT format('a %s %s %s %s', attrelid::regclass, attname, atttypid::regtype, attnotnull)
    FROM pg_attribute
    WHERE attnum > 0 AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    UNION ALL SELECT format('k %s %s', conname, pg_get_constraintdef(oid)) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT format('f %s %s', proname, md5(prosrc)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT format('t %s %s', tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT format('e %s %s', enumtypid::regtype, enumlabel) FROM pg_enum
) AS lines
"""


@pytest.fixture
def governed(empty_db: str) -> Iterator[Governance]:
    """The lock on migrations of an empty database, and the watch."""
    watch = Watch("default")
    watch.acquire(10, lambda others: None)
    yield Governance(watch, 60, lambda sentence: None)
    current_run.set(None)
    watch.release()


def state(server: psycopg.Connection[Any]) -> tuple[Any, ...]:
    """The schema and the record of migrations, in short."""
    applied: Any = None
    if server.execute("SELECT to_regclass('django_migrations')").fetchone() != (None,):
        applied = server.execute("SELECT array_agg(app || name ORDER BY id) FROM django_migrations").fetchone()
    return server.execute(STATE).fetchone(), applied


def statements(deed: Callable[[], object]) -> tuple[int, set[Any]]:
    """Run it; how many statements it sent, and the transactions in which it sent those that write."""
    sent, transactions = 0, set()

    def hear(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        nonlocal sent
        done = execute(sql, params, many, context)
        if not str(sql).startswith(CONTROL):
            sent += 1
            row = connection.connection.execute("SELECT pg_current_xact_id_if_assigned()::text").fetchone()
            transactions.add(row[0] if isinstance(row, tuple) else None)
        return done

    with connection.execute_wrapper(hear):
        deed()
    return sent, transactions - {None}


def chosen(migration: Migration, number: int) -> list[int]:
    """At which of so many statements to kill."""
    if EXHAUSTIVE:
        return list(range(1, number + 1))
    if migration.app_label not in APPS:
        return []
    return sorted({1 + (number * 5) // 8, number})


def test_a_backend_killed_at_a_statement_of_any_migration_leaves_it_undone_and_running_again_finishes(
    governed: Governance, empty_db: str
) -> None:
    executor = DeploymentExecutor(connection, None, governed)
    executor.recorder.ensure_schema()
    project = executor._create_project_state(with_applied_migrations=True)
    killed = 0
    with connect("default", application_name="killer") as server:
        for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes()):
            number, transactions = counted(executor, project, migration)
            assert len(transactions) <= 1, f"{migration} is carried out in several transactions"
            before = state(server)
            for nth in chosen(migration, number):
                with at("", lambda: terminate(server, connection), nth=nth) as moment, pytest.raises(Error):
                    executor.apply_migration(project, migration)
                connection.close()
                assert moment.came
                assert state(server) == before, (
                    f"{migration} was killed at statement {nth}, and something is left of it"
                )
                killed += 1
            project = executor.apply_migration(project, migration)
    assert killed >= 2 * len(STEPS) - 1
    assert verify("default").differences == []


def counted(executor: DeploymentExecutor, project: ProjectState, migration: Migration) -> tuple[int, set[Any]]:
    """How many statements a migration sends, and in how many transactions it writes. Nothing is left of it."""
    note = executor._note

    def note_and_undo(*args: Any, **kwargs: Any) -> None:
        note(*args, **kwargs)
        raise Undone

    executor._note = note_and_undo  # type: ignore[method-assign]

    def deed() -> None:
        with pytest.raises(Undone):
            executor.apply_migration(project, migration)

    try:
        return statements(deed)
    finally:
        executor._note = note  # type: ignore[method-assign]


def test_a_process_killed_in_the_middle_is_found_by_the_next_which_finishes(empty_db: str) -> None:
    with connect("default") as server:
        process = started(empty_db, "migrate")
        until(lambda: "health_records.0002" in process.stdout.readline() if process.stdout else False, 120)
        process.kill()
        process.communicate()
        until(lambda: server.execute("SELECT pg_try_advisory_lock(%s, 0)", [0x77636D67]).fetchone() == (True,))
        server.execute("SELECT pg_advisory_unlock_all()")
        assert last_run()["status"] == "RUNNING"
    done = len(steps())
    migrate(verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT status::text, issues::text FROM migration_runs ORDER BY id")
        first, second = cursor.fetchall()
    assert first[0] == "FAILED"
    assert "ended without a word" in first[1]
    assert second == ("SUCCEEDED", "[]")
    assert len(steps()) >= 43 - done
    assert last_run()["verification"]["ok"] is True


def test_an_index_broken_in_the_middle_is_found_and_built_again(in_use: str, other: psycopg.Connection[Any]) -> None:
    migrate("sample", "0002", verbosity=0)
    other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    other.execute("SELECT count(*) FROM allergies")
    process = started(in_use, "migrate", "sample", "0004")
    with connect("default") as server:
        building = until(
            lambda: server.execute(
                "SELECT pid FROM pg_stat_activity"
                " WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'"
                " AND datname = current_database()"
            ).fetchone(),
            120,
        )
        server.execute("SELECT pg_terminate_backend(%s)", building)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "sample.0003_index_concurrently failed" in errors
    assert last_run()["status"] == steps()[-1]["status"] == "FAILED"
    assert "Traceback" not in errors
    other.execute("COMMIT")
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'allergies_source_idx'::regclass"
    assert other.execute(valid).fetchone() == (False,)
    migrate("sample", "0004", verbosity=0)
    assert other.execute(valid).fetchone() == (True,)
    disturbed = read_catalog(connection)
    migrate("sample", "0002", verbosity=0)
    migrate("sample", "0004", verbosity=0)
    assert read_catalog(connection) == disturbed


def test_where_the_lock_on_migrations_is_lost_it_stops_before_the_next_statement(
    in_use: str, other: psycopg.Connection[Any]
) -> None:
    before = read_catalog(connection)

    def take_the_lock_away() -> None:
        other.execute(f"SELECT pg_terminate_backend(pid) FROM ({AT_WORK}) AS at_work")
        until(lambda: not [thread for thread in threading.enumerate() if thread.name == "watch over migrations"])

    with at("SELECT relname FROM pg_class", take_the_lock_away) as moment, pytest.raises(CommandError) as refusal:
        migrate("sample", "0002")
    assert moment.came
    assert "the lock that keeps other runs out is gone" in str(refusal.value)
    assert "Traceback" not in str(refusal.value)
    assert {*read_catalog(connection)["tables"]["allergies"]["columns"]} == {*before["tables"]["allergies"]["columns"]}
    migrate("sample", "0002", verbosity=0)


def test_the_lock_of_a_machine_that_is_gone_does_not_stay_for_hours(in_use: str) -> None:
    held = Watch("default")
    try:
        held.acquire(1, lambda others: None)
        asked = "SELECT count(*) FROM pg_settings WHERE name LIKE 'tcp_keepalives%' AND source = 'session'"
        assert held._lock.execute(asked).fetchone() == (3,)
    finally:
        held.release()


def test_an_interrupt_while_another_run_is_waited_for_is_a_sentence(
    in_use: str, other: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    other.execute(f"BEGIN; SELECT pg_advisory_xact_lock({watch.LOCK}, 0)")
    with pytest.raises(CommandError, match=r"^It was interrupted at the keyboard\. Nothing was changed\.$") as refusal:
        migrate()
    assert refusal.value.returncode == 130


def test_an_interrupt_is_on_record_and_the_database_stands_as_before(in_use: str) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with at("ALTER TABLE", interrupt), pytest.raises(CommandError, match=r"Nothing of it was done.*Next: ") as refusal:
        migrate("sample", "0002", verbosity=0)
    assert refusal.value.returncode == 130
    assert (last_run()["status"], last_run()["issues"]) == ("FAILED", ["It was interrupted at the keyboard."])
    assert "source" not in read_catalog(connection)["tables"]["allergies"]["columns"]
