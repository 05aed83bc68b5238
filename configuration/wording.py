"""Values of settings as they are shown: on a terminal, in a pipe, in JSON."""

import datetime as dt
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils import timezone

from configuration.enums import ConfigValueType
from configuration.parameters import DECLARED, VALUE_TYPES
from configuration.resolution import Candidate
from configuration.values import TEXTS, ValueTextError, parse, write

MASK = "(secret)"


def text_of(key: str, candidate: Candidate) -> str:
    """The text of a candidate's value, as the table holds it or would."""
    if candidate.text is not None:
        return candidate.text
    parameter = DECLARED.get(key)
    kinds = VALUE_TYPES[parameter.type] if parameter else tuple(ConfigValueType)
    for kind in kinds:
        try:
            return write(kind, candidate.value)
        except ValueTextError:
            continue
    return str(candidate.value)


def for_json(value: Any) -> Any:
    """A value as JSON has it. Days and times are texts, and so is a fraction that a double does not hold exactly."""
    if isinstance(value, Decimal):
        return float(value) if Decimal(repr(float(value))) == value else str(value)
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value


def typed(value_type: str, text: str) -> Any:
    """What JSON has for a text of the table: its value, or the text itself where it is no value of its type."""
    try:
        return text if value_type in TEXTS else for_json(parse(value_type, text))
    except ValueTextError:
        return text


def on_one_line(text: str) -> str:
    """A text without line breaks, tabs and whatever else a terminal would obey; these are written as escapes."""
    return "".join(
        character if character.isprintable() else json.dumps(character)[1:-1] if character < " " else escape(character)
        for character in text
    )


def escape(character: str) -> str:
    """A character by its number."""
    return character.encode("unicode_escape").decode("ascii")


def moment(at: dt.datetime) -> str:
    """A moment for people: to the second, with its zone."""
    return timezone.localtime(at).isoformat(sep=" ", timespec="seconds")


@dataclass(frozen=True)
class Shown:
    """A value to show: nothing of it where it is secret. `text` is None where there is no value."""

    text: str | None
    value_type: str = ConfigValueType.STRING
    secret: bool = False

    def __str__(self) -> str:
        if self.text is None:
            return "-"
        return MASK if self.secret else on_one_line(self.text)

    @property
    def json(self) -> Any:
        """The value as JSON has it; null for a secret and for no value."""
        return None if self.text is None or self.secret else typed(self.value_type, self.text)
