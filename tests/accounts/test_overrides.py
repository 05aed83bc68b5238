"""A school, a district and a user may have rules of their own."""

from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client

from configuration.editing import set_value
from configuration.enums import ConfigScope
from core.admin.passwords import rules
from core.models import School, User
from tests.accounts.conftest import PASSWORD, Clock
from tests.factories import make_school, make_user
from whitecross.accounts.passwords import why_change


@pytest.fixture(params=[ConfigScope.USER, ConfigScope.SCHOOL, ConfigScope.DISTRICT])
def rule(request: Any, committed_db: str) -> Any:
    """Gives a setting a value for the first of two users alone: for herself, for her school, or for her district."""

    def given(key: str, value: Any) -> tuple[User, User]:
        here, there = (
            make_user(school=make_school(), email=f"{place}@example.org", password=PASSWORD)
            for place in ("here", "there")
        )
        ids = {
            ConfigScope.USER: here.pk,
            ConfigScope.SCHOOL: here.school_id,
            ConfigScope.DISTRICT: School.objects.get(staff=here).district_id,
        }
        set_value(key, value, scope=request.param, scope_id=ids[request.param], reason="A trial")
        return here, there

    return given


def test_max_login_attempts(rule: Any) -> None:
    for user, locked in zip(rule("MAX_LOGIN_ATTEMPTS", 2), (True, False), strict=True):
        for _ in range(2):
            authenticate(username=user.email, password="wrong")
        user.refresh_from_db()
        assert user.is_locked == locked


def test_lockout_duration_minutes(rule: Any, clock: Clock) -> None:
    for user, minutes in zip(rule("LOCKOUT_DURATION_MINUTES", 7), (7, 30), strict=True):
        for _ in range(5):
            authenticate(username=user.email, password="wrong")
        user.refresh_from_db()
        assert (user.lockout_until - clock.now).total_seconds() == minutes * 60


def test_session_timeout_minutes(rule: Any, clock: Clock) -> None:
    browsers = []
    for user in rule("SESSION_TIMEOUT_MINUTES", 20):
        browsers.append(Client())
        browsers[-1].force_login(user)
    clock.forward(minutes=21)
    assert [browser.get("/admin/").status_code for browser in browsers] == [302, 200]


def test_password_min_length(rule: Any) -> None:
    here, there = rule("PASSWORD_MIN_LENGTH", 30)
    assert "At least 30 characters" in rules(here)
    assert "At least 12 characters" in rules(there)
    with pytest.raises(ValidationError, match="at least 30 characters"):
        validate_password("ten of them are not enough", here)
    validate_password("ten of them are not enough", there)


def test_password_require_special_char(rule: Any) -> None:
    here, there = rule("PASSWORD_REQUIRE_SPECIAL_CHAR", False)
    assert "neither letter nor digit" not in rules(here)
    assert "neither letter nor digit" in rules(there)
    validate_password("tenofthemareenough", here)
    with pytest.raises(ValidationError, match="neither letter nor digit"):
        validate_password("tenofthemareenough", there)


def test_password_expiry_days(rule: Any, clock: Clock) -> None:
    here, there = rule("PASSWORD_EXPIRY_DAYS", 7)
    clock.forward(days=7)
    assert "older than 7 days" in (why_change(here) or "")
    assert why_change(there) is None
