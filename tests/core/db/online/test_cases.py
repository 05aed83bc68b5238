"""Operations for tables in use: they take no long lock that stops anybody, and can be killed and run again."""

from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import models, transaction
from django.db.migrations.operations.base import Operation
from django.db.migrations.writer import OperationWriter

import core.db
from tests.core.db.online.clinic import (
    APP,
    BACKFILL,
    CASES,
    carry_out,
    everything,
    heard,
    killed_at,
    prepared,
    sql_of,
    take_back,
)
from whitecross.deployment.locks import locks_of

each_case = pytest.mark.parametrize("case", CASES)


@each_case
def test_it_leads_where_the_ordinary_operations_lead(case: str, tidy_db: None) -> None:
    before, (_, online, ordinary) = prepared(case), CASES[case]
    start = everything()
    state = carry_out(online, before)
    found = everything()
    take_back(online, before)
    assert everything() == start
    assert state == carry_out(ordinary, before)
    assert found == everything() != start


@each_case
def test_once_more_changes_nothing(case: str, tidy_db: None) -> None:
    before, (_, online, _) = prepared(case), CASES[case]
    start = everything()
    carry_out(online, before)
    once = everything()
    carry_out(online, before)
    assert everything() == once
    take_back(online, before)
    take_back(online, before)
    assert everything() == start


@each_case
def test_in_the_one_transaction_of_an_adoption_it_leads_to_the_same(case: str, tidy_db: None) -> None:
    before, (_, online, _) = prepared(case), CASES[case]
    with transaction.atomic():
        carry_out(online, before)
        within = everything()
        transaction.set_rollback(True)
    carry_out(online, before)
    assert everything() == within


@each_case
def test_nothing_long_stops_readers_or_writers(case: str, tidy_db: None) -> None:
    before, (_, online, _) = prepared(case), CASES[case]
    with heard() as statements:
        carry_out(online, before)
    for text in (";".join(statements), "\n".join(sql_of(online, before))):
        assert locks_of(text)
        assert not [lock for lock in locks_of(text) if lock.stops_the_application]


@each_case
def test_in_a_transaction_of_the_migration_it_is_refused(case: str, tidy_db: None) -> None:
    before, (_, online, _) = prepared(case), CASES[case]
    start = everything()
    with pytest.raises(CommandError, match="atomic = False"):
        carry_out(online, before, atomic=True)
    assert everything() == start


@pytest.mark.direct("ends its own session by the process id that the driver tells")
@each_case
def test_killed_before_any_statement_it_goes_on_where_it_was(case: str, tidy_db: None) -> None:
    before, (_, online, _) = prepared(case), CASES[case]
    carry_out(online, before)
    whole = everything()
    take_back(online, before)
    place = 0
    while killed_at(place, lambda: carry_out(online, before)):
        carry_out(online, before)
        assert everything() == whole, place
        take_back(online, before)
        place += 1
    assert place >= 1


def test_what_makes_no_sense_is_refused_when_it_is_written() -> None:
    with pytest.raises(ValueError, match="in its WHERE"):
        core.db.RunInBatches("bed", "UPDATE beds SET number = 1")
    with pytest.raises(ValueError, match="at least one row"):
        core.db.RunInBatches("bed", BACKFILL.sql, size=0)
    with pytest.raises(TypeError, match="CheckConstraint or a CompositeForeignKey"):
        core.db.AddConstraintNotValid("bed", models.UniqueConstraint(fields=["code"], name="u"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "operation",
    [*(operation for _, online, _ in CASES.values() for operation in online), BACKFILL],
    ids=lambda operation: str(operation.describe()),
)
def test_an_operation_is_written_as_it_was_and_says_what_it_does(operation: Operation) -> None:
    written, imports = OperationWriter(operation, indentation=0).serialize()
    space: dict[str, Any] = {}
    exec("\n".join([*imports, "from django.db import models"]), space)  # noqa: S102 - our own text
    again = eval(f"[{written}]", space)[0]  # noqa: S307
    assert type(again) is type(operation)
    assert OperationWriter(again, indentation=0).serialize()[0] == written
    assert operation.migration_name_fragment
    assert operation.atomic is False
    assert operation.references_model("bed", APP)
