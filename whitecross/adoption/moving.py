"""Moving the predecessor's tables out of the way and back, and the record of how far an adoption is.

They move to a schema of their own, whole: data, indexes, keys and rights stay as they are, as only names change. The
record stands in the same schema, so that it goes with it.
"""

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import OperationalError, ProgrammingError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from whitecross.adoption.roads import settle
from whitecross.adoption.sql import quoted, within
from whitecross.postgres.connecting import connect, is_pooled

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
    identity text NOT NULL,
    schema text NOT NULL,
    tables text[] NOT NULL,
    types text[] NOT NULL,
    was_migrated boolean NOT NULL,
    choices jsonb NOT NULL,
    notes text[] NOT NULL,
    begun timestamptz NOT NULL DEFAULT now(),
    adopted timestamptz,
    report json
)
"""

GUARD = "refuse_change_while_adopted"
REFUSE_CHANGE = f"""
CREATE FUNCTION {quoted(LEGACY)}.{GUARD}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of the predecessor has been adopted by White Cross: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation', HINT = 'Write to the table of that name in White Cross.';
END
$$
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
    """How far an adoption is: begun, or done (`adopted`).

    `identity` tells the other database from any of the same name. `tables` and `types` are what was moved aside from
    `schema`. `was_migrated`: whether our tables stood there before.
    """

    in_place: bool
    source: str
    identity: str
    schema: str
    tables: list[str]
    types: list[str]
    was_migrated: bool
    choices: dict[str, Any]
    notes: list[str]
    begun: dt.datetime
    adopted: dt.datetime | None
    report: dict[str, Any] | None = field(repr=False)


def read_record(connection: BaseDatabaseWrapper) -> Record | None:
    """How far the adoption of this database is; None where none has begun."""
    settle(connection)
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(
                "SELECT in_place, source, identity, schema, tables, types, was_migrated, choices::text, notes, begun, "
                f"adopted, report::text FROM {RECORD}"
            )
            row = cursor.fetchone()
    except ProgrammingError as error:
        if getattr(error.__cause__, "sqlstate", None) not in ("42P01", "3F000"):  # no such table, no such schema
            raise
        return None
    if row is None:
        return None
    in_place, source, identity, schema, tables, types, was_migrated, choices, notes, begun, adopted, report = row
    return Record(
        in_place=in_place,
        source=source,
        identity=identity,
        schema=schema,
        tables=tables,
        types=types,
        was_migrated=was_migrated,
        choices=json.loads(choices),
        notes=notes,
        begun=begun,
        adopted=adopted,
        report=report and json.loads(report),
    )


def write_record(cursor: CursorWrapper, record: Record) -> None:
    """Make the schema and note that an adoption has begun."""
    cursor.execute(f"CREATE SCHEMA {quoted(LEGACY)}")
    cursor.execute(MAKE_RECORD)
    cursor.execute(
        f"INSERT INTO {RECORD} (in_place, source, identity, schema, tables, types, was_migrated, choices, notes)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            record.in_place,
            record.source,
            record.identity,
            record.schema,
            record.tables,
            record.types,
            record.was_migrated,
            json.dumps(record.choices),
            record.notes,
        ],
    )


def note_choices(cursor: CursorWrapper, choices: dict[str, Any]) -> None:
    """Note with which choices it goes on."""
    cursor.execute(f"UPDATE {RECORD} SET choices = %s", [json.dumps(choices)])


def note_adopted(cursor: CursorWrapper, report: dict[str, Any]) -> None:
    """Note that all rows are here, with the proof."""
    cursor.execute(f"UPDATE {RECORD} SET adopted = clock_timestamp(), report = %s", [json.dumps(report)])


@contextmanager
def the_only_one(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Keep other adoptions of this database out, until the block ends or the connection does. Raises BusyError.

    Behind a pooler no session is ours for as long, but a transaction is, which another connection keeps open.
    """
    with ExitStack() as held:
        if is_pooled(connection):
            server = held.enter_context(connect(connection.alias, application_name="whitecross adopt"))
            held.enter_context(server.transaction())
            server.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            row = server.execute(f"SELECT pg_try_advisory_xact_lock({LOCK}, 0)").fetchone()
            is_ours = row is not None and row[0]
        else:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_lock(%s, 0)", [LOCK])
                (is_ours,) = cursor.fetchone()
            if is_ours:
                held.callback(_unlock, connection)
        if not is_ours:
            raise BusyError(_who_adopts(connection))
        yield


def _unlock(connection: BaseDatabaseWrapper) -> None:
    if connection.connection is not None and not connection.connection.closed and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, 0)", [LOCK])


def _who_adopts(connection: BaseDatabaseWrapper) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.pid, a.backend_start FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
            " WHERE l.locktype = 'advisory' AND l.classid = %s AND l.granted"
            " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [LOCK],
        )
        pid, since = cursor.fetchone() or ("?", None)
    at = f", since {since:%H:%M:%S} UTC" if since else ""
    return f"Another adoption of this database is at work (process {pid} of the server{at}): wait for it."


def lock(cursor: CursorWrapper, relations: list[str], stands: str = "Nothing was changed.") -> None:
    """Lock tables against everybody until the transaction ends. Raises BusyError, which names who holds one.

    `stands` is the sentence that says how things are if that cannot be.
    """
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
            f"Stop those processes, then run this again. {stands}"
        ) from error
    cursor.execute("SELECT set_config('lock_timeout', '0', true)")


def move_aside(cursor: CursorWrapper, record: Record) -> None:
    """Move the predecessor's tables and types to their own schema, within the caller's transaction.

    There they refuse every change, whoever reaches them (a view follows its table): what came in now would stay behind.
    """
    cursor.execute(REFUSE_CHANGE)
    for table in record.tables:
        cursor.execute(f"ALTER TABLE {within(record.schema, table)} SET SCHEMA {quoted(LEGACY)}")
        cursor.execute(
            f"CREATE TRIGGER {GUARD} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {within(LEGACY, table)}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {quoted(LEGACY)}.{GUARD}()"
        )
        cursor.execute(f"ALTER TABLE {within(LEGACY, table)} ENABLE ALWAYS TRIGGER {GUARD}")
    for type_ in record.types:
        cursor.execute(f"ALTER TYPE {within(record.schema, type_)} SET SCHEMA {quoted(LEGACY)}")


def move_back(cursor: CursorWrapper, record: Record) -> None:
    """Move them back to where they were."""
    for table in record.tables:
        cursor.execute(f"DROP TRIGGER {GUARD} ON {within(LEGACY, table)}")
        cursor.execute(f"ALTER TABLE {within(LEGACY, table)} SET SCHEMA {quoted(record.schema)}")
    for type_ in record.types:
        cursor.execute(f"ALTER TYPE {within(LEGACY, type_)} SET SCHEMA {quoted(record.schema)}")


def aside(record: Record) -> list[str]:
    """The predecessor's tables where they stand aside, as SQL names them."""
    return [within(LEGACY, table) for table in record.tables]


def drop_record(cursor: CursorWrapper) -> None:
    """Drop the record and its schema, which must hold nothing else by now."""
    cursor.execute(f"DROP TABLE IF EXISTS {RECORD}, {SEEDS}")
    cursor.execute(f"DROP FUNCTION IF EXISTS {quoted(LEGACY)}.{GUARD}()")
    cursor.execute(f"DROP SCHEMA {quoted(LEGACY)}")
