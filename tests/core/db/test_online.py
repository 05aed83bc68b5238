"""Operations for tables in use: they take no long lock that stops anybody, and can be killed and run again."""

import copy
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.core.management.base import CommandError
from django.db import DatabaseError, OperationalError, connection, models, transaction
from django.db.migrations import AddConstraint, AlterField, CreateModel, RemoveIndex
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.migrations.writer import OperationWriter

import core.db
from core.db import CompositeForeignKey, GinIndex, Index
from core.db.online import indexes
from core.schema.actual import read_catalog
from tests.conftest import create_database, drop_database
from whitecross.deployment.locks import locks_of

APP = "clinic"
MODELS: list[Operation] = [
    CreateModel(
        "Ward",
        [("id", models.IntegerField(primary_key=True)), ("code", models.CharField(max_length=9))],
        options={
            "db_table": "wards",
            "constraints": [models.UniqueConstraint(fields=("id", "code"), name="wards_key")],
        },
    ),
    CreateModel(
        "Bed",
        [
            ("id", models.IntegerField(primary_key=True)),
            ("code", models.CharField(max_length=9)),
            ("number", models.IntegerField(null=True)),
            ("ward", models.IntegerField(null=True, db_column="wardId")),
        ],
        options={"db_table": "beds"},
    ),
]
ROWS = """
INSERT INTO wards SELECT n, 'w' || n FROM generate_series(1, 20) n;
INSERT INTO beds SELECT n, 'w' || n % 20 + 1, n, n % 20 + 1 FROM generate_series(1, 100) n;
"""
INDEX = Index(
    fields=["code", "number"],
    condition=models.Q(number__gt=1),
    name="beds_code_idx",
    serves="Where a bed's 100 % is.",
)
WARD = models.ForeignKey(
    "clinic.Ward", models.PROTECT, null=True, db_column="wardId", db_index=False, db_constraint=False
)
KEY = CompositeForeignKey(name="beds_ward_key", columns=["wardId", "code"], to_table="wards", to_columns=["id", "code"])
CHECK = models.CheckConstraint(condition=models.Q(number__gte=1) & models.Q(code__startswith="w"), name="beds_known")

# What is done before, the operations, and the ordinary ones that lead to the same state.
Case = tuple[list[Operation], list[Operation], list[Operation]]
CASES: dict[str, Case] = {
    "index": (
        [],
        [core.db.AddIndexConcurrently("bed", INDEX)],
        [core.db.AddIndexes({"bed": [INDEX]})],
    ),
    "no index": (
        [core.db.AddIndexes({"bed": [INDEX]})],
        [core.db.RemoveIndexConcurrently("bed", "beds_code_idx")],
        [RemoveIndex("bed", "beds_code_idx")],
    ),
    "check": (
        [],
        [core.db.AddConstraintNotValid("bed", CHECK), core.db.ValidateConstraint("bed", "beds_known")],
        [AddConstraint("bed", CHECK)],
    ),
    "composite key": (
        [],
        [core.db.AddConstraintNotValid("bed", KEY), core.db.ValidateConstraint("bed", "beds_ward_key")],
        [AddConstraint("bed", KEY)],
    ),
    "foreign key": (
        [AlterField("bed", "ward", WARD)],
        [core.db.AddForeignKeyNotValid("bed", "ward"), core.db.ValidateConstraint("bed", "beds_wardId_fkey")],
        [
            AlterField(
                "bed",
                "ward",
                models.ForeignKey("clinic.Ward", models.PROTECT, null=True, db_column="wardId", db_index=False),
            )
        ],
    ),
    "not null": (
        [],
        [core.db.SetNotNull("bed", "number")],
        [AlterField("bed", "number", models.IntegerField())],
    ),
}


@pytest.fixture(scope="module")
def own_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A database of this module's own, in autocommit."""
    with django_db_blocker.unblock():
        original = connection.settings_dict["NAME"]
        create_database(f"{original}_online")
        connection.close()
        connection.settings_dict["NAME"] = f"{original}_online"
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = original
            drop_database(f"{original}_online")
            connection.close()


