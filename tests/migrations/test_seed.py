"""The twelve settings."""

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.db import connection

from tests.factories import make_district

seed = import_module("configuration.migrations.0003_seed_settings")

# What schema.md promises: key, value, category, type and bounds.
SEEDED = {
    ("MAX_LOGIN_ATTEMPTS", "5", "SECURITY", "NUMBER", 1, 10),
    ("LOCKOUT_DURATION_MINUTES", "30", "SECURITY", "NUMBER", 5, 1440),
    ("SESSION_TIMEOUT_MINUTES", "60", "SECURITY", "NUMBER", 15, 480),
    ("PASSWORD_MIN_LENGTH", "12", "SECURITY", "NUMBER", 8, 128),
    ("PASSWORD_REQUIRE_SPECIAL_CHAR", "true", "SECURITY", "BOOLEAN", None, None),
    ("PASSWORD_EXPIRY_DAYS", "90", "SECURITY", "NUMBER", 0, 365),
    ("EMAIL_NOTIFICATION_ENABLED", "true", "NOTIFICATION", "BOOLEAN", None, None),
    ("SMS_NOTIFICATION_ENABLED", "false", "NOTIFICATION", "BOOLEAN", None, None),
    ("SYSTEM_NAME", "White Cross Healthcare Platform", "GENERAL", "STRING", None, None),
    ("SUPPORT_EMAIL", "support@whitecross.health", "GENERAL", "EMAIL", None, None),
    ("MAINTENANCE_MODE", "false", "GENERAL", "BOOLEAN", None, None),
    ("MAX_FILE_UPLOAD_SIZE_MB", "10", "GENERAL", "NUMBER", 1, 100),
}


@pytest.fixture
def sql(db: Any) -> Callable[[str], list[tuple[Any, ...]]]:
    """Runs a statement and returns its rows, if it has any."""

    def execute(statement: str) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    return execute


def test_a_fresh_database_has_the_twelve_and_an_empty_history(sql: Any) -> None:
    assert (
        set(sql('SELECT key, value, category, "valueType", "minValue", "maxValue" FROM system_configurations'))
        == SEEDED
    )
    assert sql("SELECT count(*) FROM configuration_history") == [(0,)]


def test_every_seeded_setting_has_words_for_people_and_its_default(sql: Any) -> None:
    rows = sql('SELECT "displayName", description, value = "defaultValue" FROM system_configurations')
    assert all(name and description and is_default for name, description, is_default in rows)


def test_the_rules_of_a_number_are_its_bounds(sql: Any) -> None:
    rows = sql(
        """SELECT "minValue", "maxValue", "validationRules" FROM system_configurations WHERE "valueType" = 'NUMBER'"""
    )
    for low, high, rules in rows:
        bounds = json.loads(rules)
        assert (bounds["min"], bounds["max"]) == (low, high)


def test_seeding_again_changes_nothing_and_keeps_a_changed_value(sql: Any) -> None:
    sql("UPDATE system_configurations SET value = '7' WHERE key = 'MAX_LOGIN_ATTEMPTS'")
    before = sql("SELECT * FROM system_configurations ORDER BY id")
    sql(seed.SEED)
    assert sql("SELECT * FROM system_configurations ORDER BY id") == before


def test_seeding_again_brings_back_what_was_deleted(sql: Any) -> None:
    sql("DELETE FROM system_configurations WHERE key = 'SYSTEM_NAME'")
    sql(seed.SEED)
    assert sql("SELECT count(*) FROM system_configurations") == [(12,)]


@pytest.mark.parametrize(
    "change",
    [
        "value = 'Ours'",
        "description = 'Ours'",
        '"isActive" = false',
        "tags = ARRAY['ours']",
        """ "validValues" = ARRAY[value] """,
    ],
)
def test_the_reverse_removes_what_is_still_as_seeded_and_nothing_else(change: str, sql: Any) -> None:
    sql(f"UPDATE system_configurations SET {change} WHERE key = 'SYSTEM_NAME'")
    sql("INSERT INTO system_configurations (key, value) VALUES ('OURS', '1')")
    sql(
        f"""INSERT INTO system_configurations (key, value, "valueType", scope, "scopeId")
            VALUES ('SUPPORT_EMAIL', 'support@whitecross.health', 'EMAIL', 'DISTRICT', '{make_district().pk}')"""
    )
    sql(seed.REMOVE)
    assert sql("SELECT key, scope FROM system_configurations ORDER BY key") == [
        ("OURS", "SYSTEM"),
        ("SUPPORT_EMAIL", "DISTRICT"),
        ("SYSTEM_NAME", "SYSTEM"),
    ]


def test_a_restore_writes_settings_with_an_empty_search_path(sql: Any) -> None:
    """As pg_restore and logical replication do; the guard that always fires finds what it calls by its schema."""
    sql("SET LOCAL search_path = ''")
    sql("""INSERT INTO public.system_configurations (key, value, "valueType") VALUES ('N', '3', 'NUMBER')""")
