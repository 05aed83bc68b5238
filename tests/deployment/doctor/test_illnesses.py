"""doctor finds each illness, and the commands that it gives mend it, typed as they are; a sound database has none."""

import pytest
from django.db import connection

from tests.deployment.doctor.conftest import ask, named, run
from tests.deployment.doctor.illness import Illness
from tests.deployment.doctor.illnesses import ILLNESSES
from whitecross.deployment.doctor.checks import all_checks
from whitecross.deployment.doctor.finding import Severity


def test_a_sound_database_has_nothing_above_a_note(patient: None) -> None:
    report = ask(deep=True)
    assert [finding for _, finding in report.found if finding.severity != Severity.NOTE] == []
    assert report.unanswered == []
    assert report.exit_code == 0


@pytest.mark.parametrize("illness", ILLNESSES, ids=lambda illness: f"{illness.check} {illness.sentence}")
def test_it_is_found_and_mended(illness: Illness, patient: None, quick: None) -> None:
    if connection.pg_version < illness.since:  # type: ignore[attr-defined]
        pytest.skip("this PostgreSQL knows no such thing")
    run(*illness.sql)
    report = ask(illness.check, deep=illness.deep)
    assert illness.found in named(report)
    assert report.unanswered == []
    statements = [
        step.run
        for (_, finding), name in zip(report.found, named(report), strict=True)
        if name == illness.found
        for step in finding.steps
        if step.is_sql
    ]
    if illness.mended:
        assert statements
        run(*statements)
        assert illness.found not in named(ask(illness.check, deep=illness.deep))
    else:
        run(*(statement for statement in statements if statement.startswith("SELECT")))


@pytest.mark.parametrize("unproven", [" NOT VALID", ""])
def test_rows_that_have_to_point_to_something_are_said_to_be_mended_by_hand(unproven: str, patient: None) -> None:
    """Where the key was validated, nothing was said but how to look at them."""
    run(
        "CREATE TABLE parents (id integer PRIMARY KEY)",
        "CREATE TABLE children (id integer PRIMARY KEY, parent integer NOT NULL)",
        f"ALTER TABLE children ADD CONSTRAINT k FOREIGN KEY (parent) REFERENCES parents{unproven}",
        "SET session_replication_role = replica",
        "INSERT INTO children VALUES (1, 9)",
        "RESET session_replication_role",
    )
    ((_, finding),) = ask("D01", deep=True).found
    said = "to look at them; then bring back what they point to from a backup, or point them to the right row"
    assert [step.say for step in finding.steps] == [said, *(["then let the key look at every row"] if unproven else [])]


def test_ids_count_from_one_without_a_gap() -> None:
    assert [check.id for check in all_checks()] == [f"D{number:02}" for number in range(1, len(all_checks()) + 1)]


def test_a_finding_names_rows_by_id_and_shows_no_value(patient: None) -> None:
    (illness, *_) = ILLNESSES
    run(*illness.sql)
    ((_, finding),) = ask("D01").found
    assert finding.sentence == "2 rows point to no row of parents; by id they are 2, 4"
    assert finding.steps[0].run == (
        'SELECT c.id, c."parentId" FROM ONLY public."Children" c WHERE c."parentId" IS NOT NULL AND NOT EXISTS '
        '(SELECT FROM ONLY public.parents p WHERE p.id = c."parentId");'
    )