@pytest.fixture
def tidy_db(own_db: None) -> None:
    """That database, with nothing in it: sooner had than a new one."""
    connection.close()
    execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


each_case = pytest.mark.parametrize("case", CASES)


def prepared(case: str) -> ProjectState:
    """The tables with their rows, and the state, before the operations of a case."""
    state = carry_out([*MODELS, *CASES[case][0]], ProjectState())
    execute(ROWS)
    return state


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def carry_out(operations: list[Operation], state: ProjectState, *, atomic: bool = False) -> ProjectState:
    """Run them as a migration does. Returns the state after them."""
    with connection.schema_editor(atomic=atomic) as editor:
        for operation in operations:
            after = state.clone()
            operation.state_forwards(APP, after)
            operation.database_forwards(APP, editor, state, after)
            state = after
    return state


def take_back(operations: list[Operation], before: ProjectState) -> None:
    """Reverse them, the last first."""
    states = [before]
    for operation in operations:
        states.append(states[-1].clone())
        operation.state_forwards(APP, states[-1])
    with connection.schema_editor(atomic=False) as editor:
        for operation, after, state in zip(reversed(operations), states[:0:-1], states[-2::-1], strict=True):
            operation.database_backwards(APP, editor, after, state)


def sql_of(operations: list[Operation], state: ProjectState) -> list[str]:
    """As sqlmigrate shows them."""
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        for operation in operations:
            after = state.clone()
            operation.state_forwards(APP, after)
            operation.database_forwards(APP, editor, state, after)
            state = after
    return list(editor.collected_sql)


