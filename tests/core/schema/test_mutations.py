"""verify_schema finds every kind of tampering, names it rightly, and reports nothing that does not follow from it."""

from typing import Any

import pytest
from django.db import connection

from core.schema.advice import ONLY_IF_NONE, QUIET
from tests.core.schema.conftest import Look
from tests.core.schema.mutation import Mutation
from tests.core.schema.mutations import MUTATIONS, REMARKS
from whitecross.deployment import locks
from whitecross.deployment.doctor.schema import commands_of


def run(statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statements)


def test_a_clean_database_has_no_difference_and_no_note(db: Any, look: Look) -> None:
    report = look()
    assert report.differences == []
    assert report.notes == []


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.sentence)
def test_tampering_is_found_and_named(mutation: Mutation, db: Any, look: Look) -> None:
    if connection.pg_version < mutation.since:  # type: ignore[attr-defined]
        pytest.skip("this PostgreSQL knows no such thing")
    run(mutation.sql)
    report = look()
    found = {f"{difference.kind}: {difference.object}" for difference in report.differences}
    assert found == {mutation.found, *mutation.follows}
    for difference in report.differences:
        assert difference.expected != difference.found
        assert difference.advice
        for step in commands_of(difference.advice):
            is_announced = QUIET.strip(": ") in step.say
            assert is_announced or not blocking(step.run), f"nothing says that this blocks a table: {step.run}"


def blocking(sql: str) -> list[str]:
    """Of the statements those that work through a table while nobody may write there."""
    return [
        one.text
        for one in locks.statements(sql)
        if any(lock.is_long and lock.mode.blocks_writes for lock in locks.locks_of(one.text))
    ]


@pytest.mark.parametrize(("sentence", "sql", "note"), REMARKS, ids=[sentence for sentence, *_ in REMARKS])
def test_what_harms_nothing_is_a_note(sentence: str, sql: str, note: str, db: Any, look: Look) -> None:
    run(sql)
    report = look()
    assert report.ok
    assert note in report.notes


def test_there_are_at_least_sixty_kinds_of_tampering() -> None:
    assert len({mutation.sql for mutation in MUTATIONS}) >= 60


def test_a_changed_setting_is_no_difference(db: Any, look: Look) -> None:
    run("UPDATE system_configurations SET value = '7' WHERE key = 'MAX_LOGIN_ATTEMPTS'")
    assert look().ok


def statements(advice: str) -> str:
    """The statements of an advice, as this test's transaction can run them."""
    for words, instead in ((" CONCURRENTLY", ""), ("BEGIN;", ""), ("COMMIT;", ""), (ONLY_IF_NONE, " ")):
        advice = advice.replace(words, instead)
    return advice.removeprefix(QUIET).removeprefix("see how many rows would change or be cut: ")


@pytest.mark.parametrize(
    "mutation", [mutation for mutation in MUTATIONS if mutation.mended], ids=lambda mutation: mutation.sentence
)
def test_the_advised_statements_mend_it(mutation: Mutation, db: Any, look: Look) -> None:
    if connection.pg_version < mutation.since:  # type: ignore[attr-defined]
        pytest.skip("this PostgreSQL knows no such thing")
    run(mutation.sql)
    for difference in look().differences:
        run(statements(difference.advice))
    assert look().differences == []
