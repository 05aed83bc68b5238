"""New migrations come after the released ones, and the record of these is kept."""

from pathlib import Path
from typing import Any

import pytest

from tests.deployment.law.house import House
from tests.deployment.law.samples import NOTHING
from whitecross.deployment.law import LawError, released

DROP = "migrations.RunSQL('ALTER TABLE beds DROP COLUMN number', 'ALTER TABLE beds ADD COLUMN number int')"
ADD = "migrations.AddField('bed', 'note', models.TextField(null=True))"


def test_no_new_migration_stands_before_a_released_one(house: House, db: Any) -> None:
    house.release(ADD)
    house.write(f"run_before = [('adoption', '{house.names[1]}')]\n{DROP}", after="0001_base")
    assert house.found() == [
        "M19: it stands before a released one (run_before)",
        'M08: the column beds."number"',
    ]


@pytest.mark.parametrize("after", ["0001_base", ""])
def test_no_new_migration_takes_the_place_of_a_released_one(after: str, house: House, db: Any) -> None:
    house.release(ADD)
    replaced = house.names[-1] if after else house.names[0]
    house.write(f"replaces = [('adoption', '{replaced}')]\n{NOTHING}", after=after)
    squash = house.names[-1]
    house.write(DROP, after="0002_a_deed")
    assert 'M08: the column beds."number"' in house.found()
    assert "M19: it stands in the place of released ones (replaces)" in house.found()
    assert ("adoption", squash) not in house.check().unreleased
    house.names.remove(replaced)
    house.path(replaced).unlink()
    assert house.rules() == ["M07", "M19"]


def test_a_released_migration_without_its_entry_is_missed_and_not_released_anew(house: House, db: Any) -> None:
    house.release(ADD, NOTHING)
    del house.known["adoption", house.names[1]]
    checked = house.check()
    assert [(one.rule, one.migration) for one in checked.findings] == [("M06", f"adoption.{house.names[1]}")]
    assert not checked.unreleased


@pytest.mark.parametrize("text", ["", "{}", '{"core": {}}', "[]", "<<<<<<< HEAD\n{}", '{"core": 1}', None])
def test_without_a_record_nothing_can_be_said(text: str | None, tmp_path: Path) -> None:
    record = tmp_path / "released.json"
    if text is not None:
        record.write_text(text)
    with pytest.raises(LawError, match=r"released\.json.* put it back \(git log -p released.json\)\.$"):
        released.read(record)
