"""What the database refuses, in sentences for the form."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError, models

from core.db import CompositeForeignKey, Trigger

GONE = "A record that this one refers to is gone, or this one is still in use. Choose another, or ask an administrator."
UNFIT = "The database cannot keep one of these values: too large, too long, or with characters that no text may hold."


class OutOfScopeError(ValidationError):
    """The record, as it would be saved, lies outside what the user may see."""

    def __init__(self) -> None:
        super().__init__(
            "Saved like this, the record would leave your school or district. Choose one of yours; "
            "transfers between schools are made by an administrator of both."
        )


def sentence(error: DatabaseError, model: type[models.Model]) -> str:
    """What a refused INSERT, UPDATE or DELETE means for the person at the form: rules by name, never values."""
    cause: Any = error.__cause__
    diagnosis: Any = getattr(cause, "diag", None)
    state = str(getattr(diagnosis, "sqlstate", None) or "")
    name = getattr(diagnosis, "constraint_name", None)
    rule = next((rule for rule in model._meta.constraints if rule.name == name), None)
    if (
        isinstance(rule, models.UniqueConstraint)
        and rule.violation_error_message == rule.default_violation_error_message
    ):
        fields = " and ".join(
            str(getattr(model._meta.get_field(field), "verbose_name", field)) for field in rule.fields
        )
        return f"Another record, perhaps a deleted one, has this {fields}."
    if isinstance(rule, CompositeForeignKey):
        return "A student of a school belongs to that school's district."
    if isinstance(rule, Trigger):
        return str(diagnosis.message_primary)  # our functions write sentences, about settings and tables only
    if rule is not None:
        return str(rule.violation_error_message)
    if state == "23503":
        return GONE
    if state == "23502":
        column = getattr(diagnosis, "column_name", None)
        field = next((field for field in model._meta.fields if field.column == column), None)
        return f"{str(field.verbose_name).capitalize()}: needed." if field else "A value is missing."
    return UNFIT
