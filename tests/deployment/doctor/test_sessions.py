"""doctor names sessions that hold others up, without what their statements say of anybody, and ends the right one."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from configuration.live import parameters
from tests.deployment.doctor.conftest import ask, named, run
from whitecross.deployment.doctor import look, sessions
from whitecross.deployment.doctor.checks import Check, all_checks
from whitecross.deployment.doctor.examining import examine
from whitecross.deployment.doctor.finding import Finding, Severity
from whitecross.deployment.doctor.look import Choices, Look

Other = psycopg.Connection[Any]
SECRET = "Zoë Doe"


@pytest.fixture
def others(one_db: None) -> Iterator[Callable[[], Other]]:
    """Other sessions of this database."""
    opened: list[Other] = []

    def another() -> Other:
        opened.append(psycopg.connect(**{**parameters(), "application_name": "report"}))
        return opened[-1]

    yield another
    for session in opened:
        session.close()


def pid_of(session: Other) -> int:
    """Its process on the server, for as long as the transaction lasts: a pooler would give it another later."""
    row = session.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])


def in_background(connection: Other, statement: str) -> threading.Thread:
    """Begin a statement that will wait, or be ended."""

    def begin() -> None:
        with suppress(psycopg.Error):
            connection.execute(statement)

    thread = threading.Thread(target=begin)
    thread.start()
    return thread


def until(holds: Callable[[], Any]) -> Any:
    """Wait until something holds that another session brings about."""
    deadline = time.monotonic() + 30
    while not (found := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def test_a_long_transaction_is_cancelled(others: Callable[[], Other]) -> None:
    other = others()
    name = f"warning D16 session {pid_of(other)}"
    thread = in_background(other, f"SELECT pg_sleep(60), '{SECRET}', 4711")
    until(lambda: named(ask("D16", minutes=0)) == [name])
    assert named(ask("D16")) == []
    ((_, finding),) = ask("D16", minutes=0).found
    assert re.search(r" is \d\S* s old: SELECT pg_sleep\(\?\), \?, \.\.\.$", finding.sentence), finding.sentence
    assert "report" in finding.sentence
    run(*(step.run for step in finding.steps))
    thread.join()
    assert other.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
    until(lambda: named(ask("D16", minutes=0)) == [])


def test_a_session_that_idles_in_a_transaction_is_ended(others: Callable[[], Other]) -> None:
    other = others()
    name = f"warning D17 session {pid_of(other)}"
    other.execute(f"SELECT '{SECRET}'")
    until(lambda: named(ask("D17", minutes=0)) == [name])
    ((_, finding),) = ask("D17", minutes=0).found
    assert "idle in transaction" in finding.sentence
    assert finding.sentence.endswith(": SELECT ?")
    assert named(ask("D16", "D17")) == []
    run(*(step.run for step in finding.steps))
    until(lambda: named(ask("D17", minutes=0)) == [])
    with pytest.raises(psycopg.OperationalError):
        other.execute("SELECT 1")


def test_the_command_does_not_end_a_later_transaction_of_the_same_session(others: Callable[[], Other]) -> None:
    other = others()
    other.execute("SELECT 1")
    until(lambda: named(ask("D17", minutes=0)))
    ((_, finding),) = ask("D17", minutes=0).found
    other.rollback()
    other.execute("SELECT 2")
    run(*(step.run for step in finding.steps))
    assert other.execute("SELECT 3").fetchone() == (3,)


def test_of_a_queue_for_a_lock_the_one_at_its_head_is_named(
    others: Callable[[], Other], monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, second, third = others(), others(), others()
    head, next_ = pid_of(holder), pid_of(second)
    holder.execute(f"LOCK TABLE students; SELECT '{SECRET}'")
    first = in_background(second, "LOCK TABLE students")
    assert named(ask("D18")) == []
    monkeypatch.setattr(sessions, "WAITING_S", 0)

    def wait(number: str) -> bool:
        found = ask("D18").found
        return len(found) == 1 and f"holds up {number} for" in found[0][1].sentence

    until(lambda: wait("1 session"))
    last = in_background(third, f"SELECT '{SECRET}' FROM students")
    until(lambda: wait("2 sessions"))
    ((_, finding),) = ask("D18").found
    assert finding.object == f"session {head}"
    assert f"session {next_}" in finding.sentence
    assert "on students" in finding.sentence
    assert SECRET not in finding.sentence
    run(*(step.run for step in finding.steps))
    first.join()
    second.rollback()
    last.join()
    until(lambda: named(ask("D18")) == [])


def test_doctor_waits_for_no_lock(others: Callable[[], Other], quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "LOCK_TIMEOUT_MS", 10)
    other = others()
    run("CREATE TABLE held (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY)")
    other.execute("LOCK TABLE held, students")
    report = ask(deep=True)
    assert any("held.id: another session holds a lock that it waits for" in said for said in report.unanswered)
    assert any("students_schoolId_fkey" in said for said in report.unanswered)
    assert report.exit_code == 2
    other.rollback()
    assert ask("D15").exit_code == 0


def test_doctor_holds_nobody_up_and_writes_nothing(one_db: None) -> None:
    with CaptureQueriesContext(connection) as queries:
        ask(deep=True)
    began = [query["sql"] for query in queries if query["sql"].startswith("BEGIN")]
    read_only = [query["sql"] for query in queries if query["sql"].endswith("READ ONLY")]
    assert len(began) == len(read_only) > 30
    assert not connection.in_atomic_block


def test_a_connection_that_is_lost_costs_one_answer(patient: None) -> None:
    def lose(look: Look) -> list[Finding]:
        look.rows("SELECT pg_terminate_backend(pg_backend_pid())")
        return []

    run("CREATE TABLE keyless (n integer)")
    (keyless,) = [one for one in all_checks() if one.id == "D09"]
    report = examine("default", Choices(), [Check("D00", "Is it there?", Severity.NOTE, lose), keyless])
    assert report.unanswered == ["D00 Is it there? the connection was lost"]
    assert named(report) == ["warning D09 keyless"]


def test_an_error_shows_no_value(patient: None) -> None:
    def stumble(look: Look) -> list[Finding]:
        look.rows(f"SELECT '{SECRET}'::integer")
        return []

    report = examine("default", Choices(), [Check("D00", "Is it there?", Severity.NOTE, stumble)])
    assert report.unanswered == ["D00 Is it there? PostgreSQL refuses it (22P02)"]
    assert report.exit_code == 2
