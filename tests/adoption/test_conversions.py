"""Conversions, against Python: every value of a type there arrives, or a rule says why it does not fit."""

import datetime as dt
import hashlib
import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, TypeVar

import psycopg
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from tests.adoption.conftest import url_of
from tests.conftest import _maintenance, drop_database
from whitecross.adoption.conversions import Conversion, conversion
from whitecross.adoption.mapping import SPECIAL
from whitecross.adoption.setting_rows import TYPES, history_columns, settings_columns
from whitecross.adoption.sql import literal, quoted

pytestmark = pytest.mark.django_db
T = TypeVar("T")
quick = settings(
    derandomize=True, max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
# Characters that text in PostgreSQL can hold.
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
texts = st.text(characters, max_size=12) | st.sampled_from(
    ["", " ", "NULL", "\\N", "O'Brien", '"', "%s", "😷", "e\u0301"]
)


def many(values: st.SearchStrategy[T], *, unique: bool = False) -> st.SearchStrategy[list[T]]:
    """Enough for one statement."""
    return st.lists(values, min_size=20, max_size=50, unique=unique)


@dataclass(frozen=True)
class Outcome:
    """What became of a value: the rules that it breaks, whether both canonical texts agree, and the value here."""

    broken: frozenset[str]
    is_same: bool
    value: Any


class Bench:
    """Two temporary tables, of the type there and of the type here, and a conversion between them."""

    def __init__(self, there: str, here: str, **choices: Any) -> None:
        enums = {"enums_there": {}, "enums_here": {}, **choices}
        made = conversion("v", there, here, **enums)
        assert made is not None, (there, here)
        self.made, self.there = made, there
        self.enum = here if here.strip('"') in enums["enums_here"] else None
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TEMP TABLE there (n int, v {there}); CREATE TEMP TABLE here (n int, v {here})")

    def outcomes(self, values: Sequence[str | None], shown: str = "h.v::text") -> list[Outcome]:
        """Convert values, given as texts, all at once; raises whatever the database does. `shown` is the value here."""
        rules = ", ".join(f"CASE WHEN {rule.broken} THEN {literal(rule.id)} END" for rule in self.made.rules)
        cast = f"::{self.enum}" if self.enum else ""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO there SELECT n, v::{self.there} FROM unnest(%s::text[]) WITH ORDINALITY AS g (v, n)",
                [list(values)],
            )
            cursor.execute(
                "CREATE TEMP TABLE made AS"
                f" SELECT n, array_remove(ARRAY[{rules}]::text[], NULL) AS broken, {self.made.sql} AS v FROM there AS t"
            )
            cursor.execute(f"INSERT INTO here SELECT n, v{cast} FROM made WHERE broken = '{{}}'")
            canonical = self.made.here.replace("{}", "h.v")
            cursor.execute(
                f"SELECT broken, ROW({self.made.there})::text = ROW({canonical})::text, {shown} FROM there AS t"
                " JOIN made USING (n) LEFT JOIN here AS h USING (n) ORDER BY n"
            )
            found = [Outcome(frozenset(broken), same, value) for broken, same, value in cursor.fetchall()]
            transaction.set_rollback(True)
        for value, outcome in zip(values, found, strict=True):
            # One of the two: it does not fit, or it is here, the same.
            assert outcome.broken or outcome.is_same, value
            assert (outcome.value is None) == (value is None or bool(outcome.broken)), value
        return found


def agrees(
    bench: Bench,
    values: st.SearchStrategy[Any],
    expected: Callable[[Any], Any],
    *,
    write: Callable[[Any], str] = str,
    read: Callable[[Any], Any] = lambda value: value,
    shown: str = "h.v::text",
    always: Sequence[Any] = (),
) -> None:
    """Whether the database says of each value what Python expects: a set of rules that it breaks, or the value here."""

    def check(some: Sequence[Any]) -> None:
        written = [None if value is None else write(value) for value in some]
        for value, outcome in zip(some, bench.outcomes(written, shown), strict=True):
            if value is None:
                assert outcome.broken == set()
                continue
            wanted = expected(value)
            if isinstance(wanted, set):
                assert outcome.broken == wanted, value
            else:
                assert outcome.broken == set(), value
                assert read(outcome.value) == wanted, value

    check([None, *always])
    quick(given(many(values | st.none()))(check))()


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


