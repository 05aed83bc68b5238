"""Appointments of a day, the shelf, last doses, latest vital signs; and that every model has its phrases twice."""

import datetime as dt
from typing import Any

import pytest
from django.apps import apps
from django.test import override_settings
from django.utils import timezone

from core import days
from core.models import Student
from core.models.record import PHIRecord
from health_records.models import Appointment, Medication, MedicationLog, StudentMedication, VitalSigns
from tests.factories import (
    NOON,
    make_dose,
    make_medication,
    make_order,
    make_school,
    make_student,
    make_user,
    make_vital_signs,
)

pytestmark = pytest.mark.django_db

DAY = dt.date(2026, 3, 2)
MINUTE = dt.timedelta(minutes=1)


def make_appointment(**fields: Any) -> Appointment:
    values = {"scheduled_at": NOON, "reason": "Check", **fields}
    values.setdefault("student", None)
    values["student"] = values["student"] or make_student()
    return Appointment.objects.create(**values)


def test_a_nurses_day_has_all_her_appointments_in_the_order_of_time() -> None:
    nurse = make_user()
    late = make_appointment(nurse=nurse, scheduled_at=days.end_of(DAY) - MINUTE)
    early = make_appointment(nurse=nurse, scheduled_at=days.start_of(DAY), status="CANCELLED")
    make_appointment(nurse=nurse, scheduled_at=days.end_of(DAY))
    make_appointment(nurse=nurse, scheduled_at=days.start_of(DAY) - MINUTE)
    make_appointment(nurse=make_user())
    make_appointment(nurse=nurse).delete()
    make_appointment(nurse=nurse).student.delete()
    assert list(Appointment.objects.for_nurse(nurse).on_day(DAY)) == [early, late]


@pytest.mark.parametrize(
    ("zone", "day", "begins", "hours"),
    [
        ("UTC", DAY, "2026-03-02T00:00+00:00", 24),
        ("America/Chicago", DAY, "2026-03-02T06:00+00:00", 24),
        ("America/Chicago", dt.date(2026, 3, 8), "2026-03-08T06:00+00:00", 23),
        ("America/Chicago", dt.date(2026, 11, 1), "2026-11-01T05:00+00:00", 25),
        ("Pacific/Auckland", DAY, "2026-03-01T11:00+00:00", 24),
    ],
)
def test_a_day_is_a_day_of_the_schools(zone: str, day: dt.date, begins: str, hours: int) -> None:
    # What a user's own clock shows (the current time zone) does not move the school's day.
    with override_settings(TIME_ZONE=zone), timezone.override("Asia/Tokyo"):
        begin, end = days.start_of(day), days.end_of(day)
    assert begin == dt.datetime.fromisoformat(begins)
    assert end.astimezone(dt.UTC) - begin.astimezone(dt.UTC) == dt.timedelta(hours=hours)


def test_today_is_the_day_at_the_schools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: dt.datetime(2026, 3, 2, 3, 0, tzinfo=dt.UTC))
    with override_settings(TIME_ZONE="America/Chicago"):
        assert days.today() == dt.date(2026, 3, 1)
    assert days.today() == dt.date(2026, 3, 2)


def test_the_shelf_shows_what_is_low_or_expires_soon() -> None:
    plenty = {"stock_quantity": 50, "minimum_stock": 10}
    low = make_medication(stock_quantity=10, minimum_stock=10)
    make_medication(**plenty)
    make_medication(**plenty, expiration_date=days.end_of(DAY + dt.timedelta(days=30)))
    soon = make_medication(**plenty, expiration_date=days.end_of(DAY + dt.timedelta(days=30)) - MINUTE)
    expired = make_medication(**plenty, expiration_date=NOON - dt.timedelta(days=300))
    make_medication(stock_quantity=0, minimum_stock=5, expiration_date=NOON, is_active=False)
    assert list(Medication.objects.low()) == [low]
    assert list(Medication.objects.expiring(DAY)) == [expired, soon]
    assert list(Medication.objects.expiring(DAY, within=29)) == [expired]
    assert list(Medication.objects.low_or_expiring(DAY)) == [expired, soon, low]


def test_each_order_has_its_last_doses_the_latest_first() -> None:
    student = make_student()
    twice, never = make_order(student=student), make_order(student=student)
    make_order(student=student, is_active=False)
    make_order()
    doses = [make_dose(student_medication=twice, time_given=NOON + MINUTE * minute) for minute in range(4)]
    doses[3].delete()
    found = {
        order.pk: order.last_doses
        for order in StudentMedication.objects.for_student(student).active().with_last_doses(2)
    }
    assert found == {twice.pk: [doses[2], doses[1]], never.pk: []}


def test_doses_lead_to_their_student_and_school() -> None:
    school = make_school()
    dose, other = make_dose(), make_dose(student_medication=make_order(student=make_student(school=school)))
    assert MedicationLog.objects.for_student(dose.student_medication.student).get() == dose
    assert MedicationLog.objects.for_school(school).get() == other


def test_the_latest_vital_signs_are_one_row_a_student_in_the_order_of_names() -> None:
    school = make_school()
    zed, abe, without = (make_student(school=school, last_name=name) for name in ("Zed", "Abe", "None"))
    for student in (zed, abe):
        make_vital_signs(student=student, measurement_date=NOON - MINUTE)
        make_vital_signs(student=student, measurement_date=NOON)
    first, second = VitalSigns.objects.filter(measurement_date=NOON).order_by("student__last_name")
    make_vital_signs(student=zed, measurement_date=NOON + MINUTE).delete()
    make_vital_signs()
    latest = VitalSigns.objects.latest_of(Student.objects.for_school(school))
    assert list(latest) == [first, second]
    again = make_vital_signs(student=abe, measurement_date=NOON)
    assert list(latest.all()) == [again, second]
    assert latest.filter(student=zed).get() == second
    assert not latest.filter(student=without).exists()
    assert list(VitalSigns.objects.latest_of(Student.objects.for_school(school)[:1])) == [again]


def test_every_model_of_health_data_has_its_phrases_with_and_without_deleted_rows() -> None:
    for model in apps.get_models():
        if issubclass(model, PHIRecord):
            assert model._default_manager is model.objects, model
            assert model._base_manager is model.all_objects, model
            assert type(model.objects.all()) is type(model.all_objects.all()), model
            assert "deletedAt" in str(model.objects.values("pk").query), model
            assert "deletedAt" not in str(model.all_objects.values("pk").query), model
