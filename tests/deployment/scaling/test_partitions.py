"""The SQL of docs/scaling.md, on rows: medication_logs by month, with nothing copied and nothing lost."""

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connection
from django.db.models.deletion import ProtectedError

from health_records.models import MedicationLog, StudentMedication
from tests.factories import make_dose, make_order, make_user

PAGE = Path(__file__).resolve().parents[3] / "docs" / "scaling.md"
FEBRUARY = dt.datetime(2027, 2, 14, 12, tzinfo=dt.UTC)


def documented(table: str) -> list[str]:
    """The page's statements about a table."""
    blocks = re.findall(r"^```sql\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    about = [block for block in blocks if table in block]
    # A transaction goes to the server in one; CREATE INDEX CONCURRENTLY has to go alone.
    return [part for block in about for part in ([block] if block.startswith("BEGIN;") else block.split(";\n"))]


def partition_of(dose: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM medication_logs WHERE id = %s", [dose.pk])
        return str(cursor.fetchone()[0])


@pytest.fixture
def partitioned(committed_db: str) -> list[Any]:
    """The doses of before, in what the page makes of their table."""
    order, nurse = make_order(), make_user()
    doses = [make_dose(student_medication=order, nurse=nurse) for _ in range(20)]
    before = list(MedicationLog.objects.order_by("pk").values())
    with connection.cursor() as cursor:
        for statement in filter(str.strip, documented("medication_logs")):
            cursor.execute(statement)
    assert list(MedicationLog.objects.order_by("pk").values()) == before
    return doses


def test_the_application_works_on_partitions_as_before(partitioned: list[Any]) -> None:
    old = partitioned[0]
    order, nurse = old.student_medication, old.nurse
    dose = make_dose(student_medication=order, nurse=nurse, time_given=FEBRUARY)
    assert partition_of(old) == "medication_logs_past"
    assert partition_of(dose) == "medication_logs_2027_02"

    # Written down wrongly, and corrected: it moves, and is the same dose.
    dose.time_given = FEBRUARY.replace(month=3)
    dose.save()
    assert partition_of(dose) == "medication_logs_2027_03"
    changed = dose.updated_at
    MedicationLog.objects.filter(pk=dose.pk).update(notes="Corrected")
    dose.refresh_from_db()
    assert dose.notes == "Corrected"
    assert dose.updated_at > changed  # the trigger went with it

    found = StudentMedication.objects.for_student(order.student).with_last_doses()
    assert next(iter(found[0].last_doses)).pk == dose.pk

    old.delete()
    assert not MedicationLog.objects.filter(pk=old.pk).exists()
    old.restore()
    with connection.cursor() as cursor, pytest.raises(Exception, match=r"(?i)delete"):
        cursor.execute("DELETE FROM medication_logs WHERE id = %s", [dose.pk])
    with pytest.raises(ProtectedError):
        order.erase()
    dose.erase()
    assert MedicationLog.all_objects.count() == len(partitioned)


def test_a_dose_needs_its_order_and_its_month(partitioned: list[Any]) -> None:
    old = partitioned[0]
    with connection.cursor() as cursor, pytest.raises(IntegrityError, match="studentMedicationId_fkey"):
        cursor.execute(
            'INSERT INTO medication_logs ("studentMedicationId", "nurseId", "dosageGiven", "timeGiven")'
            " VALUES (uuidv7(), %s, '1', '2027-02-14')",
            [old.nurse_id],
        )
    with pytest.raises(IntegrityError) as refused:
        make_dose(student_medication=old.student_medication, nurse=old.nurse, time_given=FEBRUARY.replace(year=2030))
    assert isinstance(refused.value.__cause__, psycopg.errors.CheckViolation)


def test_a_months_report_reads_that_month_alone(partitioned: list[Any]) -> None:
    rows = MedicationLog.objects.filter(time_given__gte=FEBRUARY, time_given__lt=FEBRUARY + dt.timedelta(days=10))
    plan = json.dumps(json.loads(rows.explain(format="json")))
    assert set(re.findall(r'"Relation Name": "(\w+)"', plan)) == {"medication_logs_2027_02"}


def test_every_index_and_key_of_the_past_is_used_and_none_is_built_again(partitioned: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid::regclass::text, indisvalid, indexrelid IN (SELECT inhrelid FROM pg_inherits)"
            " FROM pg_index WHERE indrelid = 'medication_logs_past'::regclass"
        )
        indexes = cursor.fetchall()
        cursor.execute(
            "SELECT conname, convalidated, conparentid <> 0 FROM pg_constraint"
            " WHERE conrelid = 'medication_logs_past'::regclass AND contype = 'f'"
        )
        keys = cursor.fetchall()
    assert len(indexes) == 6
    assert all(valid and attached for _, valid, attached in indexes), indexes
    assert len(keys) == 3
    assert all(valid and attached for _, valid, attached in keys), keys


def test_nothing_refers_to_the_tables_that_would_be_divided(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'f'"
            " AND confrelid IN ('medication_logs'::regclass, 'vital_signs'::regclass)"
        )
        assert cursor.fetchall() == []
