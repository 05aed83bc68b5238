"""What stands under the name of an index that is to be built, and the end of a build that broke."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.core.management.base import CommandError
from django.db import OperationalError, models, transaction

from core.db.online.steps import Editor, ask, empty_twin

LOCK_NOT_AVAILABLE = "55P03"
BUILD_S = 30.0  # for so long a build is waited for without standing in the queue of its lock
_FOUND = """
SELECT coalesce(t.relname, ''), coalesce(i.indisvalid AND i.indisready, true), coalesce(pg_get_indexdef(x.oid), ''),
       EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.oid AND k.contype IN ('p', 'u', 'x'))
FROM pg_class x LEFT JOIN pg_index i ON i.indexrelid = x.oid LEFT JOIN pg_class t ON t.oid = i.indrelid
WHERE x.oid = to_regclass(%s)
"""


@dataclass
class Found:
    """What bears a name. `table` and `definition` are empty where it is no index."""

    table: str
    is_valid: bool
    definition: str
    is_of_constraint: bool

    @property
    def shape(self) -> tuple[bool, str]:
        """What it is but for names."""
        return self.definition.startswith("CREATE UNIQUE"), self.definition.partition(" USING ")[2]


def found_index(editor: Editor, name: str) -> Found | None:
    """What bears the name of an index, in the schema where it would be made."""
    rows = ask(editor, _FOUND, [editor.quote_name(name)])
    return Found(*rows[0]) if rows else None


def _after_builders(editor: Editor, table: str, name: str) -> Found | None:
    """What became of an index that is not valid yet: if only its client was killed, the server is still building it.

    A build holds the lock that is asked for here, and lets it go a moment before the transaction ends in which it makes
    the index valid. To wait in its queue would be a deadlock: what looks the table up has a snapshot, for whose end
    the build waits.
    """
    lock = f"LOCK TABLE {editor.quote_name(table)} IN SHARE UPDATE EXCLUSIVE MODE"
    until = time.monotonic() + BUILD_S
    while True:
        # Whoever holds it for longer is asked in the queue, where it is seen who that is, and autovacuum gives way.
        is_last = time.monotonic() >= until
        try:
            with transaction.atomic(using=editor.connection.alias):
                editor.execute(lock if is_last else f"{lock} NOWAIT", params=None)
            break
        except OperationalError as error:
            if is_last or getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            time.sleep(0.1)
    for _ in range(6):
        found = found_index(editor, name)
        if found is None or found.is_valid:
            return found
        time.sleep(0.05)
    return found


def drop_index(editor: Editor, name: str) -> None:
    """Drop an index if it is there, while its table is in use."""
    concurrently = "" if editor.connection.in_atomic_block else "CONCURRENTLY "
    editor.execute(f"DROP INDEX {concurrently}IF EXISTS {editor.quote_name(name)}", params=None)


def is_built(editor: Editor, model: type[models.Model], index: models.Index | models.UniqueConstraint) -> bool:
    """Whether the index stands there already. Raises CommandError where something else bears its name.

    What a build that broke has left is dropped.
    """
    table = model._meta.db_table
    found = found_index(editor, index.name)
    if found is not None and not found.is_valid and found.table == table:
        found = _after_builders(editor, table, index.name)
        if found is not None and not found.is_valid:
            drop_index(editor, index.name)
            return False
    if found is None:
        return False
    if found.table == table and found.is_valid:
        with empty_twin(editor, table):
            editor.execute(index.create_sql(model, editor), params=None)
            wanted = found_index(editor, index.name)
        if wanted is not None and wanted.shape == found.shape:
            return True
    if not found.table:
        raise CommandError(
            f"{index.name} is the name of a table, view or sequence, so that no index can bear it: rename one of the "
            "two, then migrate again."
        )
    drop = f'DROP INDEX CONCURRENTLY "{index.name}"'
    if found.is_of_constraint:
        drop = f'ALTER TABLE "{found.table}" DROP CONSTRAINT "{index.name}"'
    raise CommandError(
        f"An index {index.name} that this migration does not build stands there already ({found.definition}): "
        f"drop it ({drop}) or rename it, then migrate again."
    )
