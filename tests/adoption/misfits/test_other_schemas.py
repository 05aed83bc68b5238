"""Databases that somebody changed: keys, tables and columns that are missing or others."""

import pytest

from core.schema.expected import load_expected
from tests.adoption.conftest import Legacy, execute, value
from tests.adoption.misfits.reading import (
    UNIQUE,
    Dump,
    Found,
    adopted,
    adopted_from,
    clone,
    finds_exactly,
    plan,
    rows,
    texts,
)
from tests.adoption.misfitting import NOBODY
from whitecross.adoption.adopting import RefusedError
from whitecross.adoption.inspecting import NoPredecessorError
from whitecross.adoption.sql import quoted


def foreign_keys() -> list[tuple[str, str, str, str]]:
    """(table, constraint, column, parent) of the predecessor's foreign keys."""
    return rows("""
        SELECT conrelid::regclass::text, conname::text, attname::text, confrelid::regclass::text
        FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
        WHERE contype = 'f' AND connamespace = 'public'::regnamespace ORDER BY 1, 2
    """)


def test_keys_that_somebody_dropped_are_looked_after(legacy: Legacy, pristine_database: str) -> None:
    """No foreign key, no unique constraint at all: sound rows still fit, what dangles or stands twice does not."""
    name = legacy.in_place(7)
    keys = foreign_keys()
    assert len(keys) > 25
    uniques = rows("""SELECT conrelid::regclass::text, conname::text FROM pg_constraint
                      WHERE contype = 'u' AND connamespace = 'public'::regnamespace""")
    execute(*(f"ALTER TABLE {table} DROP CONSTRAINT {quoted(key)}" for table, key, *_ in [*keys, *uniques]))
    indexes = rows("""SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
                      WHERE indisunique AND NOT indisprimary AND relnamespace = 'public'::regnamespace""")
    execute(*(f"DROP INDEX {index}" for (index,) in indexes))
    assert plan().misfits.number == 0
    wanted: Found = {}
    for table, key, column, _ in keys:
        if key not in load_expected()["tables"][table]["constraints"]:
            continue  # a version may outlive its setting here
        # Of a student, the school says the district; nobody says the school.
        alone: dict[str, str | None] = {"schoolId": None} if (table, column) == ("students", "districtId") else {}
        wanted.setdefault(table, {})[clone(table, **{**alone, column: NOBODY})] = column
    for table, columns in UNIQUE.items():
        for column in columns:
            if table == "users":
                continue
            which = f"{quoted(column)} IS NOT NULL" + (" AND scope = 'SYSTEM'" if "conf" in table else "")
            first, text = rows(f"SELECT id::text, {quoted(column)} FROM {table} WHERE {which} LIMIT 1")[0]
            twin = clone(table, first, **{column: text, "createdAt": "2099-01-01 00:00:00+00"})
            wanted.setdefault(table, {})[twin] = (
                "system_configurations_key_scope_key" if "conf" in table else f"{table}_{column}_key"
            )
    finds_exactly(plan(), wanted)
    with adopted_from(name, pristine_database, set_aside=True) as report:
        assert (
            report["rows"]["setAside"]
            == value("SELECT count(*) FROM adoption_rejects")
            == sum(map(len, wanted.values()))
        )
        assert all(table["holds"] for table in report["tables"])


def test_a_key_that_was_never_validated_is_looked_after(legacy: Legacy) -> None:
    legacy.in_place(3)
    execute("""ALTER TABLE health_records DROP CONSTRAINT "health_records_studentId_fkey\"""")
    row = clone("health_records", studentId=NOBODY)
    execute(
        """ALTER TABLE health_records ADD CONSTRAINT "health_records_studentId_fkey" FOREIGN KEY ("studentId")
           REFERENCES students (id) NOT VALID"""
    )
    finds_exactly(plan(), {"health_records": {row: "health_records_studentId_fkey"}})


