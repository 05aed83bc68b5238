"""Conversions, against Python: every value of a type there arrives, or a rule says why it does not fit."""

import datetime as dt
import json
import re
import uuid
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import strategies as st

from tests.adoption.bench import Bench, agrees, texts
from whitecross.adoption.conversions import conversion
from whitecross.adoption.mapping import SPECIAL
from whitecross.adoption.sql import literal, quoted

pytestmark = pytest.mark.django_db
exact = Context(prec=400, rounding=ROUND_HALF_UP)


def numbers(whole: int, fine: int, here: tuple[int, int]) -> st.SearchStrategy[Decimal]:
    """Numbers of as many digits and decimals as a type has: of every size, those that fit, those about its end here."""
    digits, places = here
    more = 10 ** max(0, fine - places)
    most = 10 ** (whole + fine) - 1
    every = st.integers(-most, most)
    fitting = st.integers(-(10**digits), 10**digits).map(lambda number: number * more)
    end = 10 ** (digits - places + fine) - more // 2
    about = st.builds(lambda sign, steps: sign * (end + steps), st.sampled_from([1, -1]), st.integers(-2, 2))
    unscaled = (every | fitting | about).filter(lambda number: abs(number) <= most)
    return unscaled.map(lambda number: Decimal(number).scaleb(-fine, exact))


@pytest.mark.parametrize("rounding", [False, True])
@pytest.mark.parametrize(
    ("there", "whole", "fine", "here"),
    [
        ("numeric(65,30)", 35, 30, (8, 3)),
        ("numeric(65,30)", 35, 30, (4, 0)),
        ("numeric(65,30)", 35, 30, (3, 3)),
        ("numeric", 60, 60, (8, 3)),
        ("numeric(20,2)", 18, 2, (8, 3)),
        ("numeric(8,3)", 5, 3, (8, 3)),
        ("bigint", 18, 0, (8, 3)),
        ("smallint", 4, 0, (4, 2)),
    ],
)
def test_a_number_arrives_exactly_or_rounded_where_that_was_allowed(
    there: str, whole: int, fine: int, here: tuple[int, int], rounding: bool
) -> None:
    digits, places = here
    most, unit = Decimal(10) ** (digits - places), Decimal(1).scaleb(-places)
    half = unit / 2

    def expected(number: Decimal) -> set[str] | Decimal:
        if not number.is_finite():
            return {"v_size"}
        broken = {"v_size"} if number.copy_abs() >= most - half else set()
        rounded = number.quantize(unit, context=exact)
        if not rounding and rounded != number:
            broken |= {"v_decimals"}
        return broken or rounded

    strange = [Decimal(0), most - 1]
    if fine > places:
        tiny = Decimal(1).scaleb(-fine)
        strange += [exact.subtract(most - half, tiny), most - half, most, unit, half, half - tiny, tiny, Decimal("NaN")]
        strange += [number.copy_negate() for number in strange]
    if there == "numeric":
        strange += [Decimal("Infinity"), Decimal("-Infinity"), Decimal(10) ** 300, -(Decimal(10) ** 300)]
    agrees(
        Bench(there, f"numeric({digits},{places})", rounding=rounding),
        numbers(whole, fine, here),
        expected,
        write=lambda number: str(number.copy_abs()) if number.is_nan() else f"{number:f}",
        read=Decimal,
        always=strange,
    )


EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - as the predecessor has it
# Beyond what Python reads; PostgreSQL reads them all.
FAR = ("infinity", "-infinity", "4714-11-24 00:00:00 BC", "0001-12-31 23:59:59.999 BC", "10000-01-01 00:00:00",
       "294276-12-31 23:59:59.999")  # fmt: skip
far = (
    st.sampled_from(FAR)
    | st.builds(lambda year, era: f"{year:04}-02-03 04:05:06{era}", st.integers(10_000, 294_275), st.just(""))
    | st.builds(lambda year, era: f"{year:04}-02-03 04:05:06{era}", st.integers(1, 4713), st.just(" BC"))
)
FIRST, LAST = dt.datetime.min, dt.datetime.max  # noqa: DTZ901
milliseconds = st.datetimes().map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))


def microseconds(moment: dt.datetime) -> int:
    return (moment - EPOCH) // dt.timedelta(microseconds=1)


def calendar(moment: dt.datetime | str) -> set[str] | int:
    """A moment, but for the first and the last day, which other time zones have not."""
    if isinstance(moment, str) or moment.date() in (dt.date.min, dt.date.max):
        return {"v_calendar"}
    return microseconds(moment)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kathmandu"])
