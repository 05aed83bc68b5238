"""Who is locked out is let in again: by those who may change the account, or by whoever runs the server."""

import datetime as dt
import io
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.admin.passwords import FOR_THE_FIRST_TIME
from core.enums import UserRole
from core.models import User
from tests.accounts.conftest import NEW_PASSWORD, PASSWORD
from tests.admin.pages import address, errors_on, form_on
from tests.factories import make_school, make_user

LIST = address("core.User", "changelist")


@pytest.fixture
def nurse(db: None) -> Any:
    """A nurse whom five wrong passwords have locked out."""
    return make_user(
        school=make_school(),
        email="nurse@example.org",
        password=PASSWORD,
        failed_login_attempts=5,
        lockout_until=timezone.now() + dt.timedelta(minutes=30),
    )


def browser_of(user: Any) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def unlock(browser: Client, *users: Any, **more: str) -> Any:
    data = {"action": "unlock", "_selected_action": [str(user.pk) for user in users], **more}
    return browser.post(LIST, data, follow=True)


@pytest.mark.parametrize("role", [UserRole.ADMIN, UserRole.SCHOOL_ADMIN])
def test_whoever_may_change_the_account_unlocks_it_on_its_page(nurse: Any, role: str) -> None:
    principal = make_user(role, school=nurse.school)
    browser = browser_of(principal)
    page = browser.get(address("core.User", "change", nurse.pk)).content.decode()
    assert "Locked until" in page
    assert "after 5 wrong passwords" in page
    assert 'name="_from_page"' in page
    response = unlock(browser, nurse, _from_page="yes")
    assert response.redirect_chain[-1][0] == address("core.User", "change", nurse.pk)
    page = response.content.decode()
    assert "Unlocked, wrong passwords forgotten: 1." in page
    assert "Locked until" not in page
    nurse.refresh_from_db()
    assert (nurse.failed_login_attempts, nurse.lockout_until) == (0, None)
    [entry] = LogEntry.objects.filter(object_id=str(nurse.pk))
    assert (entry.user_id, entry.change_message) == (principal.pk, "Unlocked.")
    assert nurse.email not in entry.object_repr
    assert authenticate(username=nurse.email, password=PASSWORD) == nurse


@pytest.mark.parametrize("role", [UserRole.NURSE, UserRole.COUNSELOR, UserRole.VIEWER])
def test_colleagues_neither_see_nor_lift_the_lock(nurse: Any, role: str) -> None:
    browser = browser_of(make_user(role, school=nurse.school))
    page = browser.get(address("core.User", "change", nurse.pk)).content.decode()
    assert nurse.email in page
    assert "Locked until" not in page
    unlock(browser, nurse)
    nurse.refresh_from_db()
    assert nurse.is_locked


def test_a_principal_unlocks_nobody_above_or_elsewhere(nurse: Any) -> None:
    until = nurse.lockout_until
    head = make_user(UserRole.SCHOOL_ADMIN, school=nurse.school, lockout_until=until)
    elsewhere = make_user(school=make_school(district=nurse.school.district), lockout_until=until)
    principal = make_user(UserRole.SCHOOL_ADMIN, school=nurse.school)
    page = unlock(browser_of(principal), nurse, head, elsewhere).content.decode()
    assert "Not yours to unlock: 1." in page
    locked = {user.pk for user in (nurse, head, elsewhere) if User.objects.get(pk=user.pk).is_locked}
    assert locked == {head.pk, elsewhere.pk}
    assert LogEntry.objects.count() == 1


def test_unlocking_whom_nothing_locks_says_so(nurse: Any) -> None:
    other = make_user(school=nurse.school)
    page = unlock(browser_of(make_user(UserRole.ADMIN)), other).content.decode()
    assert "There was nothing to unlock." in page
    assert not LogEntry.objects.exists()


def test_looking_does_not_unlock(nurse: Any) -> None:
    browser_of(make_user(UserRole.ADMIN)).get(LIST, {"action": "unlock", "_selected_action": str(nurse.pk)})
    nurse.refresh_from_db()
    assert nurse.is_locked


def test_the_list_shows_the_locked(nurse: Any) -> None:
    make_user(email="past@example.org", lockout_until=timezone.now() - dt.timedelta(minutes=1))
    response = browser_of(make_user(UserRole.ADMIN)).get(LIST, {"locked": "yes"})
    assert list(response.context["cl"].result_list) == [nurse]
    assert list(User.objects.locked()) == [nurse]


