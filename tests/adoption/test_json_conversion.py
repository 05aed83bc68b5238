"""JSON to jsonb, against Python: a document arrives whole, or a rule says why it does not fit."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from tests.adoption.bench import Bench, agrees, characters, many, quick
from tests.adoption.conftest import url_of
from tests.conftest import _maintenance, drop_database
from whitecross.adoption.conversions import conversion
from whitecross.adoption.sql import literal

pytestmark = pytest.mark.django_db
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
