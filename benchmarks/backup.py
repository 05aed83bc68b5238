"""Backing up and restoring, plain and encrypted, beside bare pg_dump and pg_restore of the same database, in one run.

usage: python -m benchmarks.backup [students] [rounds]

Makes the seeded database where it is not there yet. Each deed is a process of its own; they take turns. Ours do more:
a backup counts and sums up every row and reads its file again; a restore reads the file first, gathers statistics and
compares every row.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import django
from django.db import connection

from benchmarks import databases, measure
from benchmarks.adoption import ADOPT as MANAGE
from benchmarks.adoption import _quiet, _size, _url
from benchmarks.databases import RESTORED, TARGET
from benchmarks.seed import TODAY
from whitecross.postgres.home import wheel

JOBS = 2


def main(students: int, rounds: int) -> None:
    """Measure, show, write."""
    from whitecross.deployment.backups.sealing import new_identity  # needs the apps

    if not databases.exists(TARGET):
        databases.create(TARGET)
        measure.manage("migrate", "--verbosity=0", database=TARGET)
        measure.manage("seed_demo", f"--students={students}", f"--today={TODAY}", database=TARGET)
    with TemporaryDirectory() as home:
        folder = Path(home)
        secret, public = new_identity()
        (folder / "key").write_text(secret)
        deeds: dict[str, Callable[[], tuple[float, int]]] = {
            "pg_dump": lambda: _bare_dump(folder),
            "backup": lambda: _backup(folder / "plain", ""),
            "backup, encrypted": lambda: _backup(folder / "encrypted", public),
            "pg_restore": lambda: _bare_restore(folder),
            "restore": lambda: _restore(folder, "plain"),
            "restore, encrypted": lambda: _restore(folder, "encrypted"),
        }
        taken: dict[str, list[float]] = {name: [] for name in deeds}
        memory: dict[str, int] = dict.fromkeys(deeds, 0)
        for turn in range(rounds):
            for name, deed in deeds.items():
                seconds, peak = deed()
                taken[name].append(seconds)
                memory[name] = max(memory[name], peak)
                print(f"round {turn + 1}: {name}: {seconds:.1f} s", flush=True)
        sizes = {
            "pg_dump": (folder / "bare").stat().st_size,
            "backup": _newest(folder / "plain").stat().st_size,
            "backup, encrypted": _newest(folder / "encrypted").stat().st_size,
        }
    size = _size(TARGET)
    databases.drop(RESTORED)
    result = {
        name: {
            "median_seconds": round(statistics.median(times), 1),
            "least_seconds": round(min(times), 1),
            # What bare programs take at most cannot be told from here: it is this process's own before they start.
            **({} if name.startswith("pg_") else {"peak_memory_mib": memory[name]}),
            **({"file_mib": round(sizes[name] / 2**20, 1)} if name in sizes else {}),
        }
        for name, times in taken.items()
    }
    measure.show(
        f"{students:,} students, {size >> 20:,} MiB ({rounds} rounds)",
        ("", "s, median", "s, least", "peak memory, MiB", "file, MiB"),
        [
            (name, one["median_seconds"], one["least_seconds"], one.get("peak_memory_mib", ""), one.get("file_mib", ""))
            for name, one in result.items()
        ],
    )
    measure.write("backup", {"students": students, "mib": size >> 20, "jobs": JOBS, "deeds": result})


def _newest(folder: Path) -> Path:
    return max(folder.iterdir(), key=lambda path: path.stat().st_mtime)


def _run(arguments: list[str | Path], **environment: str) -> tuple[float, int]:
    _quiet()
    started = time.perf_counter()
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, env={**os.environ, **environment})
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{arguments[0]} failed")
    return time.perf_counter() - started, used.ru_maxrss >> 10


def _bare_dump(folder: Path) -> tuple[float, int]:
    return _run([wheel()[0] / "bin" / "pg_dump", "-Fc", "--file", folder / "bare", _url(TARGET)])


def _backup(folder: Path, recipients: str) -> tuple[float, int]:
    arguments: list[str | Path] = [sys.executable, "-c", MANAGE, TARGET, "backup", "--folder", folder]
    return _run(arguments, WHITECROSS_BACKUP_RECIPIENTS=recipients)


def _bare_restore(folder: Path) -> tuple[float, int]:
    databases.create(RESTORED)
    program = wheel()[0] / "bin" / "pg_restore"
    return _run([program, f"--jobs={JOBS}", "--dbname", _url(RESTORED), folder / "bare"])


def _restore(folder: Path, kind: str) -> tuple[float, int]:
    databases.drop(RESTORED)
    arguments: list[str | Path] = [sys.executable, "-c", MANAGE, TARGET, "restore", _newest(folder / kind)]
    return _run([*arguments, "--into", RESTORED, f"--jobs={JOBS}", "--identity", folder / "key"])


if __name__ == "__main__":
    django.setup()
    connection.ensure_connection()
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 20_000,
        int(sys.argv[2]) if len(sys.argv) > 2 else 3,
    )
