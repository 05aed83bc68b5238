"""What reversing migrations would lose: counted in rows and values, and in the words of the migrations themselves."""

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.migrations import CreateModel, Migration, RunPython, RunSQL
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from core.db import RunInBatches

Columns = dict[str, set[str]]  # by table

DEFAULTS = """
SELECT a.attname, pg_get_expr(d.adbin, d.adrelid)
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
"""


CHANGES = re.compile(r"\b(DELETE\s+FROM|INSERT\s+INTO|UPDATE|TRUNCATE|MERGE\s+INTO)\b", re.IGNORECASE)


class MoreToLoseError(Exception):
    """More would be lost than was announced. The message is a sentence for people."""


@dataclass(frozen=True)
class Loss:
    """A table with its rows, or a column (`column` is set) with the values that are not its default."""

    table: str
    column: str
    number: int

    def __str__(self) -> str:
        what = f"{self.table}.{self.column}" if self.column else self.table
        noun = ("value" if self.column else "row") + ("" if self.number == 1 else "s")
        return f"{what}: {self.number:,} {noun}"

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {"table": self.table, "column": self.column or None, "number": self.number}


def reverse_sentence(migration: Migration) -> str:
    """What the migration itself says that its reverse loses; empty for those that are not ours."""
    text = sys.modules[type(migration).__module__].__doc__ or ""
    found = re.search(r"^Reverse: (.*?)(?:\n\n|\Z)", text, re.MULTILINE | re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def is_reversible(migration: Migration) -> bool:
    """Whether each of its operations can be taken back."""
    return all(map(_is_reversible, migration.operations))


def _is_reversible(operation: Operation) -> bool:
    # Django says of SeparateDatabaseAndState that it can be reversed, and finds out when it is under way.
    return operation.reversible and all(map(_is_reversible, getattr(operation, "database_operations", ())))


def changes_rows(migration: Migration) -> bool:
    """Whether its reverse changes rows of tables that stay: what that loses, only the migration itself can say."""
    return any(map(_changes_rows, _flat(migration.operations)))


def _changes_rows(operation: Operation) -> bool:
    if isinstance(operation, RunPython):
        return operation.reverse_code not in (None, RunPython.noop)
    if isinstance(operation, RunSQL):
        return bool(CHANGES.search(str(operation.reverse_sql or "")))
    return isinstance(operation, RunInBatches) and bool(operation.reverse)


def _flat(operations: Iterable[Operation]) -> Iterator[Operation]:
    for operation in operations:
        inner = [*getattr(operation, "database_operations", ())]
        yield from _flat(inner) if inner else [operation]


def losses(connection: BaseDatabaseWrapper, before: set[tuple[str, str]], after: set[tuple[str, str]]) -> list[Loss]:
    """What stands in the tables and columns that are there with the migrations `before` and not with those `after`.

    Also in tables that are dropped and made anew on the way. Only what holds something is named.
    """
    loader = MigrationLoader(connection)
    now, then = _columns(loader, before), _columns(loader, after)
    remade = {
        str(operation.options.get("db_table", f"{app}_{operation.name_lower}"))
        for app, name in before - after
        for operation in _flat(loader.disk_migrations[app, name].operations)
        if isinstance(operation, CreateModel)
    }
    found = []
    with connection.cursor() as cursor:
        for table in sorted(now):
            defaults = _defaults(cursor, table)
            if not defaults:
                continue
            if table not in then or table in remade:
                found.append(Loss(table, "", _rows(cursor, table)))
                continue
            for column in sorted((now[table] - then[table]) & defaults.keys()):
                found.append(Loss(table, column, _values(cursor, table, column, defaults[column])))
    return [loss for loss in found if loss.number]


def dropped_by(migration: Migration, state: ProjectState) -> list[tuple[str, str]]:
    """The tables, and columns of others, that the reverse of a migration drops; `state` is that after the reverse."""
    with_it = migration.mutate_state(state.clone(), preserve=False)
    made = {
        (migration.app_label, operation.name_lower)
        for operation in _flat(migration.operations)
        if isinstance(operation, CreateModel)
    }
    dropped = []
    for key, model_state in with_it.models.items():
        before = None if key in made else state.models.get(key)
        if before is not None and before.fields.keys() >= model_state.fields.keys():
            continue
        meta = with_it.apps.get_model(*key)._meta
        if not meta.managed or meta.proxy:
            continue
        if before is None:
            dropped.append((meta.db_table, ""))
        else:
            new = [field for field in meta.local_concrete_fields if field.name not in before.fields]
            dropped += [(meta.db_table, field.column) for field in new]
    return dropped


def refuse_more(connection: BaseDatabaseWrapper, dropped: Iterable[tuple[str, str]], announced: list[Loss]) -> None:
    """Lock what is about to be dropped, and count once more: what came since it was announced is in no backup.

    Raises MoreToLoseError.
    """
    known = {(loss.table, loss.column): loss.number for loss in announced}
    with connection.cursor() as cursor:
        for table, column in dropped:
            defaults = _defaults(cursor, table)
            if not defaults or (column and column not in defaults):
                continue
            cursor.execute(f"LOCK TABLE {connection.ops.quote_name(table)} IN ACCESS EXCLUSIVE MODE")
            number = _values(cursor, table, column, defaults[column]) if column else _rows(cursor, table)
            # Of a table that goes as well, further back, all rows with all their values were announced.
            counted = max(known.get((table, column), 0), known.get((table, ""), 0))
            if number > counted:
                raise MoreToLoseError(
                    f"{Loss(table, column, number)} would be lost, of which {counted:,} were there when counted: "
                    "the others are in no backup of this run."
                )


def _defaults(cursor: CursorWrapper, table: str) -> dict[str, str | None]:
    """The columns of a table with their defaults; none where there is no such table."""
    cursor.execute(DEFAULTS, [_quoted(cursor, table)])
    return dict(cursor.fetchall())


def _rows(cursor: CursorWrapper, table: str) -> int:
    cursor.execute(f"SELECT count(*) FROM {_quoted(cursor, table)}")  # noqa: S608 - quoted
    return int(cursor.fetchone()[0])


def _values(cursor: CursorWrapper, table: str, column: str, default: str | None) -> int:
    name = _quoted(cursor, column)
    # What a function made, as the time or a number, is a value; and to ask it again could use one up.
    is_constant = default and "(" not in re.sub("'(?:[^']|'')*'", "", default)
    other = f" AND {name} IS DISTINCT FROM {default}" if is_constant else ""
    cursor.execute(f"SELECT count(*) FROM {_quoted(cursor, table)} WHERE {name} IS NOT NULL{other}")  # noqa: S608
    return int(cursor.fetchone()[0])


def _quoted(cursor: CursorWrapper, name: str) -> str:
    return str(cursor.db.ops.quote_name(name))


def _columns(loader: MigrationLoader, applied: set[tuple[str, str]]) -> Columns:
    nodes = [key for key in applied if key in loader.graph.nodes]
    models = loader.graph.make_state(nodes=nodes, at_end=True).apps.get_models(include_auto_created=True)
    return {
        model._meta.db_table: {field.column for field in model._meta.local_concrete_fields}
        for model in models
        if model._meta.managed and not model._meta.proxy
    }
