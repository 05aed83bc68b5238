"""/health/ says whether the process answers and reaches its database, and nothing else."""

import socket
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client

from configuration import live
from core.enums import UserRole
from tests.factories import make_user
from whitecross import health


@pytest.fixture(autouse=True)
def _ask_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "KEPT", 0.0)


def test_all_is_well(db: None) -> None:
    response = Client().get("/health/")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "database": "ok"}
    assert response["Cache-Control"] == "no-store"
    assert not response.cookies
    assert Client().head("/health/").status_code == 200
    assert Client().get("/health").status_code == 200


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_it_is_for_reading(method: str, db: None) -> None:
    response = getattr(Client(), method)("/health/")
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"


@pytest.fixture
def deaf() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def nowhere() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("kind", ["deaf", "nowhere"])
def test_a_database_out_of_reach_is_503_without_details(
    kind: str, db: None, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = request.getfixturevalue(kind)
    asked = live.parameters()
    monkeypatch.setattr(health, "PATIENCE", 1)
    monkeypatch.setattr("whitecross.health.parameters", lambda: {**asked, "host": "127.0.0.1", "port": port})
    response = Client().get("/health/")
    assert response.status_code == 503
    assert response.json() == {"status": "failing", "database": "unreachable"}
    assert str(port) not in str(response.headers)


def test_a_database_that_takes_too_long_is_503(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    class Slow:
        def __getattr__(self, name: str) -> Any:
            return getattr(self.real, name)

        def __init__(self, real: Any) -> None:
            self.real = real
            self.pgconn = self

        def send_query(self, sql: bytes) -> None:
            asked.append(sql)
            self.real.pgconn.send_query(b"SELECT pg_sleep(3)")

        def flush(self) -> int:
            return int(self.real.pgconn.flush())

        @property
        def socket(self) -> int:
            return int(self.real.pgconn.socket)

    connect = psycopg.connect
    monkeypatch.setattr(health, "PATIENCE", 1)
    monkeypatch.setattr(psycopg, "connect", lambda **how: Slow(connect(**how)))
    assert not health.database_answers()
    assert asked == [b"SELECT 1"]


def test_no_host_name_no_https_and_no_session_is_needed(db: None, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["records.example"]
    assert Client().get("/health/", headers={"Host": "10.0.0.7"}).status_code == 200
    assert Client().get("/admin/", headers={"Host": "records.example"}).status_code == 301


def test_it_writes_nothing_and_asks_through_no_connection_of_django(db: None, django_assert_num_queries: Any) -> None:
    browser = Client()
    browser.force_login(make_user(UserRole.NURSE))
    with django_assert_num_queries(0, connection=connection):
        browser.get("/health/")


def test_however_many_ask_the_database_is_asked_once_in_a_while(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "KEPT", 3600.0)
    asked: list[bool] = []

    def ask() -> bool:
        asked.append(True)
        return True

    monkeypatch.setattr(health, "database_answers", ask)
    browser = Client()
    for _ in range(5):
        assert browser.get("/health/").status_code == 200
    assert asked == [True]