# JSON, put together from pieces that somebody who reads it without a parser takes for others.
SOUND = (
    *(
        "a",
        "Z",
        "é",
        "😷",
        "\u2028",
        "'",
        ":",
        "{",
        "[",
        ",",
        "u0000",
        "ud83d",
        "ude37",
        "5e1234",
        "1E+99999",
        "9" * 401,
    ),
    *(
        "\\\\",
        '\\"',
        "\\/",
        "\\n",
        "\\b",
        "\\u0001",
        "\\u0041",
        "\\u00e9",
        "\\uFFFF",
        "\\ud83d\\ude37",
        "\\uD83D\\uDE37",
    ),
)
UNSOUND = ("\\u0000", "\\ud83d", "\\uDBFF", "\\ude37", "\\uDC00")
SOUND_NUMBERS = ("0", "-0.0", "1.50", "1e5", "1E-7", "-1e+005", "1e400", "1e-999", "9" * 399, "0." + "0" * 398 + "1")
# jsonb could hold some of these; that none of them is ordinary is enough.
UNUSUAL_NUMBERS = ("1e1000", "1E-1000", "-1e+131072", "1e-16384", "0e99999999999", "9" * 400, "1" + "0" * 131_072)


def documents(pieces: Sequence[str], numbers: Sequence[str]) -> st.SearchStrategy[str]:
    strings = st.lists(st.sampled_from(pieces), max_size=5).map(lambda some: f'"{"".join(some)}"')
    scalars = strings | st.sampled_from([*numbers, "true", "false", "null"])
    keys = st.sampled_from(['"a"', '"\\u0061"', '"b"', '""', '"A"']) | strings
    return st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=4).map(lambda some: f"[{', '.join(some)}]")
            | st.lists(st.tuples(keys, inner), max_size=4).map(
                lambda some: "{" + ",\n".join(f"{key} :{value}" for key, value in some) + "}"
            )
        ),
        max_leaves=8,
    )


class Members(list[tuple[str, Any]]):
    """An object of JSON with all its members, in order, those with the same key too."""


@dataclass(frozen=True)
class Number:
    """A number of JSON, as it is written."""

    text: str

    @property
    def is_ordinary(self) -> bool:
        return not re.search(r"[eE][+-]?\d{4}|\d{400}", self.text)


def parts(value: Any) -> Iterator[Any]:
    """Everything in a document: objects, strings (keys too), numbers."""
    yield value
    if isinstance(value, Members):
        for key, member in value:
            yield key
            yield from parts(member)
    elif isinstance(value, list):
        for member in value:
            yield from parts(member)


def parse(text: str) -> Any:
    return json.loads(text, object_pairs_hook=Members, parse_float=Number, parse_int=Number)


def plain(value: Any) -> Any:
    """What a document says, however it is written."""
    if isinstance(value, Members):
        return {key: plain(member) for key, member in value}
    if isinstance(value, list):
        return [plain(member) for member in value]
    return Decimal(value.text) if isinstance(value, Number) else value


def unfit(text: str) -> set[str]:
    """The rules that a document breaks, as Python reads it; numbers that are not ordinary count."""
    found = list(parts(parse(text)))
    if any(isinstance(part, str) and re.search("[\x00\ud800-\udfff]", part) for part in found):
        return {"v_json"}
    if any(isinstance(part, Number) and not part.is_ordinary for part in found):
        return {"v_json"}
    objects = (part for part in found if isinstance(part, Members))
    return {"v_keys"} if any(len(dict(part)) < len(part) for part in objects) else set()


def json_agrees(values: st.SearchStrategy[str], always: Sequence[str] = ()) -> None:
    agrees(
        Bench("json", "jsonb"),
        values,
        lambda text: unfit(text) or plain(parse(text)),
        read=lambda text: plain(parse(text)),
        always=always,
    )


