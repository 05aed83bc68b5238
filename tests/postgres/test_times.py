"""Times come back aware, in UTC, whatever reads them."""

import datetime as dt

import pytest
from django.db import connection
from django.utils import timezone

from tests.factories import NOON, make_dose

pytestmark = pytest.mark.django_db


def test_a_time_comes_back_as_it_was_written() -> None:
    dose = make_dose(time_given=dt.datetime(2026, 3, 2, 6, 30, tzinfo=dt.timezone(dt.timedelta(hours=-6))))
    dose.refresh_from_db()
    assert dose.time_given == dt.datetime(2026, 3, 2, 12, 30, tzinfo=dt.UTC)
    assert dose.time_given.utcoffset() == dt.timedelta(0)


def test_a_server_side_cursor_reads_the_same() -> None:
    dose = make_dose(time_given=NOON)
    assert list(type(dose).objects.values_list("time_given", flat=True).iterator()) == [NOON]


def test_another_zone_shows_the_same_moment() -> None:
    dose = make_dose(time_given=NOON)
    with timezone.override("America/Chicago"):
        dose.refresh_from_db()
        assert dose.time_given == NOON
        assert timezone.localtime(dose.time_given).hour == 6


@pytest.mark.parametrize("value", ["0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00"])
def test_the_ends_of_the_calendar_are_read(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [value])
        assert cursor.fetchone()[0].year in (1, 9999)
