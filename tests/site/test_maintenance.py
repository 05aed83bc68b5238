"""MAINTENANCE_MODE: closed to everybody but administrators."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from configuration import config
from core.enums import UserRole
from tests.factories import make_school, make_user
from tests.site.conftest import change_by_sql
from whitecross import maintenance


@pytest.fixture
def closed(db: None) -> Iterator[None]:
    """Maintenance is on."""
    with config.override(MAINTENANCE_MODE=True, SUPPORT_EMAIL="help@example.org", SYSTEM_NAME="A & B"):
        yield


def browser_of(user: Any) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


@pytest.mark.parametrize("role", [role for role in UserRole if role != UserRole.ADMIN])
def test_whoever_is_signed_in_and_no_administrator_gets_the_page(role: str, closed: None) -> None:
    browser = browser_of(make_user(role, school=make_school()))
    for method in (browser.get, browser.post, browser.head):
        response = method("/admin/core/student/")
        assert response.status_code == 503
        assert response["Retry-After"] == "300"
        assert response["Cache-Control"] == "no-store"
    page = browser.get("/admin/").content.decode()
    assert "mailto:help@example.org" in page
    assert "A &amp; B" in page
    assert "Sign out" in page
    assert "not saved" in browser.post("/admin/core/student/add/").content.decode()


@pytest.mark.parametrize("url", ["/admin/", "/nothing/", "/", "/admin/login/extra"])
def test_whoever_is_not_signed_in_gets_the_page(url: str, closed: None) -> None:
    response = Client().get(url)
    assert response.status_code == 503
    assert "/admin/login/?next=/admin/" in response.content.decode()


def test_a_user_can_sign_out_of_the_page_and_an_administrator_sign_in(closed: None) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make_user(UserRole.NURSE))
    page = browser.get("/admin/").content.decode()
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    assert browser.post("/admin/logout/", {"csrfmiddlewaretoken": token}).status_code in (200, 302)
    response = browser.get("/admin/login/")
    assert response.status_code == 200
    assert "for administrators only" in response.content.decode()


@pytest.mark.parametrize(
    ("facts", "passes"),
    [
        ({}, True),
        ({"role": UserRole.NURSE, "is_superuser": True}, True),
        ({"is_superuser": False}, True),
        ({"is_superuser": False, "is_staff": False}, False),
    ],
)
def test_administrators_work_on_and_are_reminded(facts: dict[str, Any], passes: bool, closed: None) -> None:
    user = make_user(UserRole.ADMIN, **{name: fact for name, fact in facts.items() if name != "role"})
    if "role" in facts:
        user.role = facts["role"]
        user.save()
    response = browser_of(user).get("/admin/core/school/")
    assert response.status_code == (200 if passes else 503)
    if passes:
        assert "Maintenance mode is on" in response.content.decode()


def test_nobody_is_reminded_of_what_is_not(db: None) -> None:
    response = browser_of(make_user(UserRole.ADMIN)).get("/admin/")
    assert "aintenance mode is on" not in response.content.decode()
    assert Client().get("/admin/login/").status_code == 200


def test_programs_get_a_problem_document(closed: None) -> None:
    for url, headers in (("/api/configurations", {}), ("/admin/", {"Accept": "application/json"})):
        response = Client().get(url, headers=headers)
        assert response.status_code == 503
        assert response["Content-Type"] == "application/problem+json"
        assert response["Retry-After"] == "300"
        assert response.json()["status"] == 503


def test_a_request_with_a_token_goes_on_to_the_api_which_asks(closed: None) -> None:
    response = Client().get("/api/there-is-nothing", headers={"Authorization": "Token x"})
    assert response.status_code == 404
    assert Client().get("/admin/", headers={"Authorization": "Token x"}).status_code == 503
    assert maintenance.refuses(make_user(UserRole.NURSE))
    assert not maintenance.refuses(make_user(UserRole.ADMIN))


@pytest.mark.parametrize("header", ["Token x", "Bearer x", "", "Basic eA=="])
def test_a_session_is_not_let_in_by_a_header_that_is_no_token(header: str, closed: None) -> None:
    nurse, administrator = browser_of(make_user(UserRole.NURSE)), browser_of(make_user(UserRole.ADMIN))
    url = "/api/configurations"
    assert nurse.get(url, headers={"Authorization": header}).status_code == 503
    assert administrator.get(url, headers={"Authorization": header}).status_code in (200, 401)


def test_an_administrator_gets_a_token_and_nobody_else_does(closed: None) -> None:
    password = "correct horse battery"
    statuses = []
    for role in (UserRole.ADMIN, UserRole.NURSE):
        user = make_user(role, password=password)
        body = {"email": user.email, "password": password}
        response = Client().post("/api/auth/login", body, content_type="application/json")
        statuses.append((response.status_code, "token" in response.json()))
    assert statuses == [(200, True), (503, False)]
    assert Client().post("/api/auth/logout").status_code == 503


def test_it_is_no_error_in_the_log(closed: None, caplog: pytest.LogCaptureFixture) -> None:
    Client().get("/admin/")
    assert caplog.records == []


def test_nobody_is_refused_while_it_is_off(db: None) -> None:
    assert not maintenance.refuses(make_user(UserRole.NURSE))


def test_health_and_static_files_stay_open(closed: None) -> None:
    assert Client().get("/health/").status_code == 200
    # Where WhiteNoise has not answered yet: Django, which in tests knows no such page.
    assert Client().get("/static/whitecross/cross.svg").status_code != 503


def test_maintenance_by_psql_closes_the_site_and_opens_it_again(committed_db: str) -> None:
    def becomes(status: int) -> bool:
        for _ in range(400):
            if Client().get("/nothing/").status_code == status:
                return True
            time.sleep(0.02)
        return False

    assert becomes(404)
    change_by_sql("MAINTENANCE_MODE", "true")
    assert becomes(503)
    change_by_sql("MAINTENANCE_MODE", "false")
    assert becomes(404)
