"""After an adoption: everybody signs in as before, finds what was there, and settings are what they were."""

import datetime as dt
import io
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.db import ProgrammingError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from configuration import config
from configuration.editing import restore, set_value
from configuration.models import Announcement, ConfigurationHistory, SystemConfiguration
from configuration.models.history import PREDECESSOR
from core import access
from core.acting import acting_as
from core.enums import UserRole
from core.models import Student, User
from health_records.models import HealthRecord
from tests.access.worlds import OUR_MODELS
from tests.admin.pages import BY_LABEL, LABELS, address
from tests.admin.settings import LIST, SETTING, key_history
from tests.adoption import predecessor
from tests.adoption.conftest import Legacy, execute, on_a_database_of_its_own, rows_of, value
from tests.adoption.misfitting import NOBODY
from tests.adoption.own_settings import LOCAL_SETTINGS, SETTINGS
from whitecross import notifications
from whitecross.adoption.adopting import adopt
from whitecross.adoption.models import Reject
from whitecross.adoption.planning import Choices
from whitecross.adoption.progress import Progress
from whitecross.adoption.roads import Road
from whitecross.notifications.announcing import announce

PASSWORD = "password"
ADMIN, NURSE = "user1@example.org", "user2@example.org"
# What of a seeded setting differs from one database to the other.
LATER = """- 'id' - 'createdAt' - 'updatedAt'"""


@pytest.fixture
def adopted(legacy: Legacy) -> str:
    """A database of the last state, adopted."""
    return legacy.adopted(7)


@pytest.fixture
def shared(legacy: Legacy) -> str:
    """The same, one for several tests, each of which writes to accounts of its own."""
    return legacy.shared(7, adopted=True)


@pytest.fixture
def read(legacy: Legacy) -> str:
    """The same, only to be read."""
    return legacy.adopted_to_read(7)


@pytest.fixture(params=[4, 7])
def settings_of(request: pytest.FixtureRequest, legacy: Legacy) -> int:
    """An adopted database of the first state that has settings, or of the last, only to be read; the state."""
    legacy.adopted_to_read(request.param)
    return int(request.param)


@pytest.fixture(autouse=True)
def _files_from_where_they_are(settings: Any) -> None:
    """Tests run with DEBUG off and without collectstatic, which WhiteNoise warns about."""
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture
def client(shared: str) -> Client:
    """The browser of an administrator who has a fresh password."""
    return browser_of(ADMIN)


def browser_of(email: str) -> Client:
    """A browser in which somebody is signed in; her password is fresh, or she would be asked for another one first."""
    user = User.objects.get(email=email)
    User.objects.filter(pk=user.pk).update(password_changed_at=timezone.now(), must_change_password=False)
    browser = Client()
    browser.force_login(user)
    return browser


