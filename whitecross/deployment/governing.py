"""Bounds, statement by statement, how long a migration waits for a lock while others queue behind it."""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import Error, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from whitecross.deployment.locks import Lock, LockMode, locks_of
from whitecross.deployment.watch import KEEPALIVES, Watch

WAIT_MS = 60  # for a lock that stops others, all waits of a transaction together once it holds one
CONTROL = ("SAVEPOINT", "RELEASE", "ROLLBACK")  # locks nothing; of a failed transaction, nothing else is possible
SLOW = ("CONCURRENTLY", "VACUUM")  # cannot run in a transaction; stop nobody
LONGEST_MS = 2**31 - 1  # that PostgreSQL takes for a limit
ROWS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "COPY")

# Others bound us, not the limits of role or database. A statement whose client is gone ends at once, and so does a
# transaction whose client's machine is.
LIMITS = {
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "client_connection_check_interval": "'100ms'",
    **KEEPALIVES,
}
# Once we hold a lock that stops others: a client that stands still gives it back, and no standby is waited for, as its
# absence would keep the lock; whatever is committed later reaches it after this.
HOLDING = {"idle_in_transaction_session_timeout": "'10s'", "synchronous_commit": "local"}
PATIENCE_WITH_SERVER = "5s"  # PostgreSQL ends an autovacuum for whoever has waited deadlock_timeout


class LostLockError(Exception):
    """The lock that only one may hold is gone, so another may be migrating. The message is a sentence for people."""


class Governor:
    """Hears each statement before it is sent (as Django's execute_wrapper) and bounds it.

    What works on rows, or takes a lock that stops nobody, may wait until the patience is over. Anything else waits for
    WAIT_MS, and once a lock is held that stops others, for what is left of it. Everything is said with SET LOCAL, so
    that it ends with the transaction, also behind a pooler. `stopping`: the tables of the last statement that stops
    others; `place`: the last statement, sent at `sent_at`.
    """

    def __init__(self, connection: BaseDatabaseWrapper, watch: Watch, patience_s: float) -> None:
        self._connection, self._watch = connection, watch
        self._patience_ms = min(LONGEST_MS, max(1, round(patience_s * 1000)))
        self._held_since: float | None = None
        self._limit_ms: int | None = None
        self._in_use: set[str] = set()
        self.stopping: set[str] = set()
        self.place, self.sent_at = ("", ""), time.monotonic()

    def begin(self, from_server: Collection[str] = ()) -> None:
        """A transaction has begun. Tables `from_server` are held by an autovacuum, which is asked to end."""
        self._say("; ".join(f"SET LOCAL {name} = {value}" for name, value in self._limits().items()))
        if from_server:
            names = ", ".join(map(self._connection.ops.quote_name, sorted(from_server)))
            self._say(f"SET LOCAL lock_timeout = '{PATIENCE_WITH_SERVER}'")
            self._say(f"LOCK TABLE {names} IN SHARE UPDATE EXCLUSIVE MODE")
        self._begin()

    @contextmanager
    def outside_transactions(self) -> Iterator[None]:
        """A migration that runs in none: an index takes as long as it takes to build."""
        self._connection.ensure_connection()
        limits = {**self._limits(), "lock_timeout": "0"}
        for name, value in limits.items():
            self._say(f"SET {name} = {value}")
        try:
            self._begin()
            yield
        finally:
            for name in limits:
                with suppress(Error):
                    self._say(f"RESET {name}")

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Send the statement, bounded. Raises LostLockError."""
        text = str(sql)
        if text.startswith(CONTROL):
            self._limit_ms = None  # what was said since the savepoint is not said any more
            return execute(sql, params, many, context)
        if self._watch.lost:
            raise LostLockError
        self.place, self.sent_at = (text, str(params)), time.monotonic()
        if self._connection.in_atomic_block:
            return self._within(text, execute, sql, params, many, context)
        if any(word in text.upper() for word in SLOW) or not locks_of(text):
            return execute(sql, params, many, context)
        # Without a transaction, nothing could be said for this statement alone.
        with transaction.atomic(using=self._connection.alias):
            self._held_since = self._limit_ms = None
            try:
                return self._within(text, execute, sql, params, many, context)
            finally:
                self._held_since = self._limit_ms = None

    def _begin(self) -> None:
        self._held_since = self._limit_ms = None
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'm', 'v', 'f')"
                " AND relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname LIKE 'pg\\_%%'"
                " OR nspname = 'information_schema')",
                [],
            )
            self._in_use = {name for (name,) in cursor.fetchall()}

    def _limits(self) -> dict[str, str]:
        is_17 = self._connection.pg_version >= 170000  # type: ignore[attr-defined]
        return {**LIMITS, "transaction_timeout": "0"} if is_17 else LIMITS

    def _within(self, text: str, execute: Callable[..., Any], *statement: Any) -> Any:
        locks = locks_of(text)
        stopping = [lock for lock in locks if self._stops(lock)]
        started = time.monotonic()
        if self._held_since is not None:
            self._limit(max(1, WAIT_MS - round((started - self._held_since) * 1000)))
        elif not stopping and self._stops_nobody(text, locks):
            self._limit(self._patience_ms)
        else:
            self._limit(WAIT_MS)
        if stopping:
            self.stopping = {lock.table for lock in stopping if lock.table}
        done = execute(*statement)
        if stopping and self._held_since is None:
            self._held_since = started
            self._say("; ".join(f"SET LOCAL {name} = {value}" for name, value in HOLDING.items()))
        return done

    def _stops(self, lock: Lock) -> bool:
        # A name that the text does not tell may be of any table.
        return lock.mode.strength >= LockMode.SHARE.strength and (not lock.table or lock.table in self._in_use)

    def _stops_nobody(self, text: str, locks: list[Lock]) -> bool:
        """Whether it is known of the statement that it stops neither readers nor writers of tables that are there."""
        return bool(locks) or text.lstrip().upper().startswith(ROWS)

    def _limit(self, milliseconds: int) -> None:
        if milliseconds != self._limit_ms:
            self._say(f"SET LOCAL lock_timeout = {milliseconds:d}")
            self._limit_ms = milliseconds

    def _say(self, statement: str) -> None:
        # Past Django's cursors: this is not a statement of the migration.
        with self._connection.wrap_database_errors:
            self._connection.connection.execute(statement)
