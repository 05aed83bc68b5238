"""Declared parameters: what code reads, said once, with its type, default and the bounds within which the code works.

    NURSES_PER_SHIFT = declare("NURSES_PER_SHIFT", int, default=2, minimum=1, label="Nurses", help="On duty at once.")
    NURSES_PER_SHIFT.get(school=school)

A stored value that the code could not work with (another type, out of bounds, for a scope in which nobody reads it)
does not count, whoever stored it. Keys that nobody declares may be stored and read as well.
"""

import datetime as dt
import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeVar, cast

from configuration.enums import ConfigCategory, ConfigScope, ConfigValueType
from configuration.values import ValueTextError, write

T = TypeVar("T")

EVERYWHERE = (ConfigScope.USER, ConfigScope.SCHOOL, ConfigScope.DISTRICT, ConfigScope.SYSTEM)
SYSTEM_ONLY = (ConfigScope.SYSTEM,)

# The value types whose values are of a Python type.
VALUE_TYPES: dict[Any, tuple[ConfigValueType, ...]] = {
    int: (ConfigValueType.NUMBER,),
    Decimal: (ConfigValueType.NUMBER,),
    bool: (ConfigValueType.BOOLEAN,),
    str: (
        ConfigValueType.STRING,
        ConfigValueType.ENUM,
        ConfigValueType.EMAIL,
        ConfigValueType.URL,
        ConfigValueType.COLOR,
    ),
    list: (ConfigValueType.ARRAY,),
    dict: (ConfigValueType.JSON,),
    dt.date: (ConfigValueType.DATE,),
    dt.time: (ConfigValueType.TIME,),
    dt.datetime: (ConfigValueType.DATETIME,),
}


@dataclass(frozen=True)
class Parameter(Generic[T]):
    """A parameter that code reads; made by `declare`.

    `minimum` and `maximum` bound numbers. `scopes` are those in which the code reads it. `category` is where a value
    that is stored anew stands: changes of those under SECURITY are confirmed and told.
    """

    key: str
    type: type[T]
    default: T
    label: str
    help: str
    minimum: int | None = None
    maximum: int | None = None
    scopes: tuple[ConfigScope, ...] = EVERYWHERE
    category: ConfigCategory = ConfigCategory.GENERAL

    def get(self, *, user: Any = None, school: Any = None, district: Any = None) -> T:
        """The value that holds for a user, school or district; the system's without one. No query."""
        from configuration import config

        return cast("T", config.get(self.key, user=user, school=school, district=district))

    def problem(self, value_type: str, value: Any) -> str | None:
        """Why the code could not work with a value of a value type, as the end of a sentence; None where it can."""
        if value_type not in VALUE_TYPES[self.type]:
            wanted = " or ".join(VALUE_TYPES[self.type])
            return f"is a {value_type}, where the code that reads it needs {wanted}"
        if self.type is int and not isinstance(value, int):
            return "is not a whole number, which the code that reads it needs"
        if self.minimum is not None and value < self.minimum:
            return f"is less than {self.minimum}, the least that the code that reads it works with"
        if self.maximum is not None and value > self.maximum:
            return f"is more than {self.maximum}, the most that the code that reads it works with"
        if self.type is dict and not isinstance(value, dict):
            return "is not a JSON object, which the code that reads it needs"
        return None


DECLARED: dict[str, Parameter[Any]] = {}


class DeclarationError(Exception):
    """A key is declared twice, or with a default that it would not accept itself."""


def declare(key: str, type: type[T], **facts: Any) -> Parameter[T]:
    """Declare a parameter, once for each key; `facts` are the other fields of Parameter. Raises DeclarationError."""
    parameter = Parameter(key=key, type=type, **facts)
    if key in DECLARED and DECLARED[key] != parameter:
        raise DeclarationError(f"{key} is declared already, with other facts; read that parameter instead.")
    if type not in VALUE_TYPES:
        raise DeclarationError(f"{key}: no value type has values of the Python type {type!r}.")
    kind = VALUE_TYPES[type][0]
    try:
        write(kind, parameter.default)
    except ValueTextError as error:
        raise DeclarationError(f"{key}: the default {error}.") from None
    if problem := parameter.problem(kind, parameter.default):
        raise DeclarationError(f"{key}: the default {problem}.")
    DECLARED[key] = parameter
    return parameter


def near(key: str, keys: Iterable[str]) -> list[str]:
    """The keys that somebody who wrote `key` may have meant, the nearest first; at most three."""
    by_upper = {known.upper(): known for known in keys}
    return [by_upper[found] for found in difflib.get_close_matches(str(key).upper(), by_upper, n=3, cutoff=0.6)]
