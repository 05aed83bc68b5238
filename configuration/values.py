"""Values of settings: from the text that the table holds to Python and back, exactly.

| value type | Python | text |
| --- | --- | --- |
| STRING, ENUM, EMAIL, URL, COLOR | str | as it is |
| NUMBER | int where it is whole, else Decimal | 12, -0.5, 1E+3 |
| BOOLEAN | bool | true, false |
| JSON | what json reads | JSON |
| ARRAY | list | a JSON array |
| DATE | datetime.date | 2026-08-31 |
| TIME | datetime.time | 14:30:00 |
| DATETIME | datetime.datetime with a zone | 2026-08-31T14:30:00+00:00 |

Whether a text is a value at all, and keeps the rules of its setting, is judged by the database alone (`judge`): one
judge cannot disagree with itself. What the database takes, `parse` reads; what `write` writes, the database takes.
"""

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from configuration.enums import ConfigValueType

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
DATETIME = re.compile(DATE.pattern + "T" + TIME.pattern + r"(Z|[+-][0-9]{2}:[0-5][0-9])")
TOO_LARGE = 10**308  # what a double, in which minValue and maxValue are kept, holds
LONGEST = 100_000  # characters
DEEPEST = 100  # levels of JSON
LARGEST_OFFSET = dt.timedelta(hours=16)  # PostgreSQL knows zones up to 15:59 from UTC

TEXTS = (
    ConfigValueType.STRING,
    ConfigValueType.ENUM,
    ConfigValueType.EMAIL,
    ConfigValueType.URL,
    ConfigValueType.COLOR,
)


class ValueTextError(ValueError):
    """A text that is no value of its type, or a value that no text of the type stands for."""


def parse(value_type: str, text: str) -> Any:
    """The value that a text of the table stands for. Raises ValueTextError where it stands for none."""
    try:
        return PARSERS[ConfigValueType(value_type)](text)
    except ValueTextError:
        raise
    except (ValueError, OverflowError, InvalidOperation, RecursionError):
        raise ValueTextError(f"is not a value of the type {value_type}") from None


def write(value_type: str, value: Any) -> str:
    """The text that stands for a value. Raises ValueTextError where the type has no such value."""
    kind = ConfigValueType(value_type)
    try:
        text = _write(kind, value)
    except ValueTextError:
        raise
    except (TypeError, ValueError, RecursionError):  # of json, and of a whole number of thousands of digits
        raise ValueTextError(f"is not a value of the type {kind}") from None
    if len(text) > LONGEST or _cannot_be_kept(text):
        raise ValueTextError(f"is too long for a {kind}, or holds a character that the database cannot keep")
    parse(kind, text)  # also what is of the right Python type may have no text, such as infinity
    return text


def _write(kind: ConfigValueType, value: Any) -> str:
    if kind in TEXTS and isinstance(value, str):
        return str(value)
    if kind == ConfigValueType.BOOLEAN and isinstance(value, bool):
        return "true" if value else "false"
    if kind == ConfigValueType.NUMBER and isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return str(value)
    if kind == ConfigValueType.JSON or (kind == ConfigValueType.ARRAY and isinstance(value, list | tuple)):
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    if kind == ConfigValueType.DATETIME and isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value.isoformat()
    if kind == ConfigValueType.DATE and isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value.isoformat()
    if kind == ConfigValueType.TIME and isinstance(value, dt.time) and value.tzinfo is None:
        return value.isoformat()
    raise ValueTextError(f"is a {type(value).__name__}, which is not a value of the type {kind}")


def _number(text: str) -> int | Decimal:
    if len(text) > 400 or not NUMBER.fullmatch(text):
        raise ValueTextError("is not a number")
    number = Decimal(text)
    if number.copy_abs() >= TOO_LARGE:  # abs() rounds
        raise ValueTextError("is too large a number")
    return int(number) if number == number.to_integral_value() else number


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueTextError("is neither true nor false")
    return text == "true"


class _Number(str):
    """A number of JSON as it is written: read once it is known that no later member of the same name hides it."""


def _json(text: str) -> Any:
    value = json.loads(
        text, parse_float=_Number, parse_int=_Number, parse_constant=_refuse, object_pairs_hook=_object_of
    )
    return _finished(value, 0)


