"""The eight questions of every day, as phrases of the ORM, and the subjects that they are asked about."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count

from core.models import School, Student, User
from health_records.models import Appointment, Medication, StudentMedication, Vaccination, VitalSigns

Phrase = Callable[[], object]


@dataclass(frozen=True)
class Subjects:
    """Whom the questions are about: the largest school, a nurse of it, its student with the most doses."""

    school: School
    nurse: User
    student: Student
    day: dt.date


def choose_subjects(day: dt.date) -> Subjects:
    """Subjects of the default database."""
    school = School.objects.annotate(number=Count("students")).order_by("-number", "pk")[0]
    nurse = User.objects.filter(school=school, role="NURSE").order_by("pk")[0]
    students = Student.objects.filter(school=school, is_active=True)
    student = students.annotate(doses=Count("medications__doses")).order_by("-doses", "pk")[0]
    return Subjects(school, nurse, student, day)


def phrases(subjects: Subjects) -> dict[str, Phrase]:
    """Question -> what a view would do to answer it, result fetched."""
    school, day = subjects.school, subjects.day
    return {
        "roster of a school, with health overview": lambda: list(
            Student.objects.for_school(school).with_health_overview()[:50]
        ),
        "roster of a school, plain": lambda: list(Student.objects.for_school(school)[:50]),
        "a student's medications with last doses": lambda: list(
            StudentMedication.objects.for_student(subjects.student).with_last_doses()
        ),
        "name search in a district": lambda: list(Student.objects.for_district(school.district_id).search("garc")[:50]),
        "name search everywhere": lambda: list(Student.objects.search("garc")[:50]),
        "overdue vaccinations of a school": lambda: list(Vaccination.objects.for_school(school).overdue_on(day)),
        "a nurse's appointments of a day": lambda: list(Appointment.objects.for_nurse(subjects.nurse).on_day(day)),
        "low or expiring stock": lambda: list(Medication.objects.low_or_expiring(day)),
        "compliance of a district by status": lambda: Student.objects.for_district(
            school.district_id
        ).count_by_compliance(),
        "latest vital signs of a school": lambda: list(
            VitalSigns.objects.latest_of(Student.objects.for_school(school))
        ),
    }


def sql_of(phrase: Phrase) -> list[str]:
    """The statements that a phrase sends, literals and all."""
    sent: list[str] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        result = execute(sql, params, many, context)
        sent.append(connection.ops.last_executed_query(context["cursor"], sql, params))
        return result

    with connection.execute_wrapper(note):
        phrase()
    return sent


def predecessors_name_searches(subjects: Subjects) -> dict[str, list[str]]:
    """The searches as indexes of that time could serve them: the beginning of a surname, in any case."""
    district = f"""AND "districtId" = '{subjects.school.district_id}'"""
    return {
        name: [
            f"""SELECT * FROM students WHERE UPPER("lastName") LIKE 'GARC%' AND "isActive" {where}
                ORDER BY "lastName", "firstName" LIMIT 50"""
        ]
        for name, where in (("name search in a district", district), ("name search everywhere", ""))
    }
