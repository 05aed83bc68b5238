"""Changes of many rows, a few thousand at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import models, transaction
from django.db.migrations.operations.base import Operation, OperationCategory
from django.db.migrations.state import ProjectState

from core.db.online.steps import Editor, ask

_ESTIMATE = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass(%s)"


class RunInBatches(Operation):
    """Run a statement for the rows of a model by batches in the order of the primary key, each a short transaction.

    The statement says {batch} in its WHERE, where the condition goes that a row is of the batch, and picks only rows
    that are still to be changed, so that running it once more changes nothing: after whatever kill, it is run again
    from the start, and passes over what is done. It calls the table by its name, without an alias.

        RunInBatches(
            "student",
            "UPDATE students SET grade = upper(grade) WHERE {batch} AND grade <> upper(grade)",
            reverse=RunInBatches.noop,
        )

    `reverse` is a statement of the same kind, or `noop` where the reverse needs none; the docstring of the migration
    says what it loses. Whoever shows progress sets `progress`, which is called with the rows passed over and, as far as
    PostgreSQL's statistics know, their number.
    """

    noop = ""
    atomic = False
    category = OperationCategory.PYTHON
    reduces_to_sql = True
    progress: Callable[[int, int], None] | None = None

    def __init__(self, model_name: str, sql: str, *, reverse: str | None = None, size: int = 5000) -> None:
        for statement in filter(None, (sql, reverse)):
            if "{batch}" not in statement:
                raise ValueError("A statement of RunInBatches says {batch} in its WHERE.")
        if size < 1:
            raise ValueError("A batch has at least one row.")
        self.model_name, self.sql, self.reverse, self.size = model_name, sql, reverse, size

    @property
    def reversible(self) -> bool:  # type: ignore[override]
        """Whether a reverse is given."""
        return self.reverse is not None

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Rows are no part of the state."""

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Change the rows."""
        self._run(app_label, schema_editor, from_state, self.sql)

    def database_backwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Change them back. Raises NotImplementedError where no reverse is given."""
        if self.reverse is None:
            raise NotImplementedError("You cannot reverse this operation")
        if self.reverse:
            self._run(app_label, schema_editor, from_state, self.reverse)

    def _run(self, app_label: str, editor: Editor, state: ProjectState, statement: str) -> None:
        model = state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(editor.connection.alias, model):
            return
        if editor.collect_sql:
            editor.execute(statement.replace("{batch}", f"true /* {self.size} rows at a time */"), params=None)
            return
        table, key = self._names(editor, model)
        (total,) = ask(editor, _ESTIMATE, [table])[0]
        passed, last = 0, None
        while True:
            after = f"{key} > %s" if last is not None else "true"
            rows = ask(
                editor,
                f"SELECT {key} FROM {table} WHERE {after} ORDER BY {key} LIMIT {self.size:d}",  # noqa: S608 - quoted names
                [last] if last is not None else [],
            )
            if not rows:
                return
            first, last = rows[0][0], rows[-1][0]
            self._change(editor, statement, f"{key} BETWEEN %s AND %s", [first, last])
            passed += len(rows)
            if self.progress:
                self.progress(passed, max(total, passed))

    def _names(self, editor: Editor, model: type[models.Model]) -> tuple[str, str]:
        table = editor.quote_name(model._meta.db_table)
        return table, f"{table}.{editor.quote_name(str(model._meta.pk.column))}"

    def _change(self, editor: Editor, statement: str, batch: str, bounds: list[Any]) -> None:
        times = statement.count("{batch}")
        sql = statement.replace("%", "%%").replace("{batch}", batch)
        with transaction.atomic(using=editor.connection.alias), editor.connection.cursor() as cursor:
            cursor.execute(sql, bounds * times)

    def describe(self) -> str:
        """One line for `migrate --plan`."""
        return f"Change rows of {self.model_name}, {self.size} at a time"

    @property
    def migration_name_fragment(self) -> str:
        """For the name of a generated migration."""
        return f"rows_of_{self.model_name.lower()}"
