"""How long migrate takes: from an empty database, and with nothing to do; and where the time goes.

usage: python -m benchmarks.migrate [rounds]
"""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import django

from benchmarks import databases, measure

PARTS = ("interpreter", "settings and apps", "checks", "SQL", "post-migrate", "graph and model states")
PREDECESSOR = {"from empty": "1.2 to 1.4", "nothing to do": "0.55"}


def main(rounds: int) -> None:
    """Whole processes, the two cases in turn."""
    times: dict[str, list[float]] = {"from empty": [], "nothing to do": []}
    parts: dict[str, list[dict[str, float]]] = {"from empty": [], "nothing to do": []}

    cpu: dict[str, list[float]] = {"from empty": [], "nothing to do": []}

    def migrate() -> None:
        measure.manage("migrate", "--verbosity=0", database=databases.EMPTY)

    for _ in range(rounds):
        databases.create(databases.EMPTY)
        for case in times:
            before = _cpu()
            times[case].append(measure.seconds(migrate))
            cpu[case].append(_cpu() - before)
        databases.create(databases.EMPTY)
        for case in parts:
            parts[case].append(_parts())
    databases.drop(databases.EMPTY)
    result = {
        case: {
            "median": round(statistics.median(taken), 3),
            "least": round(min(taken), 3),
            "cpu": round(statistics.median(cpu[case]), 3),
            "parts": {part: round(statistics.median(run[part] for run in parts[case]), 3) for part in PARTS},
        }
        for case, taken in times.items()
    }
    rows = [
        ("whole process, median", *(f"{case['median']:.2f}" for case in result.values())),
        ("whole process, least", *(f"{case['least']:.2f}" for case in result.values())),
        ("whole process, CPU", *(f"{case['cpu']:.2f}" for case in result.values())),
        *((f"  {part}", *(f"{case['parts'][part]:.2f}" for case in result.values())) for part in PARTS),  # type: ignore[index]
        ("the predecessor's tool", *PREDECESSOR.values()),
    ]
    measure.show(f"migrate, seconds ({rounds} rounds)", ("", *result), rows)
    measure.write("migrate", {"rounds": rounds, "seconds": result, "predecessor_seconds": PREDECESSOR})


def _cpu() -> float:
    """Seconds of processor time that ended child processes took: what other load on the machine changes least."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _parts() -> dict[str, float]:
    """The parts of one run, as the process inside measures them."""
    started = time.time()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.migrate", "inside", databases.EMPTY, str(started)],
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


def _inside(database: str, started: float) -> None:
    """migrate in this process, with clocks in it. Prints JSON."""
    begun = time.time()
    parts = {"interpreter": begun - started}
    parts["settings and apps"] = measure.seconds(django.setup)

    from django.core.management import call_command
    from django.core.management.base import BaseCommand
    from django.core.management.commands import migrate
    from django.db import connection

    clocks = dict.fromkeys(("checks", "SQL", "post-migrate"), 0.0)
    running: list[str] = []

    def timed(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time added to a part; what it calls belongs to no other part."""

        def call(*args: Any, **kwargs: Any) -> Any:
            if running:
                return function(*args, **kwargs)
            running.append(part)
            started = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                clocks[running.pop()] += time.perf_counter() - started

        return call

    def execute(execute: Callable[..., Any], *statement: Any) -> Any:
        return timed("SQL", execute)(*statement)

    databases.use(database)
    BaseCommand.check = timed("checks", BaseCommand.check)  # type: ignore[method-assign]
    migrate.emit_post_migrate_signal = timed(  # type: ignore[attr-defined]
        "post-migrate",
        migrate.emit_post_migrate_signal,  # type: ignore[attr-defined]
    )
    started_command = time.perf_counter()
    with connection.execute_wrapper(execute):
        clocks["SQL"] += measure.seconds(connection.ensure_connection)
        call_command("migrate", verbosity=0, skip_checks=False)
    whole = time.perf_counter() - started_command
    parts |= clocks
    parts["graph and model states"] = whole - sum(clocks.values())
    sys.stdout.write(json.dumps(parts))


if __name__ == "__main__":
    if sys.argv[1:2] == ["inside"]:
        _inside(sys.argv[2], float(sys.argv[3]))
    else:
        django.setup()
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
