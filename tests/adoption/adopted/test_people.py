"""People of the predecessor's sign in and may here what they might there; their records can be read."""

import datetime as dt
import uuid
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from configuration.models import Announcement
from core import access
from core.enums import UserRole
from core.models import Student, User
from health_records.models import HealthRecord
from tests.access.worlds import OUR_MODELS
from tests.admin.pages import BY_LABEL, LABELS, address
from tests.admin.settings import LIST
from tests.adoption import predecessor
from tests.adoption.adopted.reading import ADMIN, NURSE, browser_of, rows_there
from tests.adoption.conftest import Legacy, rows_of, value
from tests.adoption.misfitting import NOBODY
from whitecross.adoption.models import Reject

PASSWORD = "password"


@pytest.fixture
def shared(legacy: Legacy) -> str:
    """The same, one for several tests, each of which writes to accounts of its own."""
    return legacy.shared(7, adopted=True)


@pytest.fixture
def read(legacy: Legacy) -> str:
    """The same, only to be read."""
    return legacy.adopted_to_read(7)


@pytest.fixture
def client(shared: str) -> Client:
    """The browser of an administrator who has a fresh password."""
    return browser_of(ADMIN)


def some_user(where: str) -> User:
    """A member of staff who fits, other than the two who can sign in anyway."""
    ids = [pk for (pk,) in rows_there("users", "id", f"email NOT IN ('{ADMIN}', '{NURSE}') AND {where}")]
    assert ids, where
    found: User = User.objects.get(pk=ids[0])
    return found


def test_the_old_password_signs_in_and_becomes_argon2(shared: str) -> None:
    user = User.objects.get(email=NURSE)
    assert user.password == predecessor.BCRYPT
    assert authenticate(username=NURSE, password="passwort") is None
    user.refresh_from_db()
    assert user.password == predecessor.BCRYPT
    assert authenticate(username=NURSE, password=PASSWORD) == user
    user.refresh_from_db()
    assert user.password.startswith("argon2$")
    assert authenticate(username=NURSE, password=PASSWORD) == user
    assert authenticate(username=NURSE, password="passwort") is None


def test_the_old_password_signs_in_on_the_admins_page(shared: str) -> None:
    User.objects.filter(email=ADMIN).update(password_changed_at=timezone.now())
    browser = Client()
    page = reverse("admin:login")
    refused = browser.post(page, {"username": ADMIN, "password": "wrong"})
    assert refused.status_code == 200
    assert "_auth_user_id" not in browser.session
    signed_in = browser.post(f"{page}?next=/admin/", {"username": ADMIN, "password": PASSWORD})
    assert (signed_in.status_code, signed_in["Location"]) == (302, "/admin/")
    assert browser.get("/admin/").status_code == 200


def test_an_email_signs_in_whatever_its_case(shared: str) -> None:
    user = some_user("""email ~ '[A-Z]' AND "isActive" AND "lockoutUntil" IS NULL AND "failedLoginAttempts" < 10""")
    assert user.email != user.email.lower()
    for email in (user.email.lower(), user.email.upper(), user.email):
        assert authenticate(username=email, password=PASSWORD) == user


def test_an_account_that_was_switched_off_stays_off(shared: str) -> None:
    user = some_user("""NOT "isActive" AND "lockoutUntil" IS NULL AND "failedLoginAttempts" < 10""")
    assert authenticate(username=user.email, password=PASSWORD) is None
    User.objects.filter(pk=user.pk).update(is_active=True)
    assert authenticate(username=user.email, password=PASSWORD) == user


def test_a_lockout_lasts_as_long_as_it_would_have(shared: str) -> None:
    locked = some_user(""" "lockoutUntil" > now() AND "isActive" """)
    assert locked.is_locked
    assert authenticate(username=locked.email, password=PASSWORD) is None
    locked.unlock()
    assert authenticate(username=locked.email, password=PASSWORD) == locked
    over = some_user(""" "lockoutUntil" < now() AND "isActive" """)
    assert authenticate(username=over.email, password=PASSWORD) == over


def test_a_wrong_password_is_refused_however_many_there_were(shared: str) -> None:
    user = some_user(""" "failedLoginAttempts" = 2147483647 AND "isActive" AND "lockoutUntil" IS NULL""")
    assert authenticate(username=user.email, password="wrong") is None


def test_whoever_had_to_change_the_password_still_has_to(shared: str) -> None:
    user = some_user(
        """ "mustChangePassword" AND "isActive" AND "lockoutUntil" IS NULL AND "failedLoginAttempts" < 10"""
    )
    browser = Client()
    assert browser.login(username=user.email, password=PASSWORD)
    response = browser.get("/admin/")
    assert (response.status_code, response["Location"]) == (302, reverse("admin:password_change"))


def test_what_is_known_of_an_account_comes_along(read: str) -> None:
    columns = {
        "email": "email",
        "password": "password",
        "role": "role",
        "is_active": "isActive",
        "failed_login_attempts": "failedLoginAttempts",
        "lockout_until": "lockoutUntil",
        "two_factor_enabled": "twoFactorEnabled",
        "two_factor_secret": "twoFactorSecret",
        "must_change_password": "mustChangePassword",
        "last_login": "lastLogin",
        "password_changed_at": "passwordChangedAt",
        "password_reset_token": "passwordResetToken",
        "password_reset_expires": "passwordResetExpires",
        "school_id": "schoolId",
        "district_id": "districtId",
    }
    there = {row["id"]: row for row in rows_of("users", "whitecross_legacy")}
    here = {row["id"]: row for row in rows_of("users")}
    for user in User.objects.all():
        row = there.pop(str(user.pk))
        for attribute, column in columns.items():
            assert here[str(user.pk)][column] == row[column], column
            known = getattr(user, attribute)
            if isinstance(known, dt.datetime):
                assert known == dt.datetime.fromisoformat(row[column])
            else:
                assert (str(known) if isinstance(known, uuid.UUID) else known) == row[column], attribute
    assert not there
    for column in ("lockoutUntil", "twoFactorSecret", "lastLogin"):
        assert {row[column] is None for row in here.values()} == {True, False}, f"{column} proves nothing"


