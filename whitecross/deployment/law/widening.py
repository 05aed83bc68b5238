"""Which changes of a column's type leave every value as it is stored, and what PostgreSQL does all the same."""

from collections.abc import Iterator
from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.db.migrations.operations import AlterField
from django.db.migrations.state import ModelState
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from core.db import CompositeForeignKey, Trigger
from whitecross.deployment.law.operations import flattened
from whitecross.deployment.law.running import column_of, table_of
from whitecross.deployment.law.steps import Step

PLAIN = (CompositeForeignKey, Trigger)  # compares what is stored; does not look at types


def widened(step: Step) -> dict[tuple[str, str], str]:
    """The columns, as (table, column), that only get wider, each with the long work that this brings with it.

    A CHECK is proven anew; an index of the column is built anew where it has a condition or expressions. Those that
    only SQL has made are not known.
    """
    found = {}
    for one in flattened(step.operation):
        if isinstance(one, AlterField):
            model = step.before.models.get((step.app_label, one.model_name_lower))
            old: Any = model and model.fields.get(one.name)
            if model and old and _fits(old, one.field):
                work = "; ".join(_work(model, one.name))
                found[table_of(model), column_of(one.name, old)] = work
    return found


def _fits(old: Any, new: Any) -> bool:
    """A text may be longer, a number have more digits before the point. Another collation sorts indexes anew."""
    if getattr(old, "db_collation", None) != getattr(new, "db_collation", None):
        return False
    kinds = (old.get_internal_type(), new.get_internal_type())
    if kinds == ("CharField", "TextField"):
        return True
    if kinds == ("CharField", "CharField"):
        return new.max_length is None or (old.max_length is not None and old.max_length <= new.max_length)
    if kinds == ("DecimalField", "DecimalField"):
        return bool(old.decimal_places == new.decimal_places and old.max_digits <= new.max_digits)
    return False


def _work(model: ModelState, field: str) -> Iterator[str]:
    for constraint in model.options.get("constraints", []):
        if isinstance(constraint, CheckConstraint):
            if _mentions(constraint.condition, field):
                yield f"looks at every row for {constraint.name}, in which {field} stands"
        elif isinstance(constraint, UniqueConstraint):
            if _is_built_anew(constraint, field):
                yield f"builds the index of {constraint.name} anew"
        elif isinstance(constraint, ExclusionConstraint) or not isinstance(constraint, PLAIN):
            yield f"builds {constraint.name} anew, if {field} stands in it"
    for index in model.options.get("indexes", []):
        if _is_built_anew(index, field):
            yield f"builds the index {index.name} anew"
    for name, other in model.fields.items():
        if getattr(other, "generated", False) and _mentions(other.expression, field):  # type: ignore[attr-defined]
            yield f"computes {name} anew in every row"


def _is_built_anew(index: Any, field: str) -> bool:
    """PostgreSQL keeps the index of a widened column unless it has a condition or expressions, of whatever columns."""
    if not (index.condition or index.expressions):
        return False
    named = {name.removeprefix("-") for name in (*index.fields, *index.include)}
    return field in named or any(_mentions(one, field) for one in (index.condition, *index.expressions))


def _mentions(expression: Any, field: str) -> bool:
    """Whether a condition or expression uses the field. What cannot be looked through may."""
    if expression is None:
        return False
    if isinstance(expression, Q):
        return any(
            one[0].partition("__")[0] in (field, "pk") or _mentions_value(one[1], field)
            if isinstance(one, tuple)
            else _mentions(one, field)
            for one in expression.children
        )
    if isinstance(expression, F):
        return str(vars(expression)["name"]).partition("__")[0] in (field, "pk")
    if not hasattr(expression, "get_source_expressions"):
        return True
    inner = [one for one in expression.get_source_expressions() if one is not None]
    if not inner:
        return hasattr(expression, "sql")  # RawSQL
    return any(_mentions(one, field) for one in inner)


def _mentions_value(value: Any, field: str) -> bool:
    return (isinstance(value, Q | F) or hasattr(value, "get_source_expressions")) and _mentions(value, field)
