"""Each rule refuses the migrations that break it, and lets the remedy pass."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.migrations.state import ProjectState

from tests.deployment.law.house import House
from tests.deployment.law.judge import WORK, Held, held, tables
from tests.deployment.law.samples import BASE, NOTHING, ROWS, SAMPLES, WIDER, Sample
from whitecross.deployment.law import RULES, released

ROOT = Path(__file__).resolve().parents[3]

each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.rule} {sample.what}")


@each_sample
def test_what_breaks_a_rule_is_found_where_it_stands(sample: Sample, house: House, db: Any) -> None:
    checked = house.write(*sample.wrong).check(asks_squawk=sample.rule == "M17")
    found = [finding for finding in checked.findings if finding.rule == sample.rule]
    assert found, checked.findings
    path = house.path(house.names[-1])
    assert found[0].path == path
    line = path.read_text().splitlines()[found[0].line - 1]
    assert sample.rule in ("M03", "M04") or "operations" in line
    assert bool(checked.refusals) or found[0].warns


@each_sample
def test_the_remedy_passes(sample: Sample, house: House, db: Any) -> None:
    checked = house.write(*sample.right).check(asks_squawk=True)
    assert not checked.refusals
    assert sample.rule == "M13" or sample.rule not in {finding.rule for finding in checked.findings}


def test_every_rule_has_its_sample_and_its_place_in_the_docs() -> None:
    apart = {"M06", "M07", "M15", "M19"}  # below, and in test_history
    assert {sample.rule for sample in SAMPLES} | apart == set(RULES)
    page = (ROOT / "docs" / "migrations.md").read_text()
    for rule, said in RULES.items():
        assert f"### {rule}: {said.title}\n" in page
    assert page.count("### M") == len(RULES)


def test_a_name_says_what_is_done(house: House, db: Any) -> None:
    for name in ("auto_20261126", "bed_note_and_more"):
        assert "M15" in {finding.rule for finding in house.write(NOTHING, name=name).check().findings}


def test_a_released_file_stays_as_it_is(house: House, db: Any) -> None:
    path = house.path("0001_base")
    path.write_bytes(path.read_bytes().replace(b"\n", b"  \r\n"))  # another editor, the same text
    assert not house.check().findings
    path.write_text(BASE.replace("max_length=9", "max_length=8"))
    assert [finding.rule for finding in house.check().findings] == ["M06"]


def test_a_released_file_stays_where_it_is(house: House, db: Any) -> None:
    house.known["adoption", "0002_gone"] = "0"
    (finding,) = house.check().findings
    assert (finding.rule, finding.place) == ("M07", "adoption.0002_gone")


def test_what_two_releases_do_one_after_the_other_passes(house: House, db: Any) -> None:
    """Expand and contract: forget a column in one release, drop it in the next."""
    forget, drop = (
        "migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField('bed', 'number')])",
        "migrations.RunSQL('ALTER TABLE beds DROP COLUMN number', 'ALTER TABLE beds ADD COLUMN number integer')",
    )
    house.write(forget, drop)
    assert [finding.rule for finding in house.check().findings] == ["M08"]
    house.known["adoption", house.names[1]] = released.content_hash(house.path(house.names[1]))
    assert not house.check().refusals


def test_a_table_of_this_release_is_nobodys_yet(house: House, db: Any) -> None:
    house.write(
        "migrations.CreateModel('Room', [('id', models.IntegerField(primary_key=True)), ('n', models.IntegerField())],"
        " options={'indexes': [core.db.Index(fields=['n'], name='rooms_n', serves='x')]}),"
        " migrations.AlterField('room', 'n', models.TextField()), migrations.RemoveField('room', 'n')",
        "migrations.AddField('room', 'm', models.IntegerField(default=3)), migrations.DeleteModel('Room')",
    )
    assert not house.check().findings


def states(house: House) -> Iterator[tuple[Any, ProjectState, ProjectState]]:
    loader, state = house.loader(), ProjectState()
    for name in house.names:
        migration = loader.graph.nodes["adoption", name]
        after = migration.mutate_state(state, preserve=True)
        yield migration, state, after
        state = after


LOCKING = [sample for sample in SAMPLES if sample.rule == "M01"]


@pytest.mark.parametrize("sample", LOCKING, ids=lambda sample: str(sample.what))
def test_postgresql_says_the_same_of_locks(sample: Sample, house: House, empty_db: str) -> None:
    house.write(*sample.wrong)
    assert stops_somebody(house)


@pytest.mark.parametrize("sample", LOCKING, ids=lambda sample: str(sample.what))
def test_postgresql_says_the_same_of_the_remedies(sample: Sample, house: House, empty_db: str) -> None:
    house.write(*sample.right)
    assert not stops_somebody(house)


PLACES = (
    "migrations.CreateModel('Place', [('id', models.IntegerField(primary_key=True)),"
    " ('code', models.CharField(max_length=9, db_index=True)), ('number', models.IntegerField(null=True))],"
    " options={'db_table': 'places', 'constraints': [core.db.CompositeForeignKey(name='places_fk',"
    " columns=['code', 'number'], to_table='beds', to_columns=['theCode', 'number'])]}),"
    " migrations.RunSQL(\"INSERT INTO places VALUES (1, 'b1', 1)\", migrations.RunSQL.noop)"
)


@pytest.mark.parametrize(
    "operation",
    [
        WIDER,
        WIDER.replace("CharField(max_length=99, ", "TextField("),
        "migrations.AlterField('place', 'code', models.CharField(max_length=99, db_index=True))",
    ],
)
def test_postgresql_says_the_same_of_texts_that_get_longer(operation: str, house: House, empty_db: str) -> None:
    """With plain indexes, a unique constraint, and a foreign key from either end."""
    house.release(PLACES).write(operation)
    assert not house.check().refusals
    assert not stops_somebody(house)


def stops_somebody(house: House) -> bool:
    """Whether, in the new migrations, a whole table is gone through under a lock that stops writers."""
    told, stopped = list[str](), list[str]()

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        told.clear()
        if "CONCURRENTLY" in sql:  # cannot run in a transaction, and stops nobody
            return execute(sql, params, many, context)
        if not connection.in_atomic_block:  # so that the locks are still there to be seen
            with transaction.atomic():
                return watch(execute, sql, params, many, context)
        answer = execute(sql, params, many, context)
        modes = {mode for _, mode in locks_held(names) if mode.blocks_writes}
        if told and modes:
            stopped.append(sql)
        return answer

    (base, before, _), *others = states(house)
    with connection.schema_editor() as editor:
        base.apply(before.clone(), editor)
    with connection.cursor() as cursor:
        cursor.execute(ROWS)
    for migration, state, _ in others[: len(house.known) - 1]:
        with connection.schema_editor() as editor:
            migration.apply(state.clone(), editor)
    with connection.cursor() as cursor:
        cursor.execute("SET client_min_messages = debug1")
    names = tables()

    def hear(diagnostic: Any) -> None:
        if WORK.search(diagnostic.message_primary or ""):
            told.append(diagnostic.message_primary)

    connection.connection.add_notice_handler(hear)
    for migration, state, _ in others[len(house.known) - 1 :]:
        with connection.execute_wrapper(watch), connection.schema_editor(atomic=migration.atomic) as editor:
            migration.apply(state.clone(), editor)
    return bool(stopped)


def locks_held(names: dict[int, str]) -> Held:
    """The locks now. The question is not watched."""
    wrappers, connection.execute_wrappers = connection.execute_wrappers, []
    try:
        return held(names)
    finally:
        connection.execute_wrappers = wrappers
