"""PostgreSQL servers of a test's own: a primary, and standbys that stream from it.

They listen on a socket in a private folder and open no port. PostgreSQL refuses to run as root, so there they run as
the account that `whitecross.postgres.home` chooses.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from whitecross.postgres.home import Account, SubprocessAccount, _unprivileged, wheel

USER = "whitecross"
PORT = 5432  # names the socket
# A crash loses nothing that a test would miss. A standby that was away finds what it has not fetched yet, also after
# a checkpoint or a backup, which would remove it.
QUICK = {"fsync": "off", "wal_keep_size": "1GB", "listen_addresses": "", "jit": "off", "max_connections": "200"}
PROGRAMS = ("postgres", "initdb", "pg_ctl", "pg_basebackup")


def account() -> Account | None:
    """The account that servers run as, None for this process's own."""
    return _unprivileged() if os.geteuid() == 0 else None


def as_account() -> SubprocessAccount:
    """The arguments with which subprocess becomes that account."""
    who = account()
    return {"user": who.uid, "group": who.gid, "extra_groups": []} if who else {}


@contextmanager
def private_folder() -> Iterator[Path]:
    """An empty folder of that account's, with a path short enough for a socket."""
    in_memory = Path("/dev/shm")  # noqa: S108  (quicker than most disks, but containers often have little of it)
    is_roomy = in_memory.is_dir() and shutil.disk_usage(in_memory).free > 1_000_000_000
    folder = Path(tempfile.mkdtemp(prefix="wc-", dir=in_memory if is_roomy else None))
    if who := account():
        os.chown(folder, who.uid, who.gid)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@cache
def programs() -> Path:
    """PostgreSQL's programs, where that account can run them: a copy, if need be, that stays for this process."""
    source, who = wheel()[0], account()
    if who is None or all(who.can_run(source / "bin" / name) for name in PROGRAMS):
        return source / "bin"
    copy = Path(tempfile.mkdtemp(prefix="wc-programs-"))
    shutil.copytree(source, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.a"))
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o755)
    return copy / "bin"


def _lives(pid: int) -> bool:
    """Whether a process is there, and not only its number."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


class Cluster:
    """A server in a folder of its own; `folder` is also its host. `programs`: where PostgreSQL's are, if not ours."""

    def __init__(self, folder: Path, programs: Path | None = None) -> None:
        self.folder, self.data, self.programs = folder, folder / "data", programs

    def connect(self, dbname: str = "postgres", **options: Any) -> psycopg.Connection[Any]:
        """A connection of the superuser's, in autocommit."""
        return psycopg.connect(host=str(self.folder), port=PORT, user=USER, dbname=dbname, autocommit=True, **options)

    def url(self, dbname: str) -> str:
        """What DATABASE_URL would be."""
        return f"postgresql://{USER}@/{dbname}?host={self.folder}&port={PORT}"

    def start(self) -> None:
        """Start, and wait until it answers. After a kill, what it had forked last may take a moment to end."""
        for attempt in range(20):
            is_last = attempt == 19
            how = ("-w", "-s", "-l", str(self.folder / "log"), "start")
            if self._run("pg_ctl", "-D", str(self.data), *how, check=is_last) == 0:
                return
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop as on a power cut, if it runs; clients lose their connections."""
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", str(self.data), "-w", "-s", "-m", "immediate", "stop", check=False)

    @property
    def pid(self) -> int:
        """The server's main process."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def processes(self) -> list[int]:
        """All of its processes."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]

    def kill(self) -> None:
        """End it without a word to anybody, all processes at once: `kill -9`."""
        killed = self.processes()
        for pid in killed:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        while any(map(_lives, killed)):
            time.sleep(0.01)
        # Where the first process of a container does not bury orphans, the dead keep their numbers, and PostgreSQL
        # would take the server that these files name for alive.
        for left in (self.data / "postmaster.pid", self.folder / f".s.PGSQL.{PORT}.lock"):
            left.unlink(missing_ok=True)

    def runs(self) -> bool:
        """Whether somebody listens there."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.folder / f".s.PGSQL.{PORT}")) == 0

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Within the block it answers nobody, and closes no connection."""
        stopped = self.processes()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)

    def promote(self) -> None:
        """Make a standby a primary."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "-s", "promote")

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        # To a file: the server that a program starts would hold a pipe open.
        with (self.folder / "said").open("w") as said:
            ended = subprocess.run(
                [(self.programs or programs()) / program, *arguments],
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                check=False,
                **as_account(),
            )
        assert ended.returncode == 0 or not check, (self.folder / "said").read_text()
        return ended.returncode

    def _say(self, **settings: str) -> None:
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    @classmethod
    def primary(cls, folder: Path, programs: Path | None = None, **settings: str) -> "Cluster":
        """Make and start one that others may stream from."""
        made = cls(folder, programs)
        made._run("initdb", "-D", str(made.data), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
        made._say(unix_socket_directories=str(folder), **{**QUICK, **settings})
        made.start()
        return made

    def standby(self, folder: Path, **settings: str) -> "Cluster":
        """Make and start one that streams from this one, as docs/scaling.md says."""
        made = Cluster(folder)
        made._run(
            *("pg_basebackup", "-h", str(self.folder), "-p", str(PORT), "-U", USER, "-D", str(made.data)),
            *("-R", "-X", "stream", "-c", "fast", "--no-sync"),
        )
        made._say(unix_socket_directories=str(folder), **settings)
        made.start()
        return made
