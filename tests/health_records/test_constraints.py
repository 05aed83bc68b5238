"""The database refuses what cannot be, whoever writes it, and Python says why."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction

from core.models import District, School, Student, User
from tests import factories

pytestmark = pytest.mark.django_db


def growth(**fields: Any) -> models.Model:
    from health_records.models import GrowthMeasurement

    return GrowthMeasurement.objects.create(
        student=factories.make_student(), measurement_date=factories.NOON, measured_by="R. Ortiz, RN", **fields
    )


def appointment() -> models.Model:
    from health_records.models import Appointment

    return Appointment.objects.create(
        student=factories.make_student(), nurse=factories.make_user(), scheduled_at=factories.NOON, reason="Check"
    )


def emergency_contact() -> models.Model:
    from health_records.models import EmergencyContact

    return EmergencyContact.objects.create(
        student=factories.make_student(), name="Kim", relationship="Aunt", primary_phone="555-0100"
    )


# Each CHECK: a row, and a change of it in SQL that breaks the rule.
BREACHES: dict[str, tuple[Callable[[], models.Model], str]] = {
    "districts_state_check": (factories.make_district, "state = 'tx'"),
    "schools_state_check": (factories.make_school, "state = 'X1'"),
    "schools_total_enrollment_check": (factories.make_school, '"totalEnrollment" = -1'),
    "users_failed_login_attempts_check": (factories.make_user, '"failedLoginAttempts" = -1'),
    "students_school_needs_district_check": (factories.make_student, '"districtId" = NULL'),
    "appointments_duration_check": (appointment, "duration = 0"),
    "medications_stock_quantity_check": (factories.make_medication, '"stockQuantity" = -1'),
    "medications_minimum_stock_check": (factories.make_medication, '"minimumStock" = -1'),
    "student_medications_dates_check": (factories.make_order, """ "endDate" = "startDate" - interval '1 second' """),
    "student_medications_consent_check": (factories.make_order, '"consentObtained" = true'),
    "emergency_contacts_priority_check": (emergency_contact, "priority = 0"),
    "vaccinations_dose_number_check": (factories.make_vaccination, '"doseNumber" = 0'),
    "vaccinations_total_doses_check": (factories.make_vaccination, '"totalDoses" = 0'),
    "vaccinations_doses_check": (factories.make_vaccination, '"doseNumber" = 3, "totalDoses" = 2'),
    "growth_measurements_height_unit_check": (growth, "\"heightUnit\" = 'hands'"),
    "growth_measurements_weight_unit_check": (growth, "\"weightUnit\" = 'st'"),
    "growth_measurements_height_check": (growth, "height = 'NaN'"),
    "growth_measurements_weight_check": (growth, "weight = -1"),
    "growth_measurements_bmi_percentile_check": (growth, '"bmiPercentile" = 100.001'),
    "growth_measurements_height_percentile_check": (growth, '"heightPercentile" = -0.001'),
    "growth_measurements_weight_percentile_check": (growth, '"weightPercentile" = 101'),
    "growth_measurements_bmi_check": (growth, "bmi = 'NaN'"),
    "growth_measurements_head_circumference_check": (growth, '"headCircumference" = -3'),
    "vital_signs_diastolic_check": (factories.make_vital_signs, '"bloodPressureDiastolic" = -1'),
    "vital_signs_glucose_level_check": (factories.make_vital_signs, "\"glucoseLevel\" = 'NaN'"),
    "vital_signs_peak_flow_check": (factories.make_vital_signs, '"peakFlow" = -3'),
    "vital_signs_temperature_unit_check": (factories.make_vital_signs, "\"temperatureUnit\" = 'K'"),
    "vital_signs_temperature_check": (factories.make_vital_signs, "temperature = 37, \"temperatureUnit\" = 'F'"),
    "vital_signs_blood_pressure_check": (
        factories.make_vital_signs,
        '"bloodPressureSystolic" = 80, "bloodPressureDiastolic" = 80',
    ),
    "vital_signs_heart_rate_check": (factories.make_vital_signs, '"heartRate" = 351'),
    "vital_signs_respiratory_rate_check": (factories.make_vital_signs, '"respiratoryRate" = -1'),
    "vital_signs_oxygen_saturation_check": (factories.make_vital_signs, '"oxygenSaturation" = 101'),
    "vital_signs_pain_level_check": (factories.make_vital_signs, '"painLevel" = 11'),
}
OWN = ("core", "health_records")
CHECKS = {
    constraint.name: constraint
    for model in apps.get_models()
    if model._meta.app_label in OWN
    for constraint in model._meta.constraints
    if isinstance(constraint, models.CheckConstraint)
}


def test_each_check_is_tested_and_has_its_sentence() -> None:
    assert set(BREACHES) == set(CHECKS)
    default = models.CheckConstraint.default_violation_error_message
    assert all(check.violation_error_message != default for check in CHECKS.values())


@pytest.mark.parametrize("name", BREACHES)
def test_sql_that_breaks_the_rule_is_refused(name: str) -> None:
    make, change = BREACHES[name]
    row = make()
    sql = f'UPDATE "{row._meta.db_table}" SET {change} WHERE id = %s'
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        connection.cursor().execute(sql, [row.pk])


def test_validation_says_the_sentence() -> None:
    signs = factories.make_vital_signs()
    signs.oxygen_saturation = 140
    with pytest.raises(ValidationError, match="Oxygen saturation: 0 to 100 percent"):
        signs.full_clean()


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": "30", "temperature_unit": "C"},  # hypothermia
        {"temperature": "107.6", "temperature_unit": "F"},
        {"heart_rate": 0, "respiratory_rate": 0, "oxygen_saturation": 0, "consciousness": "UNRESPONSIVE"},
        {"heart_rate": 220, "respiratory_rate": 70},
        {"blood_pressure_systolic": 55, "blood_pressure_diastolic": 30},
        {},
    ],
)
def test_an_emergency_can_be_recorded(fields: dict[str, Any]) -> None:
    factories.make_vital_signs(**fields).full_clean()


def test_a_student_belongs_to_the_district_of_the_school() -> None:
    student = factories.make_student()
    elsewhere = factories.make_district()
    with pytest.raises(IntegrityError, match="students_school_district_fkey"), transaction.atomic():
        Student.objects.filter(pk=student.pk).update(district=elsewhere)
    student.district = elsewhere
    with pytest.raises(ValidationError, match="belongs to that school's district"):
        student.full_clean()


def test_a_student_takes_the_district_of_the_school_by_itself() -> None:
    school = factories.make_school()
    assert factories.make_student(school=school, district=None).district_id == school.district_id


def test_a_student_may_be_without_a_school() -> None:
    district = factories.make_district()
    assert factories.make_student(school=None, district=district).school_id is None
    assert factories.make_student(school=None).district_id is None


def test_a_school_that_moves_takes_its_students_along() -> None:
    student = factories.make_student()
    elsewhere = factories.make_district()
    School.objects.filter(students=student).update(district=elsewhere)
    student.refresh_from_db()
    assert student.district_id == elsewhere.pk


def test_a_district_with_schools_and_a_school_with_students_stay() -> None:
    student = factories.make_student()
    assert student.school
    with pytest.raises(models.ProtectedError):
        student.school.delete()
    with pytest.raises(models.ProtectedError):
        District.objects.filter(students=student).delete()


def test_a_nurse_who_gave_a_dose_stays() -> None:
    dose = factories.make_dose()
    with pytest.raises(models.ProtectedError):
        dose.nurse.delete()
    dose.delete()
    with pytest.raises(models.ProtectedError):
        User.objects.filter(pk=dose.nurse_id).delete()


def test_a_nurse_without_records_goes_and_her_students_stay() -> None:
    nurse = factories.make_user()
    student = factories.make_student(nurse=nurse)
    nurse.delete()
    student.refresh_from_db()
    assert student.nurse_id is None


def test_emails_differ_by_more_than_case() -> None:
    factories.make_user(email="Twice@example.org")
    with pytest.raises(IntegrityError, match="users_email_key"), transaction.atomic():
        factories.make_user(email="twice@EXAMPLE.org")
    with pytest.raises(ValidationError, match="Another user signs in with this email"):
        User(email="TWICE@example.org", first_name="A", last_name="B", password="x").full_clean()


def test_a_deleted_students_number_is_not_given_again_by_accident() -> None:
    student = factories.make_student(student_number="N1")
    student.delete()
    again = Student(
        student_number="N1", first_name="A", last_name="B", date_of_birth="2015-01-01", gender="OTHER", grade="1"
    )
    with pytest.raises(ValidationError, match="A deleted student has this number"):
        again.full_clean()
