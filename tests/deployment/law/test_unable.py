"""What keeps the command from judging is said in a sentence; and what it says on a terminal can be read."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import connection
from rich.console import Console

from tests.deployment.law.house import House
from tests.deployment.law.samples import NOTHING
from tests.deployment.law.test_check_migrations import run
from tests.deployment.law.test_running_release import sql
from whitecross.deployment.law import RULES, checking, released
from whitecross.deployment.law.reporting import draw, summary

INDEX = "core.db.Index(fields=['nope'], name='x', serves='x')"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"import nothing_of_this_name\n{NOTHING}", r"0002_a_deed\.py: ModuleNotFoundError: No module named"),
        (f"x = 1 +\n{NOTHING}", r"0002_a_deed\.py: SyntaxError"),
        (f"x = nope\n{NOTHING}", r"0002_a_deed\.py: NameError"),
        (
            "migrations.RemoveField('bed', 'nmber')",
            r"adoption\.0002_a_deed, operation 1 \(RemoveField\) .*KeyError: 'nm",
        ),
        (f"{NOTHING}, migrations.AddIndex('bed', {INDEX})", r"operation 2 \(AddIndex\) .*FieldDoesNotExist"),
        ("migrations.RunSQL(7, '')", r"adoption\.0002_a_deed cannot be judged: TypeError"),
        (
            "migrations.AddField('bed', 'x', models.ForeignKey('core.Nope', models.PROTECT))",
            r"\(AddField\) .*ValueError",
        ),
    ],
)
def test_a_migration_that_breaks_is_named(text: str, told: str, house: House, db: Any) -> None:
    house.write(text)
    with pytest.raises(CommandError, match=told) as refused:
        run("--no-squawk")
    assert refused.value.returncode == 2
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)
    said, code = run("--json", "--no-squawk")
    found = json.loads(said)
    assert (code, found["ok"], found["findings"]) == (2, False, [])
    assert found["error"] == str(refused.value)


def test_migrations_in_a_circle_are_named(house: House, db: Any) -> None:
    house.write(NOTHING, after="0003_a_deed").write(NOTHING)
    with pytest.raises(CommandError, match=r"CircularDependencyError: adoption\.0") as refused:
        run()
    assert refused.value.returncode == 2


def test_a_record_with_conflicts_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = tmp_path / "released.json"
    record.write_text("<<<<<<< HEAD\n{}\n=======")
    monkeypatch.setattr(released.read, "__defaults__", (record,))
    said, code = run("--json")
    assert code == 2
    assert "cannot be read" in json.loads(said)["error"]


def test_the_database_is_not_changed_whatever_an_operation_does(house: House, db: Any) -> None:
    house.write(
        "class Mine(migrations.RunSQL):\n    def database_forwards(self, app, editor, before, after):\n"
        "        editor.connection.cursor().execute('CREATE TABLE made_by_a_check ()')\n\nMine('SELECT 1', '')"
    )
    assert any("read-only transaction" in one for one in house.found())
    assert "made_by_a_check" not in connection.introspection.table_names()


def test_a_missing_squawk_is_told(house: House, monkeypatch: pytest.MonkeyPatch, db: Any) -> None:
    checked = house.write(NOTHING).check(asks_squawk=True)
    assert (checked.asks_squawk, "squawk" in summary(checked)) == (True, False)
    assert json.loads(run("--json")[0])["squawk"] is True
    monkeypatch.setattr(checking, "executable", lambda: None)
    checked = house.check(asks_squawk=True)
    assert "without squawk, which is not installed (make setup-dev): all is well." in summary(checked)
    assert "squawk" not in summary(house.check())
    assert json.loads(run("--json")[0])["squawk"] is False


def test_a_terminal_of_80_columns_shows_everything(house: House, db: Any) -> None:
    checked = house.write(sql("ALTER TABLE beds ADD CONSTRAINT c CHECK (number > 0)")).check()
    out = io.StringIO()
    draw(checked, Console(file=out, width=80, highlight=False))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    shown = " ".join(out.getvalue().split())
    for finding in checked.findings:
        rule = RULES[finding.rule]
        for text in (finding.rule, rule.title, finding.what, rule.reason, rule.remedy):
            assert text in shown
        assert finding.place in "".join(out.getvalue().split())
