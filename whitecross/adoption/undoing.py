"""The way back, and the end: `undo` puts everything as it was before, `finish` drops what the predecessor left."""

from typing import Any

from django.apps import apps
from django.db import InternalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.migrations.loader import MigrationLoader

from core.db import CreateEnum, CreateFunction
from core.schema.expected import load_expected
from whitecross.adoption.building import silence
from whitecross.adoption.loading import REJECTS, SILENT
from whitecross.adoption.mapping import HISTORY, ORDER, SETTINGS
from whitecross.adoption.moving import (
    LEGACY,
    SEEDS,
    Record,
    drop_record,
    legacy_tables,
    legacy_types,
    lock,
    move_back,
)
from whitecross.adoption.sql import quoted, within

DEPENDENT = "2BP01"  # the SQLSTATE of an object that others need


class UndoError(Exception):
    """It cannot be done; nothing was. The message is a sentence for people."""


def changed_since(connection: BaseDatabaseWrapper, record: Record) -> dict[str, int]:
    """Table -> rows that were added, changed or removed here since the rows came: what undoing loses."""
    if record.adopted is None:
        return {}
    came = {table["table"]: table["rowsHere"] for table in (record.report or {}).get("tables", [])}
    found = {}
    with connection.cursor() as cursor:
        for table in ORDER:
            time = "createdAt" if table == HISTORY else "updatedAt"
            cursor.execute(
                f"SELECT count(*), count(*) FILTER (WHERE {quoted(time)} > %s) FROM {quoted(table)}", [record.adopted]
            )
            rows, newer = cursor.fetchone()
            removed = max(0, came.get(table, 0) - (rows - newer)) if table != SETTINGS else 0
            if number := max(newer, removed):
                found[table] = number
    return found


def undo(connection: BaseDatabaseWrapper, record: Record) -> None:
    """Put the database back to what it was before the adoption began. Raises UndoError and BusyError.

    One transaction: killed, it has done nothing.
    """
    with _in_one_transaction(connection), connection.cursor() as cursor:
        legacy = [within(LEGACY, table) for table in legacy_tables(cursor)]
        ours = _ours(cursor, record.schema)
        lock(cursor, [*legacy, *ours["tables"]])
        if record.was_migrated:
            _empty(cursor)
        else:
            _drop_ours(cursor, ours)
        if record.in_place:
            move_back(cursor, record.schema)
        drop_record(cursor)


def finish(connection: BaseDatabaseWrapper, record: Record) -> None:
    """Drop the predecessor's tables and types, and the record. Raises UndoError and BusyError."""
    if record.adopted is None:
        raise UndoError("The adoption has not come to its end: run manage.py adopt again first. Nothing was dropped.")
    with _in_one_transaction(connection), connection.cursor() as cursor:
        tables = [within(LEGACY, table) for table in legacy_tables(cursor)]
        lock(cursor, tables)
        if tables:
            cursor.execute(f"DROP TABLE {', '.join(tables)}")
        for type_ in legacy_types(cursor):
            cursor.execute(f"DROP TYPE {within(LEGACY, type_)}")
        drop_record(cursor)


class _in_one_transaction:  # noqa: N801 - used as a with statement reads
    """A transaction in which a refusal for want of CASCADE becomes a sentence: nobody else's objects are dropped."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._atomic = transaction.atomic(using=connection.alias)

    def __enter__(self) -> None:
        self._atomic.__enter__()

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self._atomic.__exit__(kind, error, trace)
        if isinstance(error, InternalError) and getattr(error.__cause__, "sqlstate", None) == DEPENDENT:
            detail = str(getattr(error.__cause__, "diag").message_detail or "")  # noqa: B009 - names alone
            raise UndoError(
                f"Something else in the database needs what would be dropped: {'; '.join(detail.splitlines()[:3])}. "
                "Nothing was changed: drop that first."
            ) from error


def _ours(cursor: CursorWrapper, schema: str) -> dict[str, list[str]]:
    """What migrations make, as far as it is there: also what an interrupted migrate has left."""
    expected = load_expected()
    tables, enums, functions = set(expected["tables"]), set(expected["enums"]), set(expected["functions"])
    for model in apps.get_models(include_auto_created=True):
        tables.add(model._meta.db_table)
    for migration in MigrationLoader(None).disk_migrations.values():
        for operation in migration.operations:
            if isinstance(operation, CreateEnum):
                enums.add(operation.name)
            elif isinstance(operation, CreateFunction):
                functions.add(operation.signature)
    found: dict[str, list[str]] = {"tables": [], "enums": [], "functions": []}
    for kind, names, catalog in (("tables", tables, "to_regclass"), ("enums", enums, "to_regtype")):
        for name in sorted(names):
            cursor.execute(f"SELECT {catalog}(%s) IS NOT NULL", [within(schema, name)])
            if cursor.fetchone()[0]:
                found[kind].append(within(schema, name))
    found["functions"] = [f"{quoted(schema)}.{signature}" for signature in sorted(functions)]
    return found


def _drop_ours(cursor: CursorWrapper, ours: dict[str, list[str]]) -> None:
    if ours["tables"]:
        cursor.execute(f"DROP TABLE {', '.join(ours['tables'])}")
    for signature in ours["functions"]:
        cursor.execute(f"DROP FUNCTION IF EXISTS {signature}")
    for enum in ours["enums"]:
        cursor.execute(f"DROP TYPE {enum}")


def _empty(cursor: CursorWrapper) -> None:
    """Remove every row that came, and whatever refers to one; the seeded settings are put back as they were."""
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [SEEDS])
    if not cursor.fetchone()[0]:
        return  # killed before anything came
    tables = [*ORDER, REJECTS]
    cursor.execute(
        "SELECT DISTINCT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f'"
        " AND confrelid = ANY(%s::regclass[]) AND conrelid <> ALL (%s::regclass[])",
        [list(map(quoted, tables))] * 2,
    )
    referring = [name for (name,) in cursor.fetchall()]
    silent = {
        SETTINGS: (*SILENT[SETTINGS], "system_configurations_refuse_truncate"),
        HISTORY: (*SILENT[HISTORY], "configuration_history_refuse_truncate"),
    }
    loud = silence(cursor, silent)
    cursor.execute(f"TRUNCATE {', '.join([*map(quoted, tables), *referring])}")
    cursor.execute(
        "SELECT string_agg(format('%%I', column_name), ', ' ORDER BY ordinal_position) FROM information_schema.columns"
        " WHERE table_schema = %s AND table_name = 'settings_before'",
        [LEGACY],
    )
    (columns,) = cursor.fetchone()
    cursor.execute(f"INSERT INTO {quoted(SETTINGS)} ({columns}) SELECT {columns} FROM {SEEDS}")
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with checks to come cannot be altered
    for statement in loud:
        cursor.execute(statement)


def keep_seeds(cursor: CursorWrapper) -> None:
    """Keep the settings as they are before any come, for undo to put back."""
    cursor.execute(f"CREATE TABLE {SEEDS} AS TABLE {quoted(SETTINGS)}")
