"""Every migration goes forward, back and forward again, and leaves the same catalog and the same rows."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from core.schema.verify import verify
from tests.factories import make_district
from tests.migrations.steps import APPS, STEPS, TABLES, back, catalog, fill_in, forward, lost, migrations, rows
from whitecross.postgres.errors import sentence


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def value(query: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def ours() -> tuple[list[Any], list[Any], list[Any]]:
    """The migrations that ours need, ours, and those that need ours."""
    loader = MigrationLoader(None)
    before: list[Any] = []
    own = [loader.graph.nodes[key] for key in STEPS]
    for step in STEPS:
        for key in loader.graph.forwards_plan(step):
            if key[0] not in APPS and loader.graph.nodes[key] not in before:
                before.append(loader.graph.nodes[key])
    rest = [migration for migration in migrations(loader) if migration not in before and migration not in own]
    return before, own, rest


def test_forward_back_and_forward_leaves_the_same_catalog_and_the_same_rows(empty_db: str) -> None:
    before, own, rest = ours()
    forward(*before)
    catalogs = [catalog()]
    for migration in own:
        forward(migration)
        catalogs.append(catalog())
    fill_in()
    execute(
        """UPDATE allergies SET reaction = 'kept', notes = 'kept', "createdBy" = id""",
        """UPDATE chronic_conditions SET notes = 'kept'""",
        """UPDATE system_configurations SET value = 'Ours' WHERE key = 'SYSTEM_NAME'""",
    )
    for migration, expected in reversed(list(zip(own, catalogs, strict=False))):
        held = rows()
        back(migration)
        assert catalog() == expected, f"{migration} leaves something behind"
        # The reverse of the seed takes back what is still as seeded; nothing else loses a row that has a table.
        seeds = {"system_configurations": "a row"} if migration.name == "0003_seed_settings" else {}
        assert lost(held, rows()) == seeds, f"{migration} loses rows on its way back"
    assert rows() == {}
    for migration, expected in zip(own, catalogs[1:], strict=True):
        forward(migration)
        assert catalog() == expected, f"{migration} is another one the second time"
    forward(*rest)
    assert verify("default").differences == []


def test_rows_from_before_survive_each_step_forward(committed_db: str) -> None:
    """What an installation that stopped halfway holds is kept by the steps that are still to come."""
    fill_in()
    execute("UPDATE system_configurations SET value = 'Ours' WHERE key = 'SYSTEM_NAME'")
    _, own, _ = ours()
    back(*reversed(own[4:]))  # to before configuration.0002
    held = rows()
    for migration in own[4:]:
        forward(migration)
        assert lost(held, rows()) == {}, f"{migration} loses rows"
    assert value("SELECT value FROM system_configurations WHERE key = 'SYSTEM_NAME'") == "Ours"
    assert value("SELECT count(*) FROM system_configurations WHERE scope = 'SYSTEM'") == 13  # twelve and one of fill_in
    assert verify("default").differences == []


@pytest.mark.parametrize(("app", "tables_left"), [("configuration", 14), ("health_records", 5), ("core", 0)])
def test_an_app_goes_to_zero_and_leaves_nothing_behind(app: str, tables_left: int, committed_db: str) -> None:
    fill_in()
    full = catalog()
    call_command("migrate", app, "zero", verbosity=0)
    left = catalog()
    assert [table for table in TABLES if table in left["tables"]] == TABLES[:tables_left]
    used = {column["type"].strip('"') for table in left["tables"].values() for column in table["columns"].values()}
    assert left["enums"].keys() <= used
    assert not [name for name in left["functions"] if "configuration" in name or "history" in name]
    if app == "core":
        assert left["enums"].keys() == {"MigrationRunStatus"}  # the record of runs stays
        assert left["functions"].keys() == {"keep_migration_runs()"}
        assert not [name for name in left["sequences"] if not name.startswith(("auth_", "django_", "migration_run"))]
    call_command("migrate", verbosity=0)
    assert catalog() == full


def test_every_app_to_zero_leaves_the_record_of_migrations_alone(committed_db: str) -> None:
    for app in ("core", "auth", "contenttypes", "sessions", "deployment"):
        call_command("migrate", app, "zero", verbosity=0)
    left = catalog()
    assert left["tables"].keys() == {"django_migrations"}
    assert left["enums"] == left["functions"] == {}
    assert value("SELECT count(*) FROM django_migrations") == 0


def test_our_executor_makes_the_schema_that_djangos_makes(empty_db: str) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    assert verify("default").differences == []


@pytest.mark.parametrize("system_value", ["Ours", "White Cross Healthcare Platform"])
def test_a_setting_of_a_narrower_scope_stops_the_reverse_and_nothing_changes(
    committed_db: str, system_value: str
) -> None:
    execute(
        f"""INSERT INTO system_configurations (key, value, scope, "scopeId")
            VALUES ('SYSTEM_NAME', 'District', 'DISTRICT', '{make_district().pk}')""",
        f"UPDATE system_configurations SET value = '{system_value}' WHERE key = 'SYSTEM_NAME' AND scope = 'SYSTEM'",
    )
    _, own, _ = ours()
    back(*own[:4:-1])  # all but configuration.0002 and what it needs
    before, held = catalog(), rows()
    with pytest.raises(IntegrityError, match="values for districts, schools or users") as refusal:
        back(own[4])
    assert "refuses that: system_configurations holds values" in (sentence(refusal.value) or "")
    assert catalog() == before
    assert rows() == held
    call_command("migrate", verbosity=0)
    assert verify("default").differences == []
    assert lost(held, rows()) == {}


def test_a_database_of_the_predecessor_is_refused_and_stays_as_it_is(empty_db: str) -> None:
    execute(
        'CREATE TABLE "SequelizeMeta" (name varchar(255) PRIMARY KEY)',
        """CREATE TYPE enum_users_role AS ENUM ('ADMIN')""",
        "CREATE TABLE users (id uuid PRIMARY KEY, role enum_users_role)",
    )
    before = catalog()
    with pytest.raises(CommandError, match="SequelizeMeta") as refusal:
        call_command("migrate", verbosity=0)
    assert empty_db in str(refusal.value)
    assert "Nothing was changed" in str(refusal.value)
    with pytest.raises(CommandError, match="SequelizeMeta"):
        call_command("migrate", "core", "0001", verbosity=0)
    assert catalog() == before