# One a line: an escaped backslash before what would else be a NUL or half a character, and one more before that; halves
# of which the other is text, not an escape; halves in the wrong order, twice, apart; one key written in two ways, the
# same key in two objects, keys in a text; what only looks like a number beyond all bounds.
JSON = r"""
"\\u0000"
"\\\u0000"
"\\\\u0000"
"\\ud83d"
"\\\ud83d"
"\\ude37"
"\\\ude37"
"\\ud83d\ude37"
"\ud83d\\ude37"
"\ud83d\\\ude37"
"\\\ud83d\ude37"
"\\\ud83d\\ude37"
"\ude37\ud83d"
"\ud83d\ud83d\ude37"
"\ud83d\ude37\ude37"
"\ud83dx\ude37"
"\uD83D\ude37"
"\ud83d"
["\ud83d","\ude37"]
{"\ud83d":"\ude37"}
{"a\u0000":1}
{"\ude37":1,"\ude37":2}
{"a":1,"\u0061":2}
{"a":1,"A":2}
[{"a":1},{"a":2}]
{"a":{"a":1}}
{"":1,"":2}
{"a":"{\"b\":1,\"b\":2}"}
[[[{"b":[{"c":1,"d":2,"c":1}]}]]]
{"a":{"b":1},"a":{}}
{"a":1,"b":2,"a":null}
{"x":[1,{"y":":"}]}
"f47ac10b-58cc-4372-a567-0e02b2c35e12345"
{"5e123456":"\"1e9999"}
"\\1e9999"
["",1e1000]
{"\"":1e1000}
["\\",1e1000]
[1e999,1e-999]
{"1e1000":"","":0}
""".strip().splitlines()
JSON += [f'["{"7" * 500}"]', "[" * 200 + "]" * 200, '{"a":' * 60 + "1" + "}" * 60, *SOUND_NUMBERS, *UNUSUAL_NUMBERS]


def test_json_arrives_whole_or_does_not_fit() -> None:
    json_agrees(documents((*SOUND, *UNSOUND), (*SOUND_NUMBERS, *UNUSUAL_NUMBERS)), JSON)


def test_json_with_sound_pieces_alone_misses_no_key() -> None:
    json_agrees(documents(SOUND, SOUND_NUMBERS))


def test_ordinary_json_always_fits() -> None:
    """As programs write it: no key twice, no NUL, no half a character; among its texts ids and hashes."""
    bench = Bench("json", "jsonb")
    hashes = st.binary(min_size=20, max_size=32).map(bytes.hex) | st.uuids().map(str)
    scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    trees = st.recursive(
        scalars | st.text(characters) | hashes,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(characters) | hashes, inner, max_size=4),
        max_leaves=8,
    )

    @quick
    @given(many(trees), st.booleans())
    def check(values: list[Any], ensure_ascii: bool) -> None:
        written = [json.dumps(value, ensure_ascii=ensure_ascii) for value in values]
        for text, outcome in zip(written, bench.outcomes(written), strict=True):
            assert outcome.broken == set(), text
            assert plain(parse(outcome.value)) == plain(parse(text))

    check()


def test_json_in_a_database_of_another_encoding_never_fails() -> None:
    name = f"{connection.settings_dict['NAME']}_json_latin1"
    with _maintenance() as server:
        server.execute(
            sql.SQL("CREATE DATABASE {} ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0").format(
                sql.Identifier(name)
            )
        )
    try:
        made = conversion("v", "json", "jsonb", enums_there={}, enums_here={})
        assert made is not None
        flags = ", ".join(f"({rule.broken})" for rule in made.rules)
        texts = ['"\\u20ac"', '"\\\\u20ac"', '"Zo\u00eb"', '{"\\u0061":1}', '{"a":1,"\\u0061":1}', '"\\u0000"']
        rows = ", ".join(f"({number}, {literal(text)}::json)" for number, text in enumerate(texts))
        with psycopg.connect(url_of(name)) as other:
            found = other.execute(f"SELECT {flags}, {made.sql} IS NULL FROM (VALUES {rows}) AS t (n, v) ORDER BY n")
            # (cannot be read, a key twice, arrives as NULL)
            assert found.fetchall() == [
                *((True, False, True), (False, False, False), (False, False, False)),
                *((False, False, False), (False, True, False), (True, False, True)),
            ]
    finally:
        drop_database(name)


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


