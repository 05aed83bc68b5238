"""What a box shows, a browser sends back, and the table holds again: exactly, for every value of every type."""

import datetime as dt
import json
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client, override_settings
from hypothesis import given
from hypothesis import strategies as st

from configuration.admin.value_fields import value_field
from configuration.enums import ConfigValueType
from configuration.values import ValueTextError, parse, write
from tests.admin.conftest import SignIn
from tests.admin.pages import errors_on, form_on
from tests.admin.settings import make_admin, make_setting, page_of, save, stored

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=40)
SCALARS = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, width=32) | TEXT
ZONES = st.integers(-15 * 60, 15 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "STRING": TEXT,
    "NUMBER": st.integers(-(10**30), 10**30) | st.decimals(-(10**9), 10**9, places=6),
    "BOOLEAN": st.booleans(),
    "JSON": st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=8),
    "ARRAY": st.lists(SCALARS),
    "DATE": st.dates(),
    "TIME": st.times(),
    "DATETIME": st.datetimes(timezones=ZONES),
    "EMAIL": st.emails(),
    "URL": st.just("https://example.org/?a=b&c=%20"),
    "COLOR": st.from_regex(r"#[0-9A-Fa-f]{6}", fullmatch=True),
    "ENUM": st.sampled_from(["a", " b ", "c, d", "é"]),
}


def setting_of(kind: str) -> Any:
    return SimpleNamespace(
        key="CLINIC",
        value_type=kind,
        valid_values=["a", " b ", "c, d", "é"] if kind == "ENUM" else [],
        validation_rules={},
        min_value=None,
        max_value=None,
    )


def sent(shown: str) -> str:
    """What a browser makes of line breaks."""
    return shown.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, str]:
    """A value type, and the text of a value of it."""
    kind = draw(st.sampled_from(sorted(VALUES)))
    value = draw(VALUES[kind])
    if isinstance(value, float | Decimal) and kind == "NUMBER":
        value = Decimal(value)
    try:
        return kind, write(kind, value)
    except ValueTextError:
        return "BOOLEAN", "true"


def test_every_type_is_covered() -> None:
    assert set(VALUES) == set(ConfigValueType.values)


@pytest.mark.parametrize("zone", ["UTC", "America/Chicago", "Pacific/Auckland"])
@given(texts())
def test_an_untouched_box_gives_back_the_very_text(zone: str, made: tuple[str, str]) -> None:
    kind, text = made
    with override_settings(TIME_ZONE=zone):
        field = value_field(setting_of(kind), text, secret=False)
        shown = field.prepare_value(text)
        assert field.clean(sent(shown)) == text
        assert not field.has_changed(text, sent(shown))


@given(texts(), texts())
def test_what_a_box_shows_means_the_value_also_for_who_types_it(made: tuple[str, str], other: tuple[str, str]) -> None:
    kind, text = made
    if "\r" in text or kind == "EMAIL":
        return  # a browser sends no lone carriage return
    shown = value_field(setting_of(kind), text, secret=False).prepare_value(text)
    before = other[1] if other[0] == kind else None
    typed = value_field(setting_of(kind), before, secret=False).clean(sent(shown))
    assert parse(kind, typed) == parse(kind, text) or (kind == "COLOR" and typed.lower() == text.lower())


@given(texts())
def test_a_secret_shows_nothing_and_keeps_its_text(made: tuple[str, str]) -> None:
    field = value_field(setting_of(made[0]), made[1], secret=True)
    assert field.clean("") == made[1]
    assert made[1] not in field.widget.render("value", field.prepare_value(made[1])) or len(made[1]) < 8


PAIRS = {
    "STRING": ("  two\n lines ", "one"),
    "NUMBER": ("0.10", "12"),
    "BOOLEAN": ("true", "false"),
    "JSON": ('{"b": [1, 2.50, "é"], "a": {"x": null, "long": "' + "y" * 60 + '"}}', '{"c": 1}'),
    "ARRAY": ('["a", 1]', "[]"),
    "DATE": ("2026-08-31", "0001-01-01"),
    "TIME": ("14:30:00.123456", "23:59"),
    "DATETIME": ("2026-08-31T14:30:00.123456+02:00", "2026-11-01T06:30:00+00:00"),
    "EMAIL": ("a@example.org", "b@example.org"),
    "URL": ("https://example.org/?a=1&b=2", "http://example.org"),
    "COLOR": ("#1F6FEB", "#000000"),
    "ENUM": ("c, d", "é"),
}


@pytest.mark.parametrize("kind", sorted(PAIRS))
def test_each_type_goes_through_its_page(db: None, sign_in: SignIn, kind: str) -> None:
    client: Client = sign_in(make_admin())
    first, second = PAIRS[kind]
    setting = make_setting(value=first, value_type=kind, valid_values=["c, d", "é"] if kind == "ENUM" else [])
    saved = save(client, page_of(setting), reason="")
    assert saved.status_code == 302, errors_on(saved)
    assert (stored("CLINIC").value, setting.history.count()) == (first, 1)
    sent = {**form_on(client, page_of(setting)), "value": second, "reason": "Other"}
    if (kind, second) == ("BOOLEAN", "false"):
        del sent["value"]
    assert client.post(page_of(setting), sent).status_code == 302
    assert stored("CLINIC").value == second
    assert client.get(page_of(setting)).status_code == 200


def test_json_is_laid_out_only_where_it_means_the_same() -> None:
    twice = '{"a": 1, "a": 2, "and so on": "' + "x" * 60 + '"}'
    field = value_field(setting_of("JSON"), twice, secret=False)
    assert field.prepare_value(twice) == twice
    long = json.dumps({"a": ["x" * 60]})
    assert "\n" in value_field(setting_of("JSON"), long, secret=False).prepare_value(long)
