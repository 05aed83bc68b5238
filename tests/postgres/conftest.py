"""Real processes on real servers, under a path short enough for a socket."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent
IS_ROOT = os.geteuid() == 0
SOCKET = ".s.PGSQL.5432"

# What every client of these tests does first: connect, and so start the server, and say so.
CONNECT = """
import os, sys, time
import django
django.setup()
from django.db import connection
def ask(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None
ask("SELECT 1")
print("connected", flush=True)
"""
WAIT = "sys.stdin.readline()\n"

Completed = subprocess.CompletedProcess[str]


class Run(Protocol):
    """Runs a program to its end."""

    def __call__(self, *arguments: str, data: Path | None = None, **options: Any) -> Completed: ...


class Client:
    """A process that has connected and goes on with its code; ``WAIT`` in the code waits for ``let_go``."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def say(self) -> str:
        """Return the client's next line."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def let_go(self) -> None:
        """Let a waiting client go on, and wait until it has ended."""
        self.process.communicate("\n", timeout=60)


Connect = Callable[..., Client]


def environment(data: Path | None = None, **extra: str) -> dict[str, str]:
    """Return an environment in which only what a test says is set."""
    settings = {"DJANGO_SETTINGS_MODULE": "tests.postgres.tiny_settings", "PYTHONPATH": str(PROJECT)}
    if data:
        settings["WHITECROSS_DATA_DIR"] = str(data)
    return {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **settings, **extra}


def is_running(data: Path) -> bool:
    """Tell whether a server listens in ``data``."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(data / SOCKET)) == 0


def server_pid(data: Path) -> int:
    """Return the pid that the server of ``data`` wrote down."""
    return int((data / "data" / "postmaster.pid").read_text().split()[0])


def short_folder() -> Path:
    """Create a folder that every account may enter, as the folder of a checkout is."""
    in_memory = Path("/dev/shm")  # noqa: S108  (quicker than most disks, but containers often have little of it)
    is_roomy = in_memory.is_dir() and shutil.disk_usage(in_memory).free > 1_000_000_000
    folder = Path(tempfile.mkdtemp(prefix="wc-", dir=in_memory if is_roomy else None))
    folder.chmod(0o755)
    return folder


def stop_the_server(data: Path) -> None:
    """Use a left-over server once more: its last client stops it."""
    if is_running(data) or (data / "data" / "postmaster.pid").exists():
        subprocess.run([sys.executable, "-c", CONNECT], env=environment(data), cwd="/", check=True)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Path]:
    """One cluster for the whole session; ``data`` lends it."""
    folder = short_folder()
    subprocess.run([sys.executable, "-c", CONNECT], env=environment(folder / "home"), cwd="/", check=True)
    yield folder / "home"
    shutil.rmtree(folder)


@pytest.fixture
def data(cluster: Path) -> Iterator[Path]:
    """A private directory with a cluster that is not running. A test may crash it, not change its files."""
    assert not is_running(cluster)
    yield cluster
    stop_the_server(cluster)


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder, to put a new cluster in."""
    folder = short_folder()
    yield folder
    for data in folder.glob("**/" + SOCKET):
        stop_the_server(data.parent)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def run() -> Run:
    """Run Python with the arguments, in the backend's smallest project."""

    def run(*arguments: str, data: Path | None = None, **options: Any) -> Completed:
        extra = options.pop("env", {})
        return subprocess.run(
            [options.pop("python", sys.executable), *arguments],
            env=environment(data, **extra),
            cwd=options.pop("cwd", "/"),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            **options,
        )

    return run


@pytest.fixture(scope="session")
def manage(run: Run) -> Run:
    """Run manage.py with the arguments."""

    def manage(*arguments: str, data: Path | None = None, **options: Any) -> Completed:
        return run(str(PROJECT / "manage.py"), *arguments, data=data, **options)

    return manage


@pytest.fixture
def connect(data: Path) -> Iterator[Connect]:
    """Start clients of the server; they connect, then run the code."""
    started: list[subprocess.Popen[str]] = []

    def connect(code: str = WAIT) -> Client:
        process = subprocess.Popen(
            [sys.executable, "-c", CONNECT + code],
            env=environment(data),
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        client = Client(process)
        assert client.say() == "connected"
        return client

    yield connect
    for process in started:
        process.communicate(timeout=60)  # closes what a waiting client reads from, and so lets it go


def assert_one_sentence(result: Completed, *parts: str) -> None:
    """The command failed with one line on stderr that has the parts, and no traceback."""
    assert result.returncode == 1, result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    for part in parts:
        assert part in result.stderr
