"""The operations of a migration, one after the other, each with its SQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError, OperationalError, connections, transaction
from django.db.migrations import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from whitecross.deployment.law.errors import LawError, said
from whitecross.deployment.law.operations import flattened, name_of
from whitecross.deployment.locks import Statement, statements

# Django looks constraints up by their columns, and says so where it finds none.
NOT_THERE = "Found wrong number (0) of constraints"


@dataclass
class Step:
    """An operation of a migration and its SQL; `doubt` says why that cannot be told beforehand."""

    app_label: str
    place: int
    operation: Operation
    before: ProjectState
    after: ProjectState
    sql: str = ""
    doubt: str = ""

    @property
    def statements(self) -> list[Statement]:
        """Its SQL in statements."""
        return statements(self.sql)


@dataclass
class Collected:
    """The operations of a migration with their SQL, and the state after them."""

    steps: list[Step] = field(default_factory=list)
    after: ProjectState = field(default_factory=ProjectState)
    atomic: bool = True

    @property
    def sql(self) -> str:
        """All of it."""
        return "\n".join(step.sql for step in self.steps)


def collect(migration: Migration, state: ProjectState, alias: str) -> Collected:
    """The SQL of each operation, as `sqlmigrate` would show it. Raises LawError where an operation breaks.

    An operation may look at the database for what to write; it cannot change it.
    """
    found = Collected(atomic=migration.atomic)
    connections[alias].ensure_connection()
    # Not in a transaction: whether the operations may stand in one is for M12 to say.
    with connections[alias].schema_editor(collect_sql=True, atomic=False) as editor:
        for place, operation in enumerate(migration.operations):
            after = state.clone()
            with _naming(migration, place):
                operation.state_forwards(migration.app_label, after)
            step = Step(migration.app_label, place, operation, state, after)
            found.steps.append(step)
            told, deferred = len(editor.collected_sql), len(editor.deferred_sql)
            inner = flattened(operation)
            if all(one.reduces_to_sql for one in inner):
                with _naming(migration, place):
                    step.doubt = _write_out(step, editor, alias)
            elif len(inner) > 1:
                step.doubt = "it holds operations of SQL and others"
            later = [f"{statement};" for statement in editor.deferred_sql[deferred:]]
            step.sql = "\n".join([*editor.collected_sql[told:], *later])
            state = after
        editor.deferred_sql.clear()
    found.after = state
    return found


def _write_out(step: Step, editor: Any, alias: str) -> str:
    """Have the operation write its SQL. Returns why it cannot."""
    try:
        with transaction.atomic(using=alias):
            with connections[alias].cursor() as cursor:
                cursor.execute("SET TRANSACTION READ ONLY")
            try:
                step.operation.database_forwards(step.app_label, editor, step.before, step.after)
            finally:
                transaction.set_rollback(True, using=alias)
    except OperationalError:  # the server, not the operation
        raise
    except DatabaseError as error:
        return said(error)
    except ValueError as error:
        if NOT_THERE not in str(error):
            raise
        return said(error)
    return ""


@contextmanager
def _naming(migration: Migration, place: int) -> Iterator[None]:
    try:
        yield
    except DatabaseError:
        raise
    except Exception as error:
        where = (
            f"{migration.app_label}.{migration.name}, operation {place + 1} ({name_of(migration.operations[place])})"
        )
        raise LawError(f"{where} cannot be judged: {said(error)}.") from error
