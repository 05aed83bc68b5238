"""For how long a migration is tried, and what is said when that is over."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration

from core.db import RunInBatches
from whitecross.deployment.governing import WAIT_MS, Governor, LostLockError
from whitecross.deployment.holders import Holder
from whitecross.deployment.record import Step
from whitecross.deployment.watch import Watch

STALL_MS = 150  # the longest that a query of the application may wait for us
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 2.0
MOST_STALLS = 4  # so often in a row it may take too long under its locks
SMALLEST = 10  # rows of a batch
BUSY = ("55P03", "40P01")  # a lock was not to be had; a deadlock, of which we were chosen to end


class MigrationStoppedError(Exception):
    """A migration was not carried out, and nothing of it was. The message is a sentence for people."""


@dataclass
class Governance:
    """What a command brings along: the watch, for how long a migration tries, who hears of waiting, and under which
    name the run is written down. `allows_long_locks`: let others wait, as long as it takes.
    """

    watch: Watch
    patience_s: float
    told: Callable[[str], None]
    command: str = "migrate"
    allows_long_locks: bool = False


class Trial:
    """The attempts at one migration: which failure is worth another, and what is said when none is."""

    def __init__(
        self,
        migration: Migration,
        step: Step | None,
        governance: Governance,
        governor: Governor,
        connection: BaseDatabaseWrapper,
    ) -> None:
        self.held_by_server: set[str] = set()  # tables of which an autovacuum is in the way
        self._governor = governor
        self._name = f"{migration.app_label}.{migration.name}"
        self._migration, self._step = migration, step
        self._left = "Nothing of it was done." if migration.atomic else "Running it again goes on where it was."
        self._governance, self._connection = governance, connection
        self._stalls, self._pause_s, self._said = 0, FIRST_PAUSE_S, float("-inf")
        self._places: set[tuple[str, str] | None] = set()  # at which it had to step back
        self._ended, self._deadline = 0, float("inf")
        self._held: list[Holder] = []

    def judge(self, error: Exception) -> None:
        """Return if it is to be tried again. Raises the error, or MigrationStoppedError."""
        watch = self._governance.watch
        if isinstance(error, LostLockError) or watch.lost:
            raise MigrationStoppedError(
                f"{self._name} stopped: the lock that keeps other runs out is gone, as its connection is. {self._left}"
            ) from error
        sqlstate = getattr(error.__cause__, "sqlstate", None)
        busy = sqlstate in BUSY or (watch.interfered and watch.was_waiting)
        self._count_from_here(busy=busy or watch.expired)
        if busy:
            self._stalls = self._ended = 0
            self._holders()
            self.held_by_server = self._governor.stopping if self._is_held_by_server() else set()
        elif watch.interfered:
            # What goes by batches goes on where it was, with smaller ones.
            self._ended += 1
            self._stalls += not self._halve_batches()
        elif not (watch.expired and sqlstate == "57014"):
            raise error
        if not self._is_repeatable():
            raise error
        is_over = watch.expired or time.monotonic() >= self._deadline
        if is_over or self._stalls >= MOST_STALLS:
            why = self._out_of_patience() if busy or watch.expired else self._too_long()
            raise MigrationStoppedError(why) from error
        if self._step:
            self._step.facts["attempts"] += 1
            self._step.facts["lockWaits"] += 1
        if time.monotonic() - self._said > 10:
            self._said = time.monotonic()
            self._governance.told(
                f"waiting for {self._whom()}" if busy else "stepped back, as others had to wait; trying again"
            )

    def pause(self) -> None:
        """Let those who wait go by, until the lock may be free. Two that retry must not keep meeting."""
        with suppress(Error):
            if self._connection.connection is not None and not self._connection.is_usable():
                self._connection.close()
        left = self._deadline - time.monotonic()
        pause_s = self._pause_s * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
        self._governance.watch.wait_for_holders(max(0.05, min(left, pause_s)))
        self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 1.3)

    def _count_from_here(self, *, busy: bool) -> None:
        """Begin to be patient: with waiting, not with work, and at each place anew for what goes on where it was."""
        place = None if self._migration.atomic else self._governor.place
        if place not in self._places:
            self._places.add(place)
            self._stalls = self._ended = 0
            self._deadline = (self._governor.sent_at if busy else time.monotonic()) + self._governance.patience_s

    def _is_held_by_server(self) -> bool:
        return any(holder.is_of_the_server for holder in self._governance.watch.holders())

    def _halve_batches(self) -> bool:
        batches = [one for one in self._migration.operations if isinstance(one, RunInBatches) and one.size > SMALLEST]
        for one in batches:
            one.size = max(SMALLEST, one.size // 2)
        return bool(batches)

    def _is_repeatable(self) -> bool:
        return self._migration.atomic or all(
            type(operation).__module__.startswith("core.db.online") for operation in self._migration.operations
        )

    def _holders(self) -> list[Holder]:
        """Those who held the lock at the last attempt that the watch saw wait: on a busy machine it may miss one."""
        self._held = self._governance.watch.holders() or self._held
        return self._held

    def _whom(self) -> str:
        return "; ".join(map(str, self._holders())) or "a lock that is never free for long"

    def _too_long(self) -> str:
        attempts = f"{self._ended} attempts in a row were" if self._ended > 1 else "an attempt was"
        return (
            f"{self._name} needs its locks for longer than others may wait ({STALL_MS} ms): {attempts} ended because "
            f"somebody waited. {self._left} Run it in a quiet hour, or stop the application and run it with "
            "--allow-long-locks (migrate --plan shows the locks)."
        )

    def _out_of_patience(self) -> str:
        ends = [holder.end for holder in self._holders() if holder.end]
        end = f", or end it: {ends[0]}" if ends else "."
        return (
            f"{self._name} got no lock within {self._governance.patience_s:g} s; it steps back after {WAIT_MS} ms each "
            f"time, so that nobody waits. Who held it: {self._whom()}. {self._left} Wait for that to end"
            f"{end}"
        )