def test_a_time_without_zone_is_the_moment_in_utc_wherever_the_session_is(zone: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, true)", [zone])
    agrees(
        Bench("timestamp(3) without time zone", "timestamp with time zone"),
        milliseconds | far,
        calendar,
        read=int,
        shown="(extract(epoch FROM h.v) * 1000000)::bigint",
        # Among them times that a clock with a summer time shows twice, or never.
        always=[FIRST, LAST.replace(microsecond=999_000), EPOCH, *FAR,
                *map(dt.datetime.fromisoformat, ("2024-03-10 02:30:00", "2024-11-03 01:30:00"))],
    )  # fmt: skip


@pytest.mark.parametrize("there", ["timestamp with time zone", "timestamp(3) with time zone"])
def test_a_moment_stays_the_moment(there: str) -> None:
    agrees(
        Bench(there, "timestamp with time zone"),
        milliseconds | far,
        calendar,
        write=lambda moment: f"{moment}" if isinstance(moment, str) else f"{moment}+00",
        read=int,
        shown="(extract(epoch FROM h.v) * 1000000)::bigint",
        always=[FIRST, LAST.replace(microsecond=999_000), *FAR],
    )


@pytest.mark.parametrize("here", ["date", "timestamp with time zone"])
def test_a_day_stays_the_day(here: str) -> None:
    strange = (
        "infinity",
        "-infinity",
        "0001-12-31 BC",
        "10000-01-01",
        "5874897-12-31",
        "294277-01-01",
        "4714-11-24 BC",
    )

    def expected(day: dt.date | str) -> set[str] | str:
        if isinstance(day, str) or (here != "date" and day in (dt.date.min, dt.date.max)):
            return {"v_calendar"}
        return f"{day}" if here == "date" else f"{day} 00:00:00+00"

    agrees(Bench("date", here), st.dates() | st.sampled_from(strange), expected,
           always=[dt.date.min, dt.date.max, *strange])  # fmt: skip


