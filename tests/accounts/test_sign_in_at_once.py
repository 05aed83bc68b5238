"""Many who guess at once get no more guesses than one."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection

from core.models import User
from tests.accounts.conftest import PASSWORD, another_program, change_by_sql, wait_until
from tests.factories import make_user
from whitecross.accounts import sign_in

AT_ONCE = 50  # threads, each with a connection
EMAIL = "nurse@example.org"


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were compared with a hash."""
    passwords: list[str] = []
    verify = Argon2PasswordHasher.verify

    def counting(self: Any, password: str, encoded: str) -> bool:
        passwords.append(password)
        return verify(self, password, encoded)

    monkeypatch.setattr(Argon2PasswordHasher, "verify", counting)
    return passwords


def all_at_once(passwords: list[str]) -> list[Any]:
    """Try the passwords, each in a thread with a connection of its own; what each got."""
    barrier = Barrier(len(passwords))

    def attempt(password: str) -> Any:
        try:
            barrier.wait(60)
            return authenticate(username=EMAIL, password=password)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(passwords)) as threads:
        return list(threads.map(attempt, passwords))


def test_fifty_guesses_at_once_are_five(committed_db: str, verified: list[str], told: list[Any]) -> None:
    user = make_user(email=EMAIL, password=PASSWORD)
    change_by_sql("MAX_LOGIN_ATTEMPTS", "5")
    assert all_at_once([f"guess {number}" for number in range(AT_ONCE)]) == [None] * AT_ONCE
    user.refresh_from_db()
    assert (len(verified), user.failed_login_attempts, user.is_locked) == (5, 5, True)
    assert told == [user]


def test_many_right_passwords_at_once_all_sign_in(committed_db: str, verified: list[str]) -> None:
    user = make_user(email=EMAIL, password=PASSWORD)
    User.objects.update(failed_login_attempts=4)
    assert all_at_once([PASSWORD] * 20) == [user] * 20
    user.refresh_from_db()
    assert (user.failed_login_attempts, user.lockout_until) == (0, None)


def test_the_right_password_among_many_wrong_ones_is_found_before_the_lockout_or_not_at_all(
    committed_db: str, verified: list[str], told: list[Any]
) -> None:
    make_user(email=EMAIL, password=PASSWORD)
    change_by_sql("MAX_LOGIN_ATTEMPTS", "3")
    answers = all_at_once([PASSWORD if number == 10 else "wrong" for number in range(20)])
    wrong = verified.count("wrong")
    signed_in = any(answers)
    assert signed_in == (PASSWORD in verified)
    # The right one, where it came in time, gave the guessers their three guesses again.
    assert 3 <= wrong <= (5 if signed_in else 3)
    assert User.objects.get().is_locked


@pytest.mark.direct("counts the connections of this process at the server")
def test_whoever_waits_for_a_turn_holds_no_connection(committed_db: str, verified: list[str]) -> None:
    all_connected = Barrier(6)

    def attempt(number: int) -> Any:
        try:
            with connection.cursor() as cursor:  # as the look for a session does
                cursor.execute("SET application_name = 'attempt'")
            all_connected.wait(60)
            return authenticate(username=f"nobody{number}@example.org", password="wrong")
        finally:
            connection.close()

    def are_connected() -> int:
        with another_program() as other:
            query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name = 'attempt'"
            return int((other.execute(query, [committed_db]).fetchone() or [0])[0])

    with ThreadPoolExecutor(5) as threads:
        with ExitStack() as turns:
            for _ in range(sign_in.AT_ONCE):
                turns.enter_context(sign_in._turns)
            attempts = [threads.submit(attempt, number) for number in range(5)]
            all_connected.wait(60)
            wait_until(lambda: are_connected() == 0)
            assert not any(one.done() for one in attempts)
        assert [one.result(60) for one in attempts] == [None] * 5


@pytest.mark.direct("counts the connections of this process at the server")
def test_attempts_with_one_email_leave_turns_to_others(committed_db: str, verified: list[str]) -> None:
    user = make_user(email=EMAIL, password=PASSWORD)

    def attempt(email: str, password: str) -> Any:
        try:
            return authenticate(username=email, password=password)
        finally:
            connection.close()

    lock = "SELECT pg_advisory_lock(hashtextextended(upper('guessed@example.org'), 0))"
    with ThreadPoolExecutor(5) as threads, another_program() as other:
        other.execute(lock)
        stuck = [threads.submit(attempt, "guessed@example.org", "wrong") for _ in range(4)]
        assert threads.submit(attempt, EMAIL, PASSWORD).result(60) == user
        assert not any(one.done() for one in stuck)
    assert [one.result(60) for one in stuck] == [None] * 4


def test_a_row_that_something_else_holds_refuses_and_blocks_nobody(
    committed_db: str, verified: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    user = make_user(email=EMAIL, password=PASSWORD)
    monkeypatch.setattr(sign_in, "PATIENCE", "50ms")
    with another_program() as other, other.transaction():
        other.execute("SELECT FROM users FOR UPDATE")
        assert authenticate(username=EMAIL, password=PASSWORD) is None
    assert EMAIL not in caplog.text
    assert "refused unjudged" in caplog.text
    assert verified == []
    assert authenticate(username=EMAIL, password=PASSWORD) == user


def test_a_changed_limit_holds_at_the_next_attempt(committed_db: str, verified: list[str]) -> None:
    user = make_user(email=EMAIL, password=PASSWORD)
    change_by_sql("MAX_LOGIN_ATTEMPTS", "2")
    assert authenticate(username=EMAIL, password="wrong") is None
    assert authenticate(username=EMAIL, password="wrong") is None
    user.refresh_from_db()
    assert user.is_locked
