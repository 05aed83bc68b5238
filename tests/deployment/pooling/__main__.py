"""Run tests through PgBouncer in transaction mode.

usage: python -m tests.deployment.pooling [arguments of pytest]

The server behind it is that of DATABASE_URL, or one of this run's own. Tests marked `direct` are left out: each says
why it cannot pass through a pooler. Exits as pytest does; with 2 where no PgBouncer is installed.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.deployment.clusters import PORT, USER, Cluster, private_folder
from tests.deployment.pooling.pooler import PGBOUNCER, Pooler
from whitecross.postgres.url import parse


@contextmanager
def server() -> Iterator[dict[str, Any]]:
    """Where PgBouncer finds the server."""
    if url := os.environ.get("DATABASE_URL"):
        known = parse(url)
        yield {name: known[name.upper()] for name in ("host", "port", "user", "password")}
        return
    with private_folder() as folder:
        cluster = Cluster.primary(folder)
        try:
            yield {"host": str(folder), "port": PORT, "user": USER}
        finally:
            cluster.stop()


def main(arguments: list[str]) -> int:
    """Run pytest behind a pooler; its exit code."""
    if PGBOUNCER is None:
        print("PgBouncer is not installed; apt-get install pgbouncer, then run this again.", file=sys.stderr)
        return 2
    with server() as where, private_folder() as folder:
        pooler = Pooler(folder, **where)
        pooler.start()
        try:
            behind = {"DATABASE_URL": pooler.url("whitecross"), "DB_DISABLE_SERVER_SIDE_CURSORS": "true"}
            command = [sys.executable, "-m", "pytest", "-m", "not direct", *arguments]
            return subprocess.run(command, env={**os.environ, **behind}, check=False).returncode
        finally:
            pooler.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
