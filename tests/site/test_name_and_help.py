"""SYSTEM_NAME and SUPPORT_EMAIL stand where they should, and change while the system runs."""

import time
from typing import Any

import pytest
from django.db import connection
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import path

from configuration import config
from core.enums import UserRole
from tests.factories import make_user
from tests.site.conftest import change_by_sql
from whitecross import errors, urls

NAME = 'Ærø <b>Schools</b> & "Co"'
ESCAPED = "Ærø &lt;b&gt;Schools&lt;/b&gt; &amp; &quot;Co&quot;"


def fail(request: HttpRequest) -> Any:
    raise RuntimeError("the name of a student")


urlpatterns = [path("fail/", fail), *urls.urlpatterns]
handler400, handler403, handler404, handler500 = urls.handler400, urls.handler403, urls.handler404, urls.handler500


@pytest.fixture
def administrator(db: None) -> Client:
    """A browser in which an administrator is signed in."""
    browser = Client(raise_request_exception=False)
    browser.force_login(make_user(UserRole.ADMIN))
    return browser


def text(response: Any) -> str:
    return str(response.content.decode())


def test_the_name_is_the_title_of_every_page_and_is_escaped(administrator: Client) -> None:
    with config.override(SYSTEM_NAME=NAME):
        for url in ("/admin/", "/admin/core/school/", "/admin/password_change/"):
            page = text(administrator.get(url))
            assert f"{ESCAPED}</title>" in " ".join(page.split()).replace(" </title>", "</title>"), url
            assert "<b>Schools</b>" not in page
        for url in ("/admin/login/", "/nothing/"):
            page = text(Client().get(url))
            assert ESCAPED in page, url
            assert "<b>Schools</b>" not in page


def test_a_name_changed_by_psql_is_on_the_next_page(committed_db: str) -> None:
    config.get("SYSTEM_NAME")
    change_by_sql("SYSTEM_NAME", "Northern Schools")
    for _ in range(400):
        if "Northern Schools" in text(Client().get("/admin/login/")):
            break
        time.sleep(0.02)
    assert "Northern Schools</title>" in " ".join(text(Client().get("/admin/login/")).split()).replace(" </t", "</t")
    assert "Northern Schools" in text(Client().get("/nothing/"))


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(("url", "status"), [("/nothing/", 404), ("/fail/", 500), ("/admin/core/user/add/", 403)])
def test_the_pages_of_errors_say_where_help_is(url: str, status: int, db: None) -> None:
    browser = Client(raise_request_exception=False)
    browser.force_login(make_user(UserRole.NURSE))
    with config.override(SUPPORT_EMAIL="help@example.org", SYSTEM_NAME=NAME):
        response = browser.get(url)
    assert response.status_code == status
    assert "mailto:help@example.org" in text(response)
    assert ESCAPED in text(response)
    assert response["Cache-Control"] == "no-store"
    assert "student" not in text(response)


def test_a_forged_form_is_refused_with_a_page_that_says_where_help_is(db: None) -> None:
    with config.override(SUPPORT_EMAIL="help@example.org"):
        response = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "x"})
    assert response.status_code == 403
    assert "mailto:help@example.org" in text(response)


def test_a_malformed_request_gets_a_page(db: None) -> None:
    response = Client().post("/admin/login/", b"no parts", content_type="multipart/form-data; boundary=")
    assert response.status_code == 400
    assert "mailto:" in text(response)


@pytest.mark.urls(__name__)
def test_programs_get_problem_documents(db: None) -> None:
    browser = Client(raise_request_exception=False)
    for url, headers, status in (
        ("/api/nothing/", {}, 404),
        ("/nothing/", {"Accept": "application/json"}, 404),
        ("/fail/", {"Accept": "application/json"}, 500),
    ):
        response = browser.get(url, headers=headers)
        assert response.status_code == status
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["status"] == status


def test_the_page_of_an_error_needs_no_database_and_no_settings(
    db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, django_assert_num_queries: Any
) -> None:
    request = RequestFactory().get("/admin/")
    with django_assert_num_queries(0, connection=connection), config.override(SYSTEM_NAME="Ours"):
        assert "Ours" in text(errors.server_error(request))

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise OSError("secret words")

    monkeypatch.setattr(config, "get", broken)
    response = errors.server_error(request)
    assert response.status_code == 500
    assert "White Cross Healthcare Platform" in text(response)
    assert "mailto:support@whitecross.health" in text(response)
    assert "OSError" in caplog.text
    assert "secret words" not in caplog.text
