"""How long after another process's commit a process reads the new value: with NOTIFY, and behind PgBouncer by looking.

usage: python -m benchmarks.settings_visibility [samples]
"""

import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import django
import psycopg
from django.db import connection

from benchmarks import databases, measure
from benchmarks.settings_workers import NAME, OURS, make_database, where, worker

LONGEST_PAUSE = 0.5  # seconds between two changes: any, so that they fall on any moment between two looks


def main(samples: int) -> None:
    """Measure both roads."""
    try:
        make_database()
        found = {"NOTIFY": delays(samples, where())}
        if program := pgbouncer():
            with pooler(program) as port:
                found["PgBouncer, transaction mode"] = delays(samples, where(HOST="127.0.0.1", PORT=str(port)))
        else:
            measure.console.print("PgBouncer is not installed; measured without it.")
        shown = {road: summary(taken) for road, taken in found.items()}
        rows = [(road, one["median_ms"], one["p99_ms"], one["max_ms"]) for road, one in shown.items()]
        measure.show(f"Until a change is seen, ms ({samples} changes)", ("how", "median", "p99", "max"), rows)
        measure.write("settings_visibility", {"samples": samples, "roads": shown})
    finally:
        databases.drop(NAME)


def delays(samples: int, database: dict[str, Any]) -> list[float]:
    """Seconds from before raw SQL is sent here, until a worker with its own connection reads the value."""
    chance = random.Random(1)  # noqa: S311 - pauses, no secrets
    parameters = {**connection.get_connection_params(), "dbname": NAME}
    for ours in ("cursor_factory", "context", "pool"):
        parameters.pop(ours, None)
    found = []
    with closing(psycopg.connect(**parameters, autocommit=True)) as writer, worker(*OURS, database=database) as reader:
        reader.ask("system 0.01 10")
        for sample in range(samples):
            value = 3 + sample % 2
            reader.tell(f"see {value}")
            time.sleep(chance.uniform(0.02, LONGEST_PAUSE))
            started = time.monotonic()
            writer.execute("UPDATE system_configurations SET value = %s WHERE key = 'MAX_LOGIN_ATTEMPTS'", [str(value)])
            found.append(float(reader.heard()) - started)
    return found


def summary(taken: list[float]) -> dict[str, float]:
    """In milliseconds."""
    p99 = statistics.quantiles(taken, n=100, method="inclusive")[98] if len(taken) > 1 else taken[0]
    facts = {"median_ms": statistics.median(taken), "p99_ms": p99, "max_ms": max(taken)}
    return {name: round(seconds * 1000, 1) for name, seconds in facts.items()}


def pgbouncer() -> str | None:
    """The program, also where it is not on the path of an ordinary user."""
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


@contextmanager
def pooler(program: str) -> Iterator[int]:
    """PgBouncer in transaction mode in front of the server; its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    known = where()
    reach = {"host": known["HOST"], "port": known["PORT"], "user": known["USER"], "password": known["PASSWORD"]}
    target = " ".join(f"{name}={value}" for name, value in reach.items() if value)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "pgbouncer.ini"
        path.write_text(
            f"[databases]\n* = {target}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n"
            "unix_socket_dir =\nauth_type = any\npool_mode = transaction\n"
            "ignore_startup_parameters = options,extra_float_digits\n"
        )
        # It refuses to run as root.
        command = [program, "--quiet", str(path)]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            wait_for(port)
            yield port
        finally:
            process.terminate()
            process.wait(timeout=30)


def wait_for(port: int) -> None:
    """Until somebody listens."""
    for _ in range(100):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("PgBouncer did not start.")


if __name__ == "__main__":
    django.setup()
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
