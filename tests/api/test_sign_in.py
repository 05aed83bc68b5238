"""Tokens and sessions: who comes in, and who does not (any more)."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed

from configuration import config
from configuration.models import SystemConfiguration
from core.api.tokens import make_token
from core.models import User
from tests.api.client import SETTINGS, ApiClient, problem
from tests.api.conftest import client_of
from tests.factories import make_user

PASSWORD = "correct horse battery"
LOGIN = "/api/auth/login"


@pytest.fixture
def someone(db: None) -> Any:
    """An administrator with a password."""
    return make_user("ADMIN", email="someone@example.org", password=PASSWORD)


def test_a_password_gives_a_token_of_which_the_database_holds_a_hash(someone: User, nobody: ApiClient) -> None:
    response = nobody.send("post", LOGIN, {"email": "SOMEONE@example.org", "password": PASSWORD})
    assert response.status_code == 200
    token = response.json()["token"]
    left = dt.datetime.fromisoformat(response.json()["expiry"]) - timezone.now()
    assert dt.timedelta(hours=9) < left <= dt.timedelta(hours=10)
    assert token not in str(list(AuthToken.objects.values()))
    client = ApiClient(headers={"Authorization": f"Bearer {token}"})
    assert client.get(SETTINGS).status_code == 200
    assert client.send("post", "/api/auth/logout").status_code == 204
    problem(client.get(SETTINGS), 401)


def test_every_refusal_of_a_sign_in_is_alike(someone: User, nobody: ApiClient) -> None:
    make_user(email="locked@example.org", password=PASSWORD, lockout_until=timezone.now() + dt.timedelta(hours=1))
    make_user(email="off@example.org", password=PASSWORD, is_active=False)
    answers = {
        nobody.send("post", LOGIN, {"email": email, "password": password}).content
        for email, password in (
            ("someone@example.org", "wrong"), ("nobody@example.org", PASSWORD),
            ("locked@example.org", PASSWORD), ("off@example.org", PASSWORD),
        )
    }  # fmt: skip
    assert len(answers) == 1
    found = problem(nobody.send("post", LOGIN, {"email": "x", "password": "y"}), 401)
    assert PASSWORD not in str(found)


@pytest.mark.parametrize("limit", [10, 3])
def test_sign_ins_from_one_address_are_limited_whatever_it_says_of_itself(
    nobody: ApiClient, settings: Any, limit: int
) -> None:
    settings.API_LOGINS_PER_MINUTE = limit
    # A minute of the clock may pass meanwhile, but not two.
    made_up = ({"X-Forwarded-For": f"10.0.0.{number}"} for number in range(2 * limit + 1))
    statuses = [nobody.post(LOGIN, {}, content_type="application/json", headers=said).status_code for said in made_up]
    assert statuses[:limit] == [400] * limit
    assert 429 in statuses[limit:]


def test_requests_of_a_user_are_limited_as_the_setting_says_now(administrator: Any) -> None:
    api, other = client_of(administrator), client_of(make_user("ADMIN"))
    with config.override(API_REQUESTS_PER_MINUTE=3):
        statuses = [api.get(SETTINGS).status_code for _ in range(7)]
        assert statuses[:3] == [200] * 3
        assert 429 in statuses
        assert other.get(SETTINGS).status_code == 200
    with config.override(API_REQUESTS_PER_MINUTE=0):
        refused = api.get(SETTINGS)
        problem(refused, 429)
        assert 1 <= int(refused["Retry-After"]) <= 60
    assert api.get(SETTINGS).status_code == 200


@pytest.mark.parametrize("header", ["Bearer", "Bearer x", "Bearer a b", "Bearer \xff\xfe", "Bearer " + "0" * 64])
def test_what_is_no_token_is_401(nobody: ApiClient, header: str) -> None:
    response = nobody.get(SETTINGS, headers={"Authorization": header})
    problem(response, 401)
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_token_ends_with_its_time_its_user_and_her_password(administrator: User) -> None:
    api = client_of(administrator)
    AuthToken.objects.update(expiry=timezone.now() - dt.timedelta(seconds=1))
    problem(api.get(SETTINGS), 401)
    api = client_of(administrator)
    administrator.set_password("another tall glass")
    administrator.save()
    problem(api.get(SETTINGS), 401)
    api = client_of(administrator)
    User.objects.filter(pk=administrator.pk).update(is_active=False)
    problem(api.get(SETTINGS), 401)


def test_whoever_has_to_choose_a_password_or_waits_for_the_end_of_maintenance_is_told(someone: User) -> None:
    api, nurse = client_of(someone), client_of(make_user())
    User.objects.filter(pk=someone.pk).update(must_change_password=True)
    problem(api.get(SETTINGS), 403)
    assert api.send("post", "/api/auth/logoutall").status_code == 204
    with config.override(MAINTENANCE_MODE=True):
        refused = nurse.get(SETTINGS)
        problem(refused, 503)
        assert refused["Retry-After"]


def test_a_session_does_as_well_and_its_changes_need_the_csrf_token(
    administrator: User, timeout: SystemConfiguration
) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(administrator)
    assert browser.get(SETTINGS).status_code == 200
    body = {"value": 20, "reason": "Library"}
    path = f"{SETTINGS}/{timeout.pk}"
    problem(browser.patch(path, body, content_type="application/json"), 403)
    browser.cookies["csrftoken"] = "a" * 32
    sent = browser.patch(path, body, content_type="application/json", headers={"X-CSRFToken": "a" * 32})
    assert sent.status_code == 200


@pytest.mark.parametrize("meanwhile", ["another password", "switched off", "deleted"])
def test_a_sign_in_that_is_overtaken_gets_no_token(someone: User, meanwhile: str) -> None:
    user = User.objects.get(pk=someone.pk)
    if meanwhile == "another password":
        someone.set_password("another tall glass")
        someone.save()
    elif meanwhile == "switched off":
        User.objects.filter(pk=someone.pk).update(is_active=False)
    else:
        User.objects.filter(pk=someone.pk).delete()
    with pytest.raises(AuthenticationFailed):
        make_token(user)
    assert not AuthToken.objects.exists()


def test_a_user_keeps_ten_tokens_and_a_role_counts_as_it_is_now(someone: User) -> None:
    tokens = [make_token(someone)[0] for _ in range(11)]
    clients = [ApiClient(headers={"Authorization": f"Bearer {token}"}) for token in tokens]
    assert [client.get(SETTINGS).status_code for client in clients] == [401] + [200] * 10
    User.objects.filter(pk=someone.pk).update(role="NURSE", is_superuser=False)
    assert problem(clients[-1].get(SETTINGS), 403)["title"] == "Forbidden"
