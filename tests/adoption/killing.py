"""Does something at one moment of an adoption: kills its backend, makes its disk full, or kills the process.

A moment is a statement, or the word that so many rows of a table are here. Run as a program, this is manage.py that
does it to itself: `python -m tests.adoption.killing '{"pattern": "LOCK TABLE", "signal": 9}' adopt --yes`.
"""

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

Deed = Callable[[], object]
DISK_FULL = """
DO $$ BEGIN
    RAISE 'could not extend file "base/1/2": No space left on device' USING ERRCODE = 'disk_full';
END $$
"""
# Added to the condition of an INSERT ... SELECT: its backend is told to end when the statement is at that row.
AT_A_ROW = " AND (t.ctid <> '(1,2)' OR pg_terminate_backend(pg_backend_pid()))"


@dataclass
class Moment:
    """The nth statement that matches, parameters behind it. `seen`: how many did, for a test to say that it came."""

    pattern: str
    nth: int = 1
    seen: int = 0

    @property
    def came(self) -> bool:
        """Whether it has come."""
        return self.seen >= self.nth

    def is_now(self, sql: str) -> bool:
        """Count the statement; whether this is the moment."""
        if re.search(self.pattern, sql):
            self.seen += 1
            return self.seen == self.nth
        return False


@contextmanager
def at(
    pattern: str,
    deed: Deed = lambda: None,
    *,
    nth: int = 1,
    after: bool = False,
    instead: Callable[[str], str] | None = None,
    alias: str = "default",
) -> Iterator[Moment]:
    """Do something before (or after) the nth statement that matches; `instead` is what is run in its place."""
    moment = Moment(pattern, nth)

    def watch(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        if not moment.is_now(f"{sql} {params or ''}"):
            return execute(sql, params, many, context)
        if not after:
            deed()
        done = execute(instead(str(sql)), None, False, context) if instead else execute(sql, params, many, context)
        if after:
            deed()
        return done

    with connections[alias].execute_wrapper(watch):
        yield moment


@contextmanager
def at_row(table: str, deed: Deed, *, nth: int = 20) -> Iterator[Moment]:
    """Do something when word comes for the nth time that rows of a table are on their way (see in_small_parts)."""
    from whitecross.adoption.roads import Road, RoadFromElsewhere

    moment = Moment(f"^{table}$", nth)
    pours = {road: road.pour for road in (Road, RoadFromElsewhere)}

    def watched(pour: Callable[..., None]) -> Callable[..., None]:
        def pour_and_watch(
            road: Any, name: str, columns: Any, rest: str, told: Callable[[int], None], **more: Any
        ) -> None:
            def tell(number: int) -> None:
                told(number)
                if moment.is_now(name):
                    deed()

            pour(road, name, columns, rest, tell, **more)

        return pour_and_watch

    for road, pour in pours.items():
        road.pour = watched(pour)  # type: ignore[method-assign]
    try:
        yield moment
    finally:
        for road, pour in pours.items():
            road.pour = pour  # type: ignore[method-assign]


def terminate(server: Any, connection: BaseDatabaseWrapper) -> None:
    """End a connection's backend by another connection, and wait until it has ended."""
    pid = connection.connection.info.backend_pid
    assert server.execute("SELECT pg_terminate_backend(%s)", [pid]).fetchone() == (True,)
    deadline = time.monotonic() + 10
    # Not by its own timeout, which looks ten times a second only.
    while server.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone() is not None:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def in_small_parts() -> None:
    """Let each block be a part of its own, and each row be sent by itself."""
    from whitecross.adoption import roads

    roads.BLOCKS, roads.BUFFER = 1, 1


def main() -> None:
    """manage.py, with what is done to it as the first argument."""
    facts = json.loads(sys.argv.pop(1))
    import django

    from manage import main as manage

    django.setup()
    in_small_parts()

    def deed() -> None:
        os.kill(os.getpid(), facts["signal"])

    if "table" in facts:
        moment = at_row(facts["table"], deed, nth=facts.get("nth", 1))
    else:
        moment = at(facts["pattern"], deed, nth=facts.get("nth", 1), after=facts.get("after", False))
    with moment:
        manage()


if __name__ == "__main__":
    main()
