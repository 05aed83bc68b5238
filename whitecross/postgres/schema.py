"""How schema changes are written for PostgreSQL."""

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from django.db.backends.ddl_references import ForeignKeyName
from django.db.backends.postgresql import schema
from django.db.backends.utils import names_digest, split_identifier

LONGEST_NAME = 63


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    """Names foreign keys as PostgreSQL itself would, and as the predecessor's were: `students_nurseId_fkey`."""

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """As Django's, which leaves its transaction open where deferred SQL fails: nothing could be tried again."""
        if exc_type is None:
            try:
                for sql in self.deferred_sql:
                    self.execute(sql, None)
            except BaseException:
                if self.atomic_migration:
                    self.atomic.__exit__(*sys.exc_info())
                raise
        if self.atomic_migration:
            self.atomic.__exit__(exc_type, exc_value, traceback)

    def _fk_constraint_name(self, model: Any, field: Any, suffix: str) -> ForeignKeyName:
        def name(table: str, columns: Sequence[str], suffix: str) -> str:
            whole = f"{split_identifier(table)[1]}_{'_'.join(columns)}_fkey"
            if len(whole) > LONGEST_NAME:
                digest = names_digest(whole, length=8)
                whole = f"{whole[: LONGEST_NAME - len(digest) - 6]}_{digest}_fkey"
            return str(self.quote_name(whole))

        target = field.target_field
        return ForeignKeyName(
            model._meta.db_table, [field.column], target.model._meta.db_table, [target.column], suffix, name
        )
