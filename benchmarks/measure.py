"""Timing, tables and JSON: what every benchmark shares."""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db import connection
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
console = Console(highlight=False, soft_wrap=True)


def seconds(deed: Callable[[], object]) -> float:
    """How long a deed takes, by the wall clock."""
    started = time.perf_counter()
    deed()
    return time.perf_counter() - started


def interleaved(deeds: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, dict[str, float]]:
    """Time several deeds in turn (A B A B ...), so that noise falls on all: name -> first, median, least (seconds).

    `first` is the first call, on whatever the caches held; it does not count in the others.
    """
    first = {name: seconds(deed) for name, deed in deeds.items()}
    times: dict[str, list[float]] = {name: [] for name in deeds}
    for turn in range(rounds):
        for name in list(deeds)[:: 1 if turn % 2 == 0 else -1]:
            times[name].append(seconds(deeds[name]))
    return {
        name: {"first": first[name], "median": statistics.median(taken), "least": min(taken)}
        for name, taken in times.items()
    }


def manage(*arguments: str, database: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py on a database of the configured server, in a process of its own."""
    program = (
        "import sys; from django.conf import settings; settings.DATABASES['default']['NAME'] = sys.argv.pop(1); "
        "from django.core.management import execute_from_command_line; execute_from_command_line(sys.argv)"
    )
    return subprocess.run(
        [sys.executable, "-c", program, database, *arguments], capture_output=True, text=True, check=True
    )


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on the terminal; the first column is text, the others are numbers."""
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    for row in rows:
        table.add_row(*map(str, row))
    console.print(table)


def write(name: str, result: Mapping[str, Any]) -> Path:
    """Write a result and what it was measured on to benchmarks/results/<name>.json."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"measured_on": machine(), **result}, indent=2, ensure_ascii=False) + "\n")
    console.print(f"Written: {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")
    return path


def machine() -> dict[str, Any]:
    """What the numbers depend on; no host names."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('shared_buffers')")
        server, buffers = cursor.fetchone()
        cursor.execute("SELECT current_setting('fsync')")
        (fsync,) = cursor.fetchone()
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        "memory_gib": round(pages / 2**30),
        "load_average": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "postgresql": server.split()[0],
        "shared_buffers": buffers,
        "fsync": fsync,
    }


def milliseconds(value: float) -> str:
    """Seconds as milliseconds with three significant digits."""
    value *= 1000
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
