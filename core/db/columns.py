"""camelCase columns in PostgreSQL, snake_case attributes in Python."""

from typing import Any

from django.db import models
from django.db.models.base import ModelBase


def column_name(attribute: str, *, relation: bool = False) -> str:
    """The column of an attribute: `is_active` -> `isActive`; a relation `student` -> `studentId`."""
    first, *rest = attribute.split("_")
    return first + "".join(part.capitalize() for part in rest) + ("Id" if relation else "")


class CamelCaseModelBase(ModelBase):
    """Names each column that does not name itself.

    `add_to_class` is where every field passes: a model's own, those of its abstract bases (also Django's
    AbstractBaseUser) and the copies that simple-history makes. Migrations then hold the names as literals.
    """

    def add_to_class(cls, name: str, value: Any) -> None:  # noqa: N805 - a metaclass: its self is a class
        """Set `db_column` before the field joins its model."""
        if isinstance(value, models.Field) and value.db_column is None and not value.many_to_many:
            value.db_column = column_name(name, relation=isinstance(value, models.ForeignKey))
        super().add_to_class(name, value)
