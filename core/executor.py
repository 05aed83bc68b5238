"""Runs migrations without rendering every model again and again.

Nearly all the time of `migrate` goes into rendering: when Django adds a model to its picture of the project, it
renders all models that are related to it, at any remove, and in a schema of students that is all of them. Here a new
model is treated as Django treats a new field: only its direct relations are rendered, the rest is marked as stale, and
a step that looks at rows (RunPython) renders everything first, as ever. The SQL is the same, which the tests compare.
"""

from typing import Self

from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ModelState, ProjectState


class QuickState(ProjectState):
    """A picture of the project in which a new model costs no more than a new field."""

    def add_model(self, model_state: ModelState) -> None:
        """As Django's, but render direct relations only."""
        key = model_state.app_label, model_state.name_lower
        self.models[key] = model_state
        if self._relations is not None:  # type: ignore[attr-defined]
            self.resolve_model_relations(key)
        self.reload_model(*key, delay=True)

    def clone(self) -> Self:
        """As Django's, and quick as well."""
        copy = super().clone()
        copy.__class__ = type(self)
        return copy  # type: ignore[return-value]


class Executor(MigrationExecutor):
    """Django's executor with quick states."""

    def _create_project_state(self, with_applied_migrations: bool = False) -> ProjectState:
        state: ProjectState = super()._create_project_state(with_applied_migrations)  # type: ignore[misc]
        state.__class__ = QuickState
        return state
