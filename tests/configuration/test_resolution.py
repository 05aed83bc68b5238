"""Which value holds, against a plain reading of the rules; and what held at an earlier moment."""

import datetime as dt
import random
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from configuration import config
from configuration.enums import ConfigScope
from configuration.models import ConfigurationHistory, SystemConfiguration
from configuration.parameters import DECLARED, Parameter
from configuration.resolution import NoValueError, Reader, Row, snapshot_of
from tests.factories import make_district, make_school, make_user

DISTRICTS = [uuid.UUID(int=1), uuid.UUID(int=2)]
SCHOOLS = [uuid.UUID(int=11), uuid.UUID(int=12), uuid.UUID(int=13)]
DISTRICT_OF = {SCHOOLS[0]: DISTRICTS[0], SCHOOLS[1]: DISTRICTS[0], SCHOOLS[2]: DISTRICTS[1]}
USERS = [
    SimpleNamespace(id=uuid.UUID(int=21), school_id=SCHOOLS[0], district_id=None),
    SimpleNamespace(id=uuid.UUID(int=22), school_id=SCHOOLS[2], district_id=DISTRICTS[0]),
    SimpleNamespace(id=uuid.UUID(int=23), school_id=None, district_id=DISTRICTS[1]),
    SimpleNamespace(id=uuid.UUID(int=24), school_id=None, district_id=None),
    SimpleNamespace(id=None, school_id=None, district_id=None),
]
PLACES: dict[str, list[Any]] = {
    "SYSTEM": [None],
    "DISTRICT": DISTRICTS,
    "SCHOOL": SCHOOLS,
    "USER": [user.id for user in USERS[:4]],
}
OURS = Parameter(
    "OURS", int, default=7, label="", help="", minimum=1, maximum=9,
    scopes=(ConfigScope.USER, ConfigScope.SCHOOL, ConfigScope.SYSTEM),
)  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> list[Row]:
    """Rows of one key: at most one a place, some inactive, out of bounds or of another type."""
    rows = []
    for scope, ids in PLACES.items():
        for scope_id in ids:
            if draw(st.booleans()):
                kind, text = draw(
                    st.tuples(st.just("NUMBER"), st.sampled_from(["1", "5", "9", "0", "10", "2.5", "x"]))
                    | st.tuples(st.just("STRING"), st.sampled_from(["5", ""]))
                )
                default = draw(st.none() | st.sampled_from(["3", "99"]))
                rows.append(Row(uuid.uuid4(), "OURS", scope, scope_id, text, kind, default, draw(st.booleans())))
    return rows


def usable(text: str | None, kind: str, scope: str, is_declared: bool) -> Any:
    """The value of a text, or None where it does not count."""
    if text is None or (kind == "NUMBER" and text == "x"):
        return None
    if kind == "STRING":
        return None if is_declared else text
    number = float(text)
    if is_declared and (number != int(number) or not 1 <= number <= 9 or scope == "DISTRICT"):
        return None
    return number


def expected(rows: list[Row], asked: dict[str, Any], is_declared: bool) -> list[Any]:
    """The values that count, the one that holds first."""
    user, school, district = asked.get("user"), asked.get("school"), asked.get("district")
    if user is not None and user.id is not None and school is None and district is None:
        school, district = user.school_id, user.district_id
    if school is not None:
        district = DISTRICT_OF[school]
    found = []
    wanted = [("USER", user and user.id), ("SCHOOL", school), ("DISTRICT", district), ("SYSTEM", None)]
    for scope, scope_id in wanted:
        for row in rows:
            if row.scope == scope and row.scope_id == scope_id and row.is_active:
                found.append(usable(row.text, row.value_type, scope, is_declared))
    for row in rows:
        if row.scope == "SYSTEM":
            found.append(usable(row.default_text, row.value_type, scope, is_declared))
    return [value for value in found if value is not None] + ([7] if is_declared else [])


