"""Every phrase is answered by the index that is meant for it, in a constant number of queries."""

import datetime as dt
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext

from core.models import Student
from health_records.models import Appointment, Medication, StudentMedication, Vaccination, VitalSigns
from tests.queries.conftest import LargeDistrict
from tests.queries.plans import Plan, assert_served_by

DAY = dt.date(2026, 3, 2)


def _sent(captured: CaptureQueriesContext, number: int) -> tuple[str, None]:
    """A query as it was sent, values and all."""
    return captured.captured_queries[number]["sql"], None


def test_a_roster_page_probes_one_index_for_each_fact_of_each_student(
    large: LargeDistrict, django_assert_num_queries: Any
) -> None:
    page = Student.objects.for_school(large.school).with_health_overview()[:50]
    plan = assert_served_by(
        page,
        "students_school_idx",
        "idx_allergies_student|idx_allergies_critical",
        "idx_chronic_conditions_student",
        "student_medications_student_idx",
        "idx_health_records_student_date",
    )
    assert plan.rows_read < 500, plan
    with django_assert_num_queries(1):
        assert len(page) == 50


def test_the_roster_of_a_school_reads_that_school_alone(large: LargeDistrict, django_assert_num_queries: Any) -> None:
    roster = Student.objects.for_school(large.school).with_health_overview()
    plan = assert_served_by(roster, "students_school_idx|idx_students_health_overview")
    assert plan.rows_read < 2_000, plan
    with django_assert_num_queries(1):
        assert len(roster) == 188


def test_the_last_doses_of_a_student_cost_two_queries_however_many_medications(
    large: LargeDistrict, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    orders = StudentMedication.objects.for_student(large.student).active().with_last_doses(3)
    assert_served_by(orders, "student_medications_student_idx", "medications_pkey")
    with django_assert_num_queries(2) as captured:
        found = [(order.medication.name, [dose.nurse.email for dose in order.last_doses]) for order in orders]
    assert [len(doses) for _, doses in found] == [3, 3]
    assert_served_by(
        (captured.captured_queries[1]["sql"].replace("%", "%%"), []), "medication_logs_student_med_time_idx"
    )


def test_overdue_vaccinations_of_a_school_go_by_student(large: LargeDistrict, django_assert_num_queries: Any) -> None:
    overdue = Vaccination.objects.for_school(large.school).overdue_on(DAY).select_related("student")
    plan = assert_served_by(overdue, "idx_vaccinations_overdue", "idx_vaccinations_student")
    assert plan.rows_read < 5_000, plan
    with django_assert_num_queries(1):
        assert {vaccination.student.school_id for vaccination in overdue} == {large.school.pk}


def test_a_nurses_day_is_one_range_of_one_index(large: LargeDistrict, django_assert_num_queries: Any) -> None:
    appointments = Appointment.objects.for_nurse(large.nurse).on_day(dt.date(2026, 1, 8))
    plan = assert_served_by(appointments, "idx_appointment_availability", "students_pkey")
    assert plan.rows_read < 100, plan
    with django_assert_num_queries(1):
        assert [appointment.student.last_name for appointment in appointments]


def test_the_shelf_is_read_through_two_small_indexes(large: LargeDistrict, django_assert_num_queries: Any) -> None:
    low_or_expiring = Medication.objects.low_or_expiring(DAY, within=30)
    assert_served_by(Medication.objects.low(), "idx_medications_stock")
    assert_served_by(Medication.objects.expiring(DAY), "idx_medications_expiration")
    assert_served_by(low_or_expiring, "idx_medications_stock", "idx_medications_expiration")
    with django_assert_num_queries(1):
        assert len(low_or_expiring) > 100


def test_the_compliance_board_is_counted_from_indexes_alone(
    large: LargeDistrict, django_assert_num_queries: Any
) -> None:
    board = Student.objects.for_district(large.district)
    with django_assert_num_queries(1) as captured:
        counts = board.count_by_compliance()
    assert sum(counts.values()) == board.count()
    assert_served_by(
        _sent(captured, 0),
        index_only=["students_district_active_idx", "idx_vaccinations_student"],
    )


def test_the_latest_vital_signs_cost_one_probe_a_student(large: LargeDistrict, django_assert_num_queries: Any) -> None:
    latest = VitalSigns.objects.latest_of(Student.objects.for_school(large.school))
    plan = assert_served_by(latest, "vital_signs_studentId_measurementDate_idx", "vital_signs_pkey", "students_pkey")
    assert plan.rows_read < 2_000, plan
    with django_assert_num_queries(1):
        assert len({signs.student.pk for signs in latest}) == len(latest) == 188


SEARCHES = ["obrien zoe", "Zoë O'Br", "zoe", "N00012", "cruz", "de la cruz", "a", "50%", "o", "garcia-m"]


@pytest.mark.parametrize("text", SEARCHES)
def test_a_search_uses_the_index_of_words(large: LargeDistrict, text: str, django_assert_num_queries: Any) -> None:
    found = Student.objects.search(text)[:50]
    assert_served_by(found, "idx_students_search")
    with django_assert_num_queries(1):
        list(found)


@pytest.mark.parametrize("text", SEARCHES)
def test_a_search_within_a_school_or_district_reads_no_more(large: LargeDistrict, text: str) -> None:
    anywhere = Plan(*Student.objects.search(text).query.sql_with_params())
    for scope in (Student.objects.for_school(large.school), Student.objects.for_district(large.district)):
        plan = assert_served_by(scope.search(text)[:50])
        assert plan.rows_read <= 3 * max(anywhere.rows_read, 2_000), plan


def test_records_of_students_by_name_start_from_the_students(large: LargeDistrict) -> None:
    assert_served_by(
        VitalSigns.objects.of_students_named("obrien zoe"),
        "idx_students_search",
        "vital_signs_studentId_measurementDate_idx",
    )


def test_a_search_without_words_reads_nothing(large: LargeDistrict) -> None:
    for nothing in ("", "   ", "'", " - _", "\x00"):
        assert Plan(*Student.objects.search(nothing).query.sql_with_params()).rows_read == 0


def test_an_ordered_list_of_a_school_needs_no_sort(large: LargeDistrict) -> None:
    roster = Student.objects.for_school(large.school)[:50]
    plan = assert_served_by(roster, "students_school_idx")
    assert not [node for node in plan.nodes if "Sort" in node["Node Type"]], plan


def test_the_first_page_of_a_district_needs_no_sort(large: LargeDistrict) -> None:
    plan = assert_served_by(Student.objects.for_district(large.district)[:50], "students_district_name_idx")
    assert not [node for node in plan.nodes if "Sort" in node["Node Type"]], plan


def test_an_assertion_says_what_is_wrong_and_shows_the_plan(large: LargeDistrict) -> None:
    with pytest.raises(AssertionError, match=r"students_nurseId_idx is not used; students is read whole\.\n\nSeq Scan"):
        assert_served_by(Student.all_objects.order_by(), "students_nurseId_idx")
    with pytest.raises(AssertionError, match=r"^students is read whole"):
        assert_served_by(Student.objects.order_by("last_name", "first_name"))
