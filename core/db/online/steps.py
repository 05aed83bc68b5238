"""What the operations share: whether they may run here, and what an object would be like if they made it now."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation

Editor = BaseDatabaseSchemaEditor


def refuse_transaction(operation: Operation, editor: Editor) -> None:
    """The migration's own transaction would hold each lock to its end. Raises CommandError."""
    if editor.atomic_migration:
        raise CommandError(
            f"{type(operation).__name__} does not work in a transaction of its migration: "
            "write atomic = False into the migration, and nothing else than such operations."
        )


def ask(editor: Editor, sql: str, params: Any = None) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with editor.connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


@contextmanager
def empty_twin(editor: Editor, table: str) -> Iterator[None]:
    """Meanwhile the table's name means an empty temporary table with its columns; afterwards nothing is left of that.

    PostgreSQL's own text for an index or a CHECK is compared with its text for the one that stands there: ours says the
    same in other words.
    """
    name = editor.quote_name(table)
    with transaction.atomic(using=editor.connection.alias):
        editor.execute(f"CREATE TEMPORARY TABLE {name} (LIKE {name})", params=None)
        # A search_path may say that temporary tables come last.
        ask(
            editor,
            "SELECT set_config('search_path', concat_ws(', ', 'pg_temp', nullif(setting, '')), true)"
            " FROM pg_settings WHERE name = 'search_path'",
        )
        yield
        transaction.set_rollback(True, using=editor.connection.alias)
