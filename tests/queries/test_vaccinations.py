"""Which vaccinations are overdue on a day."""

import datetime as dt
from typing import Any

import pytest

from health_records.models import Vaccination
from tests.factories import NOON, make_school, make_student, make_vaccination

pytestmark = pytest.mark.django_db

TODAY = dt.date(2026, 3, 2)
YEAR = dt.timedelta(days=365)
YESTERDAY = NOON - dt.timedelta(days=1)


def first_dose(**fields: Any) -> Vaccination:
    """The first dose of a series, a year ago; the second was due yesterday."""
    return make_vaccination(**{"administration_date": NOON - YEAR, "next_due_date": YESTERDAY, **fields})


def overdue(day: dt.date = TODAY) -> list[Vaccination]:
    return list(Vaccination.objects.overdue_on(day))


@pytest.mark.parametrize("status", ["COMPLIANT", "OVERDUE", "PARTIALLY_COMPLIANT", "NON_COMPLIANT"])
def test_a_dose_is_overdue_once_its_day_is_past_whatever_the_status_says(status: str) -> None:
    dose = first_dose(compliance_status=status)
    assert overdue() == [dose]
    assert overdue(TODAY - dt.timedelta(days=1)) == []


def test_without_a_date_the_status_decides() -> None:
    dose = first_dose(next_due_date=None, compliance_status="OVERDUE")
    first_dose(next_due_date=None, compliance_status="NON_COMPLIANT")
    assert overdue() == [dose]


@pytest.mark.parametrize(
    "settled", [{"series_complete": True}, {"exemption_status": True}, {"compliance_status": "EXEMPT"}]
)
def test_nothing_is_overdue_in_a_complete_series_or_under_an_exemption(settled: dict[str, Any]) -> None:
    first_dose(**settled)
    assert overdue() == []


@pytest.mark.parametrize(
    "later",
    [
        {"vaccine_name": "another brand"},
        {"vaccine_type": None},
        {"administration_date": NOON - 2 * YEAR, "exemption_status": True},
        {"administration_date": NOON - 2 * YEAR, "compliance_status": "EXEMPT"},
    ],
)
def test_a_later_dose_or_an_exemption_settles_it(later: dict[str, Any]) -> None:
    dose = first_dose()
    settling = make_vaccination(**{"student": dose.student, **later})
    assert overdue() == []
    settling.delete()
    assert overdue() == [dose]


@pytest.mark.parametrize(
    "other",
    [
        {"vaccine_type": "POLIO", "vaccine_name": "IPOL"},
        {"administration_date": NOON - 2 * YEAR},
        {"student": None},
    ],
)
def test_another_vaccine_an_earlier_dose_or_another_student_does_not(other: dict[str, Any]) -> None:
    dose = first_dose()
    make_vaccination(**{"student": dose.student, **other})
    assert overdue() == [dose]


def test_a_schools_list_has_its_enrolled_students_and_the_longest_overdue_first() -> None:
    school = make_school()
    recent = first_dose(student=make_student(school=school))
    long_ago = first_dose(student=make_student(school=school), next_due_date=NOON - YEAR / 2)
    first_dose()
    first_dose(student=make_student(school=school, is_active=False))
    gone = first_dose(student=make_student(school=school))
    gone.student.delete()
    first_dose(student=recent.student, vaccine_type="HPV", vaccine_name="Gardasil").delete()
    assert list(Vaccination.objects.for_school(school).overdue_on(TODAY)) == [long_ago, recent]
    assert list(recent.student.vaccinations.overdue_on(TODAY)) == [recent]
