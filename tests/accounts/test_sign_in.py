"""Wrong passwords lock an account, and tell nothing of it."""

import datetime as dt
from typing import Any

import bcrypt
import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import aauthenticate, authenticate
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import transaction
from django.test import Client
from django.utils import timezone

from configuration import config
from core.hashers import BareBcryptPasswordHasher
from core.models import User
from tests.accounts.conftest import PASSWORD, Clock
from tests.factories import make_user

EMAIL = "nurse@example.org"
LEGACY = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


def guess(times: int, email: str = EMAIL) -> None:
    for _ in range(times):
        assert authenticate(username=email, password="wrong") is None


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the hashers that were at work, whether to verify a password or in vain."""
    names: list[str] = []

    def count(hasher: Any, method: str) -> None:
        original = getattr(hasher, method)

        def counting(self: Any, *args: Any) -> Any:
            names.append(hasher.__name__)
            return original(self, *args)

        monkeypatch.setattr(hasher, method, counting)

    for hasher in (Argon2PasswordHasher, BareBcryptPasswordHasher):
        count(hasher, "encode")
        count(hasher, "verify")
    return names


def test_too_many_wrong_passwords_lock_an_account_also_for_the_right_one(user: Any, clock: Clock) -> None:
    with config.override(MAX_LOGIN_ATTEMPTS=3, LOCKOUT_DURATION_MINUTES=10):
        guess(2)
        user.refresh_from_db()
        assert (user.failed_login_attempts, user.lockout_until) == (2, None)
        guess(1)
        user.refresh_from_db()
        assert user.failed_login_attempts == 3
        assert (user.lockout_until - clock.now).total_seconds() == 10 * 60
        assert authenticate(username=EMAIL, password=PASSWORD) is None
        guess(5)
        user.refresh_from_db()
        assert user.failed_login_attempts == 3
        assert (user.lockout_until - clock.now).total_seconds() == 10 * 60


def test_after_the_lockout_counting_begins_anew(user: Any, clock: Clock) -> None:
    with config.override(MAX_LOGIN_ATTEMPTS=3, LOCKOUT_DURATION_MINUTES=10):
        guess(3)
        clock.forward(minutes=9, seconds=59)
        assert authenticate(username=EMAIL, password=PASSWORD) is None
        clock.forward(seconds=1)
        guess(2)
        user.refresh_from_db()
        assert (user.failed_login_attempts, user.lockout_until) == (2, None)
        assert authenticate(username=EMAIL, password=PASSWORD) == user
        user.refresh_from_db()
        assert (user.failed_login_attempts, user.lockout_until) == (0, None)


def test_the_right_password_after_a_lockout_leaves_no_trace_of_it(user: Any, clock: Clock) -> None:
    with config.override(MAX_LOGIN_ATTEMPTS=1, LOCKOUT_DURATION_MINUTES=10):
        guess(1)
        clock.forward(minutes=10)
        assert authenticate(username=EMAIL, password=PASSWORD) == user
    user.refresh_from_db()
    assert (user.failed_login_attempts, user.lockout_until) == (0, None)


def test_a_right_password_forgets_the_wrong_ones(user: Any) -> None:
    with config.override(MAX_LOGIN_ATTEMPTS=3):
        for _ in range(3):
            guess(2)
            assert authenticate(username="NURSE@example.org", password=PASSWORD) == user


def test_one_account_locks_alone(user: Any) -> None:
    other = make_user(email="other@example.org", password=PASSWORD)
    with config.override(MAX_LOGIN_ATTEMPTS=2):
        guess(2)
        assert authenticate(username=EMAIL, password=PASSWORD) is None
        assert authenticate(username="other@example.org", password=PASSWORD) == other


def test_a_lowered_limit_holds_for_what_is_counted_already(user: Any) -> None:
    with config.override(MAX_LOGIN_ATTEMPTS=10):
        guess(4)
    with config.override(MAX_LOGIN_ATTEMPTS=2):
        guess(1)
    user.refresh_from_db()
    assert user.is_locked


def test_the_owner_is_told_once_and_after_the_commit(
    user: Any, told: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    with config.override(MAX_LOGIN_ATTEMPTS=2):
        with django_capture_on_commit_callbacks() as after_commit:
            guess(4)
        assert told == []
        for callback in after_commit:
            callback()
    assert told == [user]


def test_a_failing_notification_changes_no_answer(
    committed_db: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(user: Any) -> None:
        raise OSError

    user = make_user(email=EMAIL, password=PASSWORD)
    monkeypatch.setattr("whitecross.notifications.account_locked", fails)
    with config.override(MAX_LOGIN_ATTEMPTS=1):
        guess(1)
    user.refresh_from_db()
    assert user.is_locked
    assert "OSError" in caplog.text


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("who", ["nobody", "locked", "inactive", "without password", "present"])
def test_the_same_work_is_done_for_every_account(
    user: Any, work: list[str], who: str, legacy: bool, right: bool
) -> None:
    if legacy:
        User.objects.update(password=LEGACY)
    if who == "locked":
        User.objects.update(lockout_until=timezone.now() + dt.timedelta(minutes=5))
    elif who == "inactive":
        User.objects.update(is_active=False)
    elif who == "without password":
        User.objects.update(password="!")
    work.clear()
    email = "nobody@example.org" if who == "nobody" else EMAIL
    found = authenticate(username=email, password=PASSWORD if right else "wrong")
    if who == "present" and right:
        assert found == user
    else:
        assert found is None
        assert sorted(work) == ["Argon2PasswordHasher", "BareBcryptPasswordHasher"]


def test_switched_off_accounts_are_neither_counted_nor_locked(user: Any, told: list[Any]) -> None:
    User.objects.update(is_active=False)
    with config.override(MAX_LOGIN_ATTEMPTS=1):
        guess(2)
    user.refresh_from_db()
    assert (user.failed_login_attempts, user.lockout_until) == (0, None)


def test_every_refusal_reads_the_same(user: Any) -> None:
    make_user(email="off@example.org", password=PASSWORD, is_active=False)
    make_user(email="visitor@example.org", password=PASSWORD, is_staff=False)
    said = set()
    with config.override(MAX_LOGIN_ATTEMPTS=1):
        for email, password in [
            (EMAIL, "wrong"),
            (EMAIL, "wrong"),  # locked now
            (EMAIL, PASSWORD),
            ("nobody@example.org", PASSWORD),
            ("off@example.org", PASSWORD),
            ("visitor@example.org", PASSWORD),
        ]:
            response = Client().post("/admin/login/", {"username": email, "password": password})
            assert response.status_code == 200
            said.add(str(response.context["form"].errors))
    assert len(said) == 1
    assert "lock an account for a while" in said.pop()


def test_the_admins_sign_in_counts(user: Any) -> None:
    with config.override(MAX_LOGIN_ATTEMPTS=2):
        for _ in range(2):
            Client().post("/admin/login/", {"username": EMAIL, "password": "wrong"})
        user.refresh_from_db()
        assert user.is_locked
        user.unlock()
        response = Client().post("/admin/login/?next=/admin/", {"username": EMAIL, "password": PASSWORD})
        assert response.status_code == 302


@pytest.mark.parametrize(
    "given",
    [
        {"username": "\x00", "password": "x"},
        {"username": "\ud800", "password": "x"},
        {"username": EMAIL, "password": "\ud800"},
        {"username": ["a"], "password": "x"},
        {"username": EMAIL, "password": 7},
        {"username": EMAIL, "password": None},
        {"username": None, "password": "x"},
        {"username": "x" * 100_000, "password": "x" * 100_000},
        {"username": "", "password": ""},
        {"email": EMAIL, "password": "wrong"},
    ],
)
def test_nothing_that_json_can_bring_breaks_it(user: Any, given: dict[str, Any]) -> None:
    assert authenticate(**given) is None


def test_the_email_may_go_by_its_own_name(user: Any) -> None:
    assert authenticate(email=EMAIL, password=PASSWORD) == user


def test_a_legacy_hash_becomes_argon2_and_is_no_new_password(user: Any) -> None:
    User.objects.update(password=LEGACY, must_change_password=True, password_changed_at=None, last_password_change=None)
    found: Any = authenticate(username=EMAIL, password=PASSWORD)
    assert found == user
    for known in (found, User.objects.get(pk=user.pk)):
        assert known.password.startswith("argon2$")
        assert (known.must_change_password, known.password_changed_at, known.last_password_change) == (True, None, None)


def test_within_a_transaction_nobody_signs_in(committed_db: str) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        authenticate(username=EMAIL, password="wrong")


def test_the_asynchronous_way_counts_too(committed_db: str) -> None:
    user = make_user(email=EMAIL, password=PASSWORD)
    assert async_to_sync(aauthenticate)(username=EMAIL, password="wrong") is None
    user.refresh_from_db()
    assert user.failed_login_attempts == 1