@settings(derandomize=True, max_examples=400, deadline=None)
@given(
    tables(),
    st.fixed_dictionaries(
        {}, optional={"user": st.sampled_from(USERS), "school": st.sampled_from(SCHOOLS),
                      "district": st.sampled_from(DISTRICTS)}
    ),
    st.booleans(),
)  # fmt: skip
def test_the_narrowest_value_that_counts_holds(rows: list[Row], asked: dict[str, Any], is_declared: bool) -> None:
    if is_declared:
        DECLARED["OURS"] = OURS
    try:
        if not rows and not is_declared:
            return
        reader = Reader(snapshot_of(rows, DISTRICT_OF))
        values = expected(rows, asked, is_declared)
        if not values:
            for question in (reader.get, reader.explain):
                with pytest.raises(NoValueError):
                    question("OURS", **asked)
            return
        assert reader.get("OURS", **asked) == values[0]
        explanation = reader.explain("OURS", **asked)
        assert explanation.value == values[0]
        assert [candidate.value for candidate in explanation.hidden] == values[1:]
        assert explanation.source == explanation.candidates[0].source or explanation.candidates[0].why_not
    finally:
        DECLARED.pop("OURS", None)


@pytest.mark.parametrize("asked", [{"user": "me"}, {"school": 5}, {"district": "018f"}])
def test_what_is_no_place_is_refused(asked: dict[str, Any]) -> None:
    rows = [
        Row(uuid.uuid4(), "OURS", "SYSTEM", None, "1", "NUMBER"),
        Row(uuid.uuid4(), "OURS", "USER", USERS[0].id, "2", "NUMBER"),
    ]
    with pytest.raises(TypeError, match="Pass a User"):
        Reader(snapshot_of(rows)).get("OURS", **asked)


def values_of(reader: Any, places: list[dict[str, Any]]) -> dict[tuple[str, int], Any]:
    found = {}
    for key in reader.keys():  # noqa: SIM118
        for n, place in enumerate(places):
            try:
                found[key, n] = reader.get(key, **place)
            except NoValueError:
                found[key, n] = None
    return found


def now() -> dt.datetime:
    """A moment between the changes before and those after, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: dt.datetime = cursor.fetchone()[0]
        cursor.execute("SELECT pg_sleep(0.002)")
    return moment


def test_as_of_answers_what_held_at_that_moment(committed_db: str) -> None:
    chance = random.Random(7)  # noqa: S311
    school, user = make_school(), make_user()
    places: list[dict[str, Any]] = [{}, {"school": school.pk}, {"user": user}, {"district": make_district().pk}]
    scopes = [("SYSTEM", None), ("SCHOOL", school.pk), ("USER", user.pk), ("DISTRICT", places[3]["district"])]
    seeded = ["MAX_LOGIN_ATTEMPTS", "PASSWORD_EXPIRY_DAYS", "SYSTEM_NAME"]
    recorded: list[tuple[dt.datetime, dict[tuple[str, int], Any]]] = []
    config.get("SYSTEM_NAME")
    for _ in range(60):
        config.refresh()
        recorded.append((now(), values_of(config, places)))
        key = chance.choice([*seeded, "OURS", "THEIRS"])
        scope, scope_id = chance.choice(scopes)
        rows = SystemConfiguration.objects.filter(key=key, scope=scope, scope_id=scope_id)
        value = str(chance.randrange(1, 10))
        match chance.randrange(4) if rows.exists() else 4:
            case 0:
                rows.delete()
            case 1:
                rows.update(is_active=chance.random() < 0.5)
            case 2:
                rows.update(default_value=chance.choice([None, value]))
            case 3:
                rows.update(value=value)
            case _:
                kind = "STRING" if key == "SYSTEM_NAME" else "NUMBER"
                with connection.cursor() as cursor:
                    cursor.execute(
                        'INSERT INTO system_configurations (key, value, "valueType", scope, "scopeId")'
                        " VALUES (%s, %s, %s, %s, %s)",
                        [key, value, kind, scope, scope_id],
                    )
    assert ConfigurationHistory.objects.count() > 40
    assert {change.history_type for change in ConfigurationHistory.objects.all()} == {"+", "~", "-"}
    for moment, values in recorded:
        past = config.as_of(moment)
        held = values_of(past, places)
        assert {name: held.get(name) for name in values} == values
        assert all(value is None for name, value in held.items() if name not in values)


def test_as_of_needs_a_zone_and_knows_nothing_before_the_beginning(committed_db: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        config.as_of(dt.datetime(2026, 1, 1))  # noqa: DTZ001
    SystemConfiguration.objects.create(key="OURS", value="1")
    past = config.as_of(timezone.now() - dt.timedelta(days=1))
    assert "OURS" not in past.keys()  # noqa: SIM118
    assert past.get("MAX_LOGIN_ATTEMPTS") == 5
    assert past.explain("MAX_LOGIN_ATTEMPTS").source == "DECLARED"
