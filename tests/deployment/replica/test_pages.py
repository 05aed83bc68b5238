"""The admin on a standby: lists and forms are read there, and saving overwrites nothing unseen."""

import time
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.conf import settings as project
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import OperationalError, connections
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.models import User
from health_records.models import StudentMedication
from tests.admin.pages import address, errors_on, form_on
from tests.deployment.replica.conftest import Site
from tests.factories import make_order, make_school, make_student, make_user
from whitecross.replica.positions import CLOCKS_APART, UNKNOWN, Position, lifetime
from whitecross.replica.remembering import PLACE, recalled, remember

ORDER = "health_records.StudentMedication"


@pytest.fixture
def order(site: Site, settings: Any) -> Any:
    """A student's order in the whole project, which the standby has."""
    settings.WHITENOISE_AUTOREFRESH = True
    settings.MIDDLEWARE = [
        project.MIDDLEWARE[0],
        "whitecross.replica.middleware.ReadYourWritesMiddleware",
        *project.MIDDLEWARE[1:],
    ]
    return make_order(student=make_student(school=make_school()))


@pytest.fixture
def nurse(order: Any) -> User:
    return make_user(school=order.student.school)


def signed_in(user: User, site: Site) -> Client:
    client = Client()
    client.force_login(user)
    site.wait_for_standby()
    return client


def test_a_list_and_a_form_are_read_from_the_standby(
    site: Site, order: Any, nurse: User, caplog: pytest.LogCaptureFixture
) -> None:
    client = signed_in(nurse, site)
    for url in (address(ORDER, "changelist"), address(ORDER, "change", order.pk)):
        site.wait_for_standby()  # the page before may have noted in the session when it was used
        with (
            CaptureQueriesContext(connections["replica"]) as there,
            CaptureQueriesContext(connections["default"]) as here,
        ):
            assert client.get(url).status_code == 200
        assert any("student_medications" in query["sql"] for query in there.captured_queries), caplog.text
        assert not any('FROM "student_medications"' in query["sql"] for query in here.captured_queries)
        assert any("django_session" in query["sql"] for query in here.captured_queries)
        assert not any('FROM "users" WHERE' in query["sql"] for query in there.captured_queries)


def test_whoever_saves_sees_it_on_the_page_that_follows(site: Site, order: Any, nurse: User) -> None:
    client, url = signed_in(nurse, site), address(ORDER, "change", order.pk)
    form = form_on(client, url)
    with site.paused():
        saved = client.post(url, {**form, "dosage": "5 mg", "_continue": "1"})
        assert saved.status_code == 302
        assert 'value="5 mg"' in client.get(saved["Location"]).content.decode()


def test_a_form_from_a_standby_that_lags_overwrites_nothing_unseen(site: Site, order: Any, nurse: User) -> None:
    client, url = signed_in(nurse, site), address(ORDER, "change", order.pk)
    assert client.get(url).status_code == 200
    with site.paused():
        StudentMedication.objects.get(pk=order.pk).save()
        StudentMedication.objects.filter(pk=order.pk).update(dosage="5 mg")
        form = form_on(client, url)  # as it was: somebody else wrote
        assert form["dosage"] == "10 mg"
        refused = client.post(url, {**form, "notes": "With food"})
        assert "Somebody changed this record while you had it open" in errors_on(refused)
    order.refresh_from_db()
    assert (order.dosage, order.notes) == ("5 mg", None)


def test_whoever_is_switched_off_is_out_at_once(site: Site, order: Any, nurse: User) -> None:
    client, url = signed_in(nurse, site), address(ORDER, "changelist")
    assert client.get(url).status_code == 200
    with site.paused():
        User.objects.filter(pk=nurse.pk).update(is_active=False)
        assert client.get(url).status_code == 302


def test_whoever_loads_again_when_the_answer_was_lost_finds_what_she_saved(site: Site, order: Any, nurse: User) -> None:
    client, url = signed_in(nurse, site), address(ORDER, "change", order.pk)
    before = SimpleCookie({name: morsel.value for name, morsel in client.cookies.items()})
    form = form_on(client, url)
    with site.paused():
        assert client.post(url, {**form, "dosage": "5 mg", "_continue": "1"}).status_code == 302
        client.cookies = before  # nothing of the answer has come
        assert 'value="5 mg"' in client.get(url).content.decode()
    site.wait_for_standby()
    with CaptureQueriesContext(connections["replica"]) as there:
        client.get(url)
    assert any("student_medications" in query["sql"] for query in there.captured_queries)


def test_a_place_in_the_session_ends_no_request_and_revives_no_session(
    site: Site, nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(store: SessionStore) -> None:
        raise OperationalError

    client = signed_in(nurse, site)
    request = HttpRequest()
    request.session = client.session
    remember(request, Position(1, 5))
    assert recalled(request) == []  # of when the request began
    request.session = SessionStore(client.session.session_key)
    assert recalled(request) == [Position(1, 5)]
    request.session[PLACE] = ["nonsense", time.time()]
    assert recalled(request) == [UNKNOWN]
    request.session[PLACE] = ["1-5", time.time() - lifetime() - CLOCKS_APART - 2]
    assert recalled(request) == []
    Session.objects.all().delete()
    remember(request, Position(1, 6))
    assert not Session.objects.exists()
    request.session = SessionStore(client.session.session_key)
    monkeypatch.setattr(SessionStore, "load", fail)
    remember(request, Position(1, 7))
    assert recalled(request) == [UNKNOWN]
    anonymous = HttpRequest()
    remember(anonymous, Position(1, 7))
    assert recalled(anonymous) == []


def test_what_another_request_noted_in_the_session_meanwhile_stays(site: Site, nurse: User) -> None:
    client = signed_in(nurse, site)
    request, other = HttpRequest(), client.session
    request.session = SessionStore(other.session_key)
    assert "noted" not in request.session
    other["noted"] = 1
    other.save()
    remember(request, Position(1, 5))
    assert SessionStore(other.session_key)["noted"] == 1


def test_a_page_that_only_reads_reads_the_session_once(site: Site, order: Any, nurse: User) -> None:
    client, url = signed_in(nurse, site), address(ORDER, "changelist")
    client.get(url)
    with CaptureQueriesContext(connections["default"]) as here:
        client.get(url)
    sessions = [query["sql"] for query in here.captured_queries if "django_session" in query["sql"]]
    assert len(sessions) == 1