# A setting as the predecessor has it in its later states; in the earlier ones the last columns are missing.
SETTING: dict[str, tuple[str, Any]] = {
    "key": ("text", "LOCAL"),
    "value": ("text", "x"),
    "validationRules": ("jsonb", "{}"),
    "displayName": ("text", None),
    "description": ("text", None),
    "valueType": ("text", "STRING"),
    "defaultValue": ("text", None),
    "minValue": ("double precision", None),
    "maxValue": ("double precision", None),
    "sortOrder": ("integer", "0"),
}
LATER = ("valueType", "defaultValue", "minValue", "maxValue", "sortOrder")


def evaluated(source: str, made: Mapping[str, Conversion], row: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
    """What becomes of a row. `row`: column -> type and value there."""
    fields = ", ".join(f"%s::{type_} AS {quoted(name)}" for name, (type_, _) in row.items())
    shown = [f"{one.sql} AS {quoted(name)}" for name, one in made.items()]
    shown += [f"{one.there} AS {quoted(f'there {name}')}" for name, one in made.items()]
    broken = " OR ".join([rule.broken for one in made.values() for rule in one.rules] or ["false"])
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT to_jsonb(c)::text FROM (SELECT {", ".join(shown)}, coalesce({broken}, false) AS "is broken"'
            f" FROM (SELECT {fields}) AS t {source}) AS c",
            [None if value is None else str(value) for _, value in row.values()],
        )
        found: dict[str, Any] = json.loads(cursor.fetchone()[0])
        return found


def setting(*missing: str, **said: Any) -> dict[str, Any]:
    """What becomes of a setting that says this; without the columns that are missing."""
    row = {name: (type_, said.get(name, usual)) for name, (type_, usual) in SETTING.items() if name not in missing}
    source, columns = settings_columns({name: type_ for name, (type_, _) in row.items()})
    found = evaluated(source, columns, row)
    assert all(found[name] == found[f"there {name}"] for name in columns)
    return found


TYPED: list[tuple[dict[str, Any], str]] = [
    *(({"validationRules": f'{{"type": "{word}"}}'}, type_) for word, type_ in TYPES.items()),
    ({"validationRules": '{"type": "Number"}'}, "NUMBER"),
    ({"validationRules": '{"type": "unheard of"}'}, "STRING"),
    # The predecessor's own type, where it has one, wins over its rules.
    ({"valueType": "BOOLEAN", "validationRules": '{"type": "number"}'}, "BOOLEAN"),
    ({"valueType": "ENUM"}, "ENUM"),
    # The twelve are what the code that reads them takes them for.
    ({"key": "MAX_LOGIN_ATTEMPTS"}, "NUMBER"),
    ({"key": "MAX_LOGIN_ATTEMPTS", "valueType": "COLOR", "validationRules": '{"type": "boolean"}'}, "NUMBER"),
    ({"key": "SUPPORT_EMAIL", "validationRules": None}, "EMAIL"),
    # Rules of other shapes say nothing.
    *(({"validationRules": rules}, "STRING") for rules in (None, "null", "[]", '"number"', "5", "true")),
    *(({"validationRules": f'{{"type": {type_}}}'}, "STRING") for type_ in ("5", "null", "[]", '{"type": "number"}')),
]


@pytest.mark.parametrize(("said", "type_"), TYPED)
def test_the_type_of_a_setting(said: dict[str, Any], type_: str) -> None:
    assert setting(**said)["valueType"] == type_
    if "valueType" not in said:
        assert setting(*LATER, **said)["valueType"] == type_


def test_a_type_that_is_none_of_ours_does_not_fit() -> None:
    found = setting(valueType="COLOUR")
    assert (found["valueType"], found["is broken"]) == (None, True)
    assert not setting(valueType="COLOR")["is broken"]
    assert not setting(valueType="COLOUR", key="SYSTEM_NAME")["is broken"]


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        (None, None),
        ("null", None),
        ("{}", None),
        ('{"type": "number"}', None),
        ('{"type": 5}', None),
        ('{"type": "string", "maxLength": 20}', {"maxLength": 20}),
        ('{"type": "number", "min": 3}', {"min": 3}),
        # What White Cross refuses is kept, for it to refuse: it would else be lost unseen.
        ('{"unheard of": [1.50]}', {"unheard of": [1.5]}),
        ("[]", []),
        ('["type"]', ["type"]),
        ('"text"', "text"),
        ("5", 5),
        ("false", False),
    ],
)
def test_the_rules_of_a_setting(rules: str | None, kept: Any) -> None:
    assert setting(validationRules=rules)["validationRules"] == kept
    seeded = {"min": 1, "max": 10, "integer": True}
    merged = seeded | kept if isinstance(kept, dict) else kept if kept is not None else seeded
    assert setting(key="MAX_LOGIN_ATTEMPTS", validationRules=rules)["validationRules"] == merged


