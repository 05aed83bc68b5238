"""The whole set, batch after batch."""

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from health_records.synthetic.allergy import make_allergies
from health_records.synthetic.calendar import Calendar
from health_records.synthetic.chronic_condition import make_chronic_conditions
from health_records.synthetic.growth import make_growth
from health_records.synthetic.health_record import make_health_records
from health_records.synthetic.incident import make_incidents
from health_records.synthetic.medication import make_medications
from health_records.synthetic.places import Places, district_count, school_sizes
from health_records.synthetic.providers import make_providers
from health_records.synthetic.rows import Rows
from health_records.synthetic.screening import make_screenings
from health_records.synthetic.student import Maker, make_student
from health_records.synthetic.vaccination import make_vaccinations
from health_records.synthetic.visit import make_visits

# The unit of memory and of physical order: within a batch, a table's rows lie in the order of time, as they would had
# nurses entered them day by day.
BATCH_STUDENTS = 2_000
Batch = dict[str, tuple[int, bytes]]


@dataclass(frozen=True)
class Plan:
    """What decides every row: the same plan gives the same rows and ids."""

    students: int
    seed: int
    today: dt.date
    zone: ZoneInfo


def make_batches(plan: Plan) -> Iterator[tuple[int, Batch]]:
    """The set as (students so far, table -> (rows, their lines)), each table after those that it refers to."""
    rng = random.Random(plan.seed)  # noqa: S311 - reproducible on purpose
    calendar = Calendar(plan.today, plan.zone)
    rows = Rows(rng, calendar.at(calendar.now, 0))
    places = Places(rng, calendar, rows, plan.seed)
    maker = Maker(rng, calendar, rows, plan.seed, make_providers(rng, 300), calendar.at(calendar.now - 1, 960))
    sizes = school_sizes(plan.students)
    districts = district_count(len(sizes))
    number = in_batch = reached = 0
    for school_number, size in enumerate(sizes):
        if school_number * districts // len(sizes) == reached:
            reached += 1
            district = places.district(reached)
        school = places.school(school_number, district, size)
        for _ in range(size):
            student = make_student(maker, number, school)
            records = make_health_records(maker, student)
            make_allergies(maker, student, records)
            make_chronic_conditions(maker, student, records)
            make_medications(maker, student)
            make_visits(maker, student, records)
            make_incidents(maker, student)
            make_vaccinations(maker, student)
            make_screenings(maker, student, records)
            make_growth(maker, student, records)
            number += 1
            in_batch += 1
            if in_batch == BATCH_STUDENTS:
                in_batch = 0
                yield number, rows.take()
    yield number, rows.take()
