"""PgBouncer in transaction mode before a server, as docs/scaling.md configures it."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.deployment.clusters import as_account

PGBOUNCER = shutil.which("pgbouncer") or ("/usr/sbin/pgbouncer" if Path("/usr/sbin/pgbouncer").exists() else None)

# Every database of the server. What connections of the application say at their start, PgBouncer says once to each of
# the server's: it cannot pass `options` on.
CONFIGURATION = """\
[databases]
* = {server} connect_query='SET jit = off; SET random_page_cost = 1.1'

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
pool_mode = transaction
ignore_startup_parameters = extra_float_digits,options
auth_type = trust
auth_file = {folder}/users.txt
auth_user = {user}
auth_query = SELECT rolname::text, '' FROM pg_catalog.pg_roles WHERE rolname = $1
max_client_conn = 1000
default_pool_size = 20
"""
PATIENCE = 10.0  # seconds until it listens


class Pooler:
    """One PgBouncer on a free port of 127.0.0.1, for the server of a connection's parameters."""

    def __init__(self, folder: Path, host: str, port: Any, user: str, password: str = "") -> None:
        self.user, self._process = user, None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        secret = f" password={password}" if password else ""
        (folder / "users.txt").write_text(f'"{user}" "{password}"\n')
        self._ini = folder / "pgbouncer.ini"
        self._ini.write_text(
            CONFIGURATION.format(server=f"host={host} port={port}{secret}", port=self.port, folder=folder, user=user)
        )
        self._as = as_account()
        if self._as:  # the embedded server's socket is open to its owner alone
            owner = Path(host).stat().st_uid if host.startswith("/") else 0
            self._as["user"] = owner or self._as["user"]
            for path in (folder, *folder.iterdir()):
                os.chown(path, self._as["user"], -1)

    _process: "subprocess.Popen[bytes] | None"

    def start(self) -> None:
        """Start, and wait until it listens."""
        assert PGBOUNCER is not None
        self._process = subprocess.Popen(
            [PGBOUNCER, "-q", str(self._ini)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self._as
        )
        deadline = time.monotonic() + PATIENCE
        while not self._listens():
            assert self._process.poll() is None, "PgBouncer does not start"
            assert time.monotonic() < deadline, "PgBouncer does not listen"
            time.sleep(0.01)

    def stop(self) -> None:
        """End it at once, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def url(self, dbname: str) -> str:
        """What DATABASE_URL would be."""
        return f"postgresql://{self.user}@127.0.0.1:{self.port}/{dbname}"

    def _listens(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False
