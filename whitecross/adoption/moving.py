"""Moving the predecessor's tables out of the way and back, and the record of how far an adoption is.

They move to a schema of their own, whole: data, indexes, keys and rights stay as they are, as only names change. The
record stands in the same schema, so that it goes with it.
"""

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from whitecross.adoption import predecessor
from whitecross.adoption.inspecting import Inspection
from whitecross.adoption.sql import literal, quoted, within

LEGACY = "whitecross_legacy"
RECORD = within(LEGACY, "adoption")
# Beside it: the settings as they were before, where the database had been migrated already.
SEEDS = within(LEGACY, "settings_before")
LOCK = 0x77686974  # "whit": one adoption of a database at a time
PATIENCE_S = 20

MAKE_RECORD = f"""
CREATE TABLE {RECORD} (
    is_the_one boolean PRIMARY KEY DEFAULT true CHECK (is_the_one),
    in_place boolean NOT NULL,
    source text NOT NULL,
    schema text NOT NULL,
    was_migrated boolean NOT NULL,
    choices jsonb NOT NULL,
    begun timestamptz NOT NULL DEFAULT now(),
    adopted timestamptz,
    report jsonb
)
"""

HOLDERS = """
SELECT DISTINCT a.pid, coalesce(a.usename, '?'), coalesce(nullif(a.application_name, ''), '?'), a.state,
       coalesce(a.xact_start, a.backend_start)
FROM pg_locks l
JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.relation = ANY(%s::regclass[]) AND l.granted AND l.pid <> pg_backend_pid()
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY 1
"""


class BusyError(Exception):
    """Something else holds what is needed. The message is a sentence for people."""


@dataclass
class Record:
    """How far an adoption is: begun, or done (`adopted`). `was_migrated`: whether our tables stood there before."""

    in_place: bool
    source: str
    schema: str
    was_migrated: bool
    choices: dict[str, Any]
    begun: dt.datetime
    adopted: dt.datetime | None
    report: dict[str, Any] | None = field(repr=False)


def read_record(connection: BaseDatabaseWrapper) -> Record | None:
    """How far the adoption of this database is; None where none has begun."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [RECORD])
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(
            f"SELECT in_place, source, schema, was_migrated, choices::text, begun, adopted, report::text FROM {RECORD}"
        )
        row = cursor.fetchone()
    if row is None:
        return None
    in_place, source, schema, was_migrated, choices, begun, adopted, report = row
    return Record(
        in_place, source, schema, was_migrated, json.loads(choices), begun, adopted, report and json.loads(report)
    )


def write_record(
    cursor: CursorWrapper, *, in_place: bool, source: str, schema: str, was_migrated: bool, choices: dict[str, Any]
) -> None:
    """Make the schema and note that an adoption has begun."""
    cursor.execute(f"CREATE SCHEMA {quoted(LEGACY)}")
    cursor.execute(MAKE_RECORD)
    cursor.execute(
        f"INSERT INTO {RECORD} (in_place, source, schema, was_migrated, choices) VALUES (%s, %s, %s, %s, %s)",
        [in_place, source, schema, was_migrated, json.dumps(choices)],
    )


def note_adopted(cursor: CursorWrapper, report: dict[str, Any]) -> None:
    """Note that all rows are here, with the proof."""
    cursor.execute(f"UPDATE {RECORD} SET adopted = clock_timestamp(), report = %s", [json.dumps(report)])


@contextmanager
def the_only_one(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Keep other adoptions of this database out, until the block ends or the connection does. Raises BusyError."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, 0)", [LOCK])
        if not cursor.fetchone()[0]:
            cursor.execute(
                "SELECT a.pid, a.backend_start FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
                " WHERE l.locktype = 'advisory' AND l.classid = %s AND l.granted"
                " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                [LOCK],
            )
            pid, since = cursor.fetchone() or ("?", None)
            at = f", since {since:%H:%M:%S} UTC" if since else ""
            raise BusyError(
                f"Another adoption of this database is at work (process {pid} of the server{at}): wait for it."
            )
    try:
        yield
    finally:
        if connection.connection is not None and not connection.connection.closed and not connection.in_atomic_block:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, 0)", [LOCK])


def lock(cursor: CursorWrapper, relations: list[str]) -> None:
    """Lock tables against everybody until the transaction ends. Raises BusyError, which names who holds one."""
    if not relations:
        return
    cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{PATIENCE_S}s"])
    try:
        with transaction.atomic(using=cursor.db.alias):
            cursor.execute(f"LOCK TABLE {', '.join(relations)} IN ACCESS EXCLUSIVE MODE")
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) not in ("55P03", "40P01"):
            raise
        cursor.execute(HOLDERS, [relations])
        holders = [
            f"process {pid} ({user}, {program}, {state or 'at work'}, since {since:%Y-%m-%d %H:%M:%S} UTC)"
            for pid, user, program, state, since in cursor.fetchall()
        ]
        raise BusyError(
            f"The tables are in use; after {PATIENCE_S} s: {'; '.join(holders) or 'somebody who has gone by now'}. "
            "Stop the predecessor's processes, then run this again. Nothing was changed."
        ) from error
    cursor.execute("SELECT set_config('lock_timeout', '0', true)")


def move_aside(cursor: CursorWrapper, found: Inspection) -> None:
    """Move the predecessor's tables and types to their own schema, within the caller's transaction."""
    for table in [*found.tables, predecessor.RECORD]:
        cursor.execute(f"ALTER TABLE {within(found.schema, table)} SET SCHEMA {quoted(LEGACY)}")
    for type_ in found.types:
        cursor.execute(f"ALTER TYPE {within(found.schema, type_)} SET SCHEMA {quoted(LEGACY)}")


def move_back(cursor: CursorWrapper, schema: str) -> None:
    """Move them back to where they were."""
    for table in legacy_tables(cursor):
        cursor.execute(f"ALTER TABLE {within(LEGACY, table)} SET SCHEMA {quoted(schema)}")
    for type_ in legacy_types(cursor):
        cursor.execute(f"ALTER TYPE {within(LEGACY, type_)} SET SCHEMA {quoted(schema)}")


def drop_record(cursor: CursorWrapper) -> None:
    """Drop the record and its schema, which must hold nothing else by now."""
    cursor.execute(f"DROP TABLE IF EXISTS {RECORD}, {SEEDS}")
    cursor.execute(f"DROP SCHEMA {quoted(LEGACY)}")


def legacy_tables(cursor: CursorWrapper) -> list[str]:
    """The predecessor's tables in their own schema."""
    ours = ", ".join(f"to_regclass({literal(name)})" for name in (RECORD, SEEDS))
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind IN ('r', 'p')"
        f" AND oid <> ALL (array_remove(ARRAY[{ours}]::regclass[], NULL)) ORDER BY relname",
        [quoted(LEGACY)],
    )
    return [name for (name,) in cursor.fetchall()]


def legacy_types(cursor: CursorWrapper) -> list[str]:
    """The predecessor's enum types in their own schema."""
    cursor.execute(
        "SELECT typname FROM pg_type WHERE typnamespace = to_regnamespace(%s) AND typtype = 'e' ORDER BY typname",
        [quoted(LEGACY)],
    )
    return [name for (name,) in cursor.fetchall()]
