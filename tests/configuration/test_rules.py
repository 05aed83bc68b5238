"""The rules of values, against a plain Python reading of them."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configuration.enums import ConfigScope
from configuration.models import SystemConfiguration
from configuration.values import parse
from tests.factories import make_district, make_school

pytestmark = pytest.mark.django_db
quick = settings(
    derandomize=True, max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

small = st.integers(-20, 20) | st.decimals(-20, 20, places=2)
plain = st.text("ab1 .é🩺", max_size=6)
maybe_length = st.none() | st.integers(0, 6)
PATTERNS = ["^a", "b$", "^[ab]*$", "1|é", "a.b", "^(ab)+$", "^$", "^.{2,3}$", "[^a]"]


def accepted(cases: list[dict[str, Any]]) -> list[bool]:
    """Whether the database takes each value, in one query; the rules have to be sound."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT setting_rules_problem(kind, low, high, choices, rules),
                   setting_value_problem(value, kind, low, high, choices, rules)
            FROM jsonb_to_recordset(%s) AS given
                (n int, value text, kind text, low float8, high float8, choices text[], rules jsonb) ORDER BY n
            """,
            [json.dumps([{"n": n, **case} for n, case in enumerate(cases)])],
        )
        found = cursor.fetchall()
    assert [unsound for unsound, _ in found if unsound] == []
    return [problem is None for _, problem in found]


def kept(case: dict[str, Any]) -> bool:
    """Whether a value keeps its rules, read as the documentation says them."""
    value, kind, rules = case["value"], case["kind"], case.get("rules") or {}
    size = len(parse("ARRAY", value)) if kind == "ARRAY" else len(value)
    if kind == "NUMBER":
        number = Decimal(value)
        lows, highs = (case.get("low"), rules.get("min")), (case.get("high"), rules.get("max"))
        if any(low is not None and number < Decimal(repr(low)) for low in lows):
            return False
        if any(high is not None and number > Decimal(repr(high)) for high in highs):
            return False
        if rules.get("integer") and number % 1:
            return False
    if kind in ("DATE", "TIME", "DATETIME"):
        moment = parse(kind, value)
        if "min" in rules and moment < parse(kind, rules["min"]):
            return False
        if "max" in rules and moment > parse(kind, rules["max"]):
            return False
    if case.get("choices") and value not in case["choices"]:
        return False
    if size < rules.get("minLength", 0) or size > rules.get("maxLength", 100_000):
        return False
    return "pattern" not in rules or re.search(rules["pattern"].replace("$", r"\Z"), value) is not None


def without_none(**facts: Any) -> dict[str, Any]:
    return {name: fact for name, fact in facts.items() if fact is not None}


bounds = st.none() | st.integers(-15, 15).map(float) | st.sampled_from([0.1, -0.5, 12.34])
numbers = st.builds(
    lambda value, low, high, least, most, whole: without_none(
        kind="NUMBER", value=str(value), low=low, high=high, rules=without_none(min=least, max=most, integer=whole)
    ),
    small, bounds, bounds, bounds, bounds, st.none() | st.booleans(),
)  # fmt: skip
strings = st.builds(
    lambda value, least, most, pattern, choices: without_none(
        kind="STRING",
        value=value,
        choices=choices,
        rules=without_none(minLength=least, maxLength=most, pattern=pattern),
    ),
    plain, maybe_length, maybe_length, st.none() | st.sampled_from(PATTERNS), st.none() | st.lists(plain, max_size=3),
)  # fmt: skip
enums = st.builds(
    lambda value, choices: {"kind": "ENUM", "value": value, "choices": choices},
    st.sampled_from("abc"), st.lists(st.sampled_from("abcd"), min_size=1, max_size=3),
)  # fmt: skip
arrays = st.builds(
    lambda value, least, most: {
        "kind": "ARRAY", "value": json.dumps(value), "rules": without_none(minLength=least, maxLength=most)
    },
    st.lists(plain, max_size=7), maybe_length, maybe_length,
)  # fmt: skip


def within(kind: str, texts: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda value, least, most: {"kind": kind, "value": value, "rules": without_none(min=least, max=most)},
        texts, st.none() | texts, st.none() | texts,
    )  # fmt: skip


moments = within("DATE", st.dates().map(str)) | within("TIME", st.times().map(str))


@pytest.mark.parametrize(
    "cases",
    [numbers, strings, enums, arrays, moments],
    ids=["numbers", "strings", "enums", "arrays", "moments"],
)
def test_the_database_judges_as_the_rules_say(cases: Any) -> None:
    @quick
    @given(st.lists(cases, min_size=20, max_size=40))
    def check(given_cases: list[dict[str, Any]]) -> None:
        for case, is_accepted in zip(given_cases, accepted(given_cases), strict=True):
            assert is_accepted == kept(case), case

    check()


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("email", "nurse@example.org", "nurse"),
        ("url", "https://example.org", "example.org"),
        ("date", "2026-02-28", "2026-02-29"),
        ("time", "14:30", "25:00"),
        ("datetime", "2026-02-28T14:30:00Z", "2026-02-28"),
        ("color", "#1f6feb", "red"),
        ("uuid", "018f0000-0000-7000-8000-000000000000", "018f"),
    ],
)
def test_a_format_holds(name: str, good: str, bad: str) -> None:
    rules = {"format": name}
    cases = [{"kind": "STRING", "value": value, "rules": rules} for value in (good, bad)]
    assert accepted(cases) == [True, False]


USELESS: list[tuple[str, dict[str, Any], Any, str]] = [
    ("STRING", {"minValue": 1}, {}, "goes with NUMBER"),
    ("BOOLEAN", {"maxValue": 1}, {}, "goes with NUMBER"),
    ("NUMBER", {"minValue": float("nan")}, {}, "a bound is not a number"),
    ("ENUM", {}, {}, "needs its valid values"),
    ("STRING", {}, [1], "not a JSON object"),
    ("STRING", {}, "x", "not a JSON object"),
    ("STRING", {}, {"minLenght": 1}, 'rule "minLenght" is none of'),
    ("STRING", {}, {"min": 1}, "goes with NUMBER, DATE"),
    ("NUMBER", {}, {"min": "1"}, "is not a number"),
    ("NUMBER", {}, {"max": None}, "is not a number"),
    ("NUMBER", {}, {"max": 10**308}, "is too large a number"),
    ("NUMBER", {}, {"minLength": 1}, "goes with STRING"),
    ("NUMBER", {}, {"pattern": "1"}, "goes with STRING"),
    ("NUMBER", {}, {"format": "date"}, "goes with STRING"),
    ("NUMBER", {}, {"integer": 1}, "neither true nor false"),
    ("STRING", {}, {"integer": True}, "goes with NUMBER"),
    ("DATE", {}, {"min": 5}, "is not a DATE"),
    ("DATE", {}, {"min": "2026-02-30"}, "is not a DATE"),
    ("TIME", {}, {"max": "24:00"}, "is not a TIME"),
    ("DATETIME", {}, {"max": "2026-01-01T00:00"}, "is not a DATETIME"),
    ("STRING", {}, {"minLength": -1}, "is not a whole number"),
    ("STRING", {}, {"maxLength": 1.5}, "is not a whole number"),
    ("STRING", {}, {"maxLength": "5"}, "is not a whole number"),
    ("STRING", {}, {"pattern": "("}, "is not a regular expression"),
    ("STRING", {}, {"pattern": r"(a)\1"}, "back reference"),
    ("STRING", {}, {"pattern": 5}, "is not a text"),
    ("STRING", {}, {"pattern": "x" * 501}, "is not a text of at most 500"),
    ("STRING", {}, {"format": "number"}, "is none of email"),
]


@pytest.mark.parametrize(("kind", "columns", "rules", "message"), USELESS)
def test_a_rule_that_would_do_nothing_is_refused(kind: str, columns: Any, rules: Any, message: str) -> None:
    columns = {"minValue": None, "maxValue": None, **columns}
    with connection.cursor() as cursor, pytest.raises(IntegrityError) as refusal, transaction.atomic():
        cursor.execute(
            'INSERT INTO system_configurations (key, value, "valueType", "minValue", "maxValue", "validationRules")'
            " VALUES ('OURS', '1', %s, %s, %s, %s)",
            [kind, columns["minValue"], columns["maxValue"], json.dumps(rules)],
        )
    assert message in str(refusal.value)
    assert str(refusal.value).startswith("OURS: ")


def row(**fields: Any) -> SystemConfiguration:
    return SystemConfiguration(**{"key": "OURS", "value": "5", "value_type": "NUMBER", "default_value": None, **fields})


def test_a_value_of_a_school_keeps_the_rules_of_the_system() -> None:
    row(max_value=10).save()
    school = make_school()
    with pytest.raises(IntegrityError, match="more than the maximum 10"), transaction.atomic():
        row(scope=ConfigScope.SCHOOL, scope_id=school.pk, value="11").save()
    with pytest.raises(IntegrityError, match="the value type STRING is not the system's"), transaction.atomic():
        row(scope=ConfigScope.SCHOOL, scope_id=school.pk, value_type="STRING").save()
    row(scope=ConfigScope.SCHOOL, scope_id=school.pk, value="10").save()


def test_rules_are_not_laid_down_against_values_of_districts() -> None:
    row(max_value=10).save()
    row(scope=ConfigScope.DISTRICT, scope_id=make_district().pk, value="10").save()
    ours = SystemConfiguration.objects.filter(key="OURS", scope=ConfigScope.SYSTEM)
    with pytest.raises(IntegrityError, match=r'the value "10" of district .* is more than .* 9'), transaction.atomic():
        ours.update(max_value=9)
    # Nor by a row that is new, or gets the key later.
    ours.delete()
    with pytest.raises(IntegrityError, match="more than the maximum 9"), transaction.atomic():
        row(max_value=9).save()
    with pytest.raises(IntegrityError, match="is a NUMBER"), transaction.atomic():
        row(value_type="STRING").save()
    row(key="OTHER", max_value=9).save()
    with pytest.raises(IntegrityError, match="more than the maximum 9"), transaction.atomic():
        SystemConfiguration.objects.filter(key="OTHER").update(key="OURS")


@pytest.mark.parametrize("scope", ["DISTRICT", "SCHOOL", "USER"])
def test_a_place_has_to_exist(scope: str) -> None:
    message = f"OURS: there is no {scope.lower()} 018f0000"
    with pytest.raises(IntegrityError, match=message), transaction.atomic():
        row(scope=scope, scope_id="018f0000-0000-7000-8000-000000000000").save()


def test_a_secret_is_not_repeated_in_a_refusal() -> None:
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        row(value="hunter2", tags=["secret"]).save()
    assert "hunter2" not in str(refusal.value)
    assert "(secret)" in str(refusal.value)


@pytest.mark.django_db
def test_a_refusal_quotes_no_value_of_a_place_whose_key_is_secret() -> None:
    SystemConfiguration.objects.create(key="TOKEN", value="1234", validation_rules={"maxLength": 4}, tags=["secret"])
    with pytest.raises(IntegrityError) as refused:
        SystemConfiguration.objects.create(
            key="TOKEN", value="hush-hush", scope="SCHOOL", scope_id=make_school().pk, tags=[]
        )
    assert "hush" not in str(refused.value)