def rows_there(table: str, columns: str = "*", where: str = "true") -> list[tuple[Any, ...]]:
    """Rows of a table of the predecessor's, where it stands now."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM whitecross_legacy.{table} WHERE {where} ORDER BY id")
        return list(cursor.fetchall())


def some_user(where: str) -> User:
    """A member of staff who fits, other than the two who can sign in anyway."""
    ids = [pk for (pk,) in rows_there("users", "id", f"email NOT IN ('{ADMIN}', '{NURSE}') AND {where}")]
    assert ids, where
    found: User = User.objects.get(pk=ids[0])
    return found


# People


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


# Records


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


# Settings


def setting(key: str) -> SystemConfiguration:
    return SystemConfiguration.objects.get(key=key, scope="SYSTEM")


def test_the_predecessors_values_win_over_the_seeded_ones(settings_of: int) -> None:
    for known in SETTINGS:
        assert setting(known.key).value == known.value
    found = {key: config.get(key) for key in ("MAX_LOGIN_ATTEMPTS", "SESSION_TIMEOUT_MINUTES", "SYSTEM_NAME")}
    assert found == {"MAX_LOGIN_ATTEMPTS": 3, "SESSION_TIMEOUT_MINUTES": 60, "SYSTEM_NAME": 'Zoë\'s "Ünïted" Schools'}
    assert type(found["MAX_LOGIN_ATTEMPTS"]) is int
    assert config.get("EMAIL_NOTIFICATION_ENABLED") is True
    assert config.get("MAINTENANCE_MODE") is False
    decided = config.explain("MAX_LOGIN_ATTEMPTS")
    assert (decided.source, setting("MAX_LOGIN_ATTEMPTS").default_value) == ("SYSTEM", "5")


def test_a_type_follows_from_the_rules_where_the_predecessor_says_only_string(settings_of: int) -> None:
    by_rule, without = setting("LOCAL_SETTING_0"), setting("LOCAL_SETTING_1")
    assert (by_rule.value, by_rule.value_type) == ("42.50", "NUMBER")
    assert without.value_type == "STRING"
    if settings_of > 4:  # it is inactive in both, but in the first it has no default value, either
        assert config.get("LOCAL_SETTING_0") == 1000
    types = dict(SystemConfiguration.objects.values_list("key", "value_type"))
    assert types["SESSION_TIMEOUT_MINUTES"] == "NUMBER", "its rules are lost, so it is as seeded"
    assert types["MAINTENANCE_MODE"] == "BOOLEAN"
    assert types["SUPPORT_EMAIL"] == "EMAIL"
    bounds = setting("SESSION_TIMEOUT_MINUTES")
    assert (bounds.min_value, bounds.max_value) == (15, 480)


def test_every_setting_is_here_once_under_its_old_id(settings_of: int) -> None:
    there = dict(rows_there("system_configurations", "key, id"))
    here = dict(SystemConfiguration.objects.values_list("key", "id"))
    assert len(there) == len(SETTINGS) + LOCAL_SETTINGS
    assert here == there


def test_a_setting_that_the_predecessor_lacks_is_as_seeded(legacy: Legacy, pristine_database: str) -> None:
    facts = f"SELECT to_jsonb(s) {LATER} FROM system_configurations AS s WHERE key = 'SUPPORT_EMAIL'"
    with on_a_database_of_its_own(pristine_database):
        seeded = value(facts)
    legacy.in_place(7)
    execute("UPDATE system_configurations SET key = 'RENAMED' WHERE key = 'SUPPORT_EMAIL'")
    adopt(Road("default"), Choices(), Progress(), lambda plan: True)
    assert value(facts) == seeded
    assert config.get("SUPPORT_EMAIL") == "support@whitecross.health"


def without_oddities() -> None:
    """Take out of the settings what a change of theirs would stumble over: tags that are NULL, orders below 0."""
    table, trigger = "system_configurations", "system_configurations_write_history"
    execute(
        f"ALTER TABLE {table} DISABLE TRIGGER {trigger}",
        f'UPDATE {table} SET tags = array_remove(tags, NULL), "sortOrder" = greatest("sortOrder", 0)',
        f"ALTER TABLE {table} ENABLE TRIGGER {trigger}",
    )


def test_a_setting_of_which_a_tag_was_null_can_be_changed(adopted: str) -> None:
    set_value("MAX_LOGIN_ATTEMPTS", 4, reason="The office asked")


def test_an_adopted_setting_is_changed_and_restored_as_any_other(adopted: str) -> None:
    without_oddities()
    admin, before = User.objects.get(email=ADMIN), ConfigurationHistory.objects.count()
    assert config.get("MAX_LOGIN_ATTEMPTS") == 3
    with acting_as(admin):
        set_value("MAX_LOGIN_ATTEMPTS", 4, reason="The office asked")
    config.refresh()
    assert config.get("MAX_LOGIN_ATTEMPTS") == 4
    change = ConfigurationHistory.objects.filter(key="MAX_LOGIN_ATTEMPTS").latest()
    assert (change.old_value, change.value, change.history_user_id, change.database_role) == ("3", "4", admin.pk, None)
    restore(change, before=True, reason="Taken back")
    config.refresh()
    assert config.get("MAX_LOGIN_ATTEMPTS") == 3
    assert ConfigurationHistory.objects.count() == before + 2
    call_command("config", "set", "LOCKOUT_DURATION_MINUTES", "45", "--reason", "Why not", stdout=io.StringIO())
    assert setting("LOCKOUT_DURATION_MINUTES").value == "45"


def changes_there(key: str) -> list[tuple[dt.datetime, str, uuid.UUID]]:
    """When a setting changed in the predecessor, to what, and the id of that change here; the first one first."""
    rows = rows_there("configuration_history", '"createdAt", "newValue"', f"""  "configKey" = '{key}'""")
    return [
        (at, new, ConfigurationHistory.objects.get(key=key, history_date=at).history_id) for at, new in sorted(rows)
    ]


def test_the_past_is_what_the_predecessor_recorded(adopted: str) -> None:
    key = "LOCKOUT_DURATION_MINUTES"
    changes = changes_there(key)
    assert {new for _, new, _ in changes} == {"15", "30"}
    for at, new, _ in changes:
        assert config.as_of(at + dt.timedelta(hours=1)).get(key) == int(new)
    version = next(pk for _, new, pk in changes if new == "15")
    restore(ConfigurationHistory.objects.get(pk=version), reason="As it was before")
    assert setting(key).value == "15"


def test_changes_in_the_predecessor_are_marked_as_such(adopted: str) -> None:
    client = browser_of(ADMIN)
    changes = changes_there("MAX_LOGIN_ATTEMPTS")
    assert set(ConfigurationHistory.objects.values_list("database_role", flat=True)) == {PREDECESSOR}
    without_oddities()
    set_value("MAX_LOGIN_ATTEMPTS", 4, reason="Since then")
    out = io.StringIO()
    call_command("config", "history", "MAX_LOGIN_ATTEMPTS", stdout=out)
    newest, *older = out.getvalue().splitlines()
    assert "3 -> 4" in newest
    assert "predecessor" not in newest
    assert len(older) == len(changes)
    assert all("(in the predecessor)" in line for line in older)
    for url in (key_history("MAX_LOGIN_ATTEMPTS"), address(SETTING, "history", setting("MAX_LOGIN_ATTEMPTS").pk)):
        page = client.get(url).content.decode()
        assert page.count("In the predecessor") == len(changes)
        assert "past the application" not in page
    newest_there = address("configuration.ConfigurationHistory", "change", changes[-1][2])
    assert "In the predecessor" in client.get(newest_there).content.decode()


@pytest.mark.parametrize("state", [4, 7])
def test_an_adoption_writes_no_history_and_mails_nothing(state: int, legacy: Legacy, mailoutbox: list[Any]) -> None:
    legacy.adopted(state)
    there = len(rows_there("configuration_history")) if state > 4 else 0
    assert ConfigurationHistory.objects.count() == there
    config.get("MAX_LOGIN_ATTEMPTS")
    browser_of(ADMIN).get("/admin/")
    announce()
    notifications.wait()
    assert (mailoutbox, Announcement.objects.count()) == ([], 0)
    without_oddities()
    set_value("MAX_LOGIN_ATTEMPTS", 4, reason="The office asked")
    notifications.wait()
    assert mailoutbox
    assert all("3 -> 4" in message.body for message in mailoutbox)


def test_a_change_on_the_day_of_the_adoption_is_not_announced(legacy: Legacy, mailoutbox: list[Any]) -> None:
    legacy.in_place(7)
    execute("""UPDATE configuration_history SET "createdAt" = now() WHERE "configKey" = 'MAX_LOGIN_ATTEMPTS'""")
    adopt(Road("default"), Choices(), Progress(), lambda plan: True)
    announce()
    notifications.wait()
    assert (mailoutbox, Announcement.objects.count()) == ([], 0)


def test_nobody_passes_for_the_predecessor(adopted: str) -> None:
    with pytest.raises(ProgrammingError, match=r"reserved|permission denied"), connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {PREDECESSOR} SUPERUSER")


def test_adopted_settings_are_exported_and_are_what_they_are(adopted: str, tmp_path: Path) -> None:
    without_oddities()
    call_command("config", "export", str(tmp_path / "settings.json"), stdout=io.StringIO(), stderr=io.StringIO())
    out = io.StringIO()
    call_command("config", "import", str(tmp_path / "settings.json"), "--plan", stdout=out)
    assert out.getvalue().splitlines()[-1] == "Nothing to import."
