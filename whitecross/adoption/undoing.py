"""The way back, and the end: `undo` puts everything as it was before, `finish` drops what the predecessor left."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import InternalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from whitecross.adoption.building import silence
from whitecross.adoption.loading import REJECTS, SILENT
from whitecross.adoption.mapping import HISTORY, ORDER, SETTINGS
from whitecross.adoption.moving import LEGACY, SEEDS, Record, aside, drop_record, lock, move_back
from whitecross.adoption.ours import drop_ours, names, our_tables
from whitecross.adoption.sql import literal, quoted, within

DEPENDENT = "2BP01"  # the SQLSTATE of an object that others need


class UndoError(Exception):
    """It cannot be done; nothing was. The message is a sentence for people."""


def changed_since(connection: BaseDatabaseWrapper, record: Record) -> dict[str, int]:
    """Table -> rows that were added, changed or removed here since the rows came: what undoing loses.

    Where no rows have come yet, whatever rows there are, but for the seeded settings.
    """
    report = record.report or {}
    came = {table["table"]: table["rowsHere"] for table in report.get("tables", [])}
    came[SETTINGS] = came.get(SETTINGS, 0) + report.get("seededSettings", 0)
    found = {}
    with connection.cursor() as cursor:
        for table in ORDER:
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [within(record.schema, table)])
            if not cursor.fetchone()[0] or (record.adopted is None and table == SETTINGS):
                continue  # a seeded setting that was changed has its history
            # A row that came may say a time that is still to come.
            added, changed = (
                f"{quoted(time)} BETWEEN {literal(record.adopted.isoformat())} AND clock_timestamp()"
                if record.adopted
                else "true"
                for time in ("createdAt", "createdAt" if table == HISTORY else "updatedAt")
            )
            cursor.execute(
                f"SELECT count(*), count(*) FILTER (WHERE {added}), count(*) FILTER (WHERE {added} OR {changed})"
                f" FROM {within(record.schema, table)}"
            )
            rows, new, touched = cursor.fetchone()
            if number := touched + max(0, came.get(table, 0) - (rows - new)):
                found[table] = number
    return found


def undo(connection: BaseDatabaseWrapper, record: Record, lost: dict[str, int] | None = None) -> None:
    """Put the database back to what it was before the adoption began. Raises UndoError and BusyError.

    `lost` is what whoever decides was told (see `changed_since`). One transaction: killed, it has done nothing.
    """
    with _or_a_sentence(connection), connection.cursor() as cursor:
        lock(cursor, [*aside(record), *our_tables(cursor, record.schema)])
        if lost is not None and changed_since(connection, record) != lost:
            raise UndoError(
                "Rows have come in or changed meanwhile. Nothing was changed: stop what writes, look again."
            )
        if record.was_migrated:
            _empty(cursor)
        else:
            drop_ours(cursor, record.schema)
        if record.in_place:
            move_back(cursor, record)
        drop_record(cursor)


def finish(connection: BaseDatabaseWrapper, record: Record) -> None:
    """Drop the predecessor's tables and types, and the record. Raises UndoError and BusyError."""
    if record.adopted is None:
        raise UndoError("The adoption has not come to its end: run manage.py adopt again first. Nothing was dropped.")
    came = {table["table"]: table["rowsThere"] for table in (record.report or {}).get("tables", [])}
    with _or_a_sentence(connection), connection.cursor() as cursor:
        lock(cursor, aside(record))
        for table in record.tables:
            cursor.execute(f"SELECT count(*) FROM {within(LEGACY, table)}")
            (rows,) = cursor.fetchone()
            if rows != came.get(table, rows):
                raise UndoError(
                    f"The predecessor's {table} holds {rows:,} rows, of which {came[table]:,} were adopted: somebody "
                    "has written there since. Nothing was dropped; bring those rows over by hand first."
                )
        if record.tables:
            cursor.execute(f"DROP TABLE {', '.join(aside(record))}")
        for type_ in record.types:
            cursor.execute(f"DROP TYPE {within(LEGACY, type_)}")
        drop_record(cursor)


@contextmanager
def _or_a_sentence(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """A transaction in which a refusal for want of CASCADE becomes a sentence: nobody else's objects are dropped."""
    try:
        with transaction.atomic(using=connection.alias):
            yield
    except InternalError as error:
        if getattr(error.__cause__, "sqlstate", None) != DEPENDENT:
            raise
        detail = str(getattr(error.__cause__, "diag").message_detail or "")  # noqa: B009 - names alone
        raise UndoError(
            f"Something else in the database needs what would be dropped: {'; '.join(detail.splitlines()[:3])}. "
            "Nothing was changed: drop or move that first."
        ) from error


def _empty(cursor: CursorWrapper) -> None:
    """Remove every row that came, and whatever of ours refers to one; the seeded settings are put back as they were."""
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [SEEDS])
    if not cursor.fetchone()[0]:
        return  # killed before anything came
    tables = [*ORDER, REJECTS]
    cursor.execute(
        "SELECT DISTINCT relname, conrelid::regclass::text FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid"
        " WHERE contype = 'f' AND confrelid = ANY(%s::regclass[]) AND conrelid <> ALL (%s::regclass[])",
        [list(map(quoted, tables))] * 2,
    )
    referring = cursor.fetchall()
    if foreign := [name for name, _ in referring if name not in names().tables]:
        raise UndoError(
            f"{', '.join(foreign)}: refers to rows that would go, and is none of White Cross's. Nothing was changed: "
            "drop its foreign key first."
        )
    silent = {
        SETTINGS: (*SILENT[SETTINGS], "system_configurations_refuse_truncate"),
        HISTORY: (*SILENT[HISTORY], "configuration_history_refuse_truncate"),
    }
    loud = silence(cursor, silent)
    cursor.execute(f"TRUNCATE {', '.join([*map(quoted, tables), *(table for _, table in referring)])}")
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
