"""/health/live, /health/ready and /health/ say how the process is, and nothing else."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpResponse
from django.test import Client, RequestFactory

from configuration import live
from core.enums import UserRole
from tests.factories import make_user
from tests.site.conftest import by_another_program
from whitecross import readiness
from whitecross.health import HealthMiddleware
from whitecross.readiness import Readiness

READY = {"status": "ok", "database": "ok", "migrations": "ok", "configuration": "ok"}
UNREACHABLE = {
    "status": "failing",
    "database": "unreachable",
    "migrations": "unknown",
    "configuration": "unknown",
}
PAGES = ["/health/", "/health/live", "/health/ready"]


@pytest.fixture(autouse=True)
def _ask_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "KEPT", 0.0)


def test_all_is_well(db: None) -> None:
    for page, said in (
        ("/health/", {"status": "ok", "database": "ok"}),
        ("/health/live", {"status": "ok"}),
        ("/health/ready", READY),
    ):
        response = Client().get(page)
        assert response.status_code == 200
        assert response.json() == said
        assert response["Cache-Control"] == "no-store"
        assert not response.cookies
        assert Client().head(page).status_code == 200
        assert Client().get(page.removesuffix("/")).status_code == 200
        assert Client().get(page.removesuffix("/") + "/").status_code == 200


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_they_are_for_reading(method: str, page: str, db: None) -> None:
    response = getattr(Client(), method)(page)
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("page", PAGES)
def test_head_has_no_body(page: str, db: None) -> None:
    """A server would throw it away, and say so in its log each time."""
    found = RequestFactory().head(page)
    response = HealthMiddleware(lambda request: HttpResponse())(found)
    assert isinstance(response, HttpResponse)
    assert (response.status_code, response.getvalue()) == (200, b"")


def test_nothing_else_is_below_it(db: None) -> None:
    assert Client().get("/health/readyz").status_code == 404


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
    monkeypatch.setattr(readiness, "PATIENCE", 0.2)
    monkeypatch.setattr(readiness, "parameters", lambda: {**asked, "host": "127.0.0.1", "port": port})
    for page, said in (
        ("/health/", {"status": "failing", "database": "unreachable"}),
        ("/health/ready", UNREACHABLE),
    ):
        response = Client().get(page)
        assert response.status_code == 503
        assert response.json() == said
        assert str(port) not in str(response.headers)
    assert Client().get("/health/live").json() == {"status": "ok"}


def test_a_database_that_does_not_answer_in_time_is_503(committed_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "PATIENCE", 0.3)
    parameters = live.parameters()
    with psycopg.connect(**parameters) as other:
        other.execute("LOCK TABLE system_configurations")
        assert readiness.look() == Readiness("ok", "ok", "failing")
        assert Client().get("/health/ready").status_code == 503
        other.execute("LOCK TABLE django_migrations")
        assert readiness.look() == Readiness("ok", "unknown", "failing")
    monkeypatch.setattr(readiness, "PATIENCE", 30.0)
    assert Client().get("/health/ready").json() == READY


def test_what_hangs_is_left_behind_and_not_begun_again(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    let_go, begun = threading.Event(), []

    def hang() -> Readiness:
        begun.append(True)
        let_go.wait(30)
        return Readiness("ok", "ok", "ok")

    monkeypatch.setattr(readiness, "PATIENCE", 0.05)
    monkeypatch.setattr(readiness, "look", hang)
    asker = readiness.Asker()
    assert not asker.ask().is_ready
    assert not asker.ask().is_ready
    assert begun == [True]
    let_go.set()
    monkeypatch.setattr(readiness, "PATIENCE", 30.0)
    assert asker.ask().is_ready


def test_no_host_name_no_https_and_no_session_is_needed(db: None, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["records.example"]
    for page in PAGES:
        assert Client().get(page, headers={"Host": "10.0.0.7"}).status_code == 200
    assert Client().get("/admin/", headers={"Host": "records.example"}).status_code == 301


def test_they_write_nothing_and_ask_through_no_connection_of_django(db: None, django_assert_num_queries: Any) -> None:
    browser = Client()
    browser.force_login(make_user(UserRole.NURSE))
    with django_assert_num_queries(0, connection=connection):
        for page in PAGES:
            browser.get(page)


def test_maintenance_changes_nothing(committed_db: str) -> None:
    by_another_program(
        "UPDATE system_configurations SET value = %s WHERE key = %s AND scope = 'SYSTEM'", "true", "MAINTENANCE_MODE"
    )
    assert Client().get("/admin/login/").status_code == 200
    assert [Client().get(page).status_code for page in PAGES] == [200, 200, 200]


def test_live_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness.Asker, "ask", lambda _: pytest.fail("it asked"))
    assert Client().get("/health/live").status_code == 200


def test_however_many_ask_the_database_is_asked_once_in_a_while(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "KEPT", 3600.0)
    asked: list[bool] = []

    def look() -> Readiness:
        asked.append(True)
        return Readiness("ok", "ok", "ok")

    monkeypatch.setattr(readiness, "look", look)
    browser = Client()
    for page in PAGES * 3:
        assert browser.get(page).status_code == 200
    assert asked == [True]


def test_the_log_says_once_that_it_is_not_ready_and_once_that_it_is_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    browser = Client()
    for found in (Readiness(), Readiness("ok", "ok", "ok")):
        monkeypatch.setattr(readiness, "look", lambda found=found: found)
        for page in PAGES * 2:
            browser.get(page)
    assert [record.getMessage() for record in caplog.records] == [
        "Not ready: database unreachable, migrations unknown, configuration unknown.",
        "Ready again.",
    ]


def test_a_migration_that_is_not_applied_is_503(committed_db: str) -> None:
    by_another_program("DELETE FROM django_migrations WHERE app = 'core' AND name LIKE '0001%%'")
    response = Client().get("/health/ready")
    assert response.status_code == 503
    assert response.json() == {**READY, "status": "failing", "migrations": "behind"}
    assert Client().get("/health/").status_code == 200


def test_a_later_release_that_has_migrated_first_leaves_this_one_ready(committed_db: str) -> None:
    by_another_program("INSERT INTO django_migrations (app, name, applied) VALUES ('core', '9999_later', now())")
    response = Client().get("/health/ready")
    assert response.status_code == 200
    assert response.json() == {**READY, "migrations": "ahead"}


def test_a_database_that_was_never_migrated_is_503(empty_db: str) -> None:
    said = {"status": "failing", "database": "ok", "migrations": "behind", "configuration": "failing"}
    assert Client().get("/health/ready").json() == said


def test_settings_that_cannot_be_read_are_503(committed_db: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute('ALTER TABLE system_configurations RENAME "isActive" TO "isOff"')
    response = Client().get("/health/ready")
    assert response.status_code == 503
    assert response.json() == {**READY, "status": "failing", "configuration": "failing"}


def test_the_files_are_the_migrations_that_django_finds() -> None:
    assert readiness.of_this_code() == set(MigrationLoader(None).disk_migrations)


def test_a_migration_counts_as_applied_where_all_that_it_replaces_are(monkeypatch: pytest.MonkeyPatch) -> None:
    squashed, old = ("core", "0001_squashed"), {("core", "0001_a"), ("core", "0002_b")}
    monkeypatch.setattr(readiness, "of_this_code", lambda: frozenset({squashed, ("core", "0003_c")}))
    monkeypatch.setattr(readiness, "_files", lambda: {squashed: old, ("core", "0003_c"): set()})
    assert readiness.not_applied({*old, ("core", "0003_c")}) == set()
    assert readiness.not_applied({("core", "0001_a"), ("core", "0003_c")}) == {squashed}
    assert readiness.not_applied(old) == {("core", "0003_c")}


def test_the_middleware_stands_first() -> None:
    assert django_settings.MIDDLEWARE[0] == "whitecross.health.HealthMiddleware"
