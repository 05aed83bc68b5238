"""What a synthetic set holds, seen as the lines that COPY gets."""

import datetime as dt
import hashlib
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.db import EnumField
from health_records.synthetic.calendar import Calendar, is_school_day
from health_records.synthetic.district_set import BATCH_STUDENTS, Plan, make_batches
from health_records.synthetic.names import ascii_name
from health_records.synthetic.places import school_sizes
from health_records.synthetic.rows import COLUMNS

MONDAY = dt.date(2026, 3, 2)
UTC = ZoneInfo("UTC")


def lines_of(plan: Plan) -> dict[str, list[list[str]]]:
    """Table -> its rows as lists of texts."""
    tables: dict[str, list[list[str]]] = {table: [] for table in COLUMNS}
    for _, batch in make_batches(plan):
        for table, (number, lines) in batch.items():
            rows = [line.split("\t") for line in lines.decode().splitlines()]
            assert len(rows) == number
            tables[table] += rows
    return tables


def digest(plan: Plan) -> str:
    """A fingerprint of all lines in their order."""
    fingerprint = hashlib.sha256()
    for _, batch in make_batches(plan):
        for table, (_, lines) in batch.items():
            fingerprint.update(table.encode() + lines)
    return fingerprint.hexdigest()


def test_the_same_plan_makes_the_same_rows() -> None:
    assert digest(Plan(30, 5, MONDAY, UTC)) == digest(Plan(30, 5, MONDAY, UTC))


@pytest.mark.parametrize(
    "other",
    [Plan(31, 5, MONDAY, UTC), Plan(30, 6, MONDAY, UTC), Plan(30, 5, dt.date(2026, 3, 3), UTC)],
    ids=["students", "seed", "today"],
)
def test_another_plan_makes_other_rows(other: Plan) -> None:
    assert digest(other) != digest(Plan(30, 5, MONDAY, UTC))


def test_ids_are_version_7_of_the_rows_time_and_in_its_order() -> None:
    for table, rows in lines_of(Plan(60, 1, MONDAY, UTC)).items():
        identifiers = [row[0] for row in rows]
        assert len(set(identifiers)) == len(identifiers), table
        assert identifiers == sorted(identifiers), table
        for row in rows:
            assert row[0][12] == "7", table
            assert row[0][16] in "89ab", table
            created = dt.datetime.fromisoformat(row[1])
            assert int(row[0][:12], 16) == int(created.timestamp() * 1000), table


def test_each_line_has_the_columns_of_its_table() -> None:
    for table, rows in lines_of(Plan(60, 1, MONDAY, UTC)).items():
        assert {len(row) for row in rows} == {len(COLUMNS[table])}, table


def test_two_seeds_share_no_id_and_no_number() -> None:
    one, two = lines_of(Plan(20, 1, MONDAY, UTC)), lines_of(Plan(20, 2, MONDAY, UTC))
    for table in COLUMNS:
        assert not {row[0] for row in one[table]} & {row[0] for row in two[table]}, table
    number = COLUMNS["students"].index("studentNumber")
    assert not {row[number] for row in one["students"]} & {row[number] for row in two["students"]}


def test_a_set_larger_than_a_batch_comes_in_batches() -> None:
    students = [number for number, _ in make_batches(Plan(BATCH_STUDENTS + 10, 1, MONDAY, UTC))]
    assert students == [BATCH_STUDENTS, BATCH_STUDENTS + 10]


def test_a_student_has_about_35_rows_half_of_them_doses() -> None:
    tables = lines_of(Plan(1500, 1, MONDAY, UTC))
    rows = sum(map(len, tables.values())) / 1500
    assert 32 < rows < 40
    assert 15 < len(tables["medication_logs"]) / 1500 < 21


@given(st.integers(0, 999_999_999), st.dates(dt.date(2022, 1, 1), dt.date(2034, 12, 31)))
@example(0, dt.date(2022, 8, 1))  # the youngest that students can be
@settings(deadline=None, max_examples=5)
def test_fifty_students_show_every_label_whatever_the_seed(seed: int, today: dt.date) -> None:
    tables = lines_of(Plan(50, seed, today, UTC))
    for label in ("core", "health_records"):
        for model in apps.get_app_config(label).get_models():
            for field in model._meta.fields:
                if isinstance(field, EnumField):
                    column = COLUMNS[model._meta.db_table].index(field.column)
                    assert {row[column] for row in tables[model._meta.db_table]} >= set(field.labels), field


@given(st.integers(1, 20_000))
@settings(deadline=None)
def test_schools_take_all_students(students: int) -> None:
    sizes = school_sizes(students)
    assert sum(sizes) == students
    assert min(sizes) >= 0
    assert len(sizes) >= 4


@given(
    st.dates(dt.date(2022, 1, 1), dt.date(2034, 12, 31)), st.sampled_from(["UTC", "America/Chicago", "Asia/Kolkata"])
)
@settings(deadline=None, max_examples=15)
def test_a_set_can_be_made_on_any_day_anywhere(today: dt.date, zone: str) -> None:
    tables = lines_of(Plan(12, 3, today, ZoneInfo(zone)))
    created = [dt.datetime.fromisoformat(row[1]) for rows in tables.values() for row in rows]
    assert max(created) < dt.datetime(today.year, today.month, today.day, tzinfo=ZoneInfo(zone))


def test_doses_are_given_on_school_days_in_school_hours() -> None:
    zone = ZoneInfo("America/Chicago")
    given_at = COLUMNS["medication_logs"].index("timeGiven")
    rows = lines_of(Plan(100, 1, MONDAY, zone))["medication_logs"]
    assert rows
    for row in rows:
        moment = dt.datetime.fromisoformat(row[given_at])
        assert moment.utcoffset() == moment.replace(tzinfo=zone).utcoffset()
        assert is_school_day(moment.date())
        assert dt.time(7, 30) <= moment.time() <= dt.time(16)


@pytest.mark.parametrize(
    ("day", "school"),
    [
        (dt.date(2026, 3, 2), True),
        (dt.date(2026, 3, 7), False),  # Saturday
        (dt.date(2026, 3, 11), False),  # spring break
        (dt.date(2026, 7, 15), False),
        (dt.date(2025, 9, 1), False),  # Labor Day
        (dt.date(2025, 11, 27), False),  # Thanksgiving
        (dt.date(2025, 11, 28), False),
        (dt.date(2025, 12, 25), False),
        (dt.date(2026, 1, 2), False),
        (dt.date(2026, 1, 5), True),
    ],
)
def test_the_calendar_knows_school_days(day: dt.date, school: bool) -> None:
    assert is_school_day(day) is school


def test_a_weekend_day_moves_to_monday() -> None:
    calendar = Calendar(MONDAY, UTC)
    for day, expected in [("2026-02-27", "2026-02-27"), ("2026-02-28", "2026-03-02"), ("2026-03-01", "2026-03-02")]:
        assert calendar.date(calendar.weekday_from(calendar.number(dt.date.fromisoformat(day)))) == expected


@pytest.mark.parametrize(("name", "plain"), [("Łukasz", "lukasz"), ("O'Brien", "obrien"), ("Nguyễn", "nguyen")])
def test_an_email_address_spells_names_in_ascii(name: str, plain: str) -> None:
    assert ascii_name(name) == plain
