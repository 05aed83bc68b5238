"""The box in which a value is written: the right one for its type, whose answer is the text that the table holds.

A box that nobody touched gives back the very text that it was made with, however it shows it.
"""

import datetime as dt
import json
import re
from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from unfold.widgets import (
    COLOR_CLASSES,
    INPUT_CLASSES,
    SELECT_CLASSES,
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanSwitchWidget,
)

from configuration.admin.words import COLOR, bounds_of, number, rules_of
from configuration.enums import ConfigValueType
from configuration.parameters import DECLARED
from configuration.values import DATETIME, LONGEST, ValueTextError, parse

KEEP = "A value is stored and not shown. Leave the box empty to keep it."
ANY_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,3})?)?")  # what a browser's box for a time can show
LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T" + ANY_TIME.pattern)


class ValueField(forms.CharField):
    """A value as text. `stored` is the text that the table holds; None for a value that is not stored yet."""

    def __init__(self, stored: str | None, **kwargs: Any) -> None:
        self.stored = stored
        kwargs.setdefault("widget", forms.TextInput(attrs=attributes()))
        super().__init__(max_length=LONGEST, strip=False, **kwargs)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """None: a box has a maxlength only where the setting has one."""
        return {}

    def shows(self, stored: str) -> str:
        """What the box shows for a text of the table."""
        return stored

    def means(self, typed: str) -> str:
        """The text of the table for what was typed. Raises ValidationError."""
        return typed.strip()

    def prepare_value(self, value: Any) -> Any:
        """What the box shows: of a text from the table in its own way, what was typed as it was typed."""
        return self.shows(value) if isinstance(value, str) and value == self.stored else value

    def clean(self, value: Any) -> Any:
        """The text for the table; None for an empty box that may be empty."""
        typed = super().clean(value)
        if self._untouched(typed):
            return self.stored
        if typed in self.empty_values:
            return None
        return self.means(typed)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether the table would hold another text."""
        return not self._untouched("" if data is None else str(data))

    def _untouched(self, typed: str) -> bool:
        shown = "" if self.stored is None else self.shows(self.stored)
        return lines(typed) == lines(shown) or typed == self.stored


def lines(text: str) -> str:
    """A text with line breaks as the table has them; browsers send theirs as two characters."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def attributes(*classes: str, **more: Any) -> dict[str, Any]:
    """The attributes of a box in the admin's look."""
    return {"class": " ".join([*INPUT_CLASSES, *classes]), **more}


class TextField(ValueField):
    """A text, which may have several lines, and blanks at its ends."""

    def __init__(self, stored: str | None, most: int | None = None, **kwargs: Any) -> None:
        rows = min(10, 1 + (stored or "").count("\n"))
        limit = {"maxlength": most} if most is not None else {}
        kwargs["widget"] = UnfoldAdminTextareaWidget(attrs={"rows": rows, **limit})
        super().__init__(stored, **kwargs)

    def means(self, typed: str) -> str:
        """As it was typed."""
        return lines(typed)


class SwitchWidget(UnfoldBooleanSwitchWidget):  # type: ignore[misc]
    """On or off, as the table writes it."""

    def __init__(self) -> None:
        super().__init__(attrs={"role": "switch"})
        self.check_test = lambda value: value in (True, "true")

    def format_value(self, value: Any) -> None:
        """None: what the box sends says nothing but that it is ticked."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str:
        """The text of the table."""
        return "true" if super().value_from_datadict(data, files, name) else "false"


class ChoiceWidget(forms.Select):
    """A select in the admin's look."""

    def __init__(self, choices: list[tuple[str, str]]) -> None:
        super().__init__(attrs={"class": " ".join(SELECT_CLASSES)}, choices=choices)