NUMBER = {"type": "number"}


@pytest.mark.parametrize(
    ("said", "rules", "bounds"),
    [
        ({}, NUMBER, (None, None)),
        ({}, {**NUMBER, "min": 2, "max": 3.5}, (2, 3.5)),
        ({"minValue": 1, "maxValue": 9}, {**NUMBER, "min": 2, "max": 3}, (1, 9)),
        ({"minValue": 0}, {**NUMBER, "min": 2, "max": 3}, (0, 3)),
        ({}, {**NUMBER, "min": "2", "max": None}, (None, None)),
        ({}, {**NUMBER, "min": [2], "max": {"a": 1}}, (None, None)),
        # Of no use to another type, where they are judged as what they are.
        ({}, {"type": "string", "min": 2, "max": 3}, (None, None)),
        ({"minValue": 1, "maxValue": 2}, {"type": "string"}, (1, 2)),
        ({"key": "MAX_LOGIN_ATTEMPTS"}, {}, (1, 10)),
        ({"key": "MAX_LOGIN_ATTEMPTS"}, {"min": 3}, (3, 10)),
        ({"key": "MAX_LOGIN_ATTEMPTS", "maxValue": 7}, {"min": 3, "max": 8}, (3, 7)),
        ({"key": "MAINTENANCE_MODE"}, {"min": 3}, (None, None)),
    ],
)
def test_the_bounds_of_a_setting(said: dict[str, Any], rules: dict[str, Any], bounds: tuple[Any, Any]) -> None:
    found = setting(**said, validationRules=json.dumps(rules))
    assert (found["minValue"], found["maxValue"]) == bounds
    if not said.keys() & set(LATER):
        found = setting(*LATER, **said, validationRules=json.dumps(rules))
        assert (found["minValue"], found["maxValue"]) == bounds


@pytest.mark.parametrize(
    ("number", "bound"),
    [("1e307", 1e307), ("-1e307", -1e307), ("1e400", None), ("-1e400", None), ("1e308", None), ("1e-400", 0),
     ("-1e-400", 0), ("1e-300", 1e-300), ("0", 0), ("0.1", 0.1)],
)  # fmt: skip
def test_a_bound_that_no_float_holds_stays_in_the_rules_alone(number: str, bound: float | None) -> None:
    found = setting(validationRules=f'{{"type": "number", "min": {number}}}')
    assert found["minValue"] == (None if bound is None else pytest.approx(bound, rel=1e-15))
    assert found["validationRules"].keys() == {"min"}


def test_what_a_setting_does_not_say_is_as_seeded() -> None:
    seeded = setting(key="MAX_LOGIN_ATTEMPTS")
    assert (seeded["defaultValue"], seeded["displayName"]) == ("5", "Sign-in attempts")
    assert seeded["description"] == "How many wrong passwords in a row lock an account."
    own = setting(key="MAX_LOGIN_ATTEMPTS", displayName="Tries", description="", defaultValue="9")
    assert (own["defaultValue"], own["displayName"], own["description"]) == ("5", "Tries", "")
    local = setting(defaultValue="9", displayName="Tries")
    assert (local["defaultValue"], local["displayName"], local["description"]) == ("9", "Tries", None)
    assert "sortOrder" not in local  # which is simply carried over
    assert setting(*LATER, key="MAX_LOGIN_ATTEMPTS")["sortOrder"] == 1
    assert setting(*LATER)["sortOrder"] == 0


def test_a_setting_without_a_column_that_may_be_empty_comes_over() -> None:
    found = setting("validationRules", "displayName", "description", key="MAX_LOGIN_ATTEMPTS")
    assert (found["valueType"], found["minValue"], found["displayName"]) == ("NUMBER", 1, "Sign-in attempts")
    assert setting("validationRules")["validationRules"] is None


