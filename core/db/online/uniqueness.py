"""Uniqueness that is added while the table is read and written."""

from __future__ import annotations

from typing import cast

from django.core.management.base import CommandError
from django.db import IntegrityError, models
from django.db.backends.ddl_references import Statement
from django.db.migrations.operations import AddConstraint
from django.db.migrations.operations.base import OperationCategory
from django.db.migrations.state import ProjectState

from core.db.online.building import drop_index, is_built
from core.db.online.constraints import definition_of, drop_constraint, refuse_another
from core.db.online.steps import Editor, empty_twin, refuse_transaction


class AddUniqueConcurrently(AddConstraint):
    """Add a UniqueConstraint: its index is built while the table is in use, and then becomes the constraint's.

    Where Django writes a unique index and no constraint (a condition, expressions, columns included), so does this. In
    the place of `unique=True` on a field, name its column in a UniqueConstraint of Meta.
    """

    atomic = False
    category = OperationCategory.ADDITION
    constraint: models.UniqueConstraint

    def __init__(self, model_name: str, constraint: models.UniqueConstraint) -> None:
        if not isinstance(constraint, models.UniqueConstraint):
            raise TypeError("AddUniqueConcurrently takes a UniqueConstraint.")
        super().__init__(model_name, constraint)

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Add it, unless it stands there. Raises CommandError, changing nothing, where rows are alike."""
        refuse_transaction(self, schema_editor)
        editor, model = schema_editor, to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(editor.connection.alias, model):
            return
        # Django decides which of the two it is; an index can be built from either.
        create = self._create(editor, model)
        is_index = create.template == editor.sql_create_unique_index
        if not is_index and not editor.collect_sql and self._is_there(editor, model):
            return
        if editor.collect_sql or not is_built(editor, model, self.constraint):
            self._build(editor, model, create)
        if not is_index:
            name, table = editor.quote_name(self.constraint.name), editor.quote_name(model._meta.db_table)
            later = editor._deferrable_constraint_sql(self.constraint.deferrable)  # type: ignore[attr-defined]
            editor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}{later}", params=None)

    def _create(self, editor: Editor, model: type[models.Model]) -> Statement:
        return cast(Statement, self.constraint.create_sql(model, editor))

    def _is_there(self, editor: Editor, model: type[models.Model]) -> bool:
        name = self.constraint.name
        found = definition_of(editor, model, name)
        if found is None:
            return False
        with empty_twin(editor, model._meta.db_table):
            editor.execute(self.constraint.create_sql(model, editor), params=None)
            wanted = definition_of(editor, model, name)
        if wanted != found:
            refuse_another(model, name, found)
        return True

    def _build(self, editor: Editor, model: type[models.Model], create: Statement) -> None:
        is_within = editor.connection.in_atomic_block and not editor.collect_sql
        template = str(editor.sql_create_unique_index)
        create.template = template if is_within else template.replace("UNIQUE INDEX", "UNIQUE INDEX CONCURRENTLY")
        try:
            editor.execute(create, params=None)
        except IntegrityError:  # whose detail has the values
            if not is_within:
                drop_index(editor, self.constraint.name)
            raise CommandError(
                f"{model._meta.db_table} has rows that are alike in what {self.constraint.name} says is unique; "
                "nothing was changed: mend them, then migrate again."
            ) from None

    def database_backwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop it."""
        refuse_transaction(self, schema_editor)
        editor, model = schema_editor, from_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(editor.connection.alias, model):
            return
        if self._create(editor, model).template != editor.sql_create_unique_index:
            drop_constraint(editor, model, self.constraint.name)
        drop_index(editor, self.constraint.name)  # also one that was built and did not become a constraint's

    def describe(self) -> str:
        """One line for `migrate --plan`."""
        return f"Concurrently add unique constraint {self.constraint.name} to model {self.model_name}"

    @property
    def migration_name_fragment(self) -> str:
        """For the name of a generated migration."""
        return f"{super().migration_name_fragment}_concurrently"
