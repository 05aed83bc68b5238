"""Reading one setting, beside django-constance and django-dynamic-preferences, in turn.

usage: python -m benchmarks.settings_reading [rounds]

They are installed in an environment of their own for the time of the run (benchmarks/settings_rivals.txt).
"""

import statistics
import subprocess
import sys
import tempfile
import venv
from contextlib import ExitStack
from pathlib import Path

import django

from benchmarks import databases, measure
from benchmarks.settings_workers import NAME, OURS, make_database, where, worker

RIVALS = Path(__file__).with_name("settings_rivals.txt")
RIVALS_DATABASE = "whitecross_bench_rivals"
SLICE, MOST = 0.05, 5000  # seconds and calls of a deed in each round
# What is shown: the worker and its deed.
DEEDS = {
    "nothing, for the cost of the clock": ("ours", "clock"),
    "config.get(key)": ("ours", "system"),
    "PARAMETER.get()": ("ours", "declared"),
    "config.get(key, school=...)": ("ours", "school"),
    "config.get(key, user=...)": ("ours", "user"),
    "dynamic-preferences, cache in local memory": ("dynamic_preferences", "system"),
    "constance, database, cache in files": ("constance_cached", "system"),
    "constance, database": ("constance", "system"),
}


def main(rounds: int) -> None:
    """Make the database and the environment, measure, throw both away."""
    try:
        databases.create(RIVALS_DATABASE)
        make_database()
        with tempfile.TemporaryDirectory() as folder, ExitStack() as workers:
            python = environment(Path(folder))
            ours = {"ours": workers.enter_context(worker(*OURS, database=where()))}
            rivals = {
                which: workers.enter_context(
                    worker(python, "-m", "benchmarks.settings_rivals", which, database=where(NAME=RIVALS_DATABASE))
                )
                for which in ("dynamic_preferences", "constance_cached", "constance")
            }
            times = in_turn({**ours, **rivals}, rounds)
            report(times, rounds)
    finally:
        databases.drop(RIVALS_DATABASE)
        databases.drop(NAME)


def environment(folder: Path) -> str:
    """An environment with the other libraries; its Python."""
    measure.console.print("Installing the other libraries ...")
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", str(RIVALS)],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    return python


def in_turn(workers: dict[str, "object"], rounds: int) -> dict[str, list[int]]:
    """The times of all calls of each deed, in ns. A first round warms up."""
    times: dict[str, list[int]] = {title: [] for title in DEEDS}
    for turn in range(rounds + 1):
        for title in list(DEEDS)[:: 1 if turn % 2 == 0 else -1]:
            which, deed = DEEDS[title]
            found = workers[which].times(deed, SLICE, MOST)  # type: ignore[attr-defined]
            times[title] += found if turn else []
    return times


def report(times: dict[str, list[int]], rounds: int) -> None:
    """Median and 99th percentile in microseconds."""
    found = {
        title: {
            "calls": len(taken),
            "median_us": round(statistics.median(taken) / 1000, 3),
            "p99_us": round(statistics.quantiles(taken, n=100, method="inclusive")[98] / 1000, 3),
        }
        for title, taken in times.items()
    }
    base = found["config.get(key)"]["median_us"]
    rows = [
        (title, f"{one['calls']:,}", one["median_us"], one["p99_us"], f"{one['median_us'] / base:,.1f}")
        for title, one in found.items()
    ]
    measure.show("Reading one setting, us", ("how", "calls", "median", "p99", "of config.get(key)"), rows)
    libraries = [line for line in RIVALS.read_text().splitlines() if "==" in line]
    measure.write("settings_reading", {"rounds": rounds, "libraries": libraries, "reads": found})


if __name__ == "__main__":
    django.setup()
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
