"""Values as lists and read-only pages show them: records by their labels, times with their zone."""

import datetime as dt
from collections.abc import Callable
from functools import reduce
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst

from core.admin.site import site

EMPTY = "-"


def text_of(value: Any) -> str:
    """A value for people who may see it: a record's label, a time with its zone."""
    if value is None or value == "":
        return EMPTY
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, models.Model):
        return site.label(value)
    if isinstance(value, dt.datetime):
        local = timezone.localtime(value)
        return f"{date_format(local, 'M j, Y, H:i')} {local.tzname()}"
    return str(value)


def column(path: str, heading: str = "") -> Callable[[models.Model], str]:
    """A column of a list: the value at the end of an attribute path, such as "student_medication.student"."""

    def value(row: models.Model) -> str:
        return text_of(reduce(lambda found, name: getattr(found, name, None), path.split("."), row))  # type: ignore[arg-type, return-value]

    value.__name__ = path.replace(".", "_")
    value.short_description = heading or capfirst(path.split(".")[-1].replace("_", " "))  # type: ignore[attr-defined]
    return value