SOMEBODY = "0190a1b2-c3d4-7e5f-8a6b-0123456789ab"
HISTORY: dict[str, tuple[str, Any]] = {
    "id": ("character varying(255)", "1"),
    "changedBy": ("text", SOMEBODY),
    "changedByName": ("text", None),
    "oldValue": ("text", None),
    "createdAt": ("timestamp with time zone", "2025-02-01 12:00:00+00"),
}


def version(*missing: str, setting: set[str] | None = None, **said: str | None) -> dict[str, Any]:
    """What becomes of a version of a setting that is not there any more, without the columns that are missing."""
    row = {name: (type_, said.get(name, usual)) for name, (type_, usual) in HISTORY.items() if name not in missing}
    columns = history_columns({name: type_ for name, (type_, _) in row.items()}, setting or set())
    nobody = 'LEFT JOIN (SELECT NULL::timestamptz AS "createdAt", NULL::text AS scope) AS setting ON false'
    return evaluated(nobody, columns, row)


@pytest.mark.parametrize(
    ("by", "name", "here"),
    [
        (SOMEBODY, None, (SOMEBODY, None)),
        (SOMEBODY.upper(), "Ann Lee", (SOMEBODY, "Ann Lee")),
        ("system", None, (None, "system")),
        ("system", "system", (None, "system")),
        # Both say who it was, so both stay.
        ("cron-7", "The nightly job", (None, "The nightly job (cron-7)")),
        (SOMEBODY[:-1], "Ann Lee", (None, f"Ann Lee ({SOMEBODY[:-1]})")),
        (f"{SOMEBODY}\n", None, (None, f"{SOMEBODY}\n")),
        ("", None, (None, "")),
    ],
)
def test_who_changed_a_setting_is_not_lost(by: str, name: str | None, here: tuple[str | None, str | None]) -> None:
    found = version(changedBy=by, changedByName=name)
    assert (found["changedBy"], found["changedByName"]) == here
    assert found["lastModifiedBy"] == here[0]
    assert (found["there changedBy"], found["there changedByName"]) == here


def test_a_version_is_marked_as_the_predecessors_and_says_if_it_was_the_first() -> None:
    found = version()
    assert found["databaseRole"] == "pg_predecessor"
    assert (found["historyType"], version(oldValue="")["historyType"]) == ("+", "~")
    assert dt.datetime.fromisoformat(found["configurationUpdatedAt"]) == dt.datetime(2025, 2, 1, 12, tzinfo=dt.UTC)
    assert (found["scope"], found["valueType"], found["isActive"]) == ("SYSTEM", "STRING", True)
    assert version(setting={"scope"})["scope"] == "SYSTEM"


def test_a_version_without_a_column_that_may_be_empty_comes_over() -> None:
    found = version("changedByName", "oldValue", changedBy="system")
    assert (found["changedByName"], found["historyType"]) == ("system", "~")
    assert version("changedByName")["changedByName"] is None


def test_an_id_that_is_no_uuid_gives_one_that_anybody_can_derive() -> None:
    made = history_columns({name: type_ for name, (type_, _) in HISTORY.items()}, set())["id"]

    @quick
    @given(many(texts | st.uuids().map(str) | st.uuids().map(lambda one: str(one).upper()), unique=True))
    def check(ids: list[str]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT t.id, made, {made.there}, made::text FROM unnest(%s::text[]) AS t (id)"
                f", LATERAL (SELECT {made.sql}) AS m (made)",
                [ids],
            )
            rows = cursor.fetchall()
        for id_, here, there, canonical in rows:
            try:
                same = uuid.UUID(id_) if len(id_) == 36 else None
            except ValueError:
                same = None
            digest = hashlib.sha256(f"configuration_history {id_}".encode()).digest()
            assert here == (same or uuid.UUID(bytes=digest[:16]))
            assert there == canonical == str(here)
        assert len({here for _, here, _, _ in rows}) == len({id_.lower() if len(id_) == 36 else id_ for id_ in ids})

    check()


def test_a_history_whose_ids_are_uuids_keeps_them() -> None:
    there = {**{name: type_ for name, (type_, _) in HISTORY.items()}, "id": "uuid", "changedBy": "uuid"}
    columns = history_columns(there, set())
    assert "id" not in columns
    assert "changedByName" not in columns
    assert columns["changedBy"].sql == columns["lastModifiedBy"].sql == 't."changedBy"'
