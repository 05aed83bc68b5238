"""What verify_schema prints for a column of another type changes no value without a word."""

import re
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from core.schema.advice import ONLY_IF_NONE, advise


def run(sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None


def typed(actual: str, wanted: str, value: str, zone: str = "America/New_York") -> tuple[int | None, str | None]:
    """What the query counts (None: there is none), and what becomes of a value; None where PostgreSQL refuses it."""
    run(f"SET LOCAL TimeZone = '{zone}'")
    run(f"DROP TABLE IF EXISTS t; CREATE TABLE t (c {actual}); INSERT INTO t VALUES ({value}), (NULL)")
    advice = advise("column type", "t.c", table="t", name="c", wanted=wanted, actual=actual)
    query, between, statement = advice.rpartition(ONLY_IF_NONE)
    count = run(query[query.index("SELECT") :]) if between else None
    try:
        with transaction.atomic():
            run(statement[statement.index("ALTER") :])
    except DatabaseError:
        return count, None
    run("SET LOCAL TimeZone = 'UTC'")
    return count, run("SELECT c::text FROM t WHERE c IS NOT NULL")


def test_a_text_that_is_too_long_is_refused_and_not_cut(db: Any) -> None:
    assert typed("text", "character varying(200)", "repeat('x', 250)") == (1, None)
    assert typed("character varying(255)", "character varying(200)", "repeat('x', 201)") == (1, None)
    assert typed("text", "character varying(200)", "'Ada'") == (0, "Ada")
    assert typed("text", "character varying(3)", "'Ada  '") == (1, "Ada")  # the blanks are counted


@pytest.mark.parametrize(
    ("actual", "wanted", "value"),
    [
        ("numeric", "numeric(8,3)", "1.23456"),
        ("double precision", "numeric(8,3)", "1.23456"),
        ("numeric", "integer", "1.5"),
        ("double precision", "bigint", "1.5"),
        ("timestamp with time zone", "timestamp(0) with time zone", "'2026-01-01 10:00:00.123+00'"),
        ("timestamp without time zone", "timestamp(0) with time zone", "'2026-01-01 10:00:00.123'"),
        ("timestamp with time zone", "date", "'2026-01-01 10:00+00'"),
        ("text", "numeric(8,3)", "'1.23456'"),
        ("text", "boolean", "'yes'"),
        ("integer", "boolean", "2"),
        ("text", "date", "'2026-01-01 10:00'"),
    ],
)
def test_what_would_be_lost_is_counted_first(actual: str, wanted: str, value: str, db: Any) -> None:
    assert typed(actual, wanted, value)[0] == 1


@pytest.mark.parametrize(
    ("actual", "wanted", "value", "becomes"),
    [
        ("numeric", "numeric(8,3)", "1.5", "1.500"),
        ("numeric(8,1)", "numeric(8,3)", "1.5", "1.500"),
        ("bigint", "integer", "7", "7"),
        ("bigint", "integer", "9000000000", None),
        ("text", "integer", "'7'", "7"),
        ("text", "boolean", "'true'", "true"),
        ("text", "uuid", "'019ac3f0-0000-7000-8000-000000000001'", "019ac3f0-0000-7000-8000-000000000001"),
        ("text", "jsonb", """'{"a": 1}'""", '{"a": 1}'),
        ("text", '"Gender"', "'MALE'", "MALE"),
        ("text", '"Gender"', "'male'", None),
        ('"Gender"', "text", "'MALE'", "MALE"),
        ("text", "text[]", "'{a,b}'", "{a,b}"),
        # In UTC, as the application writes, wherever it is typed; also in the hour that New York leaves out.
        (
            "timestamp without time zone",
            "timestamp with time zone",
            "'2026-03-08 02:30'",
            "2026-03-08 02:30:00+00",
        ),
        ("timestamp with time zone", "timestamp without time zone", "'2026-03-08 02:30+00'", "2026-03-08 02:30:00"),
        ("timestamp with time zone", "date", "'2026-03-08 00:00+00'", "2026-03-08"),
        ("date", "timestamp with time zone", "'2026-03-08'", "2026-03-08 00:00:00+00"),
    ],
)
def test_what_keeps_its_value_is_not_held_up(
    actual: str, wanted: str, value: str, becomes: str | None, db: Any
) -> None:
    count, found = typed(actual, wanted, value)
    assert found == becomes
    assert not count


def test_no_string_is_cast_to_its_length() -> None:
    advice = advise("column type", "t.c", table="t", name="c", wanted="character varying(200)", actual="text")
    assert not re.search("USING", advice)
