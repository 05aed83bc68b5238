"""What people see who are locked out, who have been away, and whose password is to be changed."""

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from core.enums import UserRole
from core.models import User
from tests.accounts.conftest import NEW_PASSWORD, PASSWORD, another_program, change_by_sql
from tests.factories import make_school, make_user
from whitecross.accounts.sessions import LAST_ACTIVE

pytestmark = pytest.mark.browser
EMAIL = "nurse@example.org"
Browsing = Callable[[], AbstractContextManager[Any]]


@pytest.fixture
def nurse(committed_db: str) -> User:
    """A nurse with a password."""
    return make_user(UserRole.NURSE, school=make_school(name="Cedar Grove"), email=EMAIL, password=PASSWORD)


def enter(page: Any, password: str, email: str = EMAIL) -> None:
    """Fill the sign-in form that is open, and send it."""
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")


def test_a_locked_account_reads_like_any_other_and_an_administrator_unlocks_it(
    nurse: User, server: str, browsing: Browsing
) -> None:
    make_user(UserRole.SCHOOL_ADMIN, school=nurse.school, email="head@example.org", password=PASSWORD)
    change_by_sql("MAX_LOGIN_ATTEMPTS", "3")
    with browsing() as page:
        page.goto(f"{server}/admin/")
        said = set()
        for password in ("wrong", "wrong", "wrong", PASSWORD):
            enter(page, password)
            page.wait_for_load_state()
            said.add(page.get_by_role("alert").first.inner_text())
        assert len(said) == 1
        assert "Several wrong passwords lock an account for a while" in said.pop()

        enter(page, PASSWORD, email="head@example.org")
        page.get_by_label("Find a student").wait_for()
        page.goto(f"{server}/admin/core/user/{nurse.pk}/change/")
        lock = page.get_by_role("region", name="Locked")
        assert "after 3 wrong passwords" in lock.inner_text()
        lock.get_by_role("button", name="Unlock").click()
        page.get_by_text("Unlocked, wrong passwords forgotten: 1.").wait_for()
        assert page.get_by_role("region", name="Locked").count() == 0
    nurse.refresh_from_db()
    assert not nurse.has_wrong_passwords


def test_a_session_that_ended_says_so_and_goes_on_where_it_was(nurse: User, server: str, browsing: Browsing) -> None:
    change_by_sql("SESSION_TIMEOUT_MINUTES", "15")
    with browsing() as page:
        page.goto(f"{server}/admin/")
        enter(page, PASSWORD)
        page.get_by_label("Find a student").wait_for()
        page.goto(f"{server}/admin/core/student/add/")
        page.get_by_label("First name").fill("Zoë")
        # Sixteen minutes pass for the session.
        move_session_back(minutes=16)
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("Your session ended after 15 minutes without activity.").wait_for()
        assert "What you had just sent was not saved" in page.get_by_role("main").inner_text()
        enter(page, PASSWORD)
        page.wait_for_url("**/core/student/add/")
        assert page.get_by_label("First name").input_value() == ""


def test_an_old_password_is_changed_before_anything_else(nurse: User, server: str, browsing: Browsing) -> None:
    User.objects.update(
        password_changed_at=timezone.now() - dt.timedelta(days=90),
        last_password_change=timezone.now() - dt.timedelta(days=100),
    )
    with browsing() as page:
        page.goto(f"{server}/admin/")
        enter(page, PASSWORD)
        page.wait_for_url("**/password_change/")
        words = page.get_by_role("main").inner_text()
        assert "the present one is older than 90 days" in words
        assert "At least 12 characters" in words
        assert "neither letter nor digit" in words
        page.goto(f"{server}/admin/core/student/")
        page.wait_for_url("**/password_change/")

        page.locator("#id_old_password").fill(PASSWORD)
        page.locator("#id_new_password1").fill(PASSWORD)
        page.locator("#id_new_password2").fill(PASSWORD)
        page.get_by_role("button", name="Change password").click()
        page.get_by_text("This is your present password: choose another one.").first.wait_for()

        page.locator("#id_old_password").fill(PASSWORD)
        page.locator("#id_new_password1").fill(NEW_PASSWORD)
        page.locator("#id_new_password2").fill(NEW_PASSWORD)
        page.get_by_role("button", name="Change password").click()
        page.wait_for_url("**/password_change/done/")
        page.goto(f"{server}/admin/core/student/")
        page.get_by_role("heading", name="Students", level=1).wait_for()
    nurse.refresh_from_db()
    assert nurse.check_password(NEW_PASSWORD)


def move_session_back(*, minutes: int) -> None:
    """Let the one session have been idle for so long. Without the ORM, which is not for the browser's thread."""
    store = SessionStore()
    with another_program() as other:
        [(data,)] = other.execute("SELECT session_data FROM django_session").fetchall()
        facts = store.decode(data)
        facts[LAST_ACTIVE] -= minutes * 60
        other.execute("UPDATE django_session SET session_data = %s", [store.encode(facts)])
