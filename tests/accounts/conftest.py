"""A clock that stands, and settings that are stored."""

import datetime as dt
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client

from configuration import config
from tests.factories import make_user

PASSWORD = "correct horse battery"
NEW_PASSWORD = "a tall glass of water"


class Clock:
    """The time that Django sees; it goes on when told."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now

    def forward(self, **how_far: float) -> None:
        """By days, minutes, seconds, as timedelta takes them."""
        self.now += dt.timedelta(**how_far)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Stands at the time at which the test began."""
    standing = Clock(dt.datetime.now(dt.UTC))
    monkeypatch.setattr("django.utils.timezone.now", standing)
    return standing


@pytest.fixture
def user(db: None) -> Any:
    """A nurse with a password."""
    return make_user(email="nurse@example.org", password=PASSWORD)


@pytest.fixture
def client(user: Any) -> Client:
    """A browser in which the nurse is signed in."""
    browser = Client()
    browser.force_login(user)
    return browser


@pytest.fixture(autouse=True)
def _files_from_where_they_are(settings: Any) -> None:
    """Tests run with DEBUG off and without collectstatic, which WhiteNoise warns about."""
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The users who were told that their account is locked."""
    users: list[Any] = []
    monkeypatch.setattr("whitecross.notifications.account_locked", users.append)
    return users


def another_program() -> "psycopg.Connection[Any]":
    """A connection to the test's database, in autocommit, of which Django knows nothing."""
    parameters = connection.get_connection_params()
    for ours in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(ours, None)
    return psycopg.connect(**parameters, autocommit=True)


def wait_until(happens: Callable[[], bool]) -> None:
    """Raise AssertionError where it has not happened after many times what it should take."""
    for _ in range(400):
        if happens():
            return
        time.sleep(0.05)
    raise AssertionError("It has not happened.")


def change_by_sql(key: str, value: str) -> None:
    """Change a setting of the system as psql would, and wait until this process has noticed."""
    config.get(key)
    with another_program() as other:
        update = "UPDATE system_configurations SET value = %s WHERE key = %s AND scope = 'SYSTEM'"
        assert other.execute(update, [value, key]).rowcount == 1
    wait_until(lambda: str(config.get(key)) == value)
