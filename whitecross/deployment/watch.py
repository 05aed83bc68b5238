"""Beside the connection that migrates: one that keeps others from migrating, and one that sees whom we keep waiting.

PostgreSQL bounds how long we wait for a lock (`lock_timeout`), and while we wait, everybody behind us waits as well.
How long they wait once we have it, nothing bounds. So one connection looks, each few hundredths of a second, whether a
reader or writer waits for the migration, and takes the locks from it if one has waited long: it cancels the statement,
or ends the session where it is not in one. What was begun is rolled back, and tried again later.

The lock that only one may hold is one of a transaction, which stays open in a connection of its own: it holds through a
pooler in transaction mode as well, and goes when this process does. In that transaction nothing is asked that needs a
snapshot, as an index that is built concurrently waits for every transaction in which it has seen one.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg

from whitecross.deployment.holders import Holder, holders
from whitecross.postgres.connecting import connect

LOCK = 0x77636D67  # "wcmg": one migration of a database at a time
# The process that holds it.
AT_WORK = f"""
SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = {LOCK} AND objid = 0 AND objsubid = 2 AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""  # noqa: S608 - a number of ours
LOOK_EACH_S = 0.02
ASK_EACH_S = 0.25  # whether the lock is still ours; it also keeps the connections alive in pools and networks
# Of a client whose machine or network is gone, the server would hear only after hours, and keep its locks that long.
KEEPALIVES = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
CANCEL_AFTER_S = 0.09  # so long may somebody have waited for us
END_AFTER_S = 0.12  # and so long if we do not stop for being cancelled

# How long the reader or writer has waited for us who has waited longest; for whom we wait; in which state we are.
LOOK = """
SELECT (SELECT max(extract(epoch FROM clock_timestamp() - w.waitstart))
        FROM pg_locks w
        WHERE NOT w.granted AND w.pid <> %(pid)s
          AND (w.mode IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
               OR w.locktype IN ('transactionid', 'tuple'))
          AND %(pid)s = ANY (pg_blocking_pids(w.pid))),
       (SELECT pg_blocking_pids(%(pid)s)
        WHERE EXISTS (SELECT FROM pg_locks o WHERE o.pid = %(pid)s AND NOT o.granted)),
       (SELECT state FROM pg_stat_get_activity(%(pid)s))
"""
# Of an index that is being built: its name, in which phase, and how far that is.
BUILDING = """
SELECT coalesce(x.relname, 'an index'), p.phase,
       coalesce(round(100.0 * p.blocks_done / nullif(p.blocks_total, 0)),
                round(100.0 * p.tuples_done / nullif(p.tuples_total, 0)))::int
FROM pg_stat_progress_create_index p LEFT JOIN pg_class x ON x.oid = p.index_relid
WHERE p.pid = %(pid)s
"""
TELL_EACH_S = 5.0


class OthersError(Exception):
    """Another run holds the lock, and went on holding it. The message is a sentence for people."""