class ChoiceField(ValueField):
    """One of the valid values, which may have blanks at their ends."""

    def __init__(self, stored: str | None, choices: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(stored, widget=ChoiceWidget(choices), **kwargs)

    def means(self, typed: str) -> str:
        """As it was chosen."""
        return typed


class ColorField(ValueField):
    """A colour; browsers answer in small letters, which is the same colour."""

    def __init__(self, stored: str | None, **kwargs: Any) -> None:
        # A browser's box for colours is never empty.
        fits = COLOR.fullmatch(stored) if stored is not None else kwargs.get("required", True)
        look = {"class": " ".join(COLOR_CLASSES), "type": "color"} if fits else attributes()
        super().__init__(stored, widget=forms.TextInput(attrs=look), **kwargs)

    def _untouched(self, typed: str) -> bool:
        return typed.lower() == (self.stored or "").lower()


class TimeField(ValueField):
    """A time of day, with seconds and fractions where the value has them."""

    def __init__(self, stored: str | None, **kwargs: Any) -> None:
        plain = stored is None or ANY_TIME.fullmatch(stored)
        look = attributes(type="time", step="any") if plain else attributes(placeholder="14:30:00.000000")
        super().__init__(stored, widget=forms.TextInput(attrs=look), **kwargs)


class MomentField(ValueField):
    """A date and a time, in the site's zone; a text with another zone is taken as well."""

    def __init__(self, stored: str | None, **kwargs: Any) -> None:
        plain = stored is None or LOCAL.fullmatch(self.shows(stored))
        look = attributes(type="datetime-local", step="any") if plain else attributes()
        super().__init__(stored, widget=forms.TextInput(attrs=look), **kwargs)
        zone = timezone.get_current_timezone_name()
        other = "" if plain else " Write it with its zone, such as 2026-08-31T14:30:00Z."
        self.help_text = f"Time in {zone}.{other} {self.help_text}".strip()

    def shows(self, stored: str) -> str:
        """The moment in the site's zone, where a browser's box can show it."""
        try:
            local = timezone.localtime(parse(ConfigValueType.DATETIME, stored)).replace(tzinfo=None)
        except (ValueTextError, OverflowError):
            return stored
        shown = local.isoformat()
        return shown if LOCAL.fullmatch(shown) else stored

    def means(self, typed: str) -> str:
        """With the zone."""
        typed = typed.strip()
        if DATETIME.fullmatch(typed):
            return typed
        try:
            return forms.utils.from_current_timezone(dt.datetime.fromisoformat(typed)).isoformat()
        except (ValueError, OverflowError):
            raise ValidationError("There is no such time: write it like 2026-08-31T14:30.", code="invalid") from None


def laid_out(stored: str) -> str:
    """JSON indented, unless it is short, is laid out already or would not mean the same."""
    if "\n" in stored or len(stored) <= 40:
        return stored
    try:
        value = parse(ConfigValueType.JSON, stored)
        indented = json.dumps(value, ensure_ascii=False, indent=2)
        same = json.dumps(json.loads(stored, object_pairs_hook=list)) == json.dumps(
            json.loads(indented, object_pairs_hook=list)
        )
    except (ValueTextError, ValueError, RecursionError):
        return stored
    return indented if same else stored


class JSONTextField(ValueField):
    """JSON, indented where it is long; what is none is told by line and column."""

    def __init__(self, stored: str | None, *, array: bool = False, **kwargs: Any) -> None:
        self.array = array
        rows = min(20, 2 + (self.shows(stored).count("\n") if stored else 2))
        look = {"rows": rows, "class": "wc-code", "spellcheck": "false"}
        super().__init__(stored, widget=UnfoldAdminTextareaWidget(attrs=look), **kwargs)

    def shows(self, stored: str) -> str:
        """Indented where it is long."""
        return laid_out(stored)

    def means(self, typed: str) -> str:
        """As it was typed. Raises ValidationError where it is no JSON, with the place."""
        text = lines(typed).strip()
        try:
            value = json.loads(text, parse_int=len, parse_float=len)  # the numbers are judged by the database
        except json.JSONDecodeError as error:
            raise ValidationError(
                f"This is not JSON: line {error.lineno}, column {error.colno}: {error.msg[0].lower()}{error.msg[1:]}.",
                code="invalid",
            ) from None
        except RecursionError:
            raise ValidationError("This is nested too deep.", code="invalid") from None
        if self.array and not isinstance(value, list):
            raise ValidationError('An array stands in brackets: ["a", "b"].', code="invalid")
        return text


class SecretField(ValueField):
    """A value that nobody is shown. Empty means: as it is."""

    def __init__(self, stored: str | None, **kwargs: Any) -> None:
        kwargs["required"] = kwargs.get("required", True) and stored is None
        kwargs["help_text"] = " ".join(filter(None, (KEEP if stored is not None else "", kwargs.get("help_text"))))
        super().__init__(stored, widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}), **kwargs)

    def _untouched(self, typed: str) -> bool:
        return typed in ("", self.stored)

    def means(self, typed: str) -> str:
        """As it was typed."""
        return lines(typed)


