"""Rules that are added in two steps: others of their names, and rows that break them."""

import pytest
from django.core.management.base import CommandError
from django.db import DatabaseError

import core.db
from tests.core.db.online.clinic import (
    CASES,
    carry_out,
    everything,
    execute,
    prepared,
)


@pytest.mark.parametrize("case", ["check", "composite key", "foreign key"])
def test_another_constraint_of_the_name_is_left_alone_and_named(case: str, tidy_db: None) -> None:
    before, (_, online, _) = prepared(case), CASES[case]
    name = online[1].name  # type: ignore[attr-defined]
    others = (
        "CHECK (number > 0)",
        'FOREIGN KEY ("wardId") REFERENCES wards ON UPDATE CASCADE',
        'FOREIGN KEY ("wardId") REFERENCES wards ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED',
        'FOREIGN KEY ("wardId", code) REFERENCES wards (id, code) ON UPDATE CASCADE ON DELETE CASCADE',
    )
    for definition in others:
        execute(f'ALTER TABLE beds ADD CONSTRAINT "{name}" {definition}')
        start = everything()
        with pytest.raises(CommandError, match=f"A constraint {name} that this migration does not add"):
            carry_out(online, before)
        assert everything() == start
        execute(f'ALTER TABLE beds DROP CONSTRAINT "{name}"')


@pytest.mark.parametrize("case", ["check", "composite key", "foreign key"])
def test_rows_that_break_a_rule_stop_its_validation_but_not_the_rule(case: str, tidy_db: None) -> None:
    before, (_, online, _) = prepared(case), CASES[case]
    execute('UPDATE beds SET number = -1, "wardId" = 99 WHERE id = 7')
    with pytest.raises(CommandError, match="rows that break"):
        carry_out(online, before)
    execute("""UPDATE beds SET number = 1, "wardId" = 1, code = 'w1' WHERE id = 7""")
    with pytest.raises(DatabaseError):
        execute('UPDATE beds SET number = -1, "wardId" = 99')
    carry_out(online, before)
    assert "not_validated" not in str(everything())


def test_a_constraint_that_is_not_there_cannot_be_validated(tidy_db: None) -> None:
    before = prepared("check")
    with pytest.raises(CommandError, match="beds has no constraint beds_known to validate"):
        carry_out([core.db.ValidateConstraint("bed", "beds_known")], before)


def test_a_row_with_null_leaves_the_column_as_it_was(tidy_db: None) -> None:
    before = prepared("not null")
    execute("UPDATE beds SET number = NULL WHERE id = 7")
    start = everything()
    with pytest.raises(CommandError, match="is NULL in some rows"):
        carry_out([core.db.SetNotNull("bed", "number")], before)
    assert everything() == start
