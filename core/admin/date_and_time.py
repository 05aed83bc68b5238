"""A date and a time in two boxes."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

EMPTY = (None, "")


class DateAndTimeField(forms.SplitDateTimeField):
    """Says of each box what is wrong with it; Django's calls a bad date beside an empty time "required"."""

    default_error_messages = {
        "invalid_date": "There is no such date: write it like 2026-03-02.",
        "invalid_time": "There is no such time: write it like 14:30.",
        "no_date": "The date is missing.",
        "no_time": "The time is missing.",
    }

    def clean(self, value: Any) -> Any:
        """The moment, or None. Raises ValidationError with a sentence for each box."""
        boxes = list(value or [])
        if len(boxes) != 2 or all(box in EMPTY for box in boxes):
            return super().clean(value)
        refused: list[ValidationError] = []
        for field, box, missing in zip(self.fields, boxes, ("no_date", "no_time"), strict=True):
            if box in EMPTY:
                refused.append(ValidationError(self.error_messages[missing], code=missing))
                continue
            try:
                field.clean(box)
            except ValidationError as error:
                refused.append(error)
        if refused:
            raise ValidationError(refused)
        return super().clean(value)
