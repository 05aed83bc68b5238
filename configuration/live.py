"""The settings of this process: read from memory, renewed within a moment of any change, whoever makes it.

A thread of this process keeps one connection of its own to the database. It is notified of a change by the table's
trigger (LISTEN), and looks for changes every half second besides: behind a pooler in transaction mode notifications do
not arrive. What it has read last stays when the database is out of reach.
"""

import atexit
import contextlib
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db import Error as DatabaseError
from django.dispatch import Signal

from configuration.resolution import Reader, Row, Setting, Snapshot, UnknownSettingError, snapshot_of

logger = logging.getLogger(__name__)

CHANNEL = "whitecross_settings"
PAUSE = 0.5  # seconds between two looks; also how long after a failure the database is tried again, at first
LONGEST_PAUSE = 5.0  # seconds between two tries while the database is out of reach
PATIENCE = 10.0  # seconds that the first read waits for the database

ROWS = """
SELECT id, key, scope::text, "scopeId", value, "valueType"::text, "defaultValue", "isActive", "isEditable",
       "requiresRestart", tags
FROM system_configurations ORDER BY key, scope, "scopeId"
"""
SCHOOLS = 'SELECT id, "districtId" FROM schools'
# Which rows there are and which transactions wrote them, in a number for each table. A sum, so that no sort is needed.
STATE = """
SELECT (SELECT sum(hashtextextended(id::text || xmin::text, 0)::numeric) FROM system_configurations),
       (SELECT sum(hashtextextended(id::text || xmin::text, 0)::numeric) FROM schools)
"""

State = tuple[Any, ...]

# Sent after this process has read changed settings; the sender is the LiveConfiguration. Often in a thread of its own.
settings_changed = Signal()


def read(cursor: Any) -> tuple[Snapshot, State]:
    """The settings, and the state of the tables that they come from. Raises the driver's errors."""
    # The state first: what changes meanwhile is read again at the next look, never missed.
    cursor.execute(STATE)
    state = tuple(cursor.fetchone())
    cursor.execute(ROWS)
    rows = [Row(*columns) for columns in cursor.fetchall()]
    cursor.execute(SCHOOLS)
    return snapshot_of(rows, dict(cursor.fetchall())), state


class LiveConfiguration(Reader):
    """The settings of this process. There is one: `from configuration import config`."""

    def __init__(self) -> None:
        super().__init__(Snapshot())
        self._reset()
        # The child has neither the thread nor a right to the connection.
        os.register_at_fork(after_in_child=self._reset)
        atexit.register(self.stop)

    def _reset(self) -> None:
        self._lock = threading.RLock()
        self._watcher: _Watcher | None = None
        self._snapshot, self._settings = Snapshot(), {}
        self._forced: dict[str, Setting] = {}
        self._at_start: dict[str, Any] | None = None
        self._tickets, self._installed = 0, -1
        self._told: tuple[str, ...] = ()

    def _find(self, key: str) -> Setting:
        self._ensure()
        setting = self._settings.get(key)
        if setting is None:
            raise UnknownSettingError(key, self._settings)
        return setting

    def _ensure(self) -> None:
        """Start to watch, if this process does not yet, and wait for the first answer."""
        watcher = self._watcher
        if watcher is None:
            with self._lock:
                watcher = self._watcher
                if watcher is None:
                    watcher = self._watcher = _Watcher(self)
                    watcher.start()
        if not watcher.answered.wait(PATIENCE):
            self.keep("the database has not answered")

    def stop(self) -> None:
        """Stop to watch and forget what was read; the next read starts again. For the end of a process, and tests."""
        watcher = self._watcher
        if watcher is not None:
            watcher.end()
        self._reset()

    def ticket(self) -> int:
        """A number for a reading that is about to begin: the later wins, whichever ends first."""
        with self._lock:
            self._tickets += 1
            return self._tickets

    def install(self, snapshot: Snapshot, ticket: int) -> None:
        """Let a reading hold from now on, unless a later one does already."""
        with self._lock:
            if ticket <= self._installed:
                return
            first = not self._settings
            self._installed, self._snapshot = ticket, snapshot
            self._settings = {**snapshot.settings, **self._forced}
            if self._at_start is None:
                self._at_start = {key: snapshot.settings[key].value for key in snapshot.settings}
            told, self._told = self._told, snapshot.problems
        for problem in snapshot.problems:
            if problem not in told:
                logger.warning("A stored setting does not count: %s.", problem)
        if not first:
            settings_changed.send_robust(sender=self)

    def keep(self, why: str) -> None:
        """Go on without the database: with what was read last, or with the declared defaults."""
        with self._lock:
            if self._installed >= 0 or self._settings:
                return
            self._snapshot = snapshot_of(())
            self._settings = {**self._snapshot.settings, **self._forced}
        logger.error("Settings: %s; the declared defaults hold until it does.", why)

    def refresh(self) -> None:
        """Read the settings again now, so that what this thread has committed holds for it. Three queries.

        Within a transaction nothing is read: its changes hold for nobody yet. Where the database cannot be reached,
        what was known goes on to hold.
        """
        if self._watcher is None or connection.in_atomic_block:
            return
        ticket = self.ticket()
        try:
            with connection.cursor() as cursor:
                snapshot, _ = read(cursor)
        except DatabaseError:
            logger.warning("Settings cannot be read again just now; the last known values hold.")
            return
        self.install(snapshot, ticket)

    def pending_restart(self) -> list[str]:
        """The keys marked as needing a restart whose value is another than when this process first read them."""
        self._ensure()
        at_start = self._at_start or {}
        return [
            key
            for key, rows in sorted(self._snapshot.rows.items())
            if any(row.requires_restart for row in rows)
            and key in at_start
            and at_start[key] != self._snapshot.settings[key].value
        ]

    def as_of(self, moment: Any) -> Reader:
        """The settings as they were at a moment (an aware datetime), from their history: a Reader. A few queries."""
        from configuration.past import rows_at

        return Reader(rows_at(moment))

    @contextmanager
    def override(self, **values: Any) -> Iterator[None]:
        """For tests: within the block these keys have these values, for everybody in this process."""
        self._ensure()
        with self._lock:
            before = self._forced
            forced = {key: Setting(value, {}, mutable=isinstance(value, list | dict)) for key, value in values.items()}
            self._forced = {**before, **forced}
            self._settings = {**self._snapshot.settings, **self._forced}
        try:
            yield
        finally:
            with self._lock:
                self._forced = before
                self._settings = {**self._snapshot.settings, **before}


