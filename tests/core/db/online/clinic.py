"""A clinic with wards and beds, what is to be changed of it in each case, and how operations are carried out."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import DatabaseError, connection, models
from django.db.migrations import AddConstraint, AlterField, CreateModel, RemoveIndex
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models.functions import Lower

import core.db
from core.db import CompositeForeignKey, Index
from core.schema.actual import read_catalog

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
UNIQUE = models.UniqueConstraint(fields=["number", "ward"], name="beds_number_key")
UNIQUE_LATER = models.UniqueConstraint(fields=["number"], name="beds_number_key", deferrable=models.Deferrable.DEFERRED)
UNIQUE_NULL = models.UniqueConstraint(fields=["number"], name="beds_number_key", nulls_distinct=False)
UNIQUE_SOME = models.UniqueConstraint(Lower("code"), "number", condition=models.Q(number__gt=1), name="beds_code_key")
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
    "unique": (
        [],
        [core.db.AddUniqueConcurrently("bed", UNIQUE)],
        [AddConstraint("bed", UNIQUE)],
    ),
    "unique at the end": (
        [],
        [core.db.AddUniqueConcurrently("bed", UNIQUE_LATER)],
        [AddConstraint("bed", UNIQUE_LATER)],
    ),
    "unique with null": (
        [],
        [core.db.AddUniqueConcurrently("bed", UNIQUE_NULL)],
        [AddConstraint("bed", UNIQUE_NULL)],
    ),
    "unique in part": (
        [],
        [core.db.AddUniqueConcurrently("bed", UNIQUE_SOME)],
        [AddConstraint("bed", UNIQUE_SOME)],
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
BACKFILL = core.db.RunInBatches(
    "bed",
    "UPDATE beds SET code = 'x%' || code WHERE {batch} AND code NOT LIKE 'x%'",
    reverse="UPDATE beds SET code = substr(code, 3) WHERE {batch} AND code LIKE 'x%'",
    size=30,
)


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
