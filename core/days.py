"""Days as the schools live them: in the site's time zone (the setting TIME_ZONE)."""

import datetime as dt

from django.utils import timezone


def start_of(day: dt.date) -> dt.datetime:
    """The moment at which a day begins."""
    return dt.datetime.combine(day, dt.time.min, tzinfo=timezone.get_default_timezone())


def end_of(day: dt.date) -> dt.datetime:
    """The moment at which the next day begins: 23, 24 or 25 hours after this one."""
    return start_of(day + dt.timedelta(days=1))


def today() -> dt.date:
    """The day that it is at the schools."""
    return timezone.localdate(timezone=timezone.get_default_timezone())
