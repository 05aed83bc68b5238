"""The two roads from there to here: within one database, and from another one, read-only, by COPY."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from whitecross.adoption.sql import quoted
from whitecross.postgres.connecting import is_pooled
from whitecross.postgres.url import parse

SOURCE = "adoption_source"  # the alias under which Django knows the other database
BLOCKS = 2048  # of 8 kB each: what one INSERT moves within a database
BUFFER = 1 << 18  # bytes that are written to the other server at once
# What values look like, and what transactions see, must not depend on what a database or a role has set.
OF_A_TRANSACTION = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "xmloption": "content",
    "quote_all_identifiers": "off",
    "row_security": "off",
    "array_nulls": "on",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "transaction_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
OF_A_SESSION = OF_A_TRANSACTION | {
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "idle_session_timeout": "0",
    # So that the server notices soon that this process was killed; not on Windows.
    "client_connection_check_interval": "1s",
}
SETTLE = """
SELECT set_config(name, CASE WHEN name = 'client_connection_check_interval' AND version() ~* 'visual c|mingw' THEN '0'
                             ELSE value END, false)
FROM unnest(%s::text[], %s::text[]) AS wanted (name, value)
WHERE EXISTS (SELECT FROM pg_settings WHERE pg_settings.name = wanted.name)
"""
Told = Callable[[int], None]


def settle(connection: BaseDatabaseWrapper) -> None:
    """Let a session look at values and at other transactions as an adoption needs it, whatever was set for its role.

    Behind a pooler each transaction says so for itself: what a session is told, the next client of it would inherit.
    """
    if is_pooled(connection):
        known = connection.pg_version  # type: ignore[attr-defined]
        said = [f"SET LOCAL {name} = '{value}'" for name, value in OF_A_TRANSACTION.items() if known >= since(name)]
        connection.begins_with = ["SET TRANSACTION ISOLATION LEVEL READ COMMITTED", *said]  # type: ignore[attr-defined]
        if connection.in_atomic_block:
            with connection.cursor() as cursor:
                cursor.execute("; ".join(said))
        return
    with connection.cursor() as cursor:
        cursor.execute(SETTLE, [[*OF_A_SESSION], [*OF_A_SESSION.values()]])


def since(name: str) -> int:
    """The version of PostgreSQL (170000) that brought a setting."""
    return 170000 if name == "transaction_timeout" else 0


class Road:
    """Within one database. `there` reads the predecessor's tables, `here` writes ours; the two are one connection."""

    is_in_place = True

    def __init__(self, alias: str) -> None:
        self.alias = alias

    @property
    def here(self) -> BaseDatabaseWrapper:
        """The connection to our tables."""
        return connections[self.alias]

    @property
    def there(self) -> BaseDatabaseWrapper:
        """The connection to the predecessor's tables."""
        return self.here

    @property
    def label(self) -> str:
        """What people call the predecessor's database; without user and password."""
        return str(self.there.settings_dict["NAME"])

    def identity(self) -> str:
        """What tells the predecessor's database from others: here it is the one in which it is asked."""
        return ""

    @contextmanager
    def look(self) -> Iterator[None]:
        """A transaction in which to read there, without changing anything."""
        settle(self.here)
        with transaction.atomic(using=self.alias):
            yield

    def pour(
        self,
        table: str,
        columns: Sequence[tuple[str, str, str | None]],
        rest: str,
        told: Told,
        *,
        relation: str | None = None,
    ) -> None:
        """Write the rows of a query there into a table here. `columns`: name, expression, enum type; `rest`: FROM ...

        Where `rest` says {blocks}, it is moved a part of the `relation` t at a time.
        """
        names = ", ".join(quoted(name) for name, _, _ in columns)
        values = ", ".join(f"{sql}::{quoted(enum)}" if enum else sql for _, sql, enum in columns)
        with self.here.cursor() as cursor:
            for blocks in self._parts(cursor, relation):
                cursor.execute(
                    f"INSERT INTO {quoted(table)} ({names}) SELECT {values} {rest.replace('{blocks}', blocks)}"
                )
                told(cursor.rowcount)

    def _parts(self, cursor: Any, relation: str | None) -> Iterator[str]:
        if relation is None:
            yield "true"
            return
        cursor.execute("SELECT pg_relation_size(%s) / current_setting('block_size')::int", [relation])
        (size,) = cursor.fetchone()
        for start in range(0, max(size, 1), BLOCKS):
            yield f"t.ctid >= '({start},0)' AND t.ctid < '({start + BLOCKS},0)'"


