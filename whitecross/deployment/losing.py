"""What reversing migrations would lose: counted in rows and values, and in the words of the migrations themselves."""

import re
import sys
from dataclasses import dataclass
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

Columns = dict[str, set[str]]  # by table

DEFAULTS = """
SELECT a.attname, pg_get_expr(d.adbin, d.adrelid)
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
"""


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


def losses(connection: BaseDatabaseWrapper, before: set[tuple[str, str]], after: set[tuple[str, str]]) -> list[Loss]:
    """What stands in the tables and columns that are there with the migrations `before` and not with those `after`.

    Only what holds something is named.
    """
    loader = MigrationLoader(connection)
    now, then = _columns(loader, before), _columns(loader, after)
    found = []
    with connection.cursor() as cursor:
        for table in sorted(now):
            cursor.execute(DEFAULTS, [table])
            defaults = dict(cursor.fetchall())
            if not defaults:
                continue
            quoted = connection.ops.quote_name(table)
            if table not in then:
                cursor.execute(f"SELECT count(*) FROM {quoted}")  # noqa: S608 - quoted
                found.append(Loss(table, "", cursor.fetchone()[0]))
                continue
            for column in sorted((now[table] - then[table]) & defaults.keys()):
                name = connection.ops.quote_name(column)
                # What a function made, as the time or a number, is a value; and to ask it again could use one up.
                is_constant = defaults[column] and "(" not in re.sub("'(?:[^']|'')*'", "", defaults[column])
                default = f" AND {name} IS DISTINCT FROM {defaults[column]}" if is_constant else ""
                counted = f"SELECT count(*) FROM {quoted} WHERE {name} IS NOT NULL{default}"  # noqa: S608
                cursor.execute(counted)
                found.append(Loss(table, column, cursor.fetchone()[0]))
    return [loss for loss in found if loss.number]


def _columns(loader: MigrationLoader, applied: set[tuple[str, str]]) -> Columns:
    nodes = [key for key in applied if key in loader.graph.nodes]
    models = loader.graph.make_state(nodes=nodes, at_end=True).apps.get_models(include_auto_created=True)
    return {
        model._meta.db_table: {field.column for field in model._meta.local_concrete_fields}
        for model in models
        if model._meta.managed and not model._meta.proxy
    }
