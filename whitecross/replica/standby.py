"""A standby as this process knows it: how far it has come, and whether it answers."""

import logging
import select
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import psycopg
from django.db import Error, connections

from whitecross.replica.positions import Position
from whitecross.replica.primary import Place

logger = logging.getLogger(__name__)

PATIENCE = 1.0  # seconds for a standby to say how far it is
# Seconds for which one request tries whether it answers again, while the others do not wait for it. It waits less: for
# the answer on a kept connection, then for a new one (to a host of up to three addresses) and its answer.
PROBING = 10.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds until it is tried again after failures

# The timeline is that of its last restart point: after a promotion elsewhere a standby counts as behind until it has
# made the first one on the new timeline. What it has replayed only grows, until the server is made anew: so it is asked
# for in each request, on the connection that reads.
STATEMENT = b"""
SELECT pg_is_in_recovery(), (pg_control_system()).system_identifier, (pg_control_checkpoint()).timeline_id,
       (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint
"""


class Standing(NamedTuple):
    """What a standby says of itself."""

    is_standby: bool
    system: int
    position: Position

    def has(self, place: Place) -> bool:
        """Whether everything up to a place of the primary's log can be read there."""
        return (
            self.is_standby
            and self.system == place.system
            and self.position.timeline == place.position.timeline
            and self.position.lsn >= place.position.lsn
        )


class Standby:
    """One standby. All threads of a process share the object, each has its own connection."""

    def __init__(self, alias: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.alias = alias
        self._clock = clock
        self._lock = threading.Lock()
        self._failures, self._not_before = 0, float("-inf")
        self._is_foreign = False

    def may_be_asked(self) -> bool:
        """Whether it answered last time, or it is this caller's turn to try again."""
        with self._lock:
            if not self._failures:
                return True
            now = self._clock()
            if now < self._not_before:
                return False
            self._not_before = now + PROBING
            return True

    def has(self, place: Place) -> bool:
        """Whether everything up to a place can be read there now. Never raises, and takes seconds at the most."""
        try:
            standing = self.standing()
        except psycopg.errors.SerializationFailure:
            return False  # replay needed what the question held: it is well, and busy
        except (Error, psycopg.Error, TimeoutError) as error:
            self.failed(error)
            return False
        self._answered()
        self._warn_of_a_foreigner(not standing.is_standby or standing.system != place.system)
        return standing.has(place)

    def standing(self) -> Standing:
        """What it says of itself now. Raises an error of the database's, or TimeoutError."""
        connection = connections[self.alias]
        # Kept connections may be of before the standby was restarted: this thread's, or all of the pool.
        pool = connection.settings_dict["OPTIONS"].get("pool")
        kept = pool["max_size"] if pool else int(connection.connection is not None)
        until = time.monotonic() + PATIENCE
        try:
            while True:
                try:
                    return self._answer(connection)
                except psycopg.OperationalError:
                    if not kept or time.monotonic() > until:
                        raise
                    kept -= 1
                    connection.close()
        except BaseException:
            if connection.connection is not None:
                connection.connection.close()
            connection.close()
            raise

    def failed(self, error: BaseException) -> None:
        """Do not ask it for a while: the longer, the more often it has failed."""
        with self._lock:
            self._failures += 1
            pause = min(FIRST_PAUSE * 2 ** (self._failures - 1), LONGEST_PAUSE)
            self._not_before = self._clock() + pause
            is_first = self._failures == 1
        if is_first:
            logger.warning(
                "%s does not answer (%s); the primary is read from until it does.", self.alias, _reason(error)
            )

    def _answered(self) -> None:
        with self._lock:
            was_away, self._failures = bool(self._failures), 0
        if was_away:
            logger.warning("%s answers again and is read from.", self.alias)

    def _warn_of_a_foreigner(self, is_foreign: bool) -> None:
        was, self._is_foreign = self._is_foreign, is_foreign
        if is_foreign and not was:
            logger.warning(
                "%s is no standby of the server of DATABASE_URL and is not read from; set REPLICA_DATABASE_URL right.",
                self.alias,
            )

    def _answer(self, connection: Any) -> Standing:
        """Ask for no longer than PATIENCE: libpq itself would wait for ever."""
        connection.ensure_connection()
        connection.health_check_done = True  # this is one
        own = connection.connection
        if own.closed:
            raise psycopg.OperationalError("the connection is closed")
        pgconn, deadline = own.pgconn, time.monotonic() + PATIENCE
        answers = select.poll()
        answers.register(pgconn.socket, select.POLLIN)
        pgconn.send_query(STATEMENT)
        while pgconn.flush():
            pass
        results = []
        while True:
            while pgconn.is_busy():
                if not answers.poll(max(0.0, deadline - time.monotonic()) * 1000):
                    raise TimeoutError
                pgconn.consume_input()
            if (result := pgconn.get_result()) is None:
                break
            results.append(result)
        if results[0].status != psycopg.pq.ExecStatus.TUPLES_OK:
            raise psycopg.errors.error_from_result(results[0])
        values = [results[0].get_value(0, column) for column in range(4)]
        in_recovery, system, timeline, replayed = (value.decode() if value is not None else "" for value in values)
        return Standing(in_recovery == "t", int(system), Position(int(timeline), int(replayed or 0)))


def _reason(error: BaseException) -> str:
    """Why, without a value of any row: PostgreSQL's code, or the words of a connection that was not made."""
    state = getattr(error, "sqlstate", None) or getattr(error.__cause__, "sqlstate", None)
    words = str(error).strip().splitlines()
    return f"SQLSTATE {state}" if state else words[0] if words else type(error).__name__
