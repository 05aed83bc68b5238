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
from whitecross.replica.primary import OFTEN, Marks, Place

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
SELECT pg_is_in_recovery(), (pg_control_system()).system_identifier,
       (SELECT oid FROM pg_database WHERE datname = current_database()), (pg_control_checkpoint()).timeline_id,
       (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint
"""

NO_STANDBY = "is no standby of the server of DATABASE_URL and is not read from; set REPLICA_DATABASE_URL right."
OTHER_DATABASE = (
    "leads to another database than DATABASE_URL does and is not read from; name the same one in REPLICA_DATABASE_URL."
)
AHEAD = (
    "has what the server of DATABASE_URL never wrote, which was brought back from an earlier state, and is not read"
    " from; make the standby anew (pg_basebackup), then restart the web servers."
)


class Standing(NamedTuple):
    """What a standby says of itself."""

    is_standby: bool
    system: int
    database: int
    position: Position

    def has(self, place: Place) -> bool:
        """Whether everything up to a place of the primary's log can be read there."""
        return self.database == place.database and self.has_log(place)

    def has_log(self, place: Place) -> bool:
        """Whether it has everything up to a place, in whatever database."""
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
        self._foreign: str | None = None
        self._ahead_from: int | None = None
        self._sound = (-1, 0.0)

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

    def has(self, place: Place, marks: Marks) -> bool:
        """Whether everything up to a place can be read there now. Never raises, and takes seconds at the most."""
        try:
            standing = self.standing()
            if standing.database != place.database and standing.has_log(place):
                # A connection stays in its database when that is renamed. The name may be another's by now.
                self._reconnect()
                standing = self.standing()
        except psycopg.errors.SerializationFailure:
            return False  # replay needed what the question held: it is well, and busy
        except (Error, psycopg.Error, TimeoutError) as error:
            self.failed(error)
            return False
        foreign = None
        if not standing.is_standby or standing.system != place.system:
            foreign = NO_STANDBY
        elif standing.database != place.database and standing.has_log(place):
            now = marks.now()
            if now is None or now.database != place.database:
                return False  # the place is of before a swap
            foreign = OTHER_DATABASE
        elif standing.has(place):
            is_ahead = self._is_ahead(standing.position, marks)
            if is_ahead is None:
                return False
            foreign = AHEAD if is_ahead else None
        if foreign == OTHER_DATABASE:
            self._pause()  # it would be connected to anew each time
        else:
            self._answered()
        self._warn_of_a_foreigner(foreign)
        return foreign is None and standing.has(place)

    def _is_ahead(self, position: Position, marks: Marks) -> bool | None:
        """Whether it has replayed what the primary has not written; None where that cannot be known.

        That is so where the primary lost the end of its log: to a snapshot of its disk that was put back, or to a
        power cut with fsync off. It stays so when the primary has come to the same number with other contents: until
        the standby stands at a lower one, which a standby that is not made anew never does.
        """
        if self._ahead_from is not None:
            if position.lsn >= self._ahead_from:
                return True
            self._ahead_from = None
        if (newest := marks.newest) is not None and newest.position >= position:
            return False
        breaks, until = self._sound
        if breaks == marks.breaks and self._clock() < until:
            return False
        moment, now = self._clock(), marks.now()
        if now is None or now.position.timeline != position.timeline:
            return None
        if now.position < position:
            self._ahead_from = position.lsn
            return True
        self._sound = marks.breaks, moment + OFTEN
        return False

    def _reconnect(self) -> None:
        connection: Any = connections[self.alias]
        pool = getattr(connection.connection, "_pool", None)
        if pool is not None:
            pool.drain()
        connection.close()

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
        if self._pause() == 1:
            logger.warning(
                "%s does not answer (%s); the primary is read from until it does.", self.alias, _reason(error)
            )

    def _pause(self) -> int:
        with self._lock:
            self._failures += 1
            pause = min(FIRST_PAUSE * 2 ** (self._failures - 1), LONGEST_PAUSE)
            self._not_before = self._clock() + pause
            return self._failures

    def _answered(self) -> None:
        with self._lock:
            was_away, self._failures = bool(self._failures), 0
        if was_away:
            logger.warning("%s answers again and is read from.", self.alias)

    def _warn_of_a_foreigner(self, why: str | None) -> None:
        was, self._foreign = self._foreign, why
        if why is not None and why != was:
            logger.warning("%s %s", self.alias, why)

    def _answer(self, connection: Any) -> Standing:
        connection.ensure_connection()
        connection.health_check_done = True  # this is one
        in_recovery, system, database, timeline, replayed = answer(connection.connection, STATEMENT)
        return Standing(in_recovery == "t", int(system), int(database), Position(int(timeline), int(replayed or 0)))


def answer(connection: psycopg.Connection[Any], statement: bytes) -> list[str]:
    """Ask for one row, for no longer than PATIENCE: libpq itself would wait for ever.

    Raises an error of the database's, or TimeoutError.
    """
    if connection.closed:
        raise psycopg.OperationalError("the connection is closed")
    pgconn, deadline = connection.pgconn, time.monotonic() + PATIENCE
    answers = select.poll()
    answers.register(pgconn.socket, select.POLLIN)
    pgconn.send_query(statement)
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
    values = [results[0].get_value(0, column) for column in range(results[0].nfields)]
    return [value.decode() if value is not None else "" for value in values]


def _reason(error: BaseException) -> str:
    """Why, without a value of any row: PostgreSQL's code, or the words of a connection that was not made."""
    state = getattr(error, "sqlstate", None) or getattr(error.__cause__, "sqlstate", None)
    words = str(error).strip().splitlines()
    return f"SQLSTATE {state}" if state else words[0] if words else type(error).__name__
