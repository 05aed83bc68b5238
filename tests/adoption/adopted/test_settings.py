"""Settings of the predecessor's hold here, with their past."""

import datetime as dt
import io
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connection

from configuration import config
from configuration.editing import restore, set_value
from configuration.models import Announcement, ConfigurationHistory, SystemConfiguration
from configuration.models.history import PREDECESSOR
from core.acting import acting_as
from core.models import User
from tests.admin.pages import address
from tests.admin.settings import SETTING, key_history
from tests.adoption.adopted.reading import ADMIN, browser_of, rows_there
from tests.adoption.conftest import Legacy, execute, on_a_database_of_its_own, value
from tests.adoption.own_settings import LOCAL_SETTINGS, SETTINGS
from whitecross import notifications
from whitecross.adoption.adopting import adopt
from whitecross.adoption.planning import Choices
from whitecross.adoption.progress import Progress
from whitecross.adoption.roads import Road
from whitecross.notifications.announcing import announce

# What of a seeded setting differs from one database to the other.
LATER = """- 'id' - 'createdAt' - 'updatedAt'"""


@pytest.fixture
def adopted(legacy: Legacy) -> str:
    """A database of the last state, adopted."""
    return legacy.adopted(7)


@pytest.fixture(params=[4, 7])
def settings_of(request: pytest.FixtureRequest, legacy: Legacy) -> int:
    """An adopted database of the first state that has settings, or of the last, only to be read; the state."""
    legacy.adopted_to_read(request.param)
    return int(request.param)


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
