"""From every migration back to every earlier one: which are reversed, what is lost, and that the rest is kept.

The way from one state to another is one of single reversals, each of which tests/migrations/test_round_trips.py
carries out with rows. Here the ways are proven to be made of them, and the longest is gone; here and in
test_rolling_back.py some more. WHITECROSS_EXHAUSTIVE=1 goes every one.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader

from core.schema.catalog import Catalog
from core.schema.verify import verify
from tests.conftest import create_database_from, drop_database
from tests.deployment.migrating.conftest import steps as recorded_steps
from tests.deployment.procedure.conftest import copy_of, execute, fill, in_order, rollback, runs, value
from tests.migrations import steps
from tests.migrations.steps import APPS, STEPS, catalog, forward, lost, rows
from whitecross.deployment import rolling_back
from whitecross.deployment.executor import RECORD
from whitecross.deployment.rolling_back import GoingBackError, WayBack, to_migration

EXHAUSTIVE = bool(os.environ.get("WHITECROSS_EXHAUSTIVE"))
NEVER_GONE = {"migration_runs", "migration_run_steps", "django_migrations"}
SEED = ("configuration", "0003_seed_settings")


def key(migration: Migration) -> tuple[str, str]:
    return migration.app_label, migration.name


@pytest.fixture
def applied(db: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is on record as applied, to be changed: ways are found without a look at any table."""
    order: list[tuple[str, str]] = []
    loader = MigrationLoader(connection)
    monkeypatch.setattr(rolling_back, "MigrationLoader", lambda connection: loader)
    monkeypatch.setattr(rolling_back, "applied_in_order", lambda connection: list(order))
    monkeypatch.setattr(rolling_back, "losses", lambda *states: [])
    return order


def test_the_way_back_is_for_every_pair_of_migrations_the_reverse_of_what_was_applied_between(
    applied: list[tuple[str, str]],
) -> None:
    order = [key(migration) for migration in in_order()]
    assert order[0] == RECORD
    assert set(STEPS) <= set(order)
    assert {app for app, _ in order} > set(APPS)  # others' as well
    ways = 0
    for i in range(len(order)):
        applied[:] = order[: i + 1]
        for j in range(i + 1):
            way = to_migration(connection, ".".join(order[j]))
            assert [key(migration) for migration in way.migrations] == order[i:j:-1]
            assert way.remaining == set(order[: j + 1])
            ways += 1
    assert ways == len(order) * (len(order) + 1) // 2


def test_the_record_stays_and_dependents_go_first_in_whatever_order_migrations_were_applied(
    applied: list[tuple[str, str]],
) -> None:
    """As in an installation that got them release by release, the record last."""
    loader = rolling_back.MigrationLoader(connection)  # type: ignore[attr-defined]
    order: list[tuple[str, str]] = []
    for step in [*STEPS, *loader.graph.leaf_nodes()]:
        order += [one for one in loader.graph.forwards_plan(step) if one not in order]
    assert order.index(RECORD) > order.index(("core", "0001_base_schema"))
    applied[:] = order
    for j, target in enumerate(order):
        gone = [key(migration) for migration in to_migration(connection, ".".join(target)).migrations]
        assert set(gone) == set(order[j + 1 :]) - {RECORD}
        for place, one in enumerate(gone):
            assert not {child.key for child in loader.graph.node_map[one].children} & set(gone[place:])


def test_what_was_applied_by_another_release_after_it_is_named_and_nothing_is_reversed(
    applied: list[tuple[str, str]],
) -> None:
    applied[:] = [*map(key, in_order()), ("core", "0099_from_tomorrow")]
    with pytest.raises(GoingBackError, match=r"core\.0099_from_tomorrow was applied by another release"):
        to_migration(connection, "core.0001")


def test_what_stays_and_needs_what_would_go_is_named(applied: list[tuple[str, str]]) -> None:
    """As where somebody has meddled with the record of migrations."""
    order = [key(migration) for migration in in_order()]
    base = order.pop(order.index(("core", "0001_base_schema")))
    applied[:] = [*order, base]
    with pytest.raises(GoingBackError, match=r" stays and needs core\.0001_base_schema: name an earlier migration"):
        to_migration(connection, ".".join(order[-1]))


def columns(state: Catalog) -> set[tuple[str, str]]:
    return {(table, column) for table, facts in state["tables"].items() for column in facts["columns"]}


