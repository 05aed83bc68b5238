"""Form fields that take whatever is sent to them: what does not fit is an error in words."""

import datetime as dt
import json
from typing import Any

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect
from django.contrib.postgres.forms import SimpleArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.forms.fields import InvalidJSONInput

YEARS = range(1900, 2200)
MOST_LEVELS = 50


def within_years(value: dt.date) -> None:
    """Raise ValidationError for a date that nobody means; some of them no client can read back from the database."""
    if value.year not in YEARS:
        raise ValidationError(f"Enter a date between {YEARS[0]} and {YEARS[-1]}.")


def fits(field: "models.Field[Any, Any]", value: Any) -> bool:
    """Whether a text from an address or a form can be a value of the model's field."""
    try:
        python = field.to_python(value)
        if isinstance(python, dt.date):
            within_years(python)
    except (ValidationError, ValueError, TypeError, OverflowError):
        return False
    return True


class ChosenRecord(AutocompleteSelect):
    """A box that completes records' labels; an id that is none chooses nothing."""

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        """What is chosen."""
        return super().optgroups(name, [one for one in value if fits(self.field.target_field, one)], attr)


class ReadableJSONField(forms.JSONField):
    """JSON, shown indented; an empty box for NULL."""

    default_error_messages = {
        "invalid": 'This is not JSON. A text stands in double quotes, a list in brackets: ["dust", "pollen"].',
        "unfit": f"A number or a text here is none that can be kept, or there are more than {MOST_LEVELS} levels.",
    }

    def to_python(self, value: Any) -> Any:
        """The value. Raises ValidationError for what cannot be read, kept or shown again."""
        try:
            python = super().to_python(value)
            if self.disabled or python is None:
                return python
            json.dumps(python, ensure_ascii=False, allow_nan=False).encode()
        except (RecursionError, ValueError) as error:
            raise ValidationError(self.error_messages["unfit"], code="unfit") from error
        if _levels(python) > MOST_LEVELS:
            raise ValidationError(self.error_messages["unfit"], code="unfit")
        return python

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was typed, as it was typed where it is no value."""
        try:
            self.to_python(data)
        except ValidationError:
            # A lone surrogate, half of a character, cannot be sent to a browser.
            return InvalidJSONInput(str(data).encode(errors="replace").decode())
        return super().bound_data(data, initial)

    def prepare_value(self, value: Any) -> Any:
        """What the box shows."""
        if value is None:
            return ""
        return value if isinstance(value, InvalidJSONInput) else json.dumps(value, ensure_ascii=False, indent=2)


def _levels(value: Any) -> int:
    """How deeply lists and objects are nested, looking no deeper than one level too many."""
    level, inner = 0, [value]
    while inner and level <= MOST_LEVELS:
        lists = [one.values() if isinstance(one, dict) else one for one in inner if isinstance(one, dict | list)]
        level += bool(lists)
        inner = [one for values in lists for one in values]
    return level


class LinesField(SimpleArrayField):
    """A list of texts, one a line: texts hold commas."""

    def __init__(self, base_field: forms.Field, **kwargs: Any) -> None:
        kwargs["delimiter"] = "\n"
        kwargs["help_text"] = " ".join(filter(None, [str(kwargs.get("help_text", "")), "One a line."]))
        super().__init__(base_field, **kwargs)

    def to_python(self, value: Any) -> Any:
        """The lines that hold something."""
        if isinstance(value, str):
            value = "\n".join(line.strip() for line in value.splitlines() if line.strip())
        return super().to_python(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether the list differs; NULL and an empty list look the same, so they count as the same."""
        try:
            return bool((initial or []) != self.to_python(data))
        except ValidationError:
            return True