def test_only_admin_asks_for_a_new_password(nurse: Any) -> None:
    url = address("core.User", "change", nurse.pk)
    for role, asked in [(UserRole.SCHOOL_ADMIN, False), (UserRole.ADMIN, True)]:
        browser = browser_of(make_user(role, school=nurse.school))
        response = browser.post(url, {**form_on(browser, url), "must_change_password": "on", "phone": role})
        assert response.status_code == 302, errors_on(response)
        nurse.refresh_from_db()
        assert (nurse.must_change_password, nurse.phone) == (asked, role)


def test_a_password_that_admin_gives_is_for_the_first_time(nurse: Any) -> None:
    admin = make_user(UserRole.ADMIN, password=PASSWORD)
    browser = browser_of(admin)
    passwords = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true", "set-password": "1"}
    url = reverse("admin:auth_user_password_change", args=[nurse.pk])
    page = browser.get(url).content.decode()
    assert FOR_THE_FIRST_TIME in page
    assert "Set a password" in page
    assert "Add member of staff" not in page
    assert browser.post(url, passwords).status_code == 302
    nurse.refresh_from_db()
    assert (nurse.must_change_password, nurse.check_password(NEW_PASSWORD)) == (True, True)
    # To set a password lifts no lock.
    assert nurse.is_locked
    new = {"first_name": "New", "last_name": "Nurse", "email": "new@example.org", "role": "NURSE", "is_staff": "on"}
    response = browser.post(address("core.User", "add"), {**new, **passwords, "school": str(nurse.school_id)})
    assert response.status_code == 302, errors_on(response)
    assert User.objects.get(email="new@example.org").must_change_password
    mine = reverse("admin:auth_user_password_change", args=[admin.pk])
    assert FOR_THE_FIRST_TIME not in browser.get(mine).content.decode()
    assert browser.post(mine, passwords).status_code == 302
    admin.refresh_from_db()
    assert (admin.must_change_password, admin.check_password(NEW_PASSWORD)) == (False, True)


def test_a_password_that_is_taken_away_is_asked_of_nobody(nurse: Any) -> None:
    url = reverse("admin:auth_user_password_change", args=[nurse.pk])
    data = {"usable_password": "false", "unset-password": "1"}
    assert browser_of(make_user(UserRole.ADMIN)).post(url, data).status_code == 302
    nurse.refresh_from_db()
    assert (nurse.has_usable_password(), nurse.must_change_password) == (False, False)


def test_an_account_without_a_password_is_asked_for_none(nurse: Any) -> None:
    browser = browser_of(make_user(UserRole.SCHOOL_ADMIN, school=nurse.school))
    new = {"first_name": "New", "last_name": "Nurse", "email": "new@example.org", "role": "NURSE"}
    response = browser.post(address("core.User", "add"), {**new, "school": str(nurse.school_id)})
    assert response.status_code == 302, errors_on(response)
    assert not User.objects.get(email="new@example.org").must_change_password


# The command


def said(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("unlock", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_command_unlocks(nurse: Any) -> None:
    assert said("NURSE@Example.org") == (
        "nurse@example.org was locked after 5 wrong passwords, and can sign in again.\n",
        "",
    )
    assert authenticate(username=nurse.email, password=PASSWORD) == nurse
    assert said("nurse@example.org")[0] == "nurse@example.org was not locked. Wrong passwords forgotten: 0.\n"


def test_the_command_forgets_wrong_passwords_before_the_lock(nurse: Any) -> None:
    User.objects.update(failed_login_attempts=2, lockout_until=None)
    assert said(nurse.email)[0] == "nurse@example.org was not locked. Wrong passwords forgotten: 2.\n"
    nurse.refresh_from_db()
    assert nurse.failed_login_attempts == 0


def test_the_command_knows_nobody_of_that_name(nurse: Any) -> None:
    with pytest.raises(CommandError, match=r"Nobody signs in with nobody@example\.org") as refused:
        said("nobody@example.org")
    assert refused.value.returncode == 1


def test_the_command_says_what_else_stands_in_the_way(nurse: Any) -> None:
    User.objects.update(is_active=False)
    assert "switched off" in said(nurse.email)[1]
    nurse.refresh_from_db()
    nurse.is_active = True
    nurse.set_unusable_password()
    nurse.save()
    assert "manage.py changepassword nurse@example.org" in said(nurse.email)[1]
