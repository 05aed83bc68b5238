"""The operations on enum types go forward and back and leave nothing behind."""

from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from core.db import AddEnumLabel, CreateEnum, DropEnum, RemoveEnumLabel, RenameEnumLabel
from health_records.models import Appointment
from tests.factories import NOON, make_student, make_user

STATE = ProjectState()


def forwards(operation: Operation) -> None:
    with connection.schema_editor() as editor:
        operation.database_forwards("health_records", editor, STATE, STATE)


def backwards(operation: Operation) -> None:
    with connection.schema_editor() as editor:
        operation.database_backwards("health_records", editor, STATE, STATE)


def labels(name: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT enumlabel FROM pg_enum JOIN pg_type t ON t.oid = enumtypid
            WHERE typname = %s ORDER BY enumsortorder
            """,
            [name],
        )
        return [label for (label,) in cursor.fetchall()]


def definitions(table: str) -> Any:
    """Everything that stands on a table and may name a type."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT indexdef FROM pg_indexes WHERE tablename = %(table)s
            UNION ALL SELECT conname || pg_get_constraintdef(oid)
                      FROM pg_constraint WHERE conrelid = %(table)s::regclass
            UNION ALL SELECT indexrelid::regclass || ' says ' || obj_description(indexrelid, 'pg_class')
                      FROM pg_index WHERE indrelid = %(table)s::regclass
            UNION ALL SELECT tgenabled::text || pg_get_triggerdef(oid)
                      FROM pg_trigger WHERE tgrelid = %(table)s::regclass AND NOT tgisinternal
            UNION ALL SELECT column_name || ' ' || udt_name || coalesce(column_default, '')
                      FROM information_schema.columns WHERE table_name = %(table)s
            ORDER BY 1
            """,
            {"table": table},
        )
        return cursor.fetchall()


def test_a_type_is_created_and_dropped(empty_db: str) -> None:
    operation = CreateEnum("Mood", ["GLAD", "O'HARE", "100%"])
    forwards(operation)
    assert labels("Mood") == ["GLAD", "O'HARE", "100%"]
    backwards(operation)
    assert labels("Mood") == []


def test_a_type_is_dropped_and_comes_back(empty_db: str) -> None:
    forwards(CreateEnum("Mood", ["GLAD", "SAD"]))
    operation = DropEnum("Mood", ["GLAD", "SAD"])
    forwards(operation)
    assert labels("Mood") == []
    backwards(operation)
    assert labels("Mood") == ["GLAD", "SAD"]


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({}, ["LOW", "MEDIUM", "HIGH", "CRITICAL", "TRIVIAL"]),
        ({"before": "LOW"}, ["TRIVIAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"]),
        ({"after": "LOW"}, ["LOW", "TRIVIAL", "MEDIUM", "HIGH", "CRITICAL"]),
    ],
)
def test_a_label_is_added_at_its_place(committed_db: str, place: dict[str, str], expected: list[str]) -> None:
    forwards(AddEnumLabel("IncidentSeverity", "TRIVIAL", **place))
    assert labels("IncidentSeverity") == expected


def test_taking_a_label_back_rebuilds_what_stands_on_the_type(committed_db: str) -> None:
    appointment = Appointment.objects.create(
        student=make_student(), nurse=make_user(), scheduled_at=NOON, reason="Check"
    )
    before = definitions("appointments"), labels("AppointmentStatus")
    assert any("idx_appointments_upcoming" in text for (text,) in before[0])
    operation = AddEnumLabel("AppointmentStatus", "ON_HOLD", after="SCHEDULED")
    forwards(operation)
    assert "ON_HOLD" in labels("AppointmentStatus")
    backwards(operation)
    assert (definitions("appointments"), labels("AppointmentStatus")) == before
    appointment.refresh_from_db()
    assert appointment.status == "SCHEDULED"
    assert labels("AppointmentStatus__old") == []


def test_checks_and_triggers_that_name_the_type_are_rebuilt_as_well(committed_db: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE TRIGGER watch BEFORE UPDATE ON appointments FOR EACH ROW
            WHEN (NEW.status = 'COMPLETED'::"AppointmentStatus") EXECUTE FUNCTION set_updated_at()
            """
        )
        cursor.execute(
            "ALTER TABLE appointments ADD CONSTRAINT no_show CHECK (status <> 'NO_SHOW' OR notes IS NOT NULL)"
        )
        cursor.execute("ALTER TABLE appointments ENABLE ALWAYS TRIGGER watch")
        cursor.execute("""CREATE INDEX "quotedName" ON appointments (id) WHERE status = 'COMPLETED'""")
    before = definitions("appointments")
    operation = AddEnumLabel("AppointmentStatus", "ON_HOLD")
    forwards(operation)
    backwards(operation)
    assert definitions("appointments") == before


def test_a_label_that_rows_say_is_not_taken_away(committed_db: str) -> None:
    Appointment.objects.create(
        student=make_student(), nurse=make_user(), scheduled_at=NOON, reason="Check", status="NO_SHOW"
    )
    before = definitions("appointments"), labels("AppointmentStatus")
    with pytest.raises(CommandError, match=r'appointments\."status": 1 rows say NO_SHOW'):
        forwards(RemoveEnumLabel("AppointmentStatus", "NO_SHOW"))
    assert (definitions("appointments"), labels("AppointmentStatus")) == before


def test_a_label_is_removed_and_comes_back(committed_db: str) -> None:
    before = labels("AppointmentStatus")
    operation = RemoveEnumLabel("AppointmentStatus", "NO_SHOW", before="RESCHEDULED")
    forwards(operation)
    assert labels("AppointmentStatus") == [label for label in before if label != "NO_SHOW"]
    backwards(operation)
    assert labels("AppointmentStatus") == before


def test_a_label_is_renamed_with_its_rows(committed_db: str) -> None:
    appointment = Appointment.objects.create(
        student=make_student(), nurse=make_user(), scheduled_at=NOON, reason="Check"
    )
    operation = RenameEnumLabel("AppointmentStatus", "SCHEDULED", "PLANNED")
    forwards(operation)
    with connection.cursor() as cursor:
        cursor.execute("SELECT status FROM appointments WHERE id = %s", [appointment.pk])
        assert cursor.fetchone() == ("PLANNED",)
    backwards(operation)
    assert "SCHEDULED" in labels("AppointmentStatus")
