"""Two roads, one schema: whatever the predecessor left, the result is that of a fresh migrate, and undo is exact."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections

from core.schema.actual import read_catalog
from core.schema.expected import load_expected
from core.schema.verify import verify
from tests.adoption import predecessor
from tests.adoption.conftest import Legacy, execute, url_of, value
from tests.conftest import drop_database
from whitecross.adoption import moving, undoing
from whitecross.adoption.adopting import ProofError, StateError, adopt
from whitecross.adoption.loading import LoadError
from whitecross.adoption.planning import Choices, Plan
from whitecross.adoption.progress import Progress
from whitecross.adoption.roads import Road, RoadFromElsewhere, leave_source

Dump = Callable[[str], bytes]
states = pytest.mark.parametrize("state", predecessor.STATES)
# What core.schema.expected holds besides a catalog.
PARTS = ("tables", "enums", "functions", "sequences")


def yes(plan: Plan) -> bool:
    return True


def adopt_in_place(**choices: bool) -> dict[str, Any]:
    """Adopt the database on which Django stands."""
    return adopt(Road("default"), Choices(**choices), Progress(), yes)


def adopt_from(url: str, **choices: bool) -> dict[str, Any]:
    """Adopt another database into that on which Django stands."""
    try:
        return adopt(RoadFromElsewhere("default", url), Choices(**choices), Progress(), yes)
    finally:
        leave_source()


def undo() -> None:
    """Undo the adoption of the database on which Django stands."""
    record = moving.read_record(connection)
    assert record is not None
    undoing.undo(connection, record)


def is_as_a_fresh_migrate_leaves_it() -> bool:
    """Whether the catalog is the snapshot's, object for object; built-in functions of newer servers aside."""
    catalog, expected = read_catalog(connection), load_expected()
    if connection.pg_version >= 180000:  # type: ignore[attr-defined]
        del expected["functions"]["uuidv7()"]
    return all(catalog[part] == expected[part] for part in PARTS) and not verify("default").differences


@states
def test_within_the_database_and_back(state: int, legacy: Legacy, dump: Dump) -> None:
    name = legacy.in_place(state)
    before = dump(name)
    report = adopt_in_place()
    assert is_as_a_fresh_migrate_leaves_it()
    assert report["source"]["state"] == state
    assert all(table["holds"] and table["rowsThere"] == table["rowsHere"] > 0 for table in report["tables"])
    assert {table["table"] for table in report["tables"]} == set(predecessor.facts(state)["tables"])
    undo()
    assert dump(name) == before
    assert adopt_in_place()["rows"] == report["rows"]


@states
def test_from_another_database_and_back(state: int, legacy: Legacy, dump: Dump) -> None:
    url = legacy.elsewhere(state)
    name = str(connection.settings_dict["NAME"])
    source = url.split("/")[3].split("?")[0]
    empty, before = dump(name), dump(source)
    report = adopt_from(url)
    assert is_as_a_fresh_migrate_leaves_it()
    assert report["rows"]["there"] == report["rows"]["here"]
    assert "snapshot" in report["source"]
    assert dump(source) == before
    undo()
    assert dump(name) == empty


def test_both_roads_bring_the_same_rows(legacy: Legacy) -> None:
    url = legacy.elsewhere(7)
    elsewhere = adopt_from(url)
    legacy.in_place(7)
    in_place = adopt_in_place()
    for one, other in zip(elsewhere["tables"], in_place["tables"], strict=True):
        assert one["checksumHere"] == other["checksumHere"], one["table"]


def test_a_database_that_was_migrated_is_migrated_and_empty_again_after_undo(
    legacy: Legacy, pristine_database: str, dump: Dump
) -> None:
    url = legacy.elsewhere(7, template=pristine_database)
    name = str(connection.settings_dict["NAME"])
    before = dump(name)
    adopt_from(url)
    assert value("SELECT count(*) FROM students") > 0
    undo()
    assert dump(name) == before


def test_a_database_with_rows_of_its_own_is_not_mixed(legacy: Legacy, pristine_database: str, dump: Dump) -> None:
    url = legacy.elsewhere(4, template=pristine_database)
    execute("INSERT INTO districts (name, code) VALUES ('Ours', 'OURS')")
    before = dump(str(connection.settings_dict["NAME"]))
    with pytest.raises(StateError, match="districts holds rows"):
        adopt_from(url)
    assert dump(str(connection.settings_dict["NAME"])) == before


def test_a_database_of_the_predecessors_is_not_adopted_into(legacy: Legacy, dump: Dump) -> None:
    name = legacy.in_place(3)
    before = dump(name)
    with pytest.raises(StateError, match="left by the predecessor itself"):
        adopt_from(url_of(name))
    assert dump(name) == before


def test_rows_that_come_between_stop_the_load(legacy: Legacy, monkeypatch: pytest.MonkeyPatch) -> None:
    from whitecross.adoption import adopting

    legacy.in_place(4)
    migrate = adopting._migrate

    def migrate_and_write(road: Road, progress: Progress) -> None:
        migrate(road, progress)
        execute("INSERT INTO districts (name, code) VALUES ('The predecessor still runs', 'D')")

    monkeypatch.setattr(adopting, "_migrate", migrate_and_write)
    with pytest.raises(LoadError, match="districts holds rows that did not come from this adoption"):
        adopt_in_place()
    assert value("SELECT count(*) FROM districts") == 1
    assert value("SELECT count(*) FROM whitecross_legacy.districts") > 1