def go_back(target: Migration, expected: Catalog) -> None:
    """Go back by the command, and compare: what is there, what is kept, and what was said to be lost."""
    held, before = rows(), catalog()
    way = to_migration(connection, ".".join(key(target)))
    rollback(way.target)
    after = catalog()
    assert after == expected, f"back at {way.target}, something is left behind or missing"
    seeded = SEED in [key(migration) for migration in way.migrations] and "system_configurations" in after["tables"]
    assert lost(held, rows()) == ({"system_configurations": "a row"} if seeded else {})
    compare_losses(way, before, after, held)


def compare_losses(way: WayBack, before: Catalog, after: Catalog, held: steps.Rows) -> None:
    """What was foreseen is what is gone, counted from the rows that were there."""
    gone = columns(before) - columns(after)
    foreseen = {(loss.table, loss.column): loss.number for loss in way.losses}
    for table, column in foreseen:
        assert (table not in after["tables"]) if not column else ((table, column) in gone)
    for table, there in held.items():
        if table not in after["tables"]:
            assert foreseen.get((table, ""), 0) == len(there)
            continue
        for _, column in [one for one in gone if one[0] == table]:
            facts = before["tables"][table]["columns"][column]
            values = [row[column] for row in there if row[column] is not None]
            if not facts.get("default") and not facts.get("generated"):
                assert foreseen.get((table, column), 0) == len(values), f"{table}.{column}"


@contextmanager
def filled(name: str) -> Iterator[str]:
    """A copy of the database at hand with a row in each table, to be copied; yields its name."""
    connection.close()
    create_database_from(name, f"{name}_bare")
    with copy_of(f"{name}_bare") as copy:
        fill()
        connection.close()
        create_database_from(copy, f"{name}_filled")
    try:
        yield f"{name}_filled"
    finally:
        drop_database(f"{name}_filled")
        drop_database(f"{name}_bare")


def test_from_the_newest_to_earlier_ones_and_the_first_with_rows_in_the_tables(
    committed_db: str, without_scratch: None
) -> None:
    """On the way, a setting of a district stops the reverse of configuration.0002, and what stands is as it is said."""
    first = in_order()[0]
    with copy_of("template0"):
        forward(first)
        expected = catalog()
    fill()
    execute(
        f"""INSERT INTO system_configurations (key, value, scope, "scopeId")
            VALUES ('SYSTEM_NAME', 'Hogwarts', 'DISTRICT', '{value("SELECT id FROM districts")}')"""
    )
    held, before, way = rows(), catalog(), to_migration(connection, "configuration.0001")
    with pytest.raises(CommandError) as refusal:
        rollback("configuration.0001")
    number = [str(migration) for migration in way.migrations].index("configuration.0002_enhance_system_configuration")
    said = str(refusal.value)
    assert "system_configurations holds values for districts, schools or users" in said
    assert f" {number} of {len(way.migrations)} migrations are reversed, each whole. Next: python manage.py " in said
    assert "Hogwarts" not in said
    assert len(to_migration(connection, "configuration.0001").migrations) == len(way.migrations) - number
    run, last = runs()[-1], recorded_steps()[-1]
    assert (run["status"], run["issues"]) == ("FAILED", [last["notes"]])
    assert (last["name"], last["status"]) == ("0002_enhance_system_configuration", "FAILED")
    execute("DELETE FROM system_configurations WHERE scope = 'DISTRICT'")
    rollback("configuration.0001")
    assert to_migration(connection, "configuration.0001").migrations == []
    assert lost(held, rows()) == {"system_configurations": "a row"}  # those as seeded, and that of the district
    compare_losses(way, before, catalog(), held)
    go_back(first, expected)
    assert [run["status"] for run in runs()] == ["SUCCEEDED", "FAILED", "SUCCEEDED", "SUCCEEDED"]


@pytest.mark.skipif(not EXHAUSTIVE, reason="takes minutes: WHITECROSS_EXHAUSTIVE=1")
def test_from_every_migration_to_every_earlier_one_with_rows_in_the_tables(
    empty_db: str, without_scratch: None
) -> None:
    states: list[tuple[Migration, Catalog]] = []
    ways = 0
    for migration in in_order():
        forward(migration)
        if key(migration) not in STEPS:
            continue
        with filled(empty_db) as template:
            for target, expected in states:
                with copy_of(template):
                    go_back(target, expected)
                ways += 1
        states.append((migration, catalog()))
    assert ways == len(STEPS) * (len(STEPS) - 1) // 2
    assert verify("default").differences == []
