"""A synthetic set in the database: all its rules hold there, and what it says about health is consistent."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.contrib.auth.hashers import is_password_usable
from django.db import connection
from django.db.models import Count, F, Q

from core.db import EnumField
from core.models import Contact, District, School, Student, User
from core.models.record import PHIRecord
from health_records.models import (
    Allergy,
    Appointment,
    GrowthMeasurement,
    MedicationLog,
    Screening,
    StudentMedication,
    Vaccination,
    VitalSigns,
)
from health_records.synthetic import loading
from health_records.synthetic.district_set import Plan, make_batches

TODAY = dt.date(2026, 3, 2)
MIDNIGHT = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def smallest_set(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, int]]:
    """The smallest set that promises every label, loaded once; taken back after the module. Yields rows by table."""
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "_vacuum", lambda: None)
        connection.set_autocommit(False)
        try:
            yield loading.load(Plan(50, 1, TODAY, ZoneInfo("UTC")), lambda students, rows: None)
        finally:
            connection.rollback()
            connection.set_autocommit(True)


def enum_fields() -> Iterator[Any]:
    """Every enum column of people and health data."""
    for label in ("core", "health_records"):
        for model in apps.get_app_config(label).get_models():
            for field in model._meta.fields:
                if isinstance(field, EnumField):
                    yield pytest.param(model, field, id=f"{model.__name__}.{field.name}")


@pytest.mark.parametrize(("model", "field"), list(enum_fields()))
def test_fifty_students_show_every_label(smallest_set: dict[str, int], model: Any, field: Any) -> None:
    shown = set(model._base_manager.values_list(field.name, flat=True))
    assert set(dict(field.choices)) <= shown


def test_all_rows_arrive(smallest_set: dict[str, int]) -> None:
    for table, number in smallest_set.items():
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            assert cursor.fetchone() == (number,)
    assert smallest_set["students"] == 50
    assert all(smallest_set.values())


def test_students_belong_to_the_district_of_their_school(smallest_set: dict[str, int]) -> None:
    assert not Student.all_objects.exclude(school=None).exclude(district=F("school__district")).exists()
    assert District.objects.count() == 2
    assert not School.objects.annotate(students_there=Count("students")).filter(students_there=0).exists()


def test_nobody_of_the_staff_can_sign_in(smallest_set: dict[str, int]) -> None:
    assert not any(is_password_usable(password) for password in User.objects.values_list("password", flat=True))
    assert not User.objects.filter(Q(is_superuser=True) | ~Q(email__endswith=".example")).exists()


def test_names_have_diacritics_and_apostrophes(smallest_set: dict[str, int]) -> None:
    names = " ".join(f"{first} {last}" for first, last in Contact.objects.values_list("first_name", "last_name"))
    assert "'" in names
    assert not names.isascii()


def test_some_rows_are_marked_as_deleted(smallest_set: dict[str, int]) -> None:
    models = [model for model in apps.get_models() if issubclass(model, PHIRecord)]
    marked = sum(model.all_objects.filter(deleted_at__isnull=False).count() for model in models)
    assert 0 < marked < sum(smallest_set.values()) / 50


def test_bmi_follows_from_height_and_weight_and_height_never_falls(smallest_set: dict[str, int]) -> None:
    before: dict[Any, Decimal] = {}
    for row in GrowthMeasurement.all_objects.order_by("student", "measurement_date"):
        height = row.height * Decimal("2.54") if row.height_unit == "in" else row.height
        weight = row.weight * Decimal("0.45359237") if row.weight_unit == "lb" else row.weight
        assert abs(row.bmi - weight / (height / 100) ** 2) < Decimal("0.1")
        assert height >= before.get(row.student_id, Decimal(80))
        before[row.student_id] = height - Decimal("0.1")  # what rounding to inches may take
    assert len(before) > 30


def test_what_is_overdue_was_due_and_a_complete_series_is_compliant(smallest_set: dict[str, int]) -> None:
    vaccinations = Vaccination.all_objects
    assert not vaccinations.filter(compliance_status="OVERDUE").exclude(next_due_date__lt=MIDNIGHT).exists()
    assert not vaccinations.filter(compliance_status="OVERDUE", series_complete=True).exists()
    partial = vaccinations.filter(compliance_status="PARTIALLY_COMPLIANT")
    assert not partial.exclude(next_due_date__gte=MIDNIGHT).exists()
    assert not vaccinations.filter(series_complete=True).exclude(dose_number=F("total_doses")).exists()
    assert not vaccinations.filter(series_complete=True, next_due_date__isnull=False).exists()
    assert not vaccinations.filter(exemption_status=True).exclude(compliance_status="EXEMPT").exists()
    assert not vaccinations.filter(administration_date__gte=MIDNIGHT).exists()


def test_doses_of_a_series_follow_each_other(smallest_set: dict[str, int]) -> None:
    last: dict[tuple[Any, str], tuple[int, dt.datetime]] = {}
    doses = Vaccination.all_objects.filter(total_doses__gt=1, dose_number__isnull=False)
    for dose in doses.order_by("student", "vaccine_name", "dose_number", "administration_date"):
        series = dose.student_id, dose.vaccine_name
        number, day = last.get(series, (0, dose.administration_date))
        assert dose.dose_number in (number, number + 1)
        assert dose.administration_date >= day or dose.dose_number == number
        last[series] = dose.dose_number, dose.administration_date


def test_no_vaccine_is_given_before_birth(smallest_set: dict[str, int]) -> None:
    rows = Vaccination.all_objects.filter(administration_date__date__lt=F("student__date_of_birth"))
    assert not rows.exists()


def test_vital_signs_fit_their_units_and_each_other(smallest_set: dict[str, int]) -> None:
    signs = VitalSigns.all_objects
    assert not signs.filter(temperature_unit="F").exclude(temperature__range=(96, 104)).exists()
    assert not signs.filter(temperature_unit="C").exclude(temperature__range=(36, 40)).exists()
    assert not signs.filter(consciousness="UNRESPONSIVE", oxygen_saturation__gt=94).exists()
    of_another = signs.filter(appointment__isnull=False).exclude(appointment__student=F("student"))
    assert not of_another.exists()


def test_no_nurse_has_two_appointments_at_once(smallest_set: dict[str, int]) -> None:
    slots = Appointment.all_objects.values("nurse", "scheduled_at").annotate(number=Count("id"))
    assert not slots.filter(number__gt=1).exists()


def test_doses_lie_within_their_order(smallest_set: dict[str, int]) -> None:
    order = "student_medication__"
    outside = Q(time_given__lt=F(f"{order}start_date")) | Q(time_given__gt=F(f"{order}end_date"))
    assert not MedicationLog.all_objects.filter(outside).exists()
    assert not StudentMedication.all_objects.filter(is_active=False, end_date__isnull=True).exists()


def test_a_life_threatening_allergy_has_an_epi_pen(smallest_set: dict[str, int]) -> None:
    assert not Allergy.all_objects.filter(severity="LIFE_THREATENING").exclude(epi_pen_required=True).exists()


def test_a_referral_says_to_whom(smallest_set: dict[str, int]) -> None:
    assert not Screening.all_objects.filter(referral_required=True, referral_to__isnull=True).exists()


def test_every_rule_of_the_models_holds(smallest_set: dict[str, int]) -> None:
    for model in (Student, Vaccination, VitalSigns, GrowthMeasurement, StudentMedication, Appointment):
        for row in model.all_objects.all()[:40]:
            row.full_clean(validate_unique=False)


@pytest.mark.usefixtures("db")  # one such test a module: without, pytest-django makes no test database
def test_the_first_batch_alone_can_be_made() -> None:
    students, batch = next(make_batches(Plan(1, 1, TODAY, ZoneInfo("UTC"))))
    assert students == 1
    assert batch["students"][0] == 1
