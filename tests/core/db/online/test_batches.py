"""Rows that change by batches."""

import copy

import pytest
from django.db import connection
from django.db.migrations.state import ProjectState

import core.db
from tests.core.db.online.clinic import (
    BACKFILL,
    MODELS,
    carry_out,
    killed_at,
    prepared,
    take_back,
)


def codes() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT code FROM beds ORDER BY id")
        return [code for (code,) in cursor.fetchall()]


def test_rows_change_in_batches_which_say_how_far_they_are(tidy_db: None) -> None:
    before, told = prepared("check"), list[tuple[int, int]]()
    first = codes()
    backfill = copy.copy(BACKFILL)
    backfill.progress = lambda passed, total: told.append((passed, total))
    carry_out([backfill], before)
    assert [passed for passed, _ in told] == [30, 60, 90, 100]
    assert all(passed <= total for passed, total in told)
    changed = codes()
    assert changed == [f"x%{code}" for code in first]
    carry_out([BACKFILL], before)
    assert codes() == changed
    take_back([BACKFILL], before)
    assert codes() == first


@pytest.mark.direct("ends its own session by the process id that the driver tells")
def test_batches_that_were_done_before_a_kill_stay_done(tidy_db: None) -> None:
    before = prepared("check")
    wanted = [f"x%{code}" for code in codes()]
    done = list[int]()
    for place in (2, 4, 6):
        assert killed_at(place, lambda: carry_out([BACKFILL], before))
        done.append(sum(code.startswith("x%") for code in codes()))
    carry_out([BACKFILL], before)
    assert done == [0, 30, 60]
    assert codes() == wanted


def test_an_empty_table_has_no_batches_and_a_reverse_may_have_nothing_to_do(tidy_db: None) -> None:
    before = carry_out(MODELS, ProjectState())
    carry_out([BACKFILL], before)
    noop = core.db.RunInBatches("bed", BACKFILL.sql, reverse=core.db.RunInBatches.noop)
    assert noop.reversible
    take_back([noop], before)
    forward_only = core.db.RunInBatches("bed", BACKFILL.sql)
    assert not forward_only.reversible
    with pytest.raises(NotImplementedError):
        take_back([forward_only], before)
