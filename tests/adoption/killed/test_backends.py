"""An adoption whose backend is killed: nothing is lost, and running it again, or undoing it, goes on."""

from typing import Any

import pytest
from django.db import connection

from tests.adoption.conftest import Legacy, value
from tests.adoption.killed.left import (
    BEGUN,
    DONE,
    NOTHING,
    Begun,
    Dump,
    Kill,
    Run,
    all_is_here,
    nothing_is_here,
    rows_by_table,
)
from tests.adoption.killing import AT_A_ROW, at, at_row
from tests.adoption.test_roads import is_as_a_fresh_migrate_leaves_it
from tests.conftest import create_database_from, drop_database
from whitecross.adoption import adopting, moving, roads
from whitecross.adoption.mapping import ORDER

pytestmark = pytest.mark.direct("ends the server's own process of a connection, which a pooler replaces")


# Each table is killed in on one of the roads.
HALF_OF_THEM, THE_OTHERS = ORDER[::2], ORDER[1::2]
# Django notes a migration after its transaction, where constraints and triggers are made at its end.
AFTER_A_MIGRATION = """INSERT INTO "django_migrations" .*'core'"""
# Statements of a load besides its rows.
OF_LOAD = (
    "DROP CONSTRAINT",
    "DELETE FROM",
    r"ADD CONSTRAINT \S+ PRIMARY KEY",
    "CREATE INDEX",
    r"ADD CONSTRAINT \S+ FOREIGN KEY",
    r"sha256.*ROW\(h\.",
    "SET adopted",
)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each table come in several parts, and each row from elsewhere by itself."""
    monkeypatch.setattr(roads, "BLOCKS", 1)
    monkeypatch.setattr(roads, "BUFFER", 1)


def killed_at(run: Run, kill: Kill, pattern: str, *arguments: str, says: str, **where: Any) -> None:
    """Kill the backend at that statement, and see that the command says so."""
    with at(pattern, kill, **where) as moment:
        said = run(*arguments)
    assert moment.came, (pattern, moment, said)
    assert "was stopped" in said, (pattern, said)
    assert says in said, (pattern, said)


def without_migrating(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let adopt not migrate again: it has nothing left to do, and takes half of the time."""
    monkeypatch.setattr(adopting, "_migrate", lambda road, progress: None)


