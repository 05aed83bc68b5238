"""Indexes that say which question they serve."""

from typing import Any

from django.contrib.postgres import indexes as postgres
from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement


class Serving:
    """Mixin of index classes: a name of up to 63 characters and, kept as its COMMENT, the question it serves."""

    # PostgreSQL's limit; Django's 30 is Oracle's.
    max_name_length = 63

    def __init__(self, *expressions: Any, serves: str = "", **kwargs: Any) -> None:
        self.serves = serves
        super().__init__(*expressions, **kwargs)

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        """As migrations write it: with `serves`."""
        _, args, kwargs = super().deconstruct()  # type: ignore[misc]
        if self.serves:
            kwargs["serves"] = self.serves
        return f"core.db.{type(self).__name__}", args, kwargs

    def create_sql(
        self,
        model: type[models.Model],
        schema_editor: BaseDatabaseSchemaEditor,
        using: str = "",
        **kwargs: Any,
    ) -> Statement:
        """CREATE INDEX and, in the same round trip, its comment. CONCURRENTLY must stand alone, so it has none."""
        statement: Statement = super().create_sql(model, schema_editor, using=using, **kwargs)  # type: ignore[misc]
        if self.serves and not kwargs.get("concurrently"):
            comment = str(schema_editor.quote_value(self.serves)).replace("%", "%%")
            statement.template += f"; COMMENT ON INDEX %(name)s IS {comment}"
        return statement


class Index(Serving, models.Index):
    """A B-tree index."""


class BrinIndex(Serving, postgres.BrinIndex):
    """A block-range index: next to nothing in size, for scans over time."""


class GinIndex(Serving, postgres.GinIndex):
    """An inverted index: for words in a text and members of an array."""