class Watch:
    """Holds the lock on migrations of a database, and watches over our own backend while it is told to.

    - `lost`: the lock is gone, as its connection is, or nobody can look any more.
    - `interfered`: our statement was cancelled, or our session ended, because somebody waited too long for us.
    - `was_waiting`: and at that moment we waited for others ourselves.
    - `expired`: our statement was cancelled because it had waited for others for `patience_s`.
    - `blockers`: process ids of those for whom we last waited; 0 is a prepared transaction.
    """

    def __init__(self, alias: str) -> None:
        self._alias = alias
        # Values go within the statements: a portal, which the other protocol leaves behind, would keep its snapshot.
        self._lock = connect(alias, cursor_factory=psycopg.ClientCursor)
        self._eyes = connect(alias, cursor_factory=psycopg.ClientCursor)
        self._mutex = threading.RLock()
        self._pid: int | None = None
        self._lets_wait = False
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.patience_s = float("inf")
        self._waits_since: float | None = None
        self.told: Callable[[str], None] = lambda sentence: None
        self._told_at = self._asked_at = 0.0
        self.lost = self.interfered = self.was_waiting = self.expired = False
        self.blockers: set[int] = set()

    def acquire(self, patience_s: float, waits: Callable[[list[Holder]], None]) -> bool:
        """Take the lock; whether somebody else had it first. `waits` hears once who has it. Raises OthersError."""
        until, had_to_wait = time.monotonic() + patience_s, False
        while not self._try():
            others = self._others()
            if time.monotonic() > until:
                named = "; ".join(map(str, others)) or "it has just ended"
                raise OthersError(
                    f"Another run is changing this database's schema ({named}): wait for it, then run this again. "
                    "Nothing was changed."
                )
            if not had_to_wait:
                waits(others)
            had_to_wait = True
            time.sleep(0.2)
        self._thread = threading.Thread(target=self._run, name="watch over migrations", daemon=True)
        self._thread.start()
        return had_to_wait

    def release(self) -> None:
        """Let others migrate. The connections are closed."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        for server in (self._lock, self._eyes):
            with suppress(psycopg.Error):
                server.close()

    @contextmanager
    def over(self, pid: int, *, lets_wait: bool = False) -> Iterator[None]:
        """Watch over the backend with this process id. `lets_wait`: whoever waits for it waits as long as it takes."""
        with self._mutex:
            self._pid, self._lets_wait, self.blockers = pid, lets_wait, set()
            self.interfered = self.was_waiting = self.expired = False
            self._waits_since, self._told_at = None, time.monotonic()
        try:
            yield
        finally:
            self.look_away()

    def look_away(self) -> None:
        """Cancel nothing any more: what follows is a COMMIT, or is not ours."""
        with self._mutex:
            self._pid = None

    def holders(self) -> list[Holder]:
        """Those for whom we last waited, as far as they are still there."""
        try:
            with self._mutex:
                return holders(self._eyes, self.blockers)
        except psycopg.Error:
            return []

    def wait_for_holders(self, at_most_s: float) -> None:
        """Return once those for whom we last waited have ended their transactions, or the time is over.

        By their virtual transaction ids, which everybody may see, whatever the privileges.
        """
        until = time.monotonic() + at_most_s
        waited_for = self._transactions(self.blockers) if self.blockers else set()
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_EACH_S * 2))
            if waited_for and not waited_for & self._transactions(self.blockers):
                return

    def wait_for_end_of(self, pid: int, at_most_s: float = 10.0) -> None:
        """Return once a backend of ours has ended, so that what it leaves can be told, or the time is over."""
        until = time.monotonic() + at_most_s
        while time.monotonic() < until:
            with suppress(psycopg.Error), self._mutex:
                if self._eyes.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone() is None:
                    return
            time.sleep(LOOK_EACH_S)

    def _transactions(self, pids: set[int]) -> set[str]:
        try:
            with self._mutex:
                rows = self._eyes.execute(
                    "SELECT virtualtransaction FROM pg_locks WHERE pid = ANY(%s) AND locktype = 'virtualxid'",
                    [list(pids)],
                ).fetchall()
        except psycopg.Error:
            return set()
        return {transaction for (transaction,) in rows}

    def _try(self) -> bool:
        """Begin the transaction that holds the lock; where another has it, end it again, for it has a snapshot."""
        # In any other isolation it would keep its first snapshot, whatever the role or the database have.
        self._lock.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        # Whatever limits the role or the database have: this transaction lasts as long as the run.
        self._lock.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        self._lock.execute("SET LOCAL statement_timeout = 0")
        for name, value in KEEPALIVES.items():
            self._lock.execute(f"SET LOCAL {name} = {value}")
        if self._lock.info.server_version >= 170000:
            self._lock.execute("SET LOCAL transaction_timeout = 0")
        row = self._lock.execute("SELECT pg_try_advisory_xact_lock(%s, 0)", [LOCK]).fetchone()
        if row and row[0]:
            return True
        self._lock.execute("ROLLBACK")
        return False

    def _others(self) -> list[Holder]:
        pids = self._eyes.execute(AT_WORK).fetchall()
        return holders(self._eyes, [pid for (pid,) in pids])

    def _run(self) -> None:
        while not self._ended.wait(LOOK_EACH_S):
            try:
                with self._mutex:
                    self._ask_for_the_lock()
                    if self._pid is not None:
                        self._look(self._pid)
            except psycopg.Error:
                self._lose()
                return

    def _ask_for_the_lock(self) -> None:
        if time.monotonic() - self._asked_at >= ASK_EACH_S:
            self._asked_at = time.monotonic()
            for server in (self._lock, self._eyes):
                server.execute("SHOW lock_timeout")  # needs no snapshot

    def _lose(self) -> None:
        """Stop what is at work: nobody protects the application from it any more, nor it from another run."""
        self.lost = True
        with suppress(psycopg.Error), self._mutex:
            if self._pid is not None:
                with connect(self._alias) as server:
                    server.execute("SELECT pg_cancel_backend(%s)", [self._pid])

    def _look(self, pid: int) -> None:
        row = self._eyes.execute(LOOK, {"pid": pid}).fetchone()
        waited, blockers, state = row or (None, None, None)
        if not blockers:
            self._waits_since = None
        else:
            self.blockers = set(blockers)
            self._waits_since = self._waits_since or time.monotonic()
        if waited is not None and waited >= CANCEL_AFTER_S and not self._lets_wait:
            self.interfered, self.was_waiting = True, bool(blockers)
            # Between two statements there is nothing to cancel.
            ends = waited >= END_AFTER_S or state == "idle in transaction"
            self._eyes.execute(f"SELECT {'pg_terminate_backend' if ends else 'pg_cancel_backend'}(%s)", [pid])
        elif self._waits_since and time.monotonic() - self._waits_since > self.patience_s:
            self.expired = True
            self._eyes.execute("SELECT pg_cancel_backend(%s)", [pid])
        elif time.monotonic() - self._told_at >= TELL_EACH_S:
            self._told_at = time.monotonic()
            self._tell(pid)

    def _tell(self, pid: int) -> None:
        """Say how far an index is, where its building takes long."""
        row = self._eyes.execute(BUILDING, {"pid": pid}).fetchone()
        if row:
            name, phase, percent = row
            self.told(f"{name}: {phase}{f', {percent} %' if percent is not None else ''}")
