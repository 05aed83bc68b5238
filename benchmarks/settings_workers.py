"""What the two benchmarks of settings share: their database, and their workers."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from django.db import connection

from benchmarks import databases, measure

NAME = "whitecross_bench_settings"
ROOT = Path(__file__).resolve().parent.parent
SCHOOL, USER = "BENCH-SCHOOL", "bench@example.org"


def make_database() -> None:
    """Migrate a database with a school and a user that have their own value of SESSION_TIMEOUT_MINUTES, among 200."""
    databases.create(NAME)
    measure.manage("migrate", "--verbosity=0", database=NAME)
    databases.use(NAME)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO districts (name, code) VALUES ('Bench', 'BENCH')")
        cursor.execute(
            """
            INSERT INTO schools (name, code, "districtId") SELECT 'Bench', t.code, districts.id
            FROM districts, (SELECT %s UNION ALL SELECT 'OTHER-' || n FROM generate_series(1, 199) AS n) AS t (code)
            """,
            [SCHOOL],
        )
        cursor.execute(
            """
            INSERT INTO users (email, password, "firstName", "lastName", role, "schoolId", "districtId")
            SELECT %s, '!', 'B', 'B', 'NURSE', id, "districtId" FROM schools WHERE code = %s
            """,
            [USER, SCHOOL],
        )
        cursor.execute(
            """
            INSERT INTO system_configurations (key, scope, "scopeId", value, "valueType")
            SELECT 'SESSION_TIMEOUT_MINUTES', 'SCHOOL'::"ConfigScope", id, '30', 'NUMBER'::"ConfigValueType"
            FROM schools
            UNION ALL SELECT 'SESSION_TIMEOUT_MINUTES', 'USER', id, '20', 'NUMBER' FROM users
            """
        )


class Worker:
    """A process of benchmarks.settings_worker."""

    def __init__(self, command: Sequence[str], database: dict[str, Any]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ}
        )
        first = self.ask(json.dumps({"database": database, "school": SCHOOL, "user": USER}))
        if first != "ready":
            raise SystemExit(f"A worker did not start: {' '.join(command)}")

    def ask(self, line: str) -> str:
        """Say a line; the line that is answered."""
        self.tell(line)
        return self.heard()

    def tell(self, line: str) -> None:
        """Say a line."""
        asked = cast(IO[str], self.process.stdin)
        asked.write(line + "\n")
        asked.flush()

    def heard(self) -> str:
        """The next line that it says."""
        return cast(IO[str], self.process.stdout).readline().strip()

    def times(self, deed: str, seconds: float, most: int) -> list[int]:
        """How long the calls of a deed took, in ns."""
        found: list[int] = json.loads(self.ask(f"{deed} {seconds} {most}"))
        return found

    def end(self) -> None:
        """Let it go."""
        self.process.communicate(timeout=30)


@contextmanager
def worker(*command: str, database: dict[str, Any]) -> Iterator[Worker]:
    """A worker for the time of the block."""
    one = Worker(command, database)
    try:
        yield one
    finally:
        one.end()


def where(**other: Any) -> dict[str, Any]:
    """How to reach the benchmark's database, as Django's settings say it."""
    known = connection.settings_dict
    return {**{name: known[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}, **other}


OURS = (sys.executable, "-m", "benchmarks.settings_ours")
