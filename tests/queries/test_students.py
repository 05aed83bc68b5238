"""Rosters, their health overview, and the compliance board: the right students, the right numbers."""

import datetime as dt
from typing import Any

import pytest

from core.models import Student
from core.models.health_overview import GRAVEST_COMPLIANCE
from health_records.enums import VaccineComplianceStatus
from health_records.models import Allergy, ChronicCondition
from tests.factories import (
    NOON,
    make_district,
    make_health_record,
    make_order,
    make_school,
    make_student,
    make_vaccination,
)

pytestmark = pytest.mark.django_db


def make_allergy(student: Student, **fields: Any) -> Allergy:
    return Allergy.objects.create(**{"student": student, "allergen": "Peanut", **fields})


def make_condition(student: Student, **fields: Any) -> ChronicCondition:
    values = {"student": student, "condition_name": "Asthma", "diagnosed_date": NOON, **fields}
    return ChronicCondition.objects.create(**values)


def overview(student: Student) -> Student:
    return Student.objects.with_health_overview().get(pk=student.pk)


def test_a_roster_has_the_enrolled_students_of_the_school_in_the_order_of_names() -> None:
    school = make_school()
    last = make_student(school=school, last_name="Berg", first_name="Bo")
    first = make_student(school=school, last_name="Berg", first_name="Ada")
    make_student(school=school, last_name="Adler", is_active=False)
    make_student(school=school, last_name="Abel").delete()
    make_student(last_name="Aalto")
    assert list(Student.objects.for_school(school)) == [first, last]
    assert list(Student.objects.for_school(school.pk)) == [first, last]
    assert list(Student.objects.for_district(school.district)) == [first, last]
    assert list(school.students.for_school(school)) == [first, last]


def test_a_student_without_records_has_an_empty_overview() -> None:
    found = overview(make_student())
    assert (found.allergy_count, found.has_life_threatening_allergy, found.condition_count) == (0, False, 0)
    assert (found.medication_count, found.last_record_date, found.last_record_type) == (0, None, None)


def test_the_overview_counts_what_is_active_and_not_deleted() -> None:
    student, other = make_student(), make_student()
    for owner in (student, student, other):
        make_allergy(owner)
    make_allergy(student, is_active=False)
    make_allergy(student).delete()
    for status in ("ACTIVE", "MANAGED", "MONITORING", "RESOLVED", "INACTIVE"):
        make_condition(student, status=status)
    make_condition(student).delete()
    make_order(student=student)
    make_order(student=student, is_active=False)
    make_order(student=student).delete()
    found = overview(student)
    assert (found.allergy_count, found.condition_count, found.medication_count) == (2, 3, 1)


def test_an_allergy_that_threatens_life_shows_while_it_is_active() -> None:
    student = make_student()
    make_allergy(student, severity="SEVERE")
    make_allergy(student, severity="LIFE_THREATENING", is_active=False)
    make_allergy(student, severity="LIFE_THREATENING").delete()
    assert not overview(student).has_life_threatening_allergy
    make_allergy(student, severity="LIFE_THREATENING")
    assert overview(student).has_life_threatening_allergy


def test_the_last_record_is_neither_confidential_nor_deleted() -> None:
    student = make_student()
    day = dt.timedelta(days=1)
    make_health_record(student=student, record_type="INJURY", record_date=NOON)
    make_health_record(student=student, record_type="CHECKUP", record_date=NOON - day)
    make_health_record(student=student, record_type="MENTAL_HEALTH", record_date=NOON + day, is_confidential=True)
    make_health_record(student=student, record_type="DENTAL", record_date=NOON + day).delete()
    found = overview(student)
    assert (found.last_record_date, found.last_record_type) == (NOON, "INJURY")


def test_the_overview_filters_and_sorts_like_fields() -> None:
    student = make_student()
    make_allergy(student, severity="LIFE_THREATENING")
    make_health_record(student=student)
    make_student()
    students: Any = Student.objects.with_health_overview()
    assert students.filter(has_life_threatening_allergy=True, last_record_type="CHECKUP").get() == student
    assert students.order_by("-allergy_count").first() == student
    assert students.filter(allergy_count=0).count() == 1


def test_the_overview_holds_within_other_queries() -> None:
    student = make_student()
    make_allergy(student)
    make_student()
    students: Any = Student.objects.with_health_overview()
    allergic = students.filter(allergy_count__gt=0)
    assert Allergy.objects.filter(student__in=allergic.values("pk")).count() == 1


def status_of(student: Student) -> str | None:
    return Student.objects.with_compliance_status().get(pk=student.pk).compliance_status


def test_a_dose_without_a_type_supersedes_none() -> None:
    student = make_student()
    make_vaccination(student=student, vaccine_type=None, vaccine_name="Rabies", compliance_status="NON_COMPLIANT")
    make_vaccination(
        student=student, vaccine_type=None, vaccine_name="Yellow fever", administration_date=NOON + dt.timedelta(days=1)
    )
    assert status_of(student) == "NON_COMPLIANT"


def test_an_exemption_counts_as_one_whatever_the_status_says() -> None:
    student = make_student()
    make_vaccination(student=student, exemption_status=True)
    assert status_of(student) == "EXEMPT"


def test_a_students_compliance_is_the_gravest_of_the_vaccines() -> None:
    student = make_student()
    assert status_of(student) is None
    for vaccine, status in (("MMR", "COMPLIANT"), ("POLIO", "EXEMPT"), ("HPV", "PARTIALLY_COMPLIANT")):
        make_vaccination(student=student, vaccine_type=vaccine, compliance_status=status)
        assert status_of(student) == status
    make_vaccination(student=student, vaccine_type="FLU", compliance_status="NON_COMPLIANT")
    make_vaccination(student=student, vaccine_type="TDAP", compliance_status="OVERDUE")
    assert status_of(student) == "NON_COMPLIANT"


def test_a_vaccines_latest_dose_decides() -> None:
    student = make_student()
    later = NOON + dt.timedelta(days=60)
    make_vaccination(student=student, compliance_status="OVERDUE")
    dose = make_vaccination(student=student, compliance_status="COMPLIANT", administration_date=later)
    assert status_of(student) == "COMPLIANT"
    dose.delete()
    assert status_of(student) == "OVERDUE"


def test_on_one_day_the_graver_of_two_doses_decides() -> None:
    student = make_student()
    for status in ("COMPLIANT", "OVERDUE", "COMPLIANT"):
        make_vaccination(student=student, compliance_status=status)
    assert status_of(student) == "OVERDUE"


def test_the_board_counts_each_enrolled_student_of_the_district_once() -> None:
    school = make_school(district=make_district())
    overdue, compliant, without, gone = (make_student(school=school) for _ in range(4))
    former = make_student(school=school, is_active=False)
    for student in (overdue, compliant, gone, former, make_student()):
        make_vaccination(student=student)
    make_vaccination(student=overdue, vaccine_type="POLIO", compliance_status="OVERDUE")
    gone.delete()
    assert without.district_id == school.district_id
    assert Student.objects.for_district(school.district).count_by_compliance() == {
        "NON_COMPLIANT": 0,
        "OVERDUE": 1,
        "PARTIALLY_COMPLIANT": 0,
        "EXEMPT": 0,
        "COMPLIANT": 1,
        None: 1,
    }


def test_the_gravest_statuses_are_the_labels_of_the_type() -> None:
    assert sorted(GRAVEST_COMPLIANCE) == sorted(VaccineComplianceStatus.values)
