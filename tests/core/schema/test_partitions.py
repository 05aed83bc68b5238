"""What is expected of tables divided by month. Pure; tests/deployment/scaling/ divides real ones."""

import copy
from typing import Any

import pytest

from core.schema.catalog import Catalog
from core.schema.compare import compare
from core.schema.expected import load_expected
from core.schema.partitions import MONTH_OF, advice_on, as_divided, divided


def found(table: str) -> Catalog:
    """The catalog of a database in which a table is divided; its partition holds what the table does."""
    key = MONTH_OF[table]
    actual = load_expected()
    facts = {"kind": "partitioned table", "partitioned_by": f'RANGE ("{key}")', "inherited_by": ["past"]}
    actual["tables"][table]["facts"] = facts
    actual["tables"]["past"] = {"facts": {"inherits": [table]}}
    # What dividing changes is what is expected then.
    whole = as_divided(load_expected(), actual)
    actual["tables"][table] = {**copy.deepcopy(whole["tables"][table]), "facts": facts}
    actual["tables"]["past"] = copy.deepcopy({**actual["tables"][table], "facts": {"inherits": [table]}})
    actual["functions"] = whole["functions"]
    return actual


@pytest.mark.parametrize("table", MONTH_OF)
def test_the_table_and_its_partition_are_as_expected(table: str) -> None:
    result = compare(load_expected(), found(table))
    assert result.differences == []
    assert result.notes == []


@pytest.mark.parametrize("table", MONTH_OF)
def test_what_is_missed_of_the_table_is_said_once_and_not_of_the_partition_again(table: str) -> None:
    for members in ("columns", "constraints", "indexes", "triggers"):
        for name in found(table)["tables"][table][members]:
            actual = found(table)
            for part in (table, "past"):
                del actual["tables"][part][members][name]
            objects = [difference.object for difference in compare(load_expected(), actual).differences]
            assert objects == [f"{table}.{name}"]


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"kind": "partitioned table", "partitioned_by": "HASH (id)"},
        {"kind": "partitioned table", "partitioned_by": 'RANGE ("createdAt")'},
    ],
)
def test_a_table_that_is_whole_or_divided_otherwise_is_expected_to_be_whole(facts: dict[str, Any]) -> None:
    actual = load_expected()
    actual["tables"]["vital_signs"]["facts"] = facts
    assert divided(actual) == []
    assert as_divided(load_expected(), actual) == load_expected()


def test_a_backup_of_a_divided_table_is_compared_with_what_it_was_and_not_with_the_page() -> None:
    was, actual = found("vital_signs"), found("vital_signs")
    was["tables"]["vital_signs"]["triggers"]["vital_signs_refuse_delete"]["definition"] = "CREATE TRIGGER of old"
    assert [one.kind for one in compare(was, actual).differences] == ["trigger changed"]
    assert compare(actual, copy.deepcopy(actual)).differences == []


def test_another_table_keeps_its_advice() -> None:
    advice = "REINDEX INDEX CONCURRENTLY i;"
    assert advice_on("students.i", "index invalid", advice, ["vital_signs"]) == advice
    assert advice_on("vital_signs.i", "index invalid", advice, ["vital_signs"]) != advice
