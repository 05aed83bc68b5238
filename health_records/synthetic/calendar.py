"""School days and times of day, as COPY reads them."""

import bisect
import datetime as dt
from typing import NamedTuple
from zoneinfo import ZoneInfo

YEARS_BACK, YEARS_AHEAD = 20, 9
_CLOCK = tuple(f"{minute // 60:02}:{minute % 60:02}:00" for minute in range(24 * 60))
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Moment(NamedTuple):
    """A minute of a day: Unix milliseconds, for ids; the text with its offset, for columns; the day's number."""

    milliseconds: int
    text: str
    day: int
    minute: int


class Calendar:
    """The days around `today`, numbered from 0; times of day are minutes after midnight in `zone`.

    `school_days` are the numbers of the school days before today, `coming_days` those of today and after.
    """

    def __init__(self, today: dt.date, zone: ZoneInfo) -> None:
        self.today = today
        self.first = dt.date(today.year - YEARS_BACK, 1, 1)
        last = dt.date(today.year + YEARS_AHEAD, 12, 31)
        self._midnight: list[int] = []
        self._date: list[str] = []
        self._offset: list[str] = []
        self.school_days: list[int] = []
        self.coming_days: list[int] = []
        for number in range((last - self.first).days):
            day = self.first + dt.timedelta(days=number)
            # Clocks change before school begins, so that noon's offset holds for the school day.
            noon = dt.datetime(day.year, day.month, day.day, 12, tzinfo=zone)
            self._midnight.append((noon - _EPOCH) // dt.timedelta(milliseconds=1) - 12 * 3_600_000)
            self._date.append(day.isoformat())
            self._offset.append(_offset(noon))
            if is_school_day(day):
                (self.school_days if day < today else self.coming_days).append(number)
        self.now = self.number(today)
        self.school_year = today.year if today.month >= 8 else today.year - 1

    def number(self, day: dt.date) -> int:
        """The number of a day."""
        return (day - self.first).days

    def date(self, number: int) -> str:
        """A day as YYYY-MM-DD."""
        return self._date[number]

    def at(self, number: int, minute: int) -> Moment:
        """A time of day."""
        text = f"{self._date[number]} {_CLOCK[minute]}{self._offset[number]}"
        return Moment(self._midnight[number] + minute * 60_000, text, number, minute)

    def weekday_from(self, number: int) -> int:
        """The day itself, or the Monday after it."""
        weekday = (self.first.toordinal() + number - 1) % 7
        return number + (7 - weekday if weekday > 4 else 0)

    def school_day_index(self, number: int) -> int:
        """Where in `school_days` the first one from that day on stands."""
        return bisect.bisect_left(self.school_days, number)

    def school_years(self) -> list[int]:
        """The years whose August began a school year with at least one school day before today, the latest first."""
        latest = self.school_year
        if self.school_day_index(self.number(dt.date(latest, 8, 1))) == len(self.school_days):
            latest -= 1
        return list(range(latest, latest - 13, -1))


def is_school_day(day: dt.date) -> bool:
    """Monday to Friday from 20 August to 8 June, but for the usual holidays."""
    key = (day.month, day.day)
    if day.weekday() > 4 or (6, 8) < key < (8, 20) or key >= (12, 21) or key <= (1, 2):
        return False
    monday = day.weekday() == 0
    if monday and ((day.month == 9 and day.day <= 7) or (day.month in (1, 2) and 15 <= day.day <= 21)):
        return False  # Labor Day, Martin Luther King Jr. Day, Presidents' Day
    if monday and day.month == 5 and day.day >= 25:
        return False  # Memorial Day
    if day.month == 11 and (
        (day.weekday() == 3 and 22 <= day.day <= 28) or (day.weekday() == 4 and 23 <= day.day <= 29)
    ):
        return False  # Thanksgiving
    return not (day.month == 3 and 8 <= day.day - day.weekday() <= 14)  # spring break


def _offset(moment: dt.datetime) -> str:
    """`-05:00` or `+05:30`."""
    text = moment.strftime("%z")
    return f"{text[:3]}:{text[3:5]}"
