"""Indexes that are built and dropped while the table is read and written."""

from __future__ import annotations

from django.db import models
from django.db.migrations.operations import AddIndex, RemoveIndex
from django.db.migrations.operations.base import OperationCategory
from django.db.migrations.state import ProjectState

from core.db.online.building import drop_index, is_built
from core.db.online.steps import Editor, refuse_transaction


def _comment(editor: Editor, index: models.Index) -> None:
    if serves := getattr(index, "serves", ""):
        quoted = editor.quote_value(serves)
        editor.execute(f"COMMENT ON INDEX {editor.quote_name(index.name)} IS {quoted}", params=None)


def _add(editor: Editor, model: type[models.Model], index: models.Index) -> None:
    if not editor.collect_sql and is_built(editor, model, index):
        _comment(editor, index)
        return
    if editor.connection.in_atomic_block and not editor.collect_sql:
        editor.add_index(model, index)
        return
    editor.add_index(model, index, concurrently=True)  # type: ignore[call-arg]
    _comment(editor, index)


def _remove(editor: Editor, name: str) -> None:
    if editor.collect_sql:
        editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {editor.quote_name(name)}", params=None)
    else:
        drop_index(editor, name)


class AddIndexConcurrently(AddIndex):
    """CREATE INDEX CONCURRENTLY, and what the index serves as its comment.

    What a build that broke has left is dropped and built anew; the very index that stands there already is left alone.
    """

    atomic = False
    category = OperationCategory.ADDITION

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Build it. Raises CommandError where another index bears the name."""
        refuse_transaction(self, schema_editor)
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            _add(schema_editor, model, self.index)

    def database_backwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop it."""
        refuse_transaction(self, schema_editor)
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            _remove(schema_editor, self.index.name)

    def describe(self) -> str:
        """One line for `migrate --plan`."""
        return f"Concurrently create index {self.index.name} of model {self.model_name}"


class RemoveIndexConcurrently(RemoveIndex):
    """DROP INDEX CONCURRENTLY; the reverse builds it as AddIndexConcurrently does."""

    atomic = False
    category = OperationCategory.REMOVAL

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop it."""
        refuse_transaction(self, schema_editor)
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            _remove(schema_editor, self.name)

    def database_backwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Build it. Raises CommandError where another index bears the name."""
        refuse_transaction(self, schema_editor)
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            state = to_state.models[app_label, self.model_name_lower]
            _add(schema_editor, model, state.get_index_by_name(self.name))

    def describe(self) -> str:
        """One line for `migrate --plan`."""
        return f"Concurrently drop index {self.name} of model {self.model_name}"
