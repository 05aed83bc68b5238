"""Idle sessions end: in time, with a sentence, and as the setting says now."""

import pytest
from django.contrib.messages import get_messages
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from configuration import config
from tests.accounts.conftest import PASSWORD, Clock, change_by_sql
from tests.factories import make_user
from whitecross.accounts.sessions import LAST_ACTIVE, NOT_SAVED

STUDENTS = "/admin/core/student/"
ENDED = "Your session ended after 20 minutes without activity."


@pytest.fixture(autouse=True)
def _timeout(clock: Clock) -> None:
    """Time stands; each test says how it goes on."""


def is_in(client: Client) -> bool:
    """Whether the session still holds; asking is activity."""
    return bool(client.get(STUDENTS).status_code == 200)


def test_a_session_holds_as_long_as_its_user_is_active(client: Client, clock: Clock) -> None:
    with config.override(SESSION_TIMEOUT_MINUTES=20):
        for _ in range(10):
            clock.forward(minutes=19)
            assert is_in(client)


@pytest.mark.parametrize("since_last_write", range(0, 60, 7))
def test_a_session_never_ends_late_and_at_most_half_a_minute_early(
    client: Client, clock: Clock, since_last_write: int
) -> None:
    with config.override(SESSION_TIMEOUT_MINUTES=20):
        assert is_in(client)
        clock.forward(seconds=since_last_write)
        assert is_in(client)
        clock.forward(minutes=19, seconds=30)
        assert is_in(client)
        clock.forward(minutes=20)
        assert not is_in(client)


def test_the_sign_in_page_says_why_and_leads_back(client: Client, clock: Clock) -> None:
    with config.override(SESSION_TIMEOUT_MINUTES=20):
        clock.forward(minutes=20)
        response = client.get(f"{STUDENTS}?o=1")
        assert response.status_code == 302
        assert response["Location"] == f"/admin/login/?next={STUDENTS}%3Fo%3D1"
        page = client.get(response["Location"]).content.decode()
        assert ENDED in page
        assert NOT_SAVED not in page
        assert ENDED not in client.get(response["Location"]).content.decode()
        signed_in = client.post(response["Location"], {"username": "nurse@example.org", "password": PASSWORD})
        assert signed_in["Location"] == f"{STUDENTS}?o=1"
        assert is_in(client)


def test_one_minute_is_one_minute(client: Client, clock: Clock) -> None:
    with config.override(SESSION_TIMEOUT_MINUTES=1):
        clock.forward(minutes=1)
        assert "after 1 minute without" in client.get(STUDENTS, follow=True).content.decode()


def test_what_was_typed_is_not_lost_silently(client: Client, clock: Clock) -> None:
    with config.override(SESSION_TIMEOUT_MINUTES=20):
        clock.forward(minutes=20)
        response = client.post(f"{STUDENTS}add/", {"first_name": "Ada"})
        assert response["Location"] == f"/admin/login/?next={STUDENTS}add/"
        assert NOT_SAVED in client.get(response["Location"]).content.decode()


def test_the_session_is_gone_from_the_database(client: Client, clock: Clock) -> None:
    with config.override(SESSION_TIMEOUT_MINUTES=20):
        cookie = client.cookies["sessionid"].value
        clock.forward(minutes=20)
        client.get(STUDENTS)
        assert not Session.objects.filter(pk=cookie).exists()


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/logout/"])
def test_signing_in_and_out_with_a_session_that_has_ended(client: Client, clock: Clock, path: str) -> None:
    with config.override(SESSION_TIMEOUT_MINUTES=20):
        clock.forward(minutes=20)
        data = {"username": "nurse@example.org", "password": PASSWORD}
        assert client.post(path, data).status_code in (200, 302)
        assert is_in(client) == (path == "/admin/login/")


def test_a_script_of_a_page_gets_401_and_the_next_page_says_why(client: Client, clock: Clock) -> None:
    with config.override(SESSION_TIMEOUT_MINUTES=20):
        clock.forward(minutes=20)
        response = client.get(
            "/admin/autocomplete/", headers={"accept": "application/json, text/javascript, */*; q=0.01"}
        )
        assert (response.status_code, response["Content-Type"]) == (401, "application/problem+json")
        assert response.json() == {"type": "about:blank", "title": "Unauthorized", "status": 401, "detail": ENDED}
        assert ENDED in client.get(STUDENTS, follow=True).content.decode()


def test_the_api_answers_for_itself(client: Client, clock: Clock) -> None:
    with config.override(SESSION_TIMEOUT_MINUTES=20):
        clock.forward(minutes=20)
        response = client.get("/api/nothing-here")
        assert response.status_code != 302
        assert not response.wsgi_request.user.is_authenticated
        assert not list(get_messages(response.wsgi_request))


def test_activity_is_written_twice_a_minute_at_most(client: Client, clock: Clock) -> None:
    assert is_in(client)
    for seconds, writes in [(0, 0), (29, 0), (1, 1), (29, 0), (500, 1)]:
        clock.forward(seconds=seconds)
        with CaptureQueriesContext(connection) as queries:
            assert is_in(client)
        written = [query for query in queries.captured_queries if query["sql"].startswith("UPDATE")]
        assert len(written) == writes, seconds


def test_signing_in_is_activity(client: Client, clock: Clock) -> None:
    assert client.session[LAST_ACTIVE] == clock.now.timestamp()


def test_a_clock_that_was_wrong_ends_no_session_and_keeps_none_open(client: Client, clock: Clock) -> None:
    with config.override(SESSION_TIMEOUT_MINUTES=20):
        clock.forward(days=-1)
        assert is_in(client)
        clock.forward(minutes=20)
        assert not is_in(client)


def test_the_longest_timeout_is_kept_too(client: Client, clock: Clock) -> None:
    with config.override(SESSION_TIMEOUT_MINUTES=60 * 24 * 365, PASSWORD_EXPIRY_DAYS=0):
        clock.forward(days=364, hours=23)
        assert is_in(client)


def test_the_browser_forgets_the_session_when_it_is_closed(user: object) -> None:
    browser = Client()
    browser.post("/admin/login/", {"username": "nurse@example.org", "password": PASSWORD})
    assert not browser.cookies["sessionid"]["expires"]
    assert not browser.cookies["sessionid"]["max-age"]


def test_visitors_cost_nothing(db: None) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert Client().get("/admin/login/").status_code == 200
    assert len(queries) == 0
    assert not Session.objects.exists()


def test_a_changed_timeout_holds_for_sessions_that_are_open(committed_db: str, clock: Clock) -> None:
    browser = Client()
    browser.force_login(make_user(email="nurse@example.org"))
    clock.forward(minutes=16)
    assert is_in(browser)
    change_by_sql("SESSION_TIMEOUT_MINUTES", "15")
    clock.forward(minutes=14, seconds=59)
    assert is_in(browser)
    clock.forward(minutes=15)
    assert "after 15 minutes" in browser.get(STUDENTS, follow=True).content.decode()
