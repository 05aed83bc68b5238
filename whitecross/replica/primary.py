"""The primary as this process knows it: where its log stands, and whether a statement may have written to it."""

import logging
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

from django.db import DEFAULT_DB_ALIAS, Error, connections

from whitecross.replica.positions import Position

logger = logging.getLogger(__name__)

# Behind every commit so far: they wait until the log is written to the disk, unless they are told not to. Farther on,
# the log is not sent to standbys yet. The name of its file begins with the timeline. No row on a server that is no
# primary. A database keeps its number when it is renamed.
STATEMENT = """
SELECT (pg_control_system()).system_identifier,
       (SELECT oid::bigint FROM pg_database WHERE datname = current_database()),
       substr(pg_walfile_name(at), 1, 8), (at - '0/0'::pg_lsn)::bigint
FROM (
    SELECT CASE
        WHEN pg_is_in_recovery() THEN NULL
        WHEN current_setting('synchronous_commit') = 'off' THEN pg_current_wal_insert_lsn()
        ELSE pg_current_wal_flush_lsn()
    END
) AS log (at)
WHERE at IS NOT NULL
"""
MARKS = 4  # how often the log's place is noted within REPLICA_MAX_LAG,
OFTEN = 2.0  # and at least once in so many seconds: a primary is not brought back from a snapshot in less


class Place(NamedTuple):
    """A place in the log of a cluster, told in one of its databases; both have numbers, which standbys share."""

    system: int
    database: int
    position: Position

    def follows(self, earlier: "Place") -> bool:
        """Whether it may be a later place in the same log, told in the same database."""
        is_same = self._replace(position=earlier.position) == earlier
        return is_same and self.position.timeline == earlier.position.timeline and self.position >= earlier.position


def place() -> Place | None:
    """Where the log stands now; None where the server of `default` is a standby or does not answer. One query."""
    try:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(STATEMENT)
            row = cursor.fetchone()
    except Error:
        return None
    return Place(row[0], row[1], Position(int(row[2], 16), row[3])) if row else None


class Marks:
    """Where the log stood at moments of the last seconds: how far a standby has to be to be no older than that."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._marks: deque[tuple[float, Place]] = deque()
        self._answered = float("-inf")
        self._is_silent = False
        self.newest: Place | None = None
        # How often the log was another one, or at an earlier place: after a failover, a swap of databases, or where the
        # primary was brought back from a snapshot of its disk.
        self.breaks = 0

    def oldest(self, seconds: float, seen: Iterable[Position] = ()) -> Place | None:
        """Where the log stood, at the longest so many seconds ago. Asks for its place from time to time.

        It asks too where a reader has seen more than is known here: the database may be another one by then.
        """
        with self._lock:
            moment = self._clock()  # before asking: the place is behind everything committed until then
            while self._marks and self._marks[0][0] < moment - seconds:
                self._marks.popleft()
            is_due = not self._marks or moment - self._marks[-1][0] >= min(seconds / MARKS, OFTEN)
            newest = self.newest
            if is_due or newest is None or any(position > newest.position for position in seen):
                self._note(moment, now := place())
                if now is not None and now == self.newest:
                    self._marks.append((moment, now))
            return self._marks[0][1] if self._marks else None

    def now(self) -> Place | None:
        """Where the log stands now. One query."""
        moment = self._clock()
        now = place()
        with self._lock:
            self._note(moment, now)
        return now

    def _note(self, asked: float, now: Place | None) -> None:
        self._say_whether_it_tells(now is not None)
        if now is None:
            self._marks.clear()
            self.newest = None
        elif asked >= self._answered:  # else another was asked for meanwhile, and nobody knows which of them is later
            if self.newest is not None and not now.follows(self.newest):
                self._marks.clear()
                self.breaks += 1
            self.newest, self._answered = now, self._clock()

    def _say_whether_it_tells(self, tells: bool) -> None:
        was_silent, self._is_silent = self._is_silent, not tells
        if not tells and not was_silent:
            logger.warning(
                "The server of DATABASE_URL is a standby itself or does not answer, so nothing is read from standbys;"
                " set DATABASE_URL to the primary, or start it."
            )


# What may stand before a parenthesis in a statement that writes nothing.
HARMLESS = frozenset(
    """
    all and any array as between by case cast distinct else except exists extract filter from group having in
    intersect interval is join lateral like limit materialized not offset on or order over partition recursive rows
    select some then union using values when where with within
    char character decimal numeric time timestamp timestamptz varchar varying
    abs age array_agg array_length array_position array_to_string avg bool_and bool_or btrim ceil ceiling char_length
    coalesce concat concat_ws count cume_dist current_database current_date current_setting current_timestamp
    date_part date_trunc dense_rank every first_value floor format generate_series greatest initcap
    json_agg json_array_length json_build_object jsonb_agg jsonb_array_length jsonb_build_object jsonb_object_agg
    lag last_value lead least left length lower lpad ltrim max min mod now nth_value ntile nullif percent_rank
    percentile_cont percentile_disc position power rank regexp_replace repeat replace reverse right round row row_number
    row_to_json rpad rtrim sign similarity split_part sqrt starts_with stddev_pop stddev_samp string_agg strpos substr
    substring sum to_char to_date to_json to_jsonb to_number to_timestamp translate trim trunc unaccent unnest upper
    var_pop var_samp version width_bucket word_similarity
    """.split()  # noqa: SIM905 - a hundred quoted words are harder to read
)
BEGINNING = re.compile(r"[\s(]*(select|with)\b", re.IGNORECASE)
WRITING = re.compile(r";|--|/\*|\b(insert|update|delete|merge|into|share)\b", re.IGNORECASE)
CALLS = re.compile(r"""([\w$]+|["\])])\s*\(""")


@lru_cache(maxsize=2048)
def only_reads(sql: str) -> bool:
    """Whether a statement writes nothing, for certain: one SELECT, without locks, that calls known functions only.

    A comment could hide a call, so a statement with one is in doubt, as every other that is not plain.
    """
    if sql == STATEMENT:
        return True
    if not BEGINNING.match(sql) or WRITING.search(sql):
        return False
    return all(name.lower() in HARMLESS for name in CALLS.findall(sql))
