"""Migration operations: a function, and many fields or indexes of one model in one deed.

The batches exist for speed: Django renders a model again after every AddField and AddIndex, and that, not SQL, is where
the time of a migration goes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.apps.registry import Apps
from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation, OperationCategory
from django.db.migrations.state import ProjectState

Editor = BaseDatabaseSchemaEditor


class CreateFunction(Operation):
    """CREATE FUNCTION, and DROP FUNCTION as its reverse.

    `signature` is the name with its argument types, as DROP FUNCTION takes it; `sql` the whole statement.
    """

    reversible = True
    reduces_to_sql = True
    category = OperationCategory.SQL

    def __init__(self, signature: str, sql: str) -> None:
        self.signature, self.sql = signature, sql

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Functions are no part of the model state."""

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Create the function."""
        schema_editor.execute(self.sql, params=None)

    def database_backwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop ours. PostgreSQL 18 has some built in, which come before ours in any search_path: so name the schema."""
        signature = self.signature.replace("'", "''").replace("%", "%%")
        schema_editor.execute(
            f"DO $$ BEGIN EXECUTE format('DROP FUNCTION IF EXISTS %I.{signature}', current_schema()); END $$",
            params=None,
        )

    def describe(self) -> str:
        """One line for `migrate --plan` and sqlmigrate."""
        return f"Create function {self.signature}"


class ReplaceFunction(CreateFunction):
    """CREATE OR REPLACE FUNCTION, for a new body under the same signature; the reverse puts the body before back.

    `sql` and `before` are whole statements that begin with CREATE OR REPLACE FUNCTION or CREATE FUNCTION.
    """

    def __init__(self, signature: str, sql: str, before: str) -> None:
        super().__init__(signature, sql)
        self.before = before

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Give the function its new body; triggers that call it go on calling it."""
        schema_editor.execute(_or_replace(self.sql), params=None)

    def database_backwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Give it its old body back."""
        schema_editor.execute(_or_replace(self.before), params=None)

    def describe(self) -> str:
        """One line for `migrate --plan` and sqlmigrate."""
        return f"Replace the body of function {self.signature}"


def _or_replace(sql: str) -> str:
    return sql.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)


class DropFunction(CreateFunction):
    """DROP FUNCTION, and CREATE FUNCTION as its reverse; the arguments are those of CreateFunction."""

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop the function."""
        super().database_backwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Create it again."""
        super().database_forwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        """One line for `migrate --plan` and sqlmigrate."""
        return f"Drop function {self.signature}"


class AddFields(Operation):
    """Several AddField of one model, which is rendered once."""

    reversible = True
    category = OperationCategory.ADDITION

    def __init__(self, model_name: str, fields: Sequence[tuple[str, models.Field[Any, Any]]]) -> None:
        self.model_name, self.fields = model_name, list(fields)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Add the fields to the state, then render the model once."""
        key = app_label, self.model_name.lower()
        for name, field in self.fields:
            state.models[key].fields[name] = field
            if field.is_relation and state._relations is not None:  # type: ignore[attr-defined]
                state.resolve_model_field_relations(key, name, field)
        state.reload_model(*key, delay=True)

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """ALTER TABLE ... ADD COLUMN for each."""
        old = from_state.apps.get_model(app_label, self.model_name)
        new = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, new):
            for name, _ in self.fields:
                schema_editor.add_field(old, new._meta.get_field(name))

    def database_backwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """ALTER TABLE ... DROP COLUMN for each, the last first."""
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            for name, _ in reversed(self.fields):
                schema_editor.remove_field(model, model._meta.get_field(name))

    def references_model(self, name: str, app_label: str) -> bool:
        """Whether squashing has to keep the order with operations on that model."""
        return name.lower() == self.model_name.lower()

    def describe(self) -> str:
        """One line for `migrate --plan`."""
        return f"Add {len(self.fields)} fields to {self.model_name}: {', '.join(name for name, _ in self.fields)}"


class AddIndexes(Operation):
    """Several AddIndex of several models, which are rendered once: model name -> its indexes."""

    reversible = True
    category = OperationCategory.ADDITION

    def __init__(self, indexes: Mapping[str, Sequence[models.Index]]) -> None:
        self.indexes = {model_name: list(added) for model_name, added in indexes.items()}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Add the indexes to the state, then render the models once."""
        for model_name, added in self.indexes.items():
            options = state.models[app_label, model_name.lower()].options
            options["indexes"] = [*options.get("indexes", []), *(index.clone() for index in added)]
        state.reload_models([(app_label, model_name.lower()) for model_name in self.indexes])

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """CREATE INDEX for each."""
        self._each(app_label, schema_editor, to_state.apps, schema_editor.add_index)

    def database_backwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """DROP INDEX for each."""
        self._each(app_label, schema_editor, from_state.apps, schema_editor.remove_index)

    def _each(self, app_label: str, schema_editor: Editor, apps: Apps, carry_out: Callable[..., None]) -> None:
        for model_name, indexes in self.indexes.items():
            model = apps.get_model(app_label, model_name)
            if self.allow_migrate_model(schema_editor.connection.alias, model):
                for index in indexes:
                    carry_out(model, index)

    def references_model(self, name: str, app_label: str) -> bool:
        """Whether squashing has to keep the order with operations on that model."""
        return name.lower() in (model_name.lower() for model_name in self.indexes)

    def describe(self) -> str:
        """One line for `migrate --plan`."""
        count = sum(map(len, self.indexes.values()))
        return f"Create {count} indexes on {', '.join(self.indexes)}"
