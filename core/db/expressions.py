"""SQL expressions that models and migrations use."""

from typing import Any

from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Func


class UUIDv7(Func):
    """The database's own `uuidv7()`: built in from PostgreSQL 18 on, supplied by `core.0001` before."""

    function = "uuidv7"
    arity = 0

    def __init__(self, **extra: Any) -> None:
        extra.setdefault("output_field", models.UUIDField())
        super().__init__(**extra)

    def deconstruct(self) -> tuple[str, tuple[()], dict[str, Any]]:
        """As migrations write it."""
        return "core.db.UUIDv7", (), {}


class TransactionTime(Func):
    """`now()`: when the transaction began, so that all rows of one deed bear one time."""

    template = "now()"
    arity = 0

    def __init__(self, **extra: Any) -> None:
        extra.setdefault("output_field", models.DateTimeField())
        super().__init__(**extra)

    def deconstruct(self) -> tuple[str, tuple[()], dict[str, Any]]:
        """As migrations write it."""
        return "core.db.TransactionTime", (), {}


class SearchWords(Func):
    """The words of some columns, as searches compare them: a tsvector without positions, for a GIN index."""

    template = "search_words(search_text(%(expressions)s))"
    arg_joiner = " || ' ' || "

    def __init__(self, *columns: Any, **extra: Any) -> None:
        extra.setdefault("output_field", SearchVectorField())
        super().__init__(*columns, **extra)

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        """As migrations write it."""
        return "core.db.SearchWords", self._constructor_args[0], {}  # type: ignore[attr-defined]
