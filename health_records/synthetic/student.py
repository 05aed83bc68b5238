"""Students and the people around them."""

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from health_records.synthetic import names
from health_records.synthetic.calendar import Calendar, Moment
from health_records.synthetic.places import School, Staff
from health_records.synthetic.providers import Provider
from health_records.synthetic.rows import Rows, flag

T = TypeVar("T")
_GENDERS = ("MALE", "FEMALE", "OTHER", "PREFER_NOT_TO_SAY")
_RELATIVES = (("Mother", "PARENT"), ("Father", "PARENT"), ("Grandmother", "GUARDIAN"), ("Aunt", "EMERGENCY"))


@dataclass(slots=True)
class Student:
    """A student while her records are made. `number` counts all students from 0, `born` is a day's number.

    `first_day` is where in the calendar's `school_days` her time at this school begins.
    """

    id: str
    number: int
    school: School
    nurse: Staff
    female: bool
    born: int
    age: int
    first_day: int
    enrolled: Moment
    conditions: list[str] = field(default_factory=list)
    allergy_threatens_life: bool = False


@dataclass(slots=True)
class Maker:
    """What every module that makes records needs."""

    rng: random.Random
    calendar: Calendar
    rows: Rows
    seed: int
    providers: list[Provider]
    yesterday: Moment

    def label(self, number: int, labels: Sequence[T], weighted: Sequence[T]) -> T:
        """A label by chance; the first students have one of each, so that the smallest set shows them all."""
        return labels[number] if number < len(labels) else self.rng.choice(weighted)

    def school_moment(self, student: Student, days: int = 540) -> Moment:
        """A time during one of the student's last school days before today."""
        school_days = self.calendar.school_days
        first = max(student.first_day, len(school_days) - days)
        return self.calendar.at(school_days[self.rng.randrange(first, len(school_days))], self.rng.randrange(485, 880))


def make_student(maker: Maker, number: int, school: School) -> Student:
    """A student of the school, with contacts. The first row of a student's set."""
    rng, calendar = maker.rng, maker.calendar
    grade = rng.choice(school.grades)
    years = 0 if grade == "K" else int(grade)
    # Five years old on 1 September of the year in which kindergarten began.
    youngest = calendar.number(dt.date(calendar.school_year - 5 - years, 8, 31))
    born = youngest - rng.randrange(365)
    entry = rng.choice(calendar.school_years()[: min(years - _grade_number(school.grades[0]) + 1, 5)])
    first_day = calendar.school_day_index(calendar.number(dt.date(entry, 8, 1)))
    enrolled = calendar.at(calendar.school_days[first_day], rng.randrange(450, 500))
    gender = maker.label(number, _GENDERS, ("MALE",) * 49 + ("FEMALE",) * 49 + ("OTHER", "PREFER_NOT_TO_SAY"))
    female = gender == "FEMALE" or (gender != "MALE" and rng.random() < 0.5)
    first, last = rng.choice(names.FEMALE if female else names.MALE), names.last_name(rng)
    nurse = school.nurses[number % len(school.nurses)]
    left = rng.random() < 0.04
    nowhere = left and rng.random() < 0.1
    row_id = maker.rows.health(
        "students",
        enrolled,
        school.office.id,
        f"{maker.seed}-{number + 1:07}",
        first,
        last,
        calendar.date(born),
        gender,
        f"MRN-{maker.seed}-{number + 1:07}" if rng.random() < 0.85 else None,
        None if nowhere else school.id,
        None if nowhere else school.district.id,
        None if left or rng.random() < 0.02 else nurse.id,
        grade,
        enrolled.text,
        flag(not left),
    )
    student = Student(row_id, number, school, nurse, female, born, (calendar.now - born) // 365, first_day, enrolled)
    _make_contacts(maker, student, last)
    return student


def _grade_number(grade: str) -> int:
    return 0 if grade == "K" else int(grade)


def _make_contacts(maker: Maker, student: Student, last: str) -> None:
    rng, office = maker.rng, student.school.office.id
    name, state, zip_prefix, area = student.school.district.town
    street, zip_code = names.street_address(rng), f"{zip_prefix}{rng.randrange(100):02}"
    for priority, (relationship, kind) in enumerate(rng.sample(_RELATIVES, 1 + (rng.random() < 0.8)), 1):
        first = rng.choice(names.MALE if relationship == "Father" else names.FEMALE)
        family = last if rng.random() < 0.7 else names.last_name(rng)
        number = names.phone(rng, area)
        email = f"{names.ascii_name(first)}.{names.ascii_name(family)}{rng.randrange(100)}@mail.example"
        if rng.random() < 0.75:
            maker.rows.health(
                *("contacts", student.enrolled, office, first, family, kind, student.id, relationship, None),
                *(email if rng.random() < 0.8 else None, number, street, name, state, zip_code, "t"),
            )
        maker.rows.health(
            *("emergency_contacts", student.enrolled, office, student.id, f"{first} {family}", relationship, number),
            *(names.phone(rng, area) if rng.random() < 0.4 else None, email if rng.random() < 0.6 else None),
            *(str(priority), flag(priority == 1), flag(rng.random() < 0.9), flag(kind != "EMERGENCY")),
            flag(rng.random() < 0.97),
        )
