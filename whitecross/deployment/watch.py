"""The second connection of a migration: it keeps others from migrating, and sees to it that nobody waits for us.

PostgreSQL bounds how long we wait for a lock (`lock_timeout`), and while we wait, everybody behind us waits as well.
How long they wait once we have it, nothing bounds. So this connection looks, each few hundredths of a second, whether a
reader or writer waits for the migration, and takes the locks from it if one has waited long: first by cancelling its
statement, then, where it is not in one, by ending its session. What was begun is rolled back, and tried again later.

The lock that only one may hold is one of a transaction, which stays open: it holds through a pooler in transaction mode
as well, and goes when this process does.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg

from whitecross.deployment.connecting import connect
from whitecross.deployment.holders import Holder, holders

LOCK = 0x77636D67  # "wcmg": one migration of a database at a time
LOOK_EACH_S = 0.02
CANCEL_AFTER_S = 0.09  # so long may somebody have waited for us
END_AFTER_S = 0.12  # and so long if we do not stop for being cancelled

# How long the reader or writer has waited for us who has waited longest; and for whom we wait.
LOOK = """
SELECT (SELECT max(extract(epoch FROM clock_timestamp() - w.waitstart))
        FROM pg_locks w
        WHERE NOT w.granted AND w.pid <> %(pid)s
          AND (w.mode IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
               OR w.locktype IN ('transactionid', 'tuple'))
          AND %(pid)s = ANY (pg_blocking_pids(w.pid))),
       (SELECT pg_blocking_pids(%(pid)s)
        WHERE EXISTS (SELECT FROM pg_locks o WHERE o.pid = %(pid)s AND NOT o.granted))
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

    - `lost`: this connection is gone, and with it the lock.
    - `interfered`: our statement was cancelled, or our session ended, because somebody waited too long for us.
    - `expired`: our statement was cancelled because it had waited for others for `patience_s`.
    - `blockers`: process ids of those for whom we last waited.
    """

    def __init__(self, alias: str) -> None:
        # Values go within the statements: a portal, which the other protocol leaves behind, would keep its snapshot for
        # as long as our transaction is open, and an index that is built concurrently waits for every snapshot.
        self._server = connect(alias, cursor_factory=psycopg.ClientCursor)
        self._mutex = threading.Lock()
        self._pid: int | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.patience_s = float("inf")
        self._waits_since: float | None = None
        self.told: Callable[[str], None] = lambda sentence: None
        self._told_at = 0.0
        self.lost = self.interfered = self.expired = False
        self.blockers: set[int] = set()

    def acquire(self, patience_s: float, waits: Callable[[list[Holder]], None]) -> bool:
        """Take the lock; whether somebody else had it first. `waits` hears once who has it. Raises OthersError."""
        until, had_to_wait = time.monotonic() + patience_s, False
        self._server.execute("BEGIN")
        # Whatever limits the role or the database have: this transaction lasts as long as the run.
        self._server.execute(
            "SELECT set_config(name, '0', true) FROM pg_settings"
            " WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout', 'statement_timeout')"
        )
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
        self._thread = threading.Thread(target=self._look, name="watch over migrations", daemon=True)
        self._thread.start()
        return had_to_wait

    def release(self) -> None:
        """Let others migrate. The connection is closed."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        with suppress(psycopg.Error):
            self._server.close()

    @contextmanager
    def over(self, pid: int) -> Iterator[None]:
        """Watch over the backend with this process id."""
        with self._mutex:
            self._pid, self.interfered, self.expired, self.blockers = pid, False, False, set()
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
            return holders(self._server, self.blockers)
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

    def _transactions(self, pids: set[int]) -> set[str]:
        try:
            rows = self._server.execute(
                "SELECT virtualtransaction FROM pg_locks WHERE pid = ANY(%s) AND locktype = 'virtualxid'", [list(pids)]
            ).fetchall()
        except psycopg.Error:
            return set()
        return {transaction for (transaction,) in rows}

    def _try(self) -> bool:
        row = self._server.execute("SELECT pg_try_advisory_xact_lock(%s, 0)", [LOCK]).fetchone()
        return bool(row and row[0])

    def _others(self) -> list[Holder]:
        pids = self._server.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [LOCK],
        ).fetchall()
        return holders(self._server, [pid for (pid,) in pids])

    def _look(self) -> None:
        while not self._ended.wait(LOOK_EACH_S):
            try:
                with self._mutex:
                    if self._pid is not None:
                        self._protect(self._pid)
                        self._tell(self._pid)
                    elif self._server.closed:
                        self.lost = True
                        return
            except psycopg.Error:
                # The lock is gone: whoever changes the schema asks `lost` before each statement.
                self.lost = True
                return

    def _protect(self, pid: int) -> None:
        row = self._server.execute(LOOK, {"pid": pid}).fetchone()
        waited, blockers = row or (None, None)
        if not blockers:
            self._waits_since = None
        else:
            self.blockers = set(blockers) - {0}
            self._waits_since = self._waits_since or time.monotonic()
        if waited is not None and waited >= CANCEL_AFTER_S:
            self.interfered = True
            deed = "pg_cancel_backend" if waited < END_AFTER_S else "pg_terminate_backend"
            self._server.execute(f"SELECT {deed}(%s)", [pid])
        elif self._waits_since and time.monotonic() - self._waits_since > self.patience_s:
            self.expired = True
            self._server.execute("SELECT pg_cancel_backend(%s)", [pid])

    def _tell(self, pid: int) -> None:
        """Say how far an index is, where its building takes long."""
        if time.monotonic() - self._told_at < TELL_EACH_S:
            return
        self._told_at = time.monotonic()
        row = self._server.execute(BUILDING, {"pid": pid}).fetchone()
        if row:
            name, phase, percent = row
            self.told(f"{name}: {phase}{f', {percent} %' if percent is not None else ''}")
