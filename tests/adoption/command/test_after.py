"""What comes after an adoption: the way back, the end, and migrate between its parts."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from core.models import Student
from tests.adoption import predecessor
from tests.adoption.command.running import MOST, Dump, adopt, counts, lines
from tests.adoption.conftest import Legacy, execute, value
from tests.factories import make_student
from whitecross.adoption import adopting
from whitecross.adoption.models import Reject


def test_undo_says_what_would_be_lost_and_asks(legacy: Legacy, dump: Dump) -> None:
    name = legacy.in_place(3)
    past = "2025-01-01"
    for table in predecessor.facts(3)["tables"]:
        columns = predecessor.facts(3)["tables"][table]["columns"].keys() & {"createdAt", "updatedAt"}
        execute(f"UPDATE {table} SET " + ", ".join(f"\"{column}\" = '{past}'" for column in columns))
    before = dump(name)
    assert adopt("--yes").code == 0
    untouched = adopt("--undo", typed="no\n")
    assert (untouched.code, untouched.said) == (1, "Nothing was changed.")
    assert "loses" not in untouched.out
    added = make_student(school=None, district=None)
    changed, removed = Student.objects.exclude(pk=added.pk)[:2]
    changed.grade = "6"
    changed.save()
    removed.delete()
    ended = adopt("--undo", typed="no\n")
    assert (ended.code, ended.said) == (1, "Nothing was changed.")
    assert lines(ended.out)[:2] == [
        ["Rows that were added, changed or removed here since, which the way back loses:"],
        ["students", "3"],
    ]
    assert "Remove what White Cross has here, and put back the predecessor's tables? [yes/no]" in ended.out
    assert Student.objects.filter(pk=added.pk).exists()
    undone = adopt("--undo", typed="yes\n")
    assert (undone.code, undone.err) == (0, "")
    assert undone.out.endswith(f"Undone: {name} is as it was before the adoption.\n")
    assert dump(name) == before


def test_undo_loses_nothing_where_nobody_wrote(legacy: Legacy) -> None:
    legacy.adopted(3)
    assert "loses" not in adopt("--undo", typed="no\n").out


def test_undo_counts_a_change_of_a_row_whose_times_were_to_come(legacy: Legacy) -> None:
    legacy.adopted(3)
    pk = value("""SELECT id FROM students WHERE "updatedAt" > '2100-01-01' AND "deletedAt" IS NULL LIMIT 1""")
    assert Student.objects.filter(pk=pk).update(grade="6") == 1
    assert ["students", "1"] in lines(adopt("--undo", typed="no\n").out)


def test_undo_counts_what_was_added_and_what_was_removed(legacy: Legacy) -> None:
    legacy.adopted(3)
    execute(
        """INSERT INTO emergency_contacts ("studentId", name, relationship, "primaryPhone")
        SELECT id, 'Ann', 'Mother', '5550100' FROM students LIMIT 1""",
        """BEGIN; SET LOCAL whitecross.erase = 'on'; DELETE FROM emergency_contacts WHERE id =
        (SELECT id FROM emergency_contacts WHERE "updatedAt" < '2026-01-01' LIMIT 1); COMMIT""",
    )
    assert ["emergency_contacts", "2"] in lines(adopt("--undo", typed="no\n").out)


def test_finish_asks_for_the_name_and_says_what_stays_set_aside(legacy: Legacy) -> None:
    name = legacy.adopted(7, misfits=True)
    there = value("SELECT count(*) FROM whitecross_legacy.students")
    for typed in ("yes\n", "\n", f"{name}x\n", ""):
        ended = adopt("--finish", typed=typed)
        assert (ended.code, ended.said) == (1, "Nothing was changed.")
    assert value("SELECT count(*) FROM whitecross_legacy.students") == there
    finished = adopt("--finish", typed=f"{name}\n")
    assert (finished.code, finished.err) == (0, "")
    first, asked = finished.out.splitlines()
    assert first == f"{MOST} rows are still set aside; they stay in adoption_rejects."
    assert asked.startswith("This drops the predecessor's tables for good. To go on, type the database's name.")
    assert asked.endswith("Finished: the adoption cannot be undone any more. Keep its report.")
    assert value("SELECT to_regnamespace('whitecross_legacy') IS NULL")
    assert Reject.objects.count() == MOST
    for deed in ("--undo", "--finish"):
        ended = adopt(deed, typed="yes\n")
        assert ended.said == "No adoption of this database has begun, or it is finished. Nothing was changed."
    assert adopt("--rejects").out.count("\n") == MOST + 1
    assert adopt("--retry").out.splitlines()[-1] == f"Brought over: 0. Still set aside: {MOST}."


def test_migrate_sends_to_adopt_and_does_no_harm_between_its_parts(
    legacy: Legacy, dump: Dump, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    name = legacy.in_place(3)
    before, held = dump(name), counts(state=3)
    with pytest.raises(CommandError, match=r"manage\.py adopt --plan") as refusal:
        call_command("migrate", verbosity=0)
    assert "docs/adoption.md" in str(refusal.value)
    assert dump(name) == before
    for part in ("_migrate", "_load"):
        with monkeypatch.context() as patch:
            patch.setattr(adopting, part, interrupted)
            ended = adopt("--yes")
        assert ended.code == 130
        assert ended.said == (
            "Interrupted. No row is lost, none is here yet: manage.py adopt goes on, manage.py adopt --undo brings "
            "back what was there."
        )
        assert adopt("--status", "--json").json["state"] == "begun"
        call_command("migrate", verbosity=0)
        assert counts("whitecross_legacy", state=3) == held
    finish = adopt("--finish", "--yes")
    assert (finish.code, finish.out) == (1, "")
    assert finish.said.startswith("The adoption has not come to its end: run manage.py adopt again first.")
    assert adopt("--plan").code == 0
    # It goes on with what was agreed to, so it asks nobody.
    assert adopt().code == 0
    assert counts(state=3) == held
    call_command("migrate", verbosity=0)
    assert counts(state=3) == held
    assert adopt("--undo", "--yes").code == 0
    assert dump(name) == before
