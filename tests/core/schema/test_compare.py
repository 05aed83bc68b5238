"""Comparing is pure: two catalogs in, differences and notes out."""

import copy
import itertools
from typing import Any

import pytest

from core.schema.advice import ADVICE, quoted
from core.schema.catalog import Catalog, count
from core.schema.compare import FACTS, NOUNS, Difference, compare
from core.schema.expected import load_expected
from core.schema.report import one_line


def empty() -> Catalog:
    return {"tables": {}, "enums": {}, "functions": {}, "sequences": {}}


def with_table(**members: Any) -> Catalog:
    return {**empty(), "tables": {"pets": {"facts": {}, "columns": {"id": {"type": "uuid"}}, **members}}}


def kinds(expected: Catalog, actual: Catalog) -> list[str]:
    return [difference.kind for difference in compare(expected, actual).differences]


def test_a_catalog_is_like_itself() -> None:
    expected = load_expected()
    result = compare(expected, copy.deepcopy(expected))
    assert result.differences == []
    assert result.notes == []


def test_a_missing_table_is_one_difference() -> None:
    assert kinds(with_table(triggers={"t": {"definition": "CREATE TRIGGER t"}}), empty()) == ["table missing"]


def test_an_unknown_table_is_a_note() -> None:
    result = compare(empty(), with_table())
    assert result.differences == []
    assert result.notes == ["unknown table pets: not looked at"]


def test_every_kind_has_its_advice() -> None:
    kinds_of_facts = {kind for facts in FACTS.values() for kind, _ in facts.values()}
    kinds_of_members = {f"{noun} {state}" for noun, state in itertools.product(NOUNS.values(), ("missing", "extra"))}
    assert kinds_of_facts | kinds_of_members | {"trigger disabled"} <= ADVICE.keys()


@pytest.mark.parametrize("table", sorted(load_expected()["tables"]))
def test_every_object_of_a_table_is_missed_when_it_has_gone(table: str) -> None:
    expected = load_expected()
    for members, noun in NOUNS.items():
        for name, facts in expected["tables"][table].get(members, {}).items():
            actual = copy.deepcopy(expected)
            del actual["tables"][table][members][name]
            (difference,) = compare(expected, actual).differences
            assert (difference.kind, difference.object) == (f"{noun} missing", f"{table}.{name}"), facts


def test_an_index_that_goes_with_its_constraint_is_not_missed_twice() -> None:
    expected = with_table(
        constraints={"k": {"definition": "UNIQUE (id)"}},
        indexes={"k": {"definition": "USING btree (id)", "unique": True, "constraint": "k"}},
    )
    assert kinds(expected, with_table()) == ["constraint missing"]
    assert kinds(with_table(), expected) == ["constraint extra"]


def test_two_candidates_for_a_rename_are_none() -> None:
    one, two = {"definition": "USING btree (id)"}, {"definition": "USING btree (id)"}
    found = kinds(with_table(indexes={"i": one}), with_table(indexes={"j": one, "k": two}))
    assert found == ["index missing", "index extra", "index extra"]


def test_a_function_that_the_server_has_built_in_is_not_missed() -> None:
    expected = {**empty(), "functions": {"uuidv7()": ["CREATE OR REPLACE FUNCTION uuidv7()", "AS $$"]}}
    assert compare(expected, empty(), built_in=frozenset({"uuidv7()"})).differences == []
    assert kinds(expected, empty()) == ["function missing"]


def test_the_first_line_that_differs_in_a_function_is_named() -> None:
    head = ["CREATE OR REPLACE FUNCTION f()", " RETURNS int", "AS $$"]
    expected, actual = ({**empty(), "functions": {"f()": [*head, "one", *more]}} for more in (["two"], ["three", "4"]))
    (difference,) = compare(expected, actual).differences
    assert (difference.expected, difference.found) == ("line 2 `two`", "`three`")


def test_a_body_in_one_line_is_compared_with_one_in_several() -> None:
    head = ["CREATE OR REPLACE FUNCTION f()", " RETURNS int"]
    several, one = ([*head, "AS $function$", "SELECT 1", "$function$"], [*head, "AS $function$SELECT 2$function$"])
    expected, actual = ({**empty(), "functions": {"f()": lines}} for lines in (several, one))
    (difference,) = compare(expected, actual).differences
    assert (difference.expected, difference.found) == ("line 1 `SELECT 1`", "`SELECT 2`")


def test_a_sequence_goes_with_its_table() -> None:
    expected = {**with_table(), "sequences": {"s": {"type": "bigint", "owner": "pets.id"}}}
    assert kinds(expected, empty()) == ["table missing"]
    assert kinds(expected, with_table()) == ["sequence missing"]


def test_missing_labels_are_added_where_they_belong() -> None:
    expected, actual = {**empty(), "enums": {"E": ["a", "b", "c", "d"]}}, {**empty(), "enums": {"E": ["c"]}}
    (difference,) = compare(expected, actual).differences
    assert difference.advice.split("; ") == [
        """ALTER TYPE "E" ADD VALUE 'a' BEFORE 'c'""",
        """ALTER TYPE "E" ADD VALUE 'b' BEFORE 'c'""",
        """ALTER TYPE "E" ADD VALUE 'd';""",
    ]


def test_a_difference_is_one_line_whatever_it_holds() -> None:
    difference = Difference("kind", "object", "a\nb", "c\r\n  d", "e")
    assert one_line(difference) == "kind: object: expected a b; found c d. To do: e"


def test_names_are_quoted_whatever_their_letters() -> None:
    assert quoted('a"b') == '"a""b"'


def test_everything_is_counted() -> None:
    assert count(with_table(indexes={"i": {}})) == {
        "tables": 1,
        "columns": 1,
        "enum types": 0,
        "constraints": 0,
        "indexes": 1,
        "triggers": 0,
        "functions": 0,
    }