@pytest.mark.parametrize("there", ["text", "character varying(255)", "character(40)"])
def test_a_text_is_a_uuid_in_either_case_or_does_not_fit(there: str) -> None:
    some = "0190a1b2-c3d4-7e5f-8a6b-0123456789ab"
    strange = ["", " ", some.upper(), some[:-1], some.replace("-", ""), f"{{{some}}}", some + "\n", "\n" + some]
    # In other alphabets; with other dashes.
    strange += ["g" + some[1:], some.replace("a", "\u0430"), some.replace("0", "\u0660"), some.replace("-", "\u2010")]

    def expected(text: str) -> set[str] | uuid.UUID:
        is_uuid = re.fullmatch("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text, re.ASCII)
        return uuid.UUID(text) if is_uuid else {"v_uuid"}

    ids = st.uuids().map(str)
    values = ids | ids.map(str.upper) | ids.map(str.title) | ids.map(lambda text: text[:9] + text[10:]) | texts
    if there == "character(40)":  # which knows no blanks at the end
        values, strange = values.map(lambda text: text.rstrip(" ")), [text.strip(" ")[:40] for text in strange]
    agrees(Bench(there, "uuid"), values, expected, read=uuid.UUID, always=strange)


LABELS = ["ADMIN", "O'Brien", "with space", "é", "admin"]


@pytest.mark.parametrize("there", ["text", "character varying(50)", "character(50)"])
def test_a_text_is_one_of_the_labels_or_does_not_fit(there: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE TYPE "Some Role" AS ENUM ({", ".join(map(literal, LABELS))})')
    agrees(
        Bench(there, '"Some Role"', enums_here={"Some Role": LABELS}),
        st.sampled_from(LABELS) | texts.map(lambda text: text.rstrip(" ")),
        lambda text: text if text in LABELS else {"v_label"},
        always=["Admin", "", "ADMIN\n", "with  space", "'ADMIN'"],
    )


@pytest.mark.parametrize("added", [[], ["SCHOOL_NURSE", "NULL", "it's"]])
def test_a_label_arrives_where_it_is_known(added: list[str]) -> None:
    there = [*reversed(LABELS), *added]
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TYPE enum_users_role AS ENUM ({', '.join(map(literal, there))});"
            f'CREATE TYPE "Some Role" AS ENUM ({", ".join(map(literal, LABELS))})'
        )
    bench = Bench(
        "enum_users_role", '"Some Role"', enums_there={"enum_users_role": there}, enums_here={"Some Role": LABELS}
    )
    assert bool(bench.made.rules) == bool(added)
    agrees(bench, st.sampled_from(there), lambda label: label if label in LABELS else {"v_label"}, always=there)


@pytest.mark.parametrize(
    ("there", "here", "most"),
    [
        ("text", "character varying(5)", 5),
        ("character varying(255)", "character varying(5)", 5),
        ("character varying", "character varying(5)", 5),
        ("character varying(3)", "character varying(5)", None),
        ("character varying(255)", "text", None),
        ("text", "text", None),
        ("character(9)", "character varying(5)", 5),
        ("character(4)", "character varying(5)", None),
        ("character(9)", "text", None),
    ],
)
def test_a_text_arrives_as_long_as_it_is_or_does_not_fit(there: str, here: str, most: int | None) -> None:
    room = int(found[1]) if (found := re.search(r"\((\d+)\)", there)) else None
    is_filled = there.startswith("character(")  # with blanks, which mean nothing

    def expected(text: str) -> set[str] | str:
        text = text.rstrip(" ") if is_filled else text
        return {"v_length"} if most is not None and len(text) > most else text

    strange = ("x" * 5, "x" * 6, "😷" * 5, "😷" * 6, "     ", "      ", "x    ", "a b  ")
    values = texts.map(lambda text: text[:room])
    agrees(Bench(there, here), values, expected, always=[text[:room] for text in strange])


def test_a_uuid_becomes_a_text() -> None:
    agrees(Bench("uuid", "character varying(200)"), st.uuids(), str)


@pytest.mark.parametrize(
    ("there", "here"),
    [("bigint", "integer"), ("bigint", "smallint"), ("integer", "smallint"), ("smallint", "integer"),
     ("integer", "bigint"), ("integer", "integer")],
)  # fmt: skip
def test_a_whole_number_arrives_or_is_beyond_the_type(there: str, here: str) -> None:
    bits = {"smallint": 15, "integer": 31, "bigint": 63}
    edges = [edge + step for edge in (-(2 ** bits[here]), 2 ** bits[here], 0) for step in (-1, 0, 1)]
    room = range(-(2 ** bits[there]), 2 ** bits[there])
    agrees(
        Bench(there, here),
        st.integers(room[0], room[-1]) | st.integers(-40_000, 40_000).filter(lambda number: number in room),
        lambda number: number if -(2 ** bits[here]) <= number < 2 ** bits[here] else {"v_size"},
        read=int,
        always=[room[0], room[-1], *(edge for edge in edges if edge in room)],
    )


def array(items: list[Any]) -> str:
    """An array as PostgreSQL reads it."""
    written = [
        "NULL" if item is None
        else array(item) if isinstance(item, list)
        else '"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"'
        for item in items
    ]  # fmt: skip
    return "{" + ",".join(written) + "}"


@pytest.mark.parametrize("there", ["text[]", "character varying(20)[]", "character varying[]"])
def test_an_array_arrives_item_by_item(there: str) -> None:
    agrees(
        Bench(there, "text[]"),
        st.lists(texts | st.none(), max_size=5),
        lambda items: items,
        write=array,
        read=json.loads,
        shown="to_jsonb(h.v)::text",
        always=[
            [],
            [None],
            [""],
            ["NULL", None, "null"],
            ["a,b", "{c}", 'd"e', "f\\g", " "],
            [["a", None], ["b", "c"]],
        ],
    )


@pytest.mark.parametrize(
    ("there", "values"),
    [
        ("boolean", ["true", "false"]),
        ("jsonb", ["null", '{"a": 1.50}', '"\\\\u0000"']),
        ("double precision", ["NaN", "-Infinity", "1e-300", "-0", "0.1", "1.7976931348623157e308"]),
        ("bytea", ["\\x00ff"]),
    ],
)
def test_what_is_the_same_type_here_arrives_as_it_is(there: str, values: list[str]) -> None:
    bench = Bench(there, there)
    assert not bench.made.rules
    assert all(outcome.is_same for outcome in bench.outcomes([None, *values]))


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("text", "integer"),
        ("double precision", "numeric(8,3)"),
        ("numeric(65,30)", "integer"),
        ("timestamp without time zone", "date"),
        ("text", "timestamp with time zone"),
        ("time without time zone", "timestamp with time zone"),
        ("integer", '"UserRole"'),
        ("text", "jsonb"),
        ("jsonb", "text"),
        ("integer", "boolean"),
        ("text", "text[]"),
        ("integer[]", "text[]"),
        ("uuid[]", "uuid"),
        ('"Unknown"', '"UserRole"'),
    ],
)
def test_what_nobody_knows_how_to_convert_is_not_converted(there: str, here: str) -> None:
    assert conversion("v", there, here, enums_there={}, enums_here={"UserRole": ["ADMIN"]}) is None


def test_an_allergy_is_active_where_both_columns_say_so_or_one_says_nothing() -> None:
    there = {"isActive": "boolean", "active": "boolean"}
    made = SPECIAL["allergies"](there, quoted, {}).columns["isActive"]
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT "isActive", active, {made.sql}, {made.there} FROM (VALUES (true, true), (true, false),'
            ' (true, NULL), (false, true), (false, false), (false, NULL)) AS t ("isActive", active)'
        )
        rows = cursor.fetchall()
    assert len(rows) == 6
    for is_active, active, here, canonical in rows:
        assert here is canonical is (is_active and active is not False)
    assert SPECIAL["allergies"]({"isActive": "boolean"}, quoted, {}).columns == {}
