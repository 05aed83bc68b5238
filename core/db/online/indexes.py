"""Indexes that are built and dropped while the table is read and written."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.core.management.base import CommandError
from django.db import OperationalError, models, transaction
from django.db.migrations.operations import AddIndex, RemoveIndex
from django.db.migrations.operations.base import OperationCategory
from django.db.migrations.state import ProjectState

from core.db.online.steps import Editor, ask, empty_twin, refuse_transaction

LOCK_NOT_AVAILABLE = "55P03"
BUILD_S = 30.0  # for so long a build is waited for without standing in the queue of its lock
_FOUND = """
SELECT t.relname, i.indisvalid AND i.indisready, pg_get_indexdef(i.indexrelid)
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
WHERE i.indexrelid = to_regclass(%s)
"""


@dataclass
class _Found:
    table: str
    is_valid: bool
    definition: str

    @property
    def shape(self) -> tuple[bool, str]:
        """What it is but for names."""
        return self.definition.startswith("CREATE UNIQUE"), self.definition.partition(" USING ")[2]


def _found(editor: Editor, name: str) -> _Found | None:
    rows = ask(editor, _FOUND, [editor.quote_name(name)])
    return _Found(*rows[0]) if rows else None


def _after_builders(editor: Editor, table: str, name: str) -> _Found | None:
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
        found = _found(editor, name)
        if found is None or found.is_valid:
            return found
        time.sleep(0.05)
    return found


def _drop(editor: Editor, name: str) -> None:
    concurrently = "" if editor.connection.in_atomic_block else "CONCURRENTLY "
    editor.execute(f"DROP INDEX {concurrently}IF EXISTS {editor.quote_name(name)}", params=None)


def _comment(editor: Editor, index: models.Index) -> None:
    if serves := getattr(index, "serves", ""):
        quoted = editor.quote_value(serves)
        editor.execute(f"COMMENT ON INDEX {editor.quote_name(index.name)} IS {quoted}", params=None)


def _is_there(editor: Editor, model: type[models.Model], index: models.Index) -> bool:
    """Whether the index stands there already. Raises CommandError where another of its name does."""
    table = model._meta.db_table
    found = _found(editor, index.name)
    if found is not None and not found.is_valid and found.table == table:
        found = _after_builders(editor, table, index.name)
        if found is not None and not found.is_valid:
            _drop(editor, index.name)
            return False
    if found is None:
        return False
    if found.table == table and found.is_valid:
        with empty_twin(editor, table):
            editor.execute(index.create_sql(model, editor), params=None)
            wanted = _found(editor, index.name)
        if wanted is not None and wanted.shape == found.shape:
            return True
    raise CommandError(
        f"An index {index.name} that this migration does not build stands there already ({found.definition}): "
        f'drop it (DROP INDEX CONCURRENTLY "{index.name}") or rename it, then migrate again.'
    )


def _add(editor: Editor, model: type[models.Model], index: models.Index) -> None:
    if not editor.collect_sql and _is_there(editor, model, index):
        _comment(editor, index)
        return
    if editor.connection.in_atomic_block and not editor.collect_sql:
        editor.add_index(model, index)
        return
    editor.add_index(model, index, concurrently=True)  # type: ignore[call-arg]
    _comment(editor, index)


def _remove(editor: Editor, model: type[models.Model], name: str) -> None:
    if editor.collect_sql:
        editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {editor.quote_name(name)}", params=None)
    else:
        _drop(editor, name)


class AddIndexConcurrently(AddIndex):
    """CREATE INDEX CONCURRENTLY, and what the index serves as its comment.

    What a build that broke has left is dropped and built anew; the very index that stands there already is left alone.
    """

    atomic = False
    category = OperationCategory.ADDITION

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Build it. Raises CommandError where another index bears the name."""
        refuse_transaction(self, schema_editor)
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            _add(schema_editor, model, self.index)

    def database_backwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop it."""
        refuse_transaction(self, schema_editor)
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            _remove(schema_editor, model, self.index.name)

    def describe(self) -> str:
        """One line for `migrate --plan`."""
        return f"Concurrently create index {self.index.name} of model {self.model_name}"


class RemoveIndexConcurrently(RemoveIndex):
    """DROP INDEX CONCURRENTLY; the reverse builds it as AddIndexConcurrently does."""

    atomic = False
    category = OperationCategory.REMOVAL

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop it."""
        refuse_transaction(self, schema_editor)
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            _remove(schema_editor, model, self.name)

    def database_backwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Build it. Raises CommandError where another index bears the name."""
        refuse_transaction(self, schema_editor)
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            state = to_state.models[app_label, self.model_name_lower]
            _add(schema_editor, model, state.get_index_by_name(self.name))

    def describe(self) -> str:
        """One line for `migrate --plan`."""
        return f"Concurrently drop index {self.name} of model {self.model_name}"
