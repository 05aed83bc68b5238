"""What the running release has in the database, from the state that the released migrations lead to."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import NOT_PROVIDED, ForeignKey, ManyToManyField, UniqueConstraint

from core.db import EnumField


@dataclass
class Running:
    """Names in the database that the models of the running release say."""

    columns: dict[str, dict[str, Any]] = field(default_factory=dict)  # table -> column -> field
    indexes: set[str] = field(default_factory=set)
    unique: set[str] = field(default_factory=set)
    enums: set[str] = field(default_factory=set)

    @property
    def tables(self) -> set[str]:
        """The tables in use."""
        return set(self.columns)


def state_of(loader: MigrationLoader, keys: Iterable[tuple[str, str]]) -> ProjectState:
    """The state after these migrations."""
    state = ProjectState(real_apps=loader.unmigrated_apps)
    for key in keys:
        state = loader.graph.nodes[key].mutate_state(state, preserve=False)
    return state


def running(state: ProjectState) -> Running:
    """What the models of a state say."""
    found = Running()
    for model in state.models.values():
        if model.options.get("managed", True) and not model.options.get("proxy"):
            _take_in(found, model)
    return found


def table_of(model: ModelState) -> str:
    """The table of a model."""
    return str(model.options.get("db_table") or f"{model.app_label}_{model.name_lower}")


def column_of(name: str, one: Any) -> str:
    """The column of a field."""
    return str(one.db_column or (f"{name}_id" if isinstance(one, ForeignKey) else name))


def _take_in(found: Running, model: ModelState) -> None:
    table = table_of(model)
    columns = found.columns.setdefault(table, {})
    for name, one in model.fields.items():
        if isinstance(one, ManyToManyField):
            if not getattr(one.remote_field, "through", None):
                found.columns.setdefault(getattr(one, "db_table", None) or f"{table}_{name}", {})
            continue
        columns[column_of(name, one)] = one
        if isinstance(one, EnumField):
            found.enums.add(one.type_name)
    found.indexes |= {index.name for index in model.options.get("indexes", [])}
    found.unique |= {
        constraint.name
        for constraint in model.options.get("constraints", [])
        if isinstance(constraint, UniqueConstraint)
    }


def has_default_in_database(one: Any) -> bool:
    """Whether the database fills the column where an INSERT does not name it."""
    return one.null or one.db_default is not NOT_PROVIDED or bool(getattr(one, "generated", False))
