"""What becomes of settings and of their history."""

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from tests.adoption.bench import many, quick, texts
from whitecross.adoption.conversions import Conversion
from whitecross.adoption.setting_rows import TYPES, history_columns, settings_columns
from whitecross.adoption.sql import quoted

pytestmark = pytest.mark.django_db
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