@pytest.mark.parametrize(
    ("damage", "column"),
    [
        ("""UPDATE vital_signs SET notes = concat(notes, ' ') WHERE id = (SELECT id FROM vital_signs LIMIT 1)""",
         "notes"),
        ("""UPDATE students SET "dateOfBirth" = "dateOfBirth" + 1 WHERE id = (SELECT id FROM students LIMIT 1)""",
         "dateOfBirth"),
        ("""UPDATE allergies SET "isActive" = NOT "isActive" WHERE id = (SELECT id FROM allergies LIMIT 1)""",
         "isActive"),
    ],
)  # fmt: skip
def test_a_value_that_changes_on_the_way_breaks_the_proof(
    damage: str, column: str, legacy: Legacy, monkeypatch: pytest.MonkeyPatch, dump: Dump
) -> None:
    from whitecross.adoption import loading

    name = legacy.in_place(7)
    before = dump(name)
    set_aside = loading._set_aside

    def damage_too(*args: Any) -> None:
        set_aside(*args)
        execute(damage)

    monkeypatch.setattr(loading, "_set_aside", damage_too)
    with pytest.raises(ProofError) as refusal:
        adopt_in_place()
    (proof,) = refusal.value.proofs
    assert column in proof.differing
    assert value("SELECT count(*) FROM students") == 0
    undo()
    assert dump(name) == before


def test_a_row_that_is_lost_or_doubled_breaks_the_proof(legacy: Legacy, monkeypatch: pytest.MonkeyPatch) -> None:
    from whitecross.adoption import loading

    legacy.in_place(5)
    set_aside = loading._set_aside

    def lose_one(*args: Any) -> None:
        set_aside(*args)
        execute(
            "SET LOCAL whitecross.erase = 'on'",
            "DELETE FROM medication_logs WHERE id = (SELECT id FROM medication_logs LIMIT 1)",
        )

    monkeypatch.setattr(loading, "_set_aside", lose_one)
    with pytest.raises(ProofError, match="medication_logs"):
        adopt_in_place()


def test_finish_leaves_what_a_fresh_migrate_leaves_and_the_rows(legacy: Legacy) -> None:
    legacy.in_place(7)
    report = adopt_in_place()
    record = moving.read_record(connection)
    assert record is not None
    undoing.finish(connection, record)
    assert moving.read_record(connection) is None
    assert value("SELECT count(*) FROM pg_namespace WHERE nspname = 'whitecross_legacy'") == 0
    assert is_as_a_fresh_migrate_leaves_it()
    assert value("SELECT count(*) FROM students") == next(
        table["rowsHere"] for table in report["tables"] if table["table"] == "students"
    )
    call_command("migrate", verbosity=0)


def test_what_others_built_on_the_predecessors_tables_is_not_dropped(legacy: Legacy, dump: Dump) -> None:
    name = legacy.in_place(4)
    execute(
        "CREATE TABLE lunches (id int PRIMARY KEY, student uuid REFERENCES students (id))",
        'CREATE VIEW active_students AS SELECT * FROM students WHERE "isActive"',
    )
    before = dump(name)
    report = adopt_in_place()
    assert any("unknown table lunches" in note for note in report["notes"])
    assert any("unknown view active_students" in note for note in report["notes"])
    assert value("SELECT count(*) FROM active_students") > 0
    record = moving.read_record(connection)
    assert record is not None
    with pytest.raises(undoing.UndoError, match="Something else in the database needs"):
        undoing.finish(connection, record)
    assert value("SELECT count(*) FROM whitecross_legacy.students") > 0
    undo()
    assert dump(name) == before


def test_the_source_is_read_only(legacy: Legacy) -> None:
    url = legacy.elsewhere(3)
    road = RoadFromElsewhere("default", url)
    try:
        with road.look(), road.there.cursor() as cursor, pytest.raises(Exception, match="read-only transaction"):
            cursor.execute("DELETE FROM allergies")
    finally:
        road.there.close()
        leave_source()
    assert "adoption_source" not in connections.databases


def test_what_is_written_there_meanwhile_is_not_seen(legacy: Legacy, monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg

    from whitecross.adoption import adopting

    url = legacy.elsewhere(4)
    migrate = adopting._migrate

    def migrate_while_others_write(road: Road, progress: Progress) -> None:
        with psycopg.connect(url) as other:
            other.execute("INSERT INTO districts (name, code) VALUES ('Later', 'LATER')")
        migrate(road, progress)

    monkeypatch.setattr(adopting, "_migrate", migrate_while_others_write)
    adopt_from(url)
    assert value("SELECT count(*) FROM districts WHERE code = 'LATER'") == 0


def test_a_source_in_another_encoding_comes_over(legacy: Legacy) -> None:
    name = f"{connection.settings_dict['NAME']}_latin1"
    from tests.conftest import _maintenance

    with _maintenance() as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        server.execute(
            f"CREATE DATABASE \"{name}\" ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
        )
    try:
        import psycopg

        with psycopg.connect(url_of(name)) as other:
            predecessor.create(other.cursor(), 3)
            other.execute("INSERT INTO districts (name, code) VALUES ('Zoë', 'Z')")
        legacy.elsewhere(3)
        report = adopt_from(url_of(name))
        assert report["rows"] == {"there": 1, "here": 1, "setAside": 0}
        assert value("SELECT name FROM districts") == "Zoë"
    finally:
        drop_database(name)
