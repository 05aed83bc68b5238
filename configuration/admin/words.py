"""Settings in words for the administrator: values, facts, rules."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from configuration.enums import ConfigScope, ConfigValueType
from configuration.models import SystemConfiguration
from configuration.parameters import DECLARED, Parameter
from configuration.resolution import DECLARED_DEFAULT, DEFAULT, SECRET
from configuration.values import ValueTextError, parse
from core.admin.columns import text_of

HIDDEN = "••••••"
NOTHING = "none"
LONG = 60  # characters of a JSON text that one line shows
COLOR = re.compile("#[0-9A-Fa-f]{6}")
FORMATS = {
    "email": "An email address.",
    "url": "A URL that begins with http:// or https://.",
    "date": "A date.",
    "time": "A time of day.",
    "datetime": "A date and a time.",
    "color": "A colour.",
    "uuid": "A UUID.",
}
SOURCES = {
    DEFAULT: "default",
    DECLARED_DEFAULT: "default",
    ConfigScope.SYSTEM: "system",
    ConfigScope.DISTRICT: "district",
    ConfigScope.SCHOOL: "school",
    ConfigScope.USER: "user",
    "OVERRIDE": "test",
}


@dataclass(frozen=True)
class Shown:
    """A value as pages show it. `color` is its hexadecimal code where it is one.

    `lines`: of a long text beside another, the lines to be shown, and whether each differs.
    """

    text: str
    color: str = ""
    code: bool = False  # to be shown in a font of fixed width
    lines: tuple[tuple[str, bool], ...] = ()

    def __str__(self) -> str:
        return self.text


def shown(value_type: str, text: str | None, *, secret: bool = False) -> Shown:
    """The value that a text of the table stands for; of a secret, only whether there is one."""
    if text is None:
        return Shown(NOTHING)
    if secret:
        return Shown(HIDDEN)
    if text == "":
        return Shown("(empty)")
    if value_type == ConfigValueType.BOOLEAN:
        return Shown({"true": "On", "false": "Off"}.get(text, text))
    if value_type == ConfigValueType.COLOR:
        return Shown(text, color=text if COLOR.fullmatch(text) else "")
    if value_type in (ConfigValueType.JSON, ConfigValueType.ARRAY):
        return Shown(text, code=True)
    if value_type == ConfigValueType.DATETIME:
        try:
            return Shown(text_of(parse(value_type, text)))
        except (ValueTextError, OverflowError):
            return Shown(text)
    return Shown(text)


def is_secret(rows: Iterable[Any]) -> bool:
    """Whether a key is secret, by its rows or versions of them."""
    return any(SECRET in (row.tags or ()) for row in rows)


def fact(name: str, facts: Any, *, secret: bool = False) -> Shown:
    """A fact of a setting, by its attribute; `facts` is a setting, or a version of it."""
    value = getattr(facts, name)
    if name in ("value", "default_value"):
        return shown(str(facts.value_type), value, secret=secret)
    field: Any = SystemConfiguration._meta.get_field(name)
    if field.choices:
        return Shown(str(dict(field.flatchoices).get(value, value)))
    if isinstance(value, bool):
        return Shown("Yes" if value else "No")
    if value is None or value in ("", [], {}):
        return Shown(NOTHING)
    if name in ("min_value", "max_value"):
        return Shown(number(value))
    if isinstance(value, dict):
        return Shown(json.dumps(value, ensure_ascii=False), code=True)
    return Shown(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def number(value: float) -> str:
    """A bound as people write it: 10 rather than 10.0."""
    return str(int(value)) if value == int(value) and abs(value) < 10**15 else str(value)


@dataclass(frozen=True)
class Bounds:
    """What a number keeps to: by the row, by its rules, and by the code that reads it. The tightest of each."""

    least: float | None
    most: float | None
    whole: bool


def bounds_of(setting: Any, parameter: Parameter[Any] | None = None) -> Bounds:
    """The bounds of a setting that is a NUMBER."""
    rules = rules_of(setting)
    least = [setting.min_value, rules.get("min"), parameter and parameter.minimum]
    most = [setting.max_value, rules.get("max"), parameter and parameter.maximum]
    return Bounds(
        max((bound for bound in least if bound is not None), default=None),
        min((bound for bound in most if bound is not None), default=None),
        whole=rules.get("integer") is True or (parameter is not None and parameter.type is int),
    )


def rules_of(setting: Any) -> dict[str, Any]:
    """The validation rules; empty where there are none, or where they are no rules at all."""
    return setting.validation_rules if isinstance(setting.validation_rules, dict) else {}


def rules_in_words(setting: Any) -> list[str]:
    """What a value has to keep to, a sentence each."""
    rules, kind = rules_of(setting), setting.value_type
    said: list[str] = []
    if setting.valid_values:
        said.append(f"One of: {', '.join(setting.valid_values)}.")
    if kind == ConfigValueType.NUMBER:
        bounds = bounds_of(setting, DECLARED.get(setting.key))
        noun = "A whole number" if bounds.whole else "A number"
        said.append(_between(noun, bounds.least, bounds.most, "from", "up"))
    elif rules.get("min") is not None or rules.get("max") is not None:
        said.append(_between("A value", rules.get("min"), rules.get("max"), "from", "on"))
    if rules.get("minLength") is not None or rules.get("maxLength") is not None:
        noun = "elements" if kind == ConfigValueType.ARRAY else "characters"
        least, most = rules.get("minLength"), rules.get("maxLength")
        said.append(
            f"{least} to {most} {noun}."
            if least is not None and most is not None
            else f"At least {least} {noun}."
            if most is None
            else f"At most {most} {noun}."
        )
    if "pattern" in rules:
        said.append(f"Matches the pattern {rules['pattern']}")
    if rules.get("format") in FORMATS:
        said.append(FORMATS[rules["format"]])
    return said


def _between(noun: str, least: Any, most: Any, start: str, end: str) -> str:
    low, high = (number(bound) if isinstance(bound, float) else bound for bound in (least, most))
    if least is not None and most is not None:
        return f"{noun} {start} {low} to {high}."
    if least is not None:
        return f"{noun} {start} {low} {end}."
    return f"{noun} up to {high}." if most is not None else f"{noun}."
