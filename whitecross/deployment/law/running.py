"""What the running release has in the database, from the state that the released migrations lead to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import (
    NOT_PROVIDED,
    AutoField,
    BigAutoField,
    ForeignKey,
    ManyToManyField,
    SmallAutoField,
    UniqueConstraint,
)

from core.db import EnumField

AUTO = (AutoField, BigAutoField, SmallAutoField)
LONGEST_NAME = 63


@dataclass
class Running:
    """Names in the database that the models of the running release say."""

    columns: dict[str, dict[str, Any]] = field(default_factory=dict)  # table -> column -> field
    indexes: set[str] = field(default_factory=set)
    unique: set[str] = field(default_factory=set)
    keys: dict[str, list[frozenset[str]]] = field(default_factory=dict)  # table -> columns that name one row together
    enums: set[str] = field(default_factory=set)

    @property
    def tables(self) -> set[str]:
        """The tables in use."""
        return set(self.columns)


def running(state: ProjectState) -> Running:
    """What the models of a state say."""
    found = Running(columns_of(state))
    for model in _models(state):
        _take_in(found, model)
    return found


def columns_of(state: ProjectState) -> dict[str, dict[str, Any]]:
    """The tables of a state with their columns, and the field of each."""
    found: dict[str, dict[str, Any]] = {}
    for model in _models(state):
        table = table_of(model)
        columns = found.setdefault(table, {})
        for name, one in model.fields.items():
            if not isinstance(one, ManyToManyField):
                columns[column_of(name, one)] = one
            elif not getattr(one.remote_field, "through", None):
                found.setdefault(getattr(one, "db_table", None) or f"{table}_{name}", {})
    return found


def _models(state: ProjectState) -> Iterator[ModelState]:
    for model in state.models.values():
        if model.options.get("managed", True) and not model.options.get("proxy"):
            yield model


def table_of(model: ModelState) -> str:
    """The table of a model."""
    return str(model.options.get("db_table") or f"{model.app_label}_{model.name_lower}")


def column_of(name: str, one: Any) -> str:
    """The column of a field."""
    return str(one.db_column or (f"{name}_id" if isinstance(one, ForeignKey) else name))


def _take_in(found: Running, model: ModelState) -> None:
    table = table_of(model)
    found.enums |= {one.type_name for one in model.fields.values() if isinstance(one, EnumField)}
    found.indexes |= {index.name for index in model.options.get("indexes", [])}
    constraints = [one for one in model.options.get("constraints", []) if isinstance(one, UniqueConstraint)]
    found.unique |= {constraint.name for constraint in constraints}
    unnamed: list[Sequence[str]] = [(name,) for name, one in model.fields.items() if getattr(one, "unique", False)]
    unnamed += [tuple(fields) for fields in model.options.get("unique_together") or ()]
    for fields in unnamed:
        if columns := _columns_of_key(model, fields):
            found.unique |= _names_of_key(table, columns)
    for fields in unnamed + [constraint.fields for constraint in constraints]:
        if columns := _columns_of_key(model, fields):
            found.keys.setdefault(table, []).append(frozenset(columns))


def _columns_of_key(model: ModelState, fields: Sequence[str]) -> list[str]:
    """Nothing where the models have forgotten one of the fields."""
    known = set(fields) <= model.fields.keys()
    return [column_of(name, model.fields[name]) for name in fields] if known else []


def _names_of_key(table: str, columns: list[str]) -> set[str]:
    """The names that Django and PostgreSQL give to a unique constraint that was not given any."""
    editor: Any = connection.schema_editor()
    of_django = editor._unique_constraint_name(table, columns, quote=False)
    return {str(of_django), _name_by_postgresql(table, "_".join(columns), "key"), f"{table}_pkey"}


def _name_by_postgresql(table: str, columns: str, label: str) -> str:
    """As its makeObjectName: of at most 63 bytes, for which the longer of the two is cut. Our names are ASCII."""
    while len(table) + len(columns) + len(label) + 2 > LONGEST_NAME:
        if len(table) > len(columns):
            table = table[:-1]
        else:
            columns = columns[:-1]
    return f"{table}_{columns}_{label}"


def has_default_in_database(one: Any) -> bool:
    """Whether the database has a value for the column where an INSERT does not name it."""
    return isinstance(one, AUTO) or one.db_default is not NOT_PROVIDED or bool(getattr(one, "generated", False))
