"""docs/queries.md is run: its Python and SQL, what they print, and that both give the same rows."""

import contextlib
import datetime as dt
import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from core import days
from core.enums import UserRole
from health_records.models import Allergy, Appointment, ChronicCondition
from tests.factories import (
    NOON,
    make_dose,
    make_health_record,
    make_medication,
    make_order,
    make_school,
    make_student,
    make_user,
    make_vaccination,
    make_vital_signs,
)
from tests.queries.conftest import LargeDistrict
from tests.queries.plans import assert_served_by

PAGE = (Path(__file__).parents[2] / "docs" / "queries.md").read_text()
SECTIONS = PAGE.split("\n## ")
DAY = dt.timedelta(days=1)


def blocks(text: str) -> list[tuple[str, str]]:
    """The fenced blocks: language and content."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def names() -> dict[str, Any]:
    """What the page calls `school`, `district`, `nurse`, `student` and `day`."""
    school = make_school()
    nurse = make_user(UserRole.NURSE, school=school, district=school.district)
    berg = make_student(school=school, first_name="Ida", last_name="Berg", student_number="N0001")
    obrien = make_student(school=school, first_name="Zoë", last_name="O'Brien", student_number="N0012")
    Allergy.objects.create(student=berg, allergen="Peanut", severity="LIFE_THREATENING")
    Allergy.objects.create(student=berg, allergen="Latex", severity="MILD")
    ChronicCondition.objects.create(student=berg, condition_name="Asthma", diagnosed_date=NOON)
    make_health_record(student=berg)
    albuterol = make_medication(name="Albuterol", strength="90 mcg", stock_quantity=50, minimum_stock=5)
    order = make_order(student=berg, medication=albuterol, dosage="2 puffs")
    for number in range(4):
        make_dose(student_medication=order, nurse=nurse, time_given=NOON - number * DAY)
    make_vaccination(
        student=berg,
        compliance_status="OVERDUE",
        administration_date=NOON - 90 * DAY,
        next_due_date=dt.datetime(2026, 2, 1, tzinfo=dt.UTC),
    )
    half_an_hour = dt.timedelta(minutes=30)
    Appointment.objects.create(
        student=berg, nurse=nurse, scheduled_at=NOON + half_an_hour, reason="Check", status="CANCELLED"
    )
    Appointment.objects.create(student=obrien, nurse=nurse, scheduled_at=NOON, reason="Check")
    make_medication(name="Epinephrine", stock_quantity=4, minimum_stock=2, expiration_date=NOON + 10 * DAY)
    make_medication(name="Ibuprofen", stock_quantity=10, minimum_stock=20)
    make_vital_signs(student=berg, temperature="98.6", heart_rate=80, measurement_date=NOON - DAY)
    make_vital_signs(student=berg, temperature="99.1", heart_rate=88)
    return {"school": school, "district": school.district, "nurse": nurse, "student": berg, "day": NOON.date()}


def run_python(source: str, names: dict[str, Any]) -> str:
    """What the snippet prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, "docs/queries.md", "exec"), names)  # noqa: S102 - our own page
    return printed.getvalue()


def run_sql(source: str, names: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of the first statement; psql's variables stand for what the page calls so."""
    day = names["day"]
    values = {name: getattr(value, "pk", value) for name, value in names.items()}
    values |= {
        "day": days.start_of(day),
        "next_day": days.end_of(day),
        "in_31_days": days.start_of(day + 31 * DAY),
    }
    found: list[list[tuple[Any, ...]]] = []
    with connection.cursor() as cursor:
        for statement in filter(str.strip, source.split(";\n")):
            cursor.execute(re.sub(r":'(\w+)'", r"%(\1)s", statement.replace("%", "%%")), values)
            found.append(cursor.fetchall())
    return found[0]


@pytest.mark.django_db
@pytest.mark.parametrize("section", SECTIONS[1:], ids=lambda section: section.split("\n")[0])
def test_the_cookbook_does_what_it_says(section: str, names: dict[str, Any]) -> None:
    printed = ""
    run_python(blocks(SECTIONS[0])[0][1], names)
    for language, content in blocks(section):
        if language == "python":
            printed = run_python(content, names)
        elif language == "text":
            assert printed == content
        elif language == "sql":
            found = run_sql(content, names)
            assert found
            rows = names.get("rows")
            if isinstance(rows, dict):
                assert dict(found) == {status: count for status, count in rows.items() if count}
            elif rows is not None:
                assert [row[0] for row in found] == [row.pk for row in rows]


@pytest.mark.parametrize("number", [0, 1])
def test_the_plans_on_the_page_are_the_plans(large: LargeDistrict, number: int) -> None:
    (section,) = (section for section in SECTIONS if "```plan" in section)
    statement = [content for language, content in blocks(section) if language == "sql"][number]
    shown = [content for language, content in blocks(section) if language == "plan"][number]
    sql = re.sub(r":'(\w+)'", r"%(\1)s", statement.rstrip(";\n"))
    plan = assert_served_by((sql, {"school": large.school.pk, "student": large.student.pk}))
    assert plan.indexes == set(re.findall(r"using (\w+)", shown)), str(plan)


def test_every_index_that_the_page_names_exists(large: LargeDistrict) -> None:
    named = set(re.findall(r"`((?:idx_)?\w+_(?:idx|\w*overdue|student|stock|search|critical|expiration)\w*)`", PAGE))
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes")
        existing = {name for (name,) in cursor.fetchall()}
    assert len(named) > 10
    assert named - existing <= {"low_or_expiring"}