def test_administrators_may_everything_and_the_others_what_their_role_may(read: str) -> None:
    roles = set()
    for user in User.objects.all():
        assert user.is_staff
        assert user.is_superuser == (user.role == UserRole.ADMIN)
        if user.is_active:
            roles.add(user.role)
            assert user.get_all_permissions() >= access.permissions(user)
            assert user.is_superuser or user.get_all_permissions() == access.permissions(user)
    assert roles == set(access.ROLES)
    nurse = User.objects.get(email=NURSE)
    assert nurse.has_perm("core.add_student")
    assert not nurse.has_perm("core.delete_student")
    assert not nurse.has_perm("configuration.view_systemconfiguration")


def test_a_nurse_sees_the_students_of_her_school_alone(read: str) -> None:
    nurse = User.objects.get(email=NURSE)
    hers = {
        pk for (pk,) in rows_there("students", "id", f""" "schoolId" = '{nurse.school_id}' AND "deletedAt" IS NULL""")
    }
    assert hers
    assert set(Student.objects.for_user(nurse).values_list("pk", flat=True)) == hers
    assert Student.objects.count() > len(hers)


def test_what_was_deleted_there_is_hidden_here_and_can_be_restored(read: str) -> None:
    with_deletion = [model for model in OUR_MODELS if hasattr(model, "all_objects")]
    seen = 0
    for model in with_deletion:
        if "deletedAt" not in predecessor.facts(7)["tables"].get(model._meta.db_table, {"columns": {}})["columns"]:
            continue
        deleted = {pk for (pk,) in rows_there(model._meta.db_table, "id", """ "deletedAt" IS NOT NULL""")}
        present = {pk for (pk,) in rows_there(model._meta.db_table, "id", """ "deletedAt" IS NULL""")}
        assert set(model._default_manager.values_list("pk", flat=True)) == present, model
        assert set(model.all_objects.values_list("pk", flat=True)) == present | deleted, model
        seen += bool(deleted)
    assert seen > 3


def test_the_ids_of_authors_stay_also_of_those_who_are_gone(read: str) -> None:
    gone = HealthRecord.all_objects.filter(created_by=NOBODY)
    assert {record.pk for record in gone} == {
        pk for (pk,) in rows_there("health_records", "id", f""" "createdBy" = '{NOBODY}'""")
    }
    assert gone
    assert not User.objects.filter(pk=NOBODY).exists()
    for model in OUR_MODELS:
        columns = predecessor.facts(7)["tables"].get(model._meta.db_table, {"columns": {}})["columns"]
        if "createdBy" in columns:
            authors = model._base_manager.order_by("pk").values_list("pk", "created_by", "updated_by")
            assert list(authors) == rows_there(model._meta.db_table, """id, "createdBy", "updatedBy" """), model


def test_every_row_is_read_as_an_object(read: str) -> None:
    for model in OUR_MODELS:
        rows = list(model._base_manager.all())
        assert len(rows) == value(f"SELECT count(*) FROM {model._meta.db_table}")
        assert rows or model in (Announcement, Reject), model
        assert all(isinstance(str(row), str) for row in rows)


def pages_of_awkward_rows() -> list[str]:
    """The address of each list, and for each model of the row with the most extreme days."""
    urls = []
    for label in LABELS:
        model = BY_LABEL[label]
        table, key = model._meta.db_table, model._meta.pk.column
        pk = value(
            f"""SELECT t."{key}" FROM {table} AS t
            ORDER BY (SELECT count(*) FROM regexp_matches(to_jsonb(t)::text, '"(0001-01|9999-12)', 'g')) DESC, 1
            LIMIT 1"""
        )
        urls += [address(label, "changelist"), address(label, "change", pk)]
    return urls


def broken(client: Client, urls: list[str]) -> dict[str, int]:
    """The pages that are not shown."""
    answers = {url: client.get(url).status_code for url in urls}
    return {url: status for url, status in answers.items() if status != 200}


def test_the_admin_shows_every_list_and_the_most_awkward_row_of_each(client: Client) -> None:
    urls = pages_of_awkward_rows()
    urls.remove(LIST)
    assert len(urls) == 2 * len(LABELS) - 1
    assert broken(client, urls) == {}


def test_the_admin_lists_settings_of_which_a_tag_was_null(client: Client) -> None:
    assert (
        value("SELECT count(*) FROM whitecross_legacy.system_configurations WHERE array_position(tags, NULL) > 0") > 0
    )
    assert value("SELECT count(*) FROM system_configurations WHERE array_position(tags, NULL) > 0") == 0
    assert broken(client, [LIST]) == {}


def test_the_first_and_the_last_day_are_shown_in_every_time_zone(client: Client, settings: Any) -> None:
    urls = pages_of_awkward_rows()
    urls.remove(LIST)
    for zone in ("America/Chicago", "Pacific/Auckland"):
        settings.TIME_ZONE = zone
        assert broken(client, urls) == {}, zone