def _array(text: str) -> list[Any]:
    value = _json(text)
    if not isinstance(value, list):
        raise ValueTextError("is not a JSON array")
    return value


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for pair in pairs:
        _refuse_strange_texts(pair)  # the database does so in hidden members too
    return dict(pairs)


def _finished(value: Any, depth: int) -> Any:
    if depth > DEEPEST:
        raise ValueTextError(f"is nested more than {DEEPEST} deep")
    if isinstance(value, _Number):
        return _json_number(value)
    if isinstance(value, list):
        return [_finished(member, depth + 1) for member in value]
    if isinstance(value, dict):
        return {name: _finished(member, depth + 1) for name, member in value.items()}
    _refuse_strange_texts(value)
    return value


def _json_number(text: str) -> int | float:
    exact = Decimal(text)
    if exact.copy_abs() < TOO_LARGE:
        if text.lstrip("-").isdigit():
            return int(text)
        binary = float(text)
        if Decimal(repr(binary)) == exact:
            return binary
        if exact == exact.to_integral_value():
            return int(exact)
    raise ValueTextError("holds a number too large or too long to be read exactly")


def _refuse(constant: str) -> None:
    raise ValueTextError(f"holds {constant}, which is not JSON")


def _refuse_strange_texts(value: Any) -> None:
    if isinstance(value, str):
        if _cannot_be_kept(value):
            raise ValueTextError("holds a character that the database cannot keep")
    elif isinstance(value, list | tuple | dict):
        for member in [*value, *value.values()] if isinstance(value, dict) else value:
            _refuse_strange_texts(member)


def _cannot_be_kept(text: str) -> bool:
    # PostgreSQL keeps neither U+0000 nor half a surrogate pair.
    return any(character == "\x00" or "\ud800" <= character <= "\udfff" for character in text)


def _date(text: str) -> dt.date:
    if not DATE.fullmatch(text):
        raise ValueTextError("is not a date such as 2026-08-31")
    return dt.date.fromisoformat(text)


def _time(text: str) -> dt.time:
    if not TIME.fullmatch(text):
        raise ValueTextError("is not a time such as 14:30")
    return dt.time.fromisoformat(text)


def _datetime(text: str) -> dt.datetime:
    if not DATETIME.fullmatch(text):
        raise ValueTextError("is not a time of a day with its zone such as 2026-08-31T14:30:00Z")
    moment = dt.datetime.fromisoformat(text)
    if abs(moment.utcoffset() or dt.timedelta()) >= LARGEST_OFFSET:
        raise ValueTextError("has a zone further from UTC than any")
    return moment


PARSERS: dict[ConfigValueType, Callable[[str], Any]] = {
    **dict.fromkeys(TEXTS, str),
    ConfigValueType.NUMBER: _number,
    ConfigValueType.BOOLEAN: _boolean,
    ConfigValueType.JSON: _json,
    ConfigValueType.ARRAY: _array,
    ConfigValueType.DATE: _date,
    ConfigValueType.TIME: _time,
    ConfigValueType.DATETIME: _datetime,
}


def judge(
    text: str,
    value_type: str,
    *,
    min_value: float | None = None,
    max_value: float | None = None,
    valid_values: Sequence[str] | None = None,
    rules: Mapping[str, Any] | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> str | None:
    """What the database finds wrong with rules or value, a sentence without its stop; None where it takes it."""
    if _cannot_be_kept(text):
        return "The value holds a NUL character or half a character, which the database cannot keep"
    try:
        _refuse_strange_texts([list(valid_values or ()), rules])
        said = None if rules is None else json.dumps(rules, allow_nan=False)
    except (ValueTextError, ValueError, TypeError, RecursionError):
        return "The rules hold something that the database cannot keep"
    bounds = [value_type, min_value, max_value, list(valid_values) if valid_values is not None else None]
    shared = "%(type)s, %(min)s::float8, %(max)s::float8, %(valid)s::text[], %(rules)s::jsonb"
    with connections[using].cursor() as cursor:
        cursor.execute(
            f"SELECT coalesce(setting_rules_problem({shared}),"
            f" 'the value ' || setting_value_problem(%(text)s, {shared}))",
            {
                **dict(zip(("type", "min", "max", "valid"), bounds, strict=True)),
                "rules": said,
                "text": text,
            },
        )
        (problem,) = cursor.fetchone()
    return None if problem is None else f"{problem[:1].upper()}{problem[1:]}"
