"""The two queries of the seed documents are answered by the indexes that these name."""

from django.db import connection, transaction

from tests.queries.conftest import LargeDistrict
from tests.queries.plans import assert_served_by

ROSTER = """
SELECT s.*, h."recordType", h."recordDate" FROM students s LEFT JOIN health_records h ON h."studentId" = s.id
WHERE s."schoolId" = %s AND s."isActive" = true ORDER BY s."lastName", s."firstName" LIMIT 50
"""
MEDICATIONS = """
SELECT sm.*, m.name, ml."timeGiven" FROM student_medications sm JOIN medications m ON m.id = sm."medicationId"
LEFT JOIN medication_logs ml ON ml."studentMedicationId" = sm.id
WHERE sm."studentId" = %s AND sm."isActive" = true ORDER BY ml."timeGiven" DESC
"""


def test_a_roster_with_records_walks_the_roster_index_and_stops_at_fifty(large: LargeDistrict) -> None:
    plan = assert_served_by((ROSTER, [large.school.pk]), "students_school_idx", "idx_health_records_student_date")
    assert plan.rows_read < 500, plan


def test_a_students_medications_with_their_doses_use_both_indexes(large: LargeDistrict) -> None:
    plan = assert_served_by(
        (MEDICATIONS, [large.student.pk]),
        "student_medications_student_idx",
        "medication_logs_student_med_time_idx",
        "medications_pkey",
    )
    assert plan.rows_read < 100, plan


def test_prepared_once_for_all_values_they_still_do(large: LargeDistrict) -> None:
    generic = "SET LOCAL plan_cache_mode = force_generic_plan; PREPARE {0} (uuid) AS {1}; "
    for name, sql, value in (("roster", ROSTER, large.school.pk), ("taken", MEDICATIONS, large.student.pk)):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(generic.format(name, sql.replace("%s", "$1")))
            plan = assert_served_by((f"EXECUTE {name} (%s)", [value]))
        assert {"students_school_idx", "student_medications_student_idx"} & plan.indexes, plan