class RoadFromElsewhere(Road):
    """From another database, in one read-only transaction that sees it as it was at one moment."""

    is_in_place = False

    def __init__(self, alias: str, url: str) -> None:
        """Raises ImproperlyConfigured for a URL that cannot be read."""
        super().__init__(alias)
        facts = parse(url)
        facts["OPTIONS"]["options"] = " ".join(
            filter(None, (facts["OPTIONS"].get("options"), "-c default_transaction_read_only=on"))
        )
        defaults = {key: value for key, value in connections.databases[alias].items() if key not in ("OPTIONS", "TEST")}
        connections.databases[SOURCE] = {**defaults, **facts, "EMBEDDED": None, "TEST": {}, "CONN_MAX_AGE": 0}
        if hasattr(connections._connections, SOURCE):  # type: ignore[attr-defined]
            del connections[SOURCE]

    @property
    def there(self) -> BaseDatabaseWrapper:
        """The connection to the predecessor's database."""
        return connections[SOURCE]

    @contextmanager
    def look(self) -> Iterator[None]:
        """The one transaction in which everything is read. What goes wrong there is a SourceError."""
        with _told_apart():
            self.there.ensure_connection()
        with self.there.execute_wrapper(_tell_apart):
            settle(self.there)
            with transaction.atomic(using=SOURCE):
                with self.there.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                yield

    def identity(self) -> str:
        """What tells the other database from any of the same name elsewhere."""
        with self.there.cursor() as cursor:
            cursor.execute("SELECT has_function_privilege('pg_control_system()', 'EXECUTE')")
            server = "SELECT system_identifier::text FROM pg_control_system()"
            if not cursor.fetchone()[0]:
                server = "SELECT concat_ws(':', inet_server_addr(), inet_server_port())"
            cursor.execute(f"SELECT ({server}), oid::text, datname FROM pg_database WHERE datname = current_database()")
            return "/".join(cursor.fetchone())

    @property
    def label(self) -> str:
        """Name, host and port; without user and password."""
        facts = self.there.settings_dict
        where = ":".join(filter(None, (str(facts["HOST"]), str(facts["PORT"]))))
        return f"{facts['NAME']} at {where}" if where else str(facts["NAME"])

    def close(self) -> None:
        """Leave the other database."""
        self.there.close()

    def pour(
        self,
        table: str,
        columns: Sequence[tuple[str, str, str | None]],
        rest: str,
        told: Told,
        *,
        relation: str | None = None,
    ) -> None:
        """As Road's, by COPY from one server to the other."""
        names = ", ".join(quoted(name) for name, _, _ in columns)
        values = ", ".join(sql for _, sql, _ in columns)
        rest = rest.replace("{blocks}", "true")
        with self.here.wrap_database_errors, ExitStack() as stack:
            with _told_apart():
                out = self.there.connection.cursor().copy(f"COPY (SELECT {values} {rest}) TO STDOUT")
                rows = _rows(stack.enter_context(out))
            into = self.here.connection.cursor().copy(f"COPY {quoted(table)} ({names}) FROM STDIN")
            with into as lines:
                buffer, number = bytearray(), 0
                for row in rows:
                    number += 1
                    if len(row) < BUFFER:
                        buffer += row
                        if len(buffer) < BUFFER:
                            continue
                        row = b""
                    lines.write(bytes(buffer))
                    lines.write(row)
                    buffer.clear()
                    told(number)
                    number = 0
                lines.write(bytes(buffer))
                told(number)


class SourceError(DatabaseError):
    """Something is wrong with the other database, or with the way to it."""


@contextmanager
def _told_apart() -> Iterator[None]:
    try:
        yield
    except (psycopg.Error, DatabaseError) as error:
        raise SourceError(str(error)) from (error if isinstance(error, psycopg.Error) else error.__cause__)


def _tell_apart(execute: Callable[..., Any], *statement: Any) -> Any:
    with _told_apart():
        return execute(*statement)


def _rows(copy: Iterable[Any]) -> Iterator[Any]:
    with _told_apart():
        yield from copy


def leave_source() -> None:
    """Close the connection to the other database, where there is one, and forget it."""
    if SOURCE in connections.databases:
        connections[SOURCE].close()
        del connections[SOURCE]
        del connections.databases[SOURCE]


def sentence_of_source(error: SourceError, url: str) -> str:
    """What is wrong with the other database, in a sentence without user, password and values of rows."""
    facts = parse(url)
    return (
        f"The database of --source, {facts['NAME']} at {facts['HOST'] or 'the local socket'}, cannot be read "
        f"({reason_of(error)}); see if it is up, if the URL is right, and if the role may read it."
    )


def reason_of(error: BaseException) -> str:
    """Why PostgreSQL refused, in its own words where they hold no value of a row."""
    cause = error.__cause__
    state = str(getattr(cause, "sqlstate", None) or "")
    if not state:  # a connection that was never made, or has broken, says so in words
        words = str(cause or error).strip().splitlines() or [type(error).__name__]
        return re.split(r"FATAL:\s+|failed: (?=[^:]*$)|connection failed: ", words[0])[-1].strip().rstrip(".")
    if state.startswith("22"):
        return f"a value that cannot be read, SQLSTATE {state}"
    said = str(getattr(getattr(cause, "diag", None), "message_primary", None) or type(cause).__name__)
    return f"{said.rstrip('.')}, SQLSTATE {state}"