def value_field(setting: Any, stored: str | None, *, secret: bool, required: bool = True, **kwargs: Any) -> ValueField:
    """The box for a value of a setting: by its type, valid values and format. `kwargs` are a form field's own."""
    kwargs["required"] = required
    if secret:
        return SecretField(stored, **kwargs)
    if setting.valid_values:
        return ChoiceField(stored, _choices(setting.valid_values, stored, required), **kwargs)
    kind = str(setting.value_type)
    if kind == ConfigValueType.STRING:
        kind = str(rules_of(setting).get("format", kind)).upper()
    return BOXES.get(kind, _text)(setting, stored, kwargs)


def _choices(valid: list[str], stored: str | None, required: bool) -> list[tuple[str, str]]:
    blank = [] if required and stored is not None else [("", "Select value" if required else "None")]
    odd = [stored] if stored is not None and stored not in valid else []
    return [*blank, *((text, text) for text in [*odd, *valid])]


def _text(setting: Any, stored: str | None, kwargs: dict[str, Any]) -> ValueField:
    most = rules_of(setting).get("maxLength")
    return TextField(stored, most if isinstance(most, int) else None, **kwargs)


def _number(setting: Any, stored: str | None, kwargs: dict[str, Any]) -> ValueField:
    bounds = bounds_of(setting, DECLARED.get(setting.key))
    look = attributes(step="1" if bounds.whole else "any", inputmode="numeric" if bounds.whole else "decimal")
    look |= {name: number(bound) for name, bound in (("min", bounds.least), ("max", bounds.most)) if bound is not None}
    return ValueField(stored, widget=forms.NumberInput(attrs=look), **kwargs)


def _boolean(setting: Any, stored: str | None, kwargs: dict[str, Any]) -> ValueField:
    if kwargs["required"]:
        return ValueField("false" if stored is None else stored, widget=SwitchWidget(), **kwargs)
    return ChoiceField(stored, [("", "None"), ("true", "On"), ("false", "Off")], **kwargs)


def _input(kind: str) -> Callable[[Any, str | None, dict[str, Any]], ValueField]:
    return lambda setting, stored, kwargs: ValueField(
        stored, widget=forms.TextInput(attrs=attributes(type=kind)), **kwargs
    )


BOXES: dict[str, Callable[[Any, str | None, dict[str, Any]], ValueField]] = {
    ConfigValueType.NUMBER: _number,
    ConfigValueType.BOOLEAN: _boolean,
    ConfigValueType.DATE: _input("date"),
    ConfigValueType.EMAIL: _input("email"),
    ConfigValueType.URL: _input("url"),
    ConfigValueType.TIME: lambda setting, stored, kwargs: TimeField(stored, **kwargs),
    ConfigValueType.DATETIME: lambda setting, stored, kwargs: MomentField(stored, **kwargs),
    ConfigValueType.COLOR: lambda setting, stored, kwargs: ColorField(stored, **kwargs),
    ConfigValueType.JSON: lambda setting, stored, kwargs: JSONTextField(stored, **kwargs),
    ConfigValueType.ARRAY: lambda setting, stored, kwargs: JSONTextField(stored, array=True, **kwargs),
}
