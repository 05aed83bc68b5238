"""Values and texts: there and back exactly, and the database takes a text where Python reads it, and nowhere else."""

import datetime as dt
import json
import string
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configuration.enums import ConfigValueType
from configuration.values import ValueTextError, parse, write

pytestmark = pytest.mark.django_db
quick = settings(
    derandomize=True, max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def problems(texts: Sequence[str], kind: str) -> list[str | None]:
    """What the database says of each text, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setting_value_problem(text, %s, NULL, NULL, NULL, NULL)"
            " FROM unnest(%s::text[]) WITH ORDINALITY AS given (text, n) ORDER BY n",
            [kind, list(texts)],
        )
        return [problem for (problem,) in cursor.fetchall()]


def reads(text: str, kind: str) -> bool:
    try:
        parse(kind, text)
    except ValueTextError:
        return False
    return True


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30) | st.sampled_from(
    ["", '🩺 O\'Brien "x"\n\t\\', "e\u0301", "\u202e", "%s %(a)s", "\\N", "NULL"]
)
fractions = st.floats(min_value=-1e300, max_value=1e300, allow_nan=False).map(lambda number: number + 0.0)
whole = st.integers(-(10**307), 10**307) | st.integers(-(2**70), 2**70)
scalars = st.none() | st.booleans() | whole | fractions | texts
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)
zones = st.integers(-959, 959).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))


def is_not_tiny(number: Decimal) -> bool:
    """Whether its text has an exponent of at most three digits."""
    return int(number.as_tuple().exponent) > -900


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "STRING": texts,
    "NUMBER": whole
    | st.decimals(min_value=-(10**300), max_value=10**300, allow_nan=False, allow_infinity=False).filter(is_not_tiny),
    "BOOLEAN": st.booleans(),
    "JSON": trees,
    "ARRAY": st.lists(trees, max_size=4),
    "DATE": st.dates(),
    "TIME": st.times(),
    "DATETIME": st.datetimes(timezones=zones | st.just(dt.UTC)),
    "EMAIL": st.from_regex(r"\A[a-z0-9.+_-]{1,20}@[a-z0-9-]{1,20}(\.[a-z0-9-]{1,9}){1,3}\Z"),
    "URL": st.from_regex(r"\Ahttps?://[a-z0-9.-]{1,20}(/[!-~]{0,20})?\Z"),
    "COLOR": st.from_regex(r"\A#[0-9A-Fa-f]{6}\Z"),
}


@pytest.mark.parametrize("kind", VALUES)
def test_every_value_is_written_taken_and_read_again_exactly(kind: str) -> None:
    @quick
    @given(st.lists(VALUES[kind], min_size=1, max_size=8))
    def check(values: list[Any]) -> None:
        written = [write(kind, value) for value in values]
        assert problems(written, kind) == [None] * len(values)
        for value, text in zip(values, written, strict=True):
            again = parse(kind, text)
            assert again == value
            if kind == "DATETIME":
                assert again.utcoffset() == value.utcoffset()
            if kind != "NUMBER":
                assert type(again) is type(value)
            elif isinstance(again, Decimal):
                assert again != again.to_integral_value()

    check()


def test_every_value_type_is_among_them() -> None:
    assert {*VALUES, "ENUM"} == set(ConfigValueType)


ALPHABETS = {
    "NUMBER": "0123456789+-.eE_ xinfNa\n٣",
    "BOOLEAN": "truefalsTF \n01",
    "JSON": '[]{}",:0123456789eE+-. truefalsn\\ud800\t\n\x01',
    "ARRAY": '[]",:0123456789eE+-. truefalsn\\u\n',
    "DATE": "0123456789-/ T\n",
    "TIME": "0123456789:. +Z\n",
    "DATETIME": "0123456789-:.TZ+ t\n",
}


@st.composite
def near_misses(draw: st.DrawFn, kind: str) -> str:
    """A valid text with a few characters changed, left out or put in."""
    text = write(kind, draw(VALUES[kind]))[:300]
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(st.sampled_from(["", *ALPHABETS[kind]])) + text[place + draw(st.integers(0, 2)) :]
    return text


STRANGE = {
    "NUMBER": [
        "1e308",
        "-1e308",
        "9" * 308,
        "9" * 309,
        "9." + "9" * 390 + "e307",
        "1e-999",
        "1e1000",
        "1e999",
        "+.e1",
        "0e999",
        "0" * 401,
        "00012",
        "-0",
        "1_000",
        "٣",
        "²",
        "1\n",
        "\n1",
        "1e+07",
        "0x1",
        "NaN",
        "-Infinity",
    ],
    "BOOLEAN": ["true", "false", "TRUE", "true\n", " true", "t", "1", ""],
    "JSON": [
        '"\\u0000"',
        '"\\ud800"',
        '"\\ud83e\\ude7a"',
        "1e400",
        "1e-400",
        "0.1",
        "0.1000000000000000055511151231",
        "1" * 308,
        "1" * 309,
        "-0.0",
        "1e308",
        "NaN",
        "[1,]",
        "{}",
        " \t\r\n1 ",
        "\xa01",
        "\ufeff1",
        '"\t"',
        "01",
        "1.",
        "[" * 100 + "]" * 100,
        "[" * 101 + "]" * 101,
        "[" * 102 + "]" * 102,
        "[" * 101 + "1" + "]" * 101,
        "[" * 5000 + "]" * 5000,
        '{"a":' * 100 + "1" + "}" * 100,
        '{"a":' * 101 + "1" + "}" * 101,
        "4.9e-324",
        "3e-324",
        '{"a":1,"a":2}',
        '{"a":1e400,"a":2}',
        '{"a":"\\u0000","a":2}',
        '{"a":["\\u0000"],"a":2}',
        '{"\\u0000":1}',
    ],
    "ARRAY": ["[]", "{}", "1", "[1", '["\\u0000"]', "[1e400]", "null"],
    "DATE": [
        "0000-01-01",
        "0001-01-01",
        "9999-12-31",
        "10000-01-01",
        "2026-02-29",
        "2024-02-29",
        "2026-W01-1",
        "20260831",
        "2026-08-31 ",
        "infinity",
        "epoch",
        "٢٠٢٦-٠٨-٣١",
    ],
    "TIME": ["24:00", "23:59:60", "23:59:59.999999", "12:00:00.1234567", "12:00+02:00", "1200", "12", "12:00 PM"],
    "DATETIME": [
        *(f"2026-08-31T14:30:00{zone}" for zone in ("Z", "+15:59", "-15:59", "+16:00", "-00:00", "z", "", "+02")),
        "0001-01-01T00:00:00+15:59",
        "9999-12-31T23:59:59.999999-15:59",
        "2026-08-31 14:30Z",
        "2026-08-31T24:00Z",
        "2026-08-31T23:59:60Z",
        "2026-08-31T14:30:00+02:00:30",
    ],
}


@pytest.mark.parametrize("kind", ALPHABETS)
def test_the_database_takes_what_python_reads_and_nothing_else(kind: str) -> None:
    some = near_misses(kind) | st.text(ALPHABETS[kind], max_size=14)

    def agree(given_texts: list[str]) -> None:
        found = problems(given_texts, kind)
        for text, problem in zip(given_texts, found, strict=True):
            assert (problem is None) == reads(text, kind), (text[:200], problem)

    @quick
    @given(st.lists(some, min_size=30, max_size=60))
    def check(given_texts: list[str]) -> None:
        agree(given_texts)

    agree(STRANGE[kind])
    check()


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("NUMBER", float("nan")),
        ("NUMBER", float("inf")),
        ("NUMBER", Decimal("NaN")),
        ("NUMBER", 10**308),
        ("NUMBER", True),
        ("NUMBER", "5"),
        ("BOOLEAN", 1),
        ("BOOLEAN", "true"),
        ("STRING", 1),
        ("STRING", "a\x00b"),
        ("STRING", "\ud800"),
        ("STRING", "x" * 100_001),
        ("JSON", object()),
        ("JSON", float("nan")),
        ("JSON", 10**400),
        ("JSON", ["a\x00b"]),
        ("JSON", {"k": {"\ud800": 1}}),
        ("ARRAY", {}),
        ("ARRAY", "[]"),
        ("DATE", dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
        ("TIME", dt.time(12, tzinfo=dt.UTC)),
        ("DATETIME", dt.datetime(2026, 1, 1)),  # noqa: DTZ001
        ("DATETIME", dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=16)))),
        ("DATETIME", dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(seconds=30)))),
    ],
)
def test_what_no_text_stands_for_is_refused(kind: str, value: Any) -> None:
    with pytest.raises(ValueTextError):
        write(kind, value)


def test_numbers_of_thousands_of_digits_are_refused() -> None:
    for kind in ("NUMBER", "JSON"):
        with pytest.raises(ValueTextError):
            write(kind, 10**5000)


def test_what_refers_to_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValueTextError):
        write("JSON", endless)


def test_session_settings_do_not_change_the_verdict() -> None:
    """The number of digits with which floats are shown, the escaping of literals, and operators of the writer's own."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA own")
        cursor.execute("CREATE FUNCTION own.always(numeric, numeric) RETURNS bool LANGUAGE sql AS 'SELECT false'")
        cursor.execute("CREATE OPERATOR own.> (FUNCTION = own.always, LEFTARG = numeric, RIGHTARG = numeric)")
        cursor.execute("SET LOCAL search_path = own, pg_catalog, public")
        cursor.execute("SET LOCAL extra_float_digits = -15")
        cursor.execute("SET LOCAL standard_conforming_strings = off")
        for value, kind, maximum in [
            ("1960", "NUMBER", 1955.0),
            ("a@bxc", "EMAIL", None),
            ("0.1234567890123", "JSON", 0),
        ]:
            cursor.execute(
                "SELECT public.setting_value_problem(%s, %s, NULL, %s, NULL, NULL)",
                [value, kind, maximum if kind == "NUMBER" else None],
            )
            (problem,) = cursor.fetchone()
            assert (problem is None) == (kind == "JSON"), (value, problem)


def test_a_json_value_is_as_it_was_written() -> None:
    text = '{"b": [1, 1.5, true, null, "\\u00e9🩺"], "a": {"c": 12345678901234567890}}'
    assert parse("JSON", text) == json.loads(text)
    assert set(string.ascii_letters) == set(parse("STRING", string.ascii_letters))
