"""Bounds, statement by statement, how long a migration waits for a lock while others queue behind it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import Error, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from whitecross.deployment.locks import Lock, LockMode, locks_of
from whitecross.deployment.watch import Watch

WAIT_MS = 60  # for a lock that stops others, all waits of a transaction together once it holds one
CONTROL = ("SAVEPOINT", "RELEASE", "ROLLBACK")  # locks nothing; of a failed transaction, nothing else is possible
SLOW = ("CONCURRENTLY", "VACUUM")  # cannot run in a transaction; stop nobody


class LostLockError(Exception):
    """The lock that only one may hold is gone, so another may be migrating. The message is a sentence for people."""


class Governor:
    """Hears each statement before it is sent (as Django's execute_wrapper) and bounds it.

    A statement that stops nobody may wait for its lock until the patience is over; one that stops readers or writers
    for WAIT_MS, and once such a lock is held, the following ones for what is left of it. Everything is said with
    SET LOCAL, so that it ends with the transaction, also behind a pooler.
    """

    def __init__(self, connection: BaseDatabaseWrapper, watch: Watch, patience_s: float) -> None:
        self._connection, self._watch = connection, watch
        self._patience_ms = max(1, round(patience_s * 1000))
        self._held_since: float | None = None
        self._limit_ms: int | None = None
        self._in_use: set[str] = set()

    def begin(self) -> None:
        """A transaction has begun, or a migration that runs in none. Others bound us, not the server's own timeouts."""
        if self._connection.in_atomic_block:
            self._say("SET LOCAL statement_timeout = 0")
            self._say("SET LOCAL idle_in_transaction_session_timeout = 0")
        self._held_since = self._limit_ms = None
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'm') AND relnamespace = ANY("
                "SELECT oid FROM pg_namespace WHERE nspname = ANY(current_schemas(false)))"
            )
            self._in_use = {name for (name,) in cursor.fetchall()}

    @contextmanager
    def outside_transactions(self) -> Iterator[None]:
        """A migration that runs in none: an index takes as long as it takes to build."""
        self._connection.ensure_connection()
        self._say("SET statement_timeout = 0")
        try:
            self.begin()
            yield
        finally:
            with suppress(Error):
                self._say("RESET statement_timeout")

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Send the statement, bounded. Raises LostLockError."""
        text = str(sql)
        if text.startswith(CONTROL):
            return execute(sql, params, many, context)
        if self._watch.lost:
            raise LostLockError
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

    def _within(self, text: str, execute: Callable[..., Any], *statement: Any) -> Any:
        stopping = [lock for lock in locks_of(text) if self._stops(lock)]
        started = time.monotonic()
        if self._held_since is not None:
            self._limit(max(1, WAIT_MS - round((started - self._held_since) * 1000)))
        elif stopping:
            self._limit(WAIT_MS)
        else:
            self._limit(self._patience_ms)
        done = execute(*statement)
        if stopping and self._held_since is None:
            self._held_since = started
        return done

    def _stops(self, lock: Lock) -> bool:
        # A name that the text does not tell may be of any table.
        return lock.mode.strength >= LockMode.SHARE.strength and (not lock.table or lock.table in self._in_use)

    def _limit(self, milliseconds: int) -> None:
        if milliseconds != self._limit_ms:
            self._say(f"SET LOCAL lock_timeout = {milliseconds:d}")
            self._limit_ms = milliseconds

    def _say(self, statement: str) -> None:
        # Past Django's cursors: this is not a statement of the migration.
        with self._connection.wrap_database_errors:
            self._connection.connection.execute(statement)
