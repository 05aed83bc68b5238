"""Rows from before the rules, and databases that are dumped and restored."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection

from configuration import config, editing
from configuration.models import ConfigurationHistory, SystemConfiguration
from configuration.recounting import history
from tests.conftest import create_database, drop_database
from tests.factories import make_district
from tests.migrations.steps import back, catalog, forward, rows
from tests.migrations.test_round_trips import ours
from tests.programs import tool

JUDGE = "0004_judge_values_by_all_rules"


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        ("""UPDATE system_configurations SET "validationRules" = '{"minLenght": 1}' WHERE key = 'SYSTEM_NAME'""",
         'SYSTEM_NAME (SYSTEM): the rule "minLenght" is none of'),
        ("""UPDATE system_configurations SET "validationRules" = '{"maxLength": 3}' WHERE key = 'SYSTEM_NAME'""",
         "SYSTEM_NAME (SYSTEM): the value is longer than 3 characters"),
        ("""INSERT INTO system_configurations (key, value, "valueType", scope, "scopeId")
            SELECT 'MAX_LOGIN_ATTEMPTS', '50', 'NUMBER', 'DISTRICT', id FROM districts""",
         "by the system's rules, the value is more than the maximum 10"),
        ("""INSERT INTO system_configurations (key, value, scope, "scopeId")
            SELECT 'MAX_LOGIN_ATTEMPTS', '5', 'DISTRICT', id FROM districts""",
         "the value type is not the system's, which is NUMBER"),
    ],
)  # fmt: skip
def test_a_stored_row_that_breaks_its_rules_stops_the_migration(spoil: str, problem: str, committed_db: str) -> None:
    make_district()
    _, own, _ = ours()
    names = [migration.name for migration in own]
    later = own[names.index(JUDGE) :]
    back(*reversed(later))
    connection.cursor().execute(spoil)
    before, held = catalog(), rows()
    with pytest.raises(IntegrityError, match="break their own rules") as refusal:
        forward(later[0])
    assert problem in str(refusal.value)
    assert catalog() == before
    assert rows() == held


def test_changes_from_before_the_database_kept_the_row_are_told_undone_and_answered_from(committed_db: str) -> None:
    key = "MAX_LOGIN_ATTEMPTS"
    _, own, _ = ours()
    later = own[[migration.name for migration in own].index("0005_record_every_change") :]
    setting = SystemConfiguration.objects.get(key=key)
    beginning = setting.created_at
    for value in ("6", "7"):
        SystemConfiguration.objects.filter(key=key).update(value=value, is_active=value == "6")
    SystemConfiguration.objects.filter(key="SUPPORT_EMAIL").delete()
    back(*reversed(later))
    with connection.cursor() as cursor:  # a row as simple-history wrote it: without the value before
        cursor.execute("""
            INSERT INTO configuration_history ("configurationId", "configKey", scope, "newValue", "valueType",
                "configurationCreatedAt", "configurationUpdatedAt", "historyType")
            SELECT id, key, scope, value, "valueType", "createdAt", "updatedAt", '~'
            FROM system_configurations WHERE key = 'SYSTEM_NAME'
        """)
    forward(*later)
    first, second = ConfigurationHistory.objects.filter(key=key).order_by("history_date")
    assert [change.before for change in (first, second)] == [None, None]
    reader = config.as_of(beginning)
    assert [reader.get(name) for name in (key, "SUPPORT_EMAIL")] == [5, "support@whitecross.health"]
    told = history(key)
    assert [(change.old.text, change.new.text) for change in told] == [("6", "7"), ("5", "6")]
    assert told[0].facts == (("isActive", "True", "False"),)
    for change, value in ((second, "6"), (first, "5")):
        restored = editing.restore(change, before=True, reason="Back")
        assert restored is not None
        assert restored.value == value
    unknown = ConfigurationHistory.objects.get(key="SYSTEM_NAME")
    assert len(history("SYSTEM_NAME")) == 1
    with pytest.raises(editing.EditError, match="does not say what SYSTEM_NAME was before"):
        editing.restore(unknown, before=True, reason="Back")


def state() -> list[Any]:
    found = []
    with connection.cursor() as cursor:
        for table in ("system_configurations", "configuration_history"):
            cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} t ORDER BY id")
            found.append(cursor.fetchall())
    return found


def functions_and_triggers() -> list[Any]:
    found = catalog()
    return [found["functions"], {name: table.get("triggers") for name, table in found["tables"].items()}]


@pytest.mark.direct("pg_dump and psql set what holds for their whole session")
def test_a_restored_dump_has_the_same_settings_and_history_and_goes_on_with_both(
    committed_db: str, tmp_path: Path
) -> None:
    dump, restore = tool("pg_dump"), tool("pg_restore")
    if dump is None or restore is None:
        pytest.skip("no pg_dump of the server's version here")
    SystemConfiguration.objects.filter(key="SYSTEM_NAME").update(value="Ours")
    SystemConfiguration.objects.create(
        key="MAX_LOGIN_ATTEMPTS", value="3", value_type="NUMBER", scope="DISTRICT", scope_id=make_district().pk
    )
    SystemConfiguration.objects.filter(key="SUPPORT_EMAIL").delete()
    before, guards = state(), functions_and_triggers()
    known = connection.get_connection_params()
    server = ["-h", str(known["host"]), "-p", str(known["port"]), "-U", str(known["user"])]
    environment = {**os.environ, "PGPASSWORD": str(known.get("password") or "")}
    file, copy = str(tmp_path / "dump"), f"{committed_db}_copy"
    subprocess.run([dump, *server, "-Fc", "-f", file, committed_db], env=environment, check=True)
    create_database(copy)
    try:
        subprocess.run([restore, *server, "-e", "-d", copy, file], env=environment, check=True)
        connection.close()
        connection.settings_dict["NAME"] = copy
        assert state() == before
        assert functions_and_triggers() == guards
        SystemConfiguration.objects.filter(key="SYSTEM_NAME").update(value="Theirs")
        assert len(state()[1]) == len(before[1]) + 1
        with pytest.raises(IntegrityError, match="append-only"):
            connection.cursor().execute("DELETE FROM configuration_history")
    finally:
        connection.close()
        connection.settings_dict["NAME"] = committed_db
        drop_database(copy)
