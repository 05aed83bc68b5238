"""The plan finds every row that does not fit, and by default nothing is adopted then."""

import pytest
from django.db import connection

from tests.adoption import predecessor
from tests.adoption.conftest import Legacy
from tests.adoption.misfits.reading import Dump, adopted, finds_exactly, plan
from whitecross.adoption import moving
from whitecross.adoption.adopting import RefusedError


@pytest.mark.parametrize("state", [3, 4, 7])
def test_the_plan_finds_every_misfit_and_nothing_else(state: int, legacy: Legacy) -> None:
    legacy.in_place(state)
    assert plan().misfits.number == 0
    with connection.cursor() as cursor:
        made = predecessor.misfits(cursor, state)
    found = plan()
    finds_exactly(found, {table: dict(rows) for table, rows in made.items()})
    assert all(len(reasons) == 1 for rows in found.misfits.rows.values() for reasons in rows.values())
    said = found.as_json()
    assert {(row["table"], row["id"]) for row in said["rows"]} == {
        (table, row) for table, rows in made.items() for row, _ in rows
    }
    assert sum(one["rows"] for one in said["doNotFit"]) == found.misfits.number


def test_by_default_adopt_refuses_and_changes_nothing(legacy: Legacy, dump: Dump) -> None:
    name = legacy.in_place(7)
    with connection.cursor() as cursor:
        predecessor.misfits(cursor, 7)
    before = dump(name)
    with pytest.raises(RefusedError, match=r"rows do not fit: mend them .*, or say --set-aside"):
        adopted()
    with pytest.raises(RefusedError, match="rows do not fit"):
        adopted(rounding=True)
    assert moving.read_record(connection) is None
    assert dump(name) == before