class _Watcher(threading.Thread):
    """Keeps a LiveConfiguration as the database has it."""

    def __init__(self, live: LiveConfiguration) -> None:
        super().__init__(name="settings", daemon=True)
        self.live = live
        self.answered = threading.Event()
        self._ending = threading.Event()
        self._connection: psycopg.Connection[Any] | None = None

    def run(self) -> None:
        pause, lost = PAUSE, False
        while not self._ending.is_set():
            try:
                for _ in self._watch():
                    if lost:
                        logger.warning("Settings are read from the database again.")
                    pause, lost = PAUSE, False
                    self.answered.set()
            except BaseException as error:  # nobody would start another thread
                if self._ending.is_set():
                    break
                if not lost:
                    logger.warning(
                        "Settings cannot be read (%s); the last known values hold until they can.", type(error).__name__
                    )
                self.live.keep("the database cannot be reached")
                lost = True
                self.answered.set()
                self._ending.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _watch(self) -> Iterator[None]:
        """Yield after each look. Raises the driver's errors when the connection is lost."""
        with contextlib.closing(psycopg.connect(**parameters(), autocommit=True)) as self._connection:
            asked = self._connection.execute("SELECT pg_backend_pid()").fetchone()
            if asked == (self._connection.info.backend_pid,):
                # Behind a pooler nothing would arrive, and the session that listens would be somebody else's by then.
                self._connection.execute(f"LISTEN {CHANNEL}")
            known = self._read(None)
            while not self._ending.is_set():
                yield
                for _ in self._connection.notifies(timeout=PAUSE, stop_after=1):
                    pass
                known = self._read(known)

    def _read(self, known: State | None) -> State | None:
        """Read the settings if their tables are not in the state that is known. Returns the state."""
        assert self._connection is not None  # noqa: S101 - _watch opens it
        ticket = self.live.ticket()
        try:
            with self._connection.cursor() as cursor:
                if known is not None and tuple(cursor.execute(STATE).fetchone() or ()) == known:
                    return known
                snapshot, state = read(cursor)
        except psycopg.errors.UndefinedTable:
            # Before the first migrate.
            snapshot, state = snapshot_of(()), None
            if known is None and self.answered.is_set():
                return None
        if self._ending.is_set():
            return None
        self.live.install(snapshot, ticket)
        # Whoever heard of the change in this thread may have used Django's connection.
        connections.close_all()
        return state

    def end(self) -> None:
        """Stop, and wait until the connection is closed. Wakes the thread by ending the connection's traffic."""
        self._ending.set()
        held = self._connection
        with contextlib.suppress(Exception):
            if held is not None and not held.closed:
                with contextlib.closing(socket.socket(fileno=os.dup(held.fileno()))) as traffic:
                    traffic.shutdown(socket.SHUT_RDWR)
        if self is not threading.current_thread() and self.is_alive():
            self.join(PATIENCE)


def parameters() -> dict[str, Any]:
    """How to connect as Django does, without what is Django's own. Starts the embedded server where that is in use."""
    known = connections[DEFAULT_DB_ALIAS].get_connection_params()
    for ours in ("cursor_factory", "context", "pool"):
        known.pop(ours, None)
    return {
        # A network that swallows everything is noticed, and so said in the log, within seconds.
        "connect_timeout": 5,
        "tcp_user_timeout": 5000,
        **known,
        # Behind a pooler in transaction mode, another connection would not know a prepared statement.
        "prepare_threshold": None,
        "application_name": "whitecross settings",
    }
