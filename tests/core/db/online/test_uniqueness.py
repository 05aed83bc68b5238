"""Uniqueness that is added while its table is in use: rows that are alike, others of its name, builds that broke."""

from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import IntegrityError, models, transaction
from django.db.migrations.operations.base import Operation

import core.db
from tests.core.db.online.clinic import CASES, carry_out, everything, execute, prepared, take_back

each_kind = pytest.mark.parametrize("case", ["unique", "unique at the end", "unique with null", "unique in part"])


def alike() -> None:
    execute("""UPDATE beds SET number = 7, "wardId" = 7, code = 'w7' WHERE id IN (7, 8)""")


@each_kind
def test_rows_that_are_alike_are_said_without_their_values_and_nothing_is_left(case: str, tidy_db: None) -> None:
    before, (_, online, _) = prepared(case), CASES[case]
    alike()
    start = everything()
    with pytest.raises(CommandError, match=r"^beds has rows that are alike in what beds_\w+_key says") as refusal:
        carry_out(online, before)
    assert "7" not in str(refusal.value)
    assert everything() == start
    with pytest.raises(CommandError, match=r"^beds has rows that are alike"), transaction.atomic():
        carry_out(online, before)
    execute("UPDATE beds SET number = 8, code = 'w8' WHERE id = 8")
    carry_out(online, before)
    with pytest.raises(IntegrityError):
        alike()


@each_kind
def test_what_a_build_left_that_broke_is_built_anew(case: str, tidy_db: None) -> None:
    before, (_, online, _) = prepared(case), CASES[case]
    carry_out(online, before)
    whole = everything()
    take_back(online, before)
    name = of(online).name
    alike()
    with pytest.raises(IntegrityError):
        execute(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON beds (number)")
    execute("UPDATE beds SET number = 8, code = 'w8' WHERE id = 8")
    carry_out(online, before)
    assert everything() == whole


@each_kind
@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("CREATE UNIQUE INDEX {name} ON beds (id)", 'drop it \\(DROP INDEX CONCURRENTLY "{name}"\\) or rename it'),
        ("CREATE INDEX {name} ON beds (number)", 'drop it \\(DROP INDEX CONCURRENTLY "{name}"\\) or rename it'),
        ("ALTER TABLE beds ADD CONSTRAINT {name} UNIQUE (id)", r"\(UNIQUE \(id\)\)|DROP CONSTRAINT"),
        ("ALTER TABLE wards ADD CONSTRAINT {name} UNIQUE (code)", 'ALTER TABLE "wards" DROP CONSTRAINT "{name}"'),
        ("CREATE TABLE {name} ()", "{name} is the name of a table, view or sequence"),
    ],
)
def test_something_else_of_the_name_is_left_alone_and_named(case: str, made: str, said: str, tidy_db: None) -> None:
    before, (_, online, _) = prepared(case), CASES[case]
    name = of(online).name
    execute(made.format(name=name))
    start = everything()
    with pytest.raises(CommandError, match=said.format(name=name)):
        carry_out(online, before)
    assert everything() == start


def test_a_check_of_the_name_is_left_alone_and_named(tidy_db: None) -> None:
    before, (_, online, _) = prepared("unique"), CASES["unique"]
    execute("ALTER TABLE beds ADD CONSTRAINT beds_number_key CHECK (id > 0)")
    start = everything()
    with pytest.raises(CommandError, match=r"A constraint beds_number_key .*\(CHECK \(\(id > 0\)\)\): drop or rename"):
        carry_out(online, before)
    assert everything() == start


def of(online: list[Operation]) -> Any:
    """What the one operation adds."""
    (operation,) = online
    assert isinstance(operation, core.db.AddUniqueConcurrently)
    return operation.constraint


def test_only_what_is_unique_is_taken() -> None:
    with pytest.raises(TypeError, match="takes a UniqueConstraint"):
        core.db.AddUniqueConcurrently("bed", models.CheckConstraint(condition=models.Q(id=1), name="c"))  # type: ignore[arg-type]