def test_a_backend_killed_at_any_step_within_the_database_loses_nothing(
    legacy: Legacy, dump: Dump, run: Run, kill: Kill, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = legacy.in_place(7)
    before, there = dump(name), rows_by_table()

    killed_at(run, kill, "rule 0", says=NOTHING, nth=5)  # looking for rows that do not fit
    killed_at(run, kill, "LOCK TABLE", says=NOTHING)
    for nth in range(1, len(ORDER) + 1, 4):
        killed_at(run, kill, "ALTER TABLE .* SET SCHEMA", says=NOTHING, nth=nth)
    killed_at(run, kill, "ALTER TABLE .*SequelizeMeta.* SET SCHEMA", says=NOTHING)
    killed_at(run, kill, "ALTER TYPE .*enum_vital_signs_consciousness.* SET SCHEMA", says=NOTHING, after=True)
    assert dump(name) == before

    killed_at(run, kill, 'CREATE TABLE "django_migrations"', says=BEGUN)
    killed_at(run, kill, 'CREATE TABLE "students"', says=BEGUN)
    killed_at(run, kill, 'INSERT INTO "auth_permission"', says=BEGUN)
    killed_at(run, kill, 'LOCK TABLE "districts"', says=BEGUN)
    assert nothing_is_here()

    without_migrating(monkeypatch)
    for table in HALF_OF_THEM:
        size = f"SELECT pg_relation_size('{table}')"
        empty = value(size)
        # Its second part: one part has come whole, and of this one the first row.
        killed_at(run, lambda: None, f'^INSERT INTO "{table}"', says=BEGUN, nth=2, instead=lambda sql: sql + AT_A_ROW)
        # What a transaction wrote that is gone still takes room.
        assert value(size) > empty, table
    for pattern in OF_LOAD:
        killed_at(run, kill, pattern, says=BEGUN)
    killed_at(run, kill, "SET adopted", says=BEGUN, after=True)
    assert nothing_is_here()
    assert rows_by_table(moving.LEGACY) == there

    assert run() == ""
    assert all_is_here(there)
    assert rows_by_table(moving.LEGACY) == there
    assert run("--undo") == ""
    assert dump(name) == before


def test_a_backend_killed_in_the_middle_of_each_table_from_elsewhere_loses_nothing(
    legacy: Legacy, dump: Dump, run: Run, kill: Kill, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = legacy.elsewhere(7)
    name = str(connection.settings_dict["NAME"])
    empty, there = dump(name), rows_by_table(url=url)
    killed_at(run, kill, "CREATE SCHEMA", "--source", url, says=NOTHING)
    killed_at(run, kill, "SET adopted", "--source", url, says=BEGUN)
    without_migrating(monkeypatch)
    for table in THE_OTHERS:
        with at_row(table, kill) as moment:
            said = run("--source", url)
        assert moment.came, table
        assert BEGUN in said, (table, said)
    assert nothing_is_here()
    assert run("--source", url) == ""
    assert all_is_here(there)
    assert rows_by_table(url=url) == there
    assert run("--undo") == ""
    assert dump(name) == empty


def test_a_backend_killed_between_a_migration_and_its_record_can_go_on(legacy: Legacy, run: Run, kill: Kill) -> None:
    legacy.in_place(3)
    there = rows_by_table()
    killed_at(run, kill, AFTER_A_MIGRATION, says=BEGUN)
    assert run() == ""
    assert all_is_here(there)


def test_a_kill_among_the_last_statements_of_a_migration_is_told_as_any_other(
    legacy: Legacy, run: Run, kill: Kill
) -> None:
    legacy.in_place(3)
    killed_at(run, kill, 'CREATE TRIGGER "', says=BEGUN)


def test_undo_after_a_kill_brings_back_what_was_there(
    legacy: Legacy, begun: Begun, dump: Dump, run: Run, kill: Kill
) -> None:
    name = legacy.in_place(4)
    before = dump(name)
    killed_at(run, kill, AFTER_A_MIGRATION, says=BEGUN)
    assert run("--undo") == ""
    assert dump(name) == before
    name = begun()
    killed_at(run, kill, '^INSERT INTO "incident_reports"', says=BEGUN)
    assert run("--undo") == ""
    assert dump(name) == before


def test_what_the_report_notes_is_the_same_after_a_kill(begun: Begun, run: Run) -> None:
    begun()
    assert run() == ""
    record = moving.read_record(connection)
    assert record is not None
    assert record.report is not None
    assert not [note for note in record.report["notes"] if "unknown" in note]


def test_undo_and_finish_that_are_killed_have_done_nothing_and_running_again_finishes(
    begun: Begun, legacy: Legacy, dump: Dump, run: Run, kill: Kill
) -> None:
    before = dump(legacy.in_place(4))
    there = rows_by_table()
    name = begun()
    killed_at(run, kill, "pg_advisory_unlock", says=DONE)  # all was done by then
    assert run() == ""
    adopted = dump(name)
    for pattern in ("LOCK TABLE", "DROP TABLE", "DROP FUNCTION", "DROP TYPE", "students.* SET SCHEMA", "DROP SCHEMA"):
        killed_at(run, kill, pattern, "--undo", says=DONE, after=pattern == "DROP SCHEMA")
    for pattern in ("LOCK TABLE", "DROP TABLE", "DROP TYPE", "DROP SCHEMA"):
        killed_at(run, kill, pattern, "--finish", says=DONE, after=pattern == "DROP SCHEMA")
    assert dump(name) == adopted
    connection.close()
    create_database_from(name, f"{name}_copy")
    assert run("--undo") == ""
    assert dump(name) == before
    connection.close()
    connection.settings_dict["NAME"] = f"{name}_copy"
    try:
        assert run("--finish") == ""
        assert rows_by_table() == there
        assert is_as_a_fresh_migrate_leaves_it()
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name
        drop_database(f"{name}_copy")


def test_undo_that_is_killed_where_the_schema_stays_has_done_nothing(
    legacy: Legacy, pristine_database: str, dump: Dump, run: Run, kill: Kill
) -> None:
    url = legacy.elsewhere(7, template=pristine_database)
    name = str(connection.settings_dict["NAME"])
    before = dump(name)
    assert run("--source", url) == ""
    adopted = dump(name)
    for pattern in ("DISABLE TRIGGER", "TRUNCATE", 'INSERT INTO "system_configurations"', "ENABLE", "DROP SCHEMA"):
        killed_at(run, kill, pattern, "--undo", says=DONE, after=pattern == "DROP SCHEMA")
    assert dump(name) == adopted
    assert run("--undo") == ""
    assert dump(name) == before
