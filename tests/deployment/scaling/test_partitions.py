"""The SQL of docs/scaling.md, on rows: a table by month, with nothing copied and nothing lost."""

import datetime as dt
import json
import re
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connection
from django.db.models.deletion import ProtectedError

from health_records.models import MedicationLog, StudentMedication
from tests.deployment.scaling.conftest import ROWS, Divided
from tests.deployment.scaling.documented import TABLES, divide
from tests.factories import make_dose, make_vital_signs

FEBRUARY = dt.datetime(2027, 2, 14, 12, tzinfo=dt.UTC)
EVE = dt.datetime(2027, 1, 31, 23, 59, tzinfo=dt.UTC)


def run(sql: str, *values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return cursor.fetchall() if cursor.description else []


def test_a_row_of_the_next_month_is_written_and_one_of_the_last_still_is(divided: Divided) -> None:
    assert divided.partition_of(divided.old[0]) == f"{divided.table}_past"
    assert divided.partition_of(divided.write(**{divided.time: EVE})) == f"{divided.table}_past"
    first = dt.datetime(2027, 2, 1, tzinfo=dt.UTC)
    assert divided.partition_of(divided.write(**{divided.time: first})) == f"{divided.table}_2027_02"
    assert divided.partition_of(divided.write(**{divided.time: FEBRUARY})) == f"{divided.table}_2027_02"


def test_a_row_corrected_into_another_month_moves_and_is_the_same(divided: Divided) -> None:
    row = divided.write(**{divided.time: FEBRUARY}, notes="As written")
    for time, partition in ((FEBRUARY.replace(month=3), "2027_03"), (EVE, "past"), (FEBRUARY, "2027_02")):
        setattr(row, divided.time, time)
        row.save()
        assert divided.partition_of(row) == f"{divided.table}_{partition}"
    changed = row.updated_at
    divided.model.objects.filter(pk=row.pk).update(notes="Corrected")
    row.refresh_from_db()
    assert row.notes == "Corrected"
    assert row.updated_at > changed  # the trigger went with it
    assert divided.model.objects.count() == ROWS + 1


def test_a_row_is_refused_to_be_deleted_wherever_it_lies(divided: Divided) -> None:
    new = divided.write(**{divided.time: FEBRUARY})
    for row in (divided.old[0], new):
        for table in (divided.table, divided.partition_of(row)):
            with pytest.raises(IntegrityError, match=rf"{divided.table} holds health records: DELETE refused"):
                run(f"DELETE FROM {table} WHERE id = %s", row.pk)
        row.delete()  # marks it
        assert not divided.model.objects.filter(pk=row.pk).exists()
        row.restore()
    new.erase()
    assert divided.model.all_objects.count() == ROWS


def test_both_tables_may_be_divided_and_rows_of_both_move(committed_db: str) -> None:
    divide(*TABLES)
    dose, signs = make_dose(time_given=FEBRUARY), make_vital_signs(measurement_date=FEBRUARY)
    type(dose).objects.filter(pk=dose.pk).update(time_given=EVE)
    type(signs).objects.filter(pk=signs.pk).update(measurement_date=EVE)
    for table, row in (("medication_logs", dose), ("vital_signs", signs)):
        assert run(f"SELECT tableoid::regclass::text FROM {table}") == [(f"{table}_past",)]
        with pytest.raises(IntegrityError, match=f"{table} holds health records"):
            run(f"DELETE FROM {table} WHERE id = %s", row.pk)


def test_a_row_needs_its_month(divided: Divided) -> None:
    with pytest.raises(IntegrityError) as refused:
        divided.write(**{divided.time: FEBRUARY.replace(year=2030)})
    assert isinstance(refused.value.__cause__, psycopg.errors.CheckViolation)


@pytest.mark.parametrize("table", TABLES)
def test_attaching_the_past_reads_none_of_its_rows(table: str, committed_db: str) -> None:
    said: list[str] = []
    run("SET client_min_messages = debug1")
    connection.connection.add_notice_handler(lambda notice: said.append(str(notice.message_primary)))
    divide(table)
    assert f'partition constraint for table "{table}_past" is implied by existing constraints' in said


def test_a_months_report_reads_that_month_alone(divided: Divided) -> None:
    until = FEBRUARY + dt.timedelta(days=10)
    rows = divided.model.objects.filter(**{f"{divided.time}__gte": FEBRUARY, f"{divided.time}__lt": until})
    plan = json.dumps(json.loads(rows.explain(format="json")))
    assert set(re.findall(r'"Relation Name": "(\w+)"', plan)) == {f"{divided.table}_2027_02"}


def test_the_newest_by_id_are_merged_from_the_keys_of_all_partitions(divided: Divided) -> None:
    run("SET enable_seqscan = off")
    run("SET enable_bitmapscan = off")
    plan = divided.model.objects.order_by("-pk")[:50].explain()
    assert "Merge Append" in plan
    assert len(re.findall(r"Index Scan Backward using \w+_pkey", plan)) == 3, plan


def test_every_index_and_key_of_the_past_is_used_and_none_is_built_again(divided: Divided) -> None:
    number = len(run("SELECT indexrelid FROM pg_index WHERE indrelid = %s::regclass", divided.table))
    indexes = run(
        "SELECT indexrelid::regclass::text, indisvalid, indexrelid IN (SELECT inhrelid FROM pg_inherits)"
        " FROM pg_index WHERE indrelid = %s::regclass",
        f"{divided.table}_past",
    )
    keys = run(
        "SELECT conname, convalidated, conparentid <> 0 FROM pg_constraint"
        " WHERE conrelid = %s::regclass AND contype = 'f'",
        f"{divided.table}_past",
    )
    assert len(indexes) == number
    assert all(valid and attached for _, valid, attached in indexes), indexes
    assert len(keys) == 3
    assert all(valid and attached for _, valid, attached in keys), keys


@pytest.mark.parametrize("divided", ["medication_logs"], indirect=True)
def test_a_dose_needs_its_order_and_is_among_the_last(divided: Divided) -> None:
    old = divided.old[0]
    with pytest.raises(IntegrityError, match="studentMedicationId_fkey"):
        run(
            'INSERT INTO medication_logs ("studentMedicationId", "nurseId", "dosageGiven", "timeGiven")'
            " VALUES (uuidv7(), %s, '1', '2027-02-14')",
            old.nurse_id,
        )
    dose = divided.write(time_given=FEBRUARY)
    order = old.student_medication
    found = StudentMedication.objects.for_student(order.student).with_last_doses()
    assert next(iter(found[0].last_doses)).pk == dose.pk
    with pytest.raises(ProtectedError):
        order.erase()
    assert MedicationLog.objects.count() == ROWS + 1


@pytest.mark.parametrize("divided", ["vital_signs"], indirect=True)
@pytest.mark.parametrize("time", [EVE, FEBRUARY])
def test_vital_signs_keep_their_rules_in_every_month(time: dt.datetime, divided: Divided) -> None:
    with pytest.raises(IntegrityError, match="vital_signs_heart_rate_check"):
        divided.write(measurement_date=time, heart_rate=351)


def test_nothing_refers_to_the_tables_that_would_be_divided(db: None) -> None:
    assert (
        run(
            "SELECT conname FROM pg_constraint WHERE contype = 'f'"
            " AND confrelid IN ('medication_logs'::regclass, 'vital_signs'::regclass)"
        )
        == []
    )
