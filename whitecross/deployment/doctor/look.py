"""What the checks ask with: short transactions that read only, wait for nobody, and hold nobody up."""

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import psycopg
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

from core.schema.compare import Difference
from core.schema.expected import load_expected
from core.schema.verify import Report, verify
from whitecross.deployment.doctor.reasons import SILENT

LOCK_TIMEOUT_MS = 200
# Seconds after the time that a question may take, in which PostgreSQL has to say that it took too long.
UNHEARD_S = 10.0

# For one transaction, as a pooler gives the next one to another session. Row security would hide rows from a count.
SETTINGS = """
SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true),
       set_config('row_security', 'off', true), set_config('TimeZone', 'UTC', true),
       set_config('DateStyle', 'ISO', true)
"""
SERVER = """
SELECT current_database() AS database, current_setting('server_version') AS server,
       current_setting('server_version_num')::int AS version, pg_is_in_recovery() AS is_standby,
       pg_has_role('pg_read_all_stats', 'USAGE') AS sees_others, current_user::text AS role
"""


@dataclass(frozen=True)
class Choices:
    """What the operator asked for: `minutes` that a transaction may take, `seconds` that a question may."""

    deep: bool = False
    minutes: float = 5
    seconds: int = 30


class Look:
    """A look at the database of an alias. Raises Django's database errors."""

    def __init__(self, alias: str, choices: Choices, told: Callable[[str], None] = lambda _: None) -> None:
        self.alias, self.choices, self.told = alias, choices, told
        # Sentences: what this role cannot see, and what was not answered.
        self.unseen: list[str] = []
        self.unanswered: list[str] = []
        (facts,) = self.rows(SERVER)
        self.database, self.server, self.role = facts.database, facts.server, facts.role
        self.version: int = facts.version
        self.is_standby: bool = facts.is_standby
        self.sees_others: bool = facts.sees_others

    @contextmanager
    def transaction(self) -> Iterator[CursorWrapper]:
        """A transaction in which nothing can be written, and what waits long is given up."""
        connection = connections[self.alias]
        with (
            _waiting_no_longer(connection, self.choices.seconds + UNHEARD_S),
            transaction.atomic(using=self.alias),
            connection.cursor() as cursor,
        ):
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute(SETTINGS, [f"{LOCK_TIMEOUT_MS}ms", f"{self.choices.seconds}s"])
            yield cursor

    def rows(self, sql: str, values: Mapping[str, Any] | None = None) -> list[Any]:
        """The rows that a query finds, with its columns as attributes, in a transaction of its own."""
        with self.transaction() as cursor:
            return rows_of(cursor, sql, values)

    @functools.cached_property
    def schema(self) -> Report:
        """What verify_schema says."""
        with self.transaction():
            return verify(self.alias)

    @property
    def unapplied(self) -> list[Difference]:
        """The migrations of this code that are not on record, in their order."""
        return [one for one in self.schema.differences if one.kind == "migration unapplied"]

    @functools.cached_property
    def expected(self) -> dict[str, Any]:
        """Our tables as the migrations make them."""
        tables: dict[str, Any] = load_expected()["tables"]
        return tables

    def cannot_see(self, what: str) -> None:
        """Say once what is out of sight."""
        if what not in self.unseen:
            self.unseen.append(what)

    def gave_up(self, what: str) -> None:
        """Say what was asked and not answered."""
        self.unanswered.append(what)


@contextmanager
def _waiting_no_longer(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    """Let no question take longer, nor what Django asks of a new connection.

    PostgreSQL keeps its own timeouts. A server that is stopped, or whose machine or disk hangs, keeps none of them, and
    whoever watches by a timer would never be called.
    """

    def connected(conn_params: Any) -> psycopg.Connection[Any]:
        made: psycopg.Connection[Any] = type(connection).get_new_connection(connection, conn_params)
        _bound(made, seconds)
        return made

    connection.get_new_connection = connected  # type: ignore[method-assign]
    if connection.connection is not None:
        _bound(connection.connection, seconds)
    try:
        yield
    finally:
        del connection.get_new_connection
        if connection.connection is not None:
            vars(connection.connection).pop("wait", None)


def _bound(connection: psycopg.Connection[Any], seconds: float) -> None:
    wait = type(connection).wait

    def bounded(waiting: PQGen[Any], *_: Any, **__: Any) -> Any:
        try:
            return wait(connection, waiting, timeout=seconds)
        except psycopg.OperationalError as error:
            if error.sqlstate is None and connection.pgconn.transaction_status == TransactionStatus.ACTIVE:
                connection.close()
                raise psycopg.OperationalError(SILENT) from None
            raise

    connection.wait = bounded  # type: ignore[method-assign,assignment]


def rows_of(cursor: CursorWrapper, sql: str, values: Mapping[str, Any] | None = None) -> list[Any]:
    """The rows that a query finds, with its columns as attributes."""
    cursor.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return [SimpleNamespace(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]