def everything() -> Any:
    """The catalog, and the comments on indexes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT c.relname, description FROM pg_description JOIN pg_class c ON c.oid = objoid ORDER BY 1")
        return read_catalog(connection), [row for row in cursor.fetchall() if row[0].startswith(("beds", "wards"))]


def maintenance() -> psycopg.Connection[Any]:
    """Another session."""
    parameters = dict(connection.get_connection_params())
    for ours in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(ours, None)
    return psycopg.connect(**parameters, autocommit=True)


@contextmanager
def heard() -> Iterator[list[str]]:
    """The statements that are sent outside transactions meanwhile."""
    statements: list[str] = []

    def hear(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not connection.in_atomic_block:
            statements.append(sql)
        return run(sql, params, many, context)

    with connection.execute_wrapper(hear):
        yield statements


def killed_at(place: int, run: Callable[[], Any]) -> bool:
    """Terminate our session before a statement, counted from 0. Returns whether it came to that."""
    numbers = itertools.count()

    def kill(send: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if next(numbers) == place:
            with maintenance() as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
        return send(sql, params, many, context)

    try:
        with connection.execute_wrapper(kill):
            run()
    except (DatabaseError, psycopg.Error):
        connection.close()
        return True
    return False


@each_case
def test_it_leads_where_the_ordinary_operations_lead(case: str, tidy_db: None) -> None:
    before, (_, online, ordinary) = prepared(case), CASES[case]
    start = everything()
    state = carry_out(online, before)
    found = everything()
    take_back(online, before)
    assert everything() == start
    assert state == carry_out(ordinary, before)
    assert found == everything() != start


@each_case
def test_once_more_changes_nothing(case: str, tidy_db: None) -> None:
    before, (_, online, _) = prepared(case), CASES[case]
    start = everything()
    carry_out(online, before)
    once = everything()
    carry_out(online, before)
    assert everything() == once
    take_back(online, before)
    take_back(online, before)
    assert everything() == start


@each_case
def test_in_the_one_transaction_of_an_adoption_it_leads_to_the_same(case: str, tidy_db: None) -> None:
    before, (_, online, _) = prepared(case), CASES[case]
    with transaction.atomic():
        carry_out(online, before)
        within = everything()
        transaction.set_rollback(True)
    carry_out(online, before)
    assert everything() == within


@each_case
def test_nothing_long_stops_readers_or_writers(case: str, tidy_db: None) -> None:
    before, (_, online, _) = prepared(case), CASES[case]
    with heard() as statements:
        carry_out(online, before)
    for text in (";".join(statements), "\n".join(sql_of(online, before))):
        assert locks_of(text)
        assert not [lock for lock in locks_of(text) if lock.stops_the_application]


@each_case
def test_in_a_transaction_of_the_migration_it_is_refused(case: str, tidy_db: None) -> None:
    before, (_, online, _) = prepared(case), CASES[case]
    start = everything()
    with pytest.raises(CommandError, match="atomic = False"):
        carry_out(online, before, atomic=True)
    assert everything() == start


@pytest.mark.direct("ends its own session by the process id that the driver tells")
@each_case
def test_killed_before_any_statement_it_goes_on_where_it_was(case: str, tidy_db: None) -> None:
    before, (_, online, _) = prepared(case), CASES[case]
    carry_out(online, before)
    whole = everything()
    take_back(online, before)
    place = 0
    while killed_at(place, lambda: carry_out(online, before)):
        carry_out(online, before)
        assert everything() == whole, place
        take_back(online, before)
        place += 1
    assert place >= 1


def test_an_index_whose_build_was_killed_is_built_anew(tidy_db: None) -> None:
    before = prepared("index")
    with maintenance() as writer, maintenance() as killer:
        writer.execute("BEGIN; UPDATE beds SET number = 1 WHERE id = 1")  # the build waits for it
        killing = threading.Thread(target=kill_the_build, args=(killer,))
        killing.start()
        with pytest.raises((DatabaseError, psycopg.Error)):
            carry_out([core.db.AddIndexConcurrently("bed", INDEX)], before)
        killing.join()
        writer.execute("ROLLBACK")
    connection.close()
    assert everything()[0]["tables"]["beds"]["indexes"]["beds_code_idx"]["invalid"]
    carry_out([core.db.AddIndexConcurrently("bed", INDEX)], before)
    catalog, comments = everything()
    assert "invalid" not in catalog["tables"]["beds"]["indexes"]["beds_code_idx"]
    assert comments == [("beds_code_idx", "Where a bed's 100 % is.")]


def kill_the_build(killer: psycopg.Connection[Any]) -> None:
    done = None
    while not done:
        done = killer.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE query LIKE 'CREATE INDEX CONC%' AND wait_event_type = 'Lock' AND datname = current_database()"
        ).fetchone()


def test_a_build_that_goes_on_in_the_server_is_waited_for(tidy_db: None) -> None:
    """Its client is gone and its index not valid yet: to drop that would end in two builds, one after the other."""
    before = prepared("index")
    building_it = [core.db.AddIndexConcurrently("bed", INDEX)]
    with maintenance() as writer, maintenance() as builder:
        writer.execute("BEGIN; UPDATE beds SET number = 1 WHERE id = 1")
        building = threading.Thread(target=builder.execute, args=(sql_of(list(building_it), before)[0],))
        building.start()
        while "beds_code_idx" not in everything()[0]["tables"]["beds"]["indexes"]:
            pass
        waiting = threading.Thread(target=release_when_asked, args=(writer,))
        waiting.start()
        connection.close()  # a new session looks the table up, and must not wait with what it has looked that up in
        with heard() as statements:
            carry_out(list(building_it), before)
        building.join()
        waiting.join()
    assert not [sql for sql in statements if sql.startswith(("DROP INDEX", "CREATE INDEX"))]
    assert "invalid" not in everything()[0]["tables"]["beds"]["indexes"]["beds_code_idx"]


def release_when_asked(writer: psycopg.Connection[Any]) -> None:
    """Let the build go on once it has been asked for its lock a few times."""
    time.sleep(0.5)
    writer.execute("ROLLBACK")


def test_a_lock_that_is_held_for_long_is_asked_for_in_the_queue(tidy_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """There it is seen who holds it, and the patience of `migrate` counts."""
    before = prepared("index")
    monkeypatch.setattr(indexes, "BUILD_S", 0.3)
    asked: list[str] = []

    def hear(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.extend([sql] if sql.startswith("LOCK TABLE") else [])
        return run(sql, params, many, context)

    with maintenance() as holder:
        execute("CREATE INDEX beds_code_idx ON beds (code)")
        execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'beds_code_idx'::regclass")
        holder.execute("BEGIN; LOCK TABLE beds IN SHARE UPDATE EXCLUSIVE MODE")
        execute("SET lock_timeout = '200ms'")  # as long as the patience of migrate
        with connection.execute_wrapper(hear), pytest.raises(OperationalError, match="lock timeout"):
            carry_out([core.db.AddIndexConcurrently("bed", INDEX)], before)
    assert len(asked) >= 3
    assert [sql.endswith("NOWAIT") for sql in asked] == [True] * (len(asked) - 1) + [False]


@pytest.mark.parametrize("definition", ["beds_code_idx ON beds (number)", "beds_code_idx ON wards (id)"])
def test_another_index_of_the_name_is_left_alone_and_named(definition: str, tidy_db: None) -> None:
    before = prepared("index")
    execute(f"CREATE INDEX {definition}")
    start = everything()
    with pytest.raises(CommandError, match="An index beds_code_idx that this migration does not build"):
        carry_out([core.db.AddIndexConcurrently("bed", INDEX)], before)
    assert everything() == start


def test_a_gin_index_is_built_as_well(tidy_db: None) -> None:
    before = prepared("index")
    index = GinIndex(core.db.SearchWords("code"), name="beds_words", serves="Words.")
    execute("CREATE FUNCTION search_text(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1'")
    execute("CREATE FUNCTION search_words(text) RETURNS tsvector LANGUAGE sql IMMUTABLE AS $$ SELECT ''::tsvector $$")
    for _ in range(2):
        carry_out([core.db.AddIndexConcurrently("bed", index)], before)
    assert everything()[1] == [("beds_words", "Words.")]


@pytest.mark.parametrize("case", ["check", "composite key", "foreign key"])
def test_another_constraint_of_the_name_is_left_alone_and_named(case: str, tidy_db: None) -> None:
    before, (_, online, _) = prepared(case), CASES[case]
    name = online[1].name  # type: ignore[attr-defined]
    for definition in ("CHECK (number > 0)", 'FOREIGN KEY ("wardId") REFERENCES wards ON UPDATE CASCADE'):
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


BACKFILL = core.db.RunInBatches(
    "bed",
    "UPDATE beds SET code = 'x%' || code WHERE {batch} AND code NOT LIKE 'x%'",
    reverse="UPDATE beds SET code = substr(code, 3) WHERE {batch} AND code LIKE 'x%'",
    size=30,
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


def test_what_makes_no_sense_is_refused_when_it_is_written() -> None:
    with pytest.raises(ValueError, match="in its WHERE"):
        core.db.RunInBatches("bed", "UPDATE beds SET number = 1")
    with pytest.raises(ValueError, match="at least one row"):
        core.db.RunInBatches("bed", BACKFILL.sql, size=0)
    with pytest.raises(TypeError, match="CheckConstraint or a CompositeForeignKey"):
        core.db.AddConstraintNotValid("bed", models.UniqueConstraint(fields=["code"], name="u"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "operation",
    [*(operation for _, online, _ in CASES.values() for operation in online), BACKFILL],
    ids=lambda operation: str(operation.describe()),
)
def test_an_operation_is_written_as_it_was_and_says_what_it_does(operation: Operation) -> None:
    written, imports = OperationWriter(operation, indentation=0).serialize()
    space: dict[str, Any] = {}
    exec("\n".join([*imports, "from django.db import models"]), space)  # noqa: S102 - our own text
    again = eval(f"[{written}]", space)[0]  # noqa: S307
    assert type(again) is type(operation)
    assert OperationWriter(again, indentation=0).serialize()[0] == written
    assert operation.migration_name_fragment
    assert operation.atomic is False
    assert operation.references_model("bed", APP)