def test_a_table_and_columns_that_are_missing_are_said_and_the_rest_comes_over(
    legacy: Legacy, pristine_database: str
) -> None:
    name = legacy.in_place(7)
    missing = {
        "students": ("photo",),
        "users": ("lastLogin",),
        "allergies": ("active", "onsetDate"),
        "system_configurations": ("validationRules", "displayName", "valueType"),
        "configuration_history": ("oldValue", "changedByName"),
    }
    execute(
        "DROP TABLE growth_measurements",
        *(f"ALTER TABLE {table} DROP COLUMN {quoted(name)}" for table, names in missing.items() for name in names),
    )
    before = texts()
    found = plan()
    finds_exactly(found, {})
    # The state is that of which nothing is missing, and the table may be one that this state has not got.
    assert found.found.state == 3
    with adopted_from(name, pristine_database) as report:
        assert "growth_measurements" not in {table["table"] for table in report["tables"]}
        assert all(table["holds"] and table["rowsThere"] == table["rowsHere"] for table in report["tables"])
        assert report["rows"]["here"] == sum(map(len, before.values()))
        assert value("SELECT count(*) FROM growth_measurements") == value("SELECT count(photo) FROM students") == 0
        assert any("the column students.photo is missing" in note for note in report["notes"])


def test_a_missing_table_of_its_state_is_noted_and_without_students_it_is_no_database_of_his(legacy: Legacy) -> None:
    legacy.in_place(3)
    execute("DROP TABLE emergency_contacts")
    assert "the table emergency_contacts is missing, so there is nothing of it to bring over" in plan().notes
    execute("DROP TABLE students CASCADE")
    with pytest.raises(NoPredecessorError, match="but not students"):
        plan()


def test_a_column_that_no_row_can_be_without_is_in_the_way(legacy: Legacy) -> None:
    legacy.in_place(7)
    execute(
        'ALTER TABLE students DROP "firstName"',
        'ALTER TABLE schools DROP "districtId" CASCADE',
        "ALTER TABLE configuration_history DROP id",
    )
    said = plan(set_aside=True).refusals()
    assert "students.firstName is missing, and no row can be without it." in said
    assert "schools: districtId missing, without which its rows cannot be brought over." in said
    assert "configuration_history: id missing, without which its rows cannot be brought over." in said


def test_a_column_of_a_type_that_nobody_can_convert_is_in_the_way(legacy: Legacy, dump: Dump) -> None:
    name = legacy.in_place(7)
    changed = {
        "appointments.duration": ("text", "integer"),
        "vital_signs.heartRate": ("double precision", "integer"),
        "students.dateOfBirth": ("timestamp without time zone", "date"),
        "users.emailVerified": ("text", "boolean"),
        "incident_reports.witnesses": ("text", "jsonb"),
    }
    for place, (type_, _) in changed.items():
        table, column = map(quoted, place.split("."))
        execute(f"ALTER TABLE {table} ALTER {column} DROP DEFAULT, ALTER {column} TYPE {type_}")
    before = dump(name)
    assert sorted(plan(set_aside=True).refusals()) == sorted(
        f"{place} is a {type_}, which cannot become a {here} here." for place, (type_, here) in changed.items()
    )
    with pytest.raises(RefusedError, match=r"appointments\.duration is a text, which cannot become a integer here"):
        adopted(set_aside=True)
    assert dump(name) == before


def test_types_that_somebody_widened_come_over(legacy: Legacy, pristine_database: str) -> None:
    """And a day that is none of our calendar does not fit, wherever it stands."""
    name = legacy.in_place(7)
    execute(
        "ALTER TABLE appointments ALTER duration TYPE bigint",
        "ALTER TABLE districts ALTER code TYPE character(50)",
        "ALTER TABLE vital_signs ALTER temperature TYPE numeric",
        """ALTER TABLE student_medications ALTER "startDate" TYPE date, ALTER "endDate" TYPE date""",
        "ALTER TABLE chronic_conditions ALTER triggers TYPE character varying(300)[]",
        "ALTER TABLE students ALTER grade TYPE text",
    )
    rejected: Found = {
        "appointments": {clone("appointments", duration="5000000000"): "duration_size"},
        "vital_signs": {clone("vital_signs", temperature="Infinity"): "temperature_size"},
        "student_medications": {clone("student_medications", startDate="5000000-01-01"): "startDate_calendar"},
        "students": {clone("students", grade="x" * 11): "grade_length"},
    }
    finds_exactly(plan(), rejected)
    with adopted_from(name, pristine_database, set_aside=True) as report:
        assert report["rows"]["setAside"] == 4
        assert all(table["holds"] for table in report["tables"])
        assert not rows("SELECT FROM districts WHERE code LIKE '% '")
