"""The server comes with its first client and goes with the last, and a crash is mended by the next command."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from whitecross.postgres.home import Home

from .conftest import CONNECT, IS_ROOT, WAIT, Connect, Run, environment, is_running, server_pid, stop_the_server

IDENTITY = "print(ask('SELECT system_identifier FROM pg_control_system()'))"


def kill_the_server(data: Path) -> None:
    os.kill(server_pid(data), signal.SIGKILL)
    while is_running(data):
        time.sleep(0.001)


def test_the_first_connection_starts_the_server(data: Path, connect: Connect) -> None:
    assert not is_running(data)
    connect()
    assert is_running(data)


def test_the_last_client_stops_the_server(data: Path, connect: Connect) -> None:
    first, second = connect(), connect()
    first.let_go()
    assert is_running(data)
    second.let_go()
    assert not is_running(data)


def test_a_command_that_does_not_connect_starts_no_server(data: Path, manage: Run) -> None:
    assert manage("check", data=data).returncode == 0
    assert not (data / "server.log").exists() or not is_running(data)


def test_clients_that_start_together_create_one_cluster(folder: Path) -> None:
    clients = [
        subprocess.Popen(
            [sys.executable, "-c", CONNECT + IDENTITY],
            env=environment(folder / "home"),
            cwd="/",
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    said = {client.communicate(timeout=60)[0] for client in clients}
    assert [client.returncode for client in clients] == [0, 0, 0, 0]
    assert len(said) == 1
    assert not is_running(folder / "home")


def test_what_another_creates_meanwhile_is_no_strangers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other makes its first file between our two looks."""
    home, looked = Home.of(str(folder / "home")), Path.iterdir

    def iterdir(path: Path) -> Iterator[Path]:
        (path / "lock").touch()
        return looked(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    home.prepare()


def test_a_folder_that_another_has_not_yet_given_away_has_the_same_account(folder: Path) -> None:
    if IS_ROOT:
        os.chown(folder, 65534, 65534)
    alone = Home.of(str(folder / "home"))
    (folder / "home").mkdir()
    assert Home.of(str(folder / "home")) == alone


def test_the_socket_folder_that_the_last_client_removes_is_made_again(folder: Path, run: Run) -> None:
    """Its last client leaves between our preparing and our turn."""
    home = folder / ("long" * 25)
    before = f"""
import contextlib, fcntl, os
flock = fcntl.flock
def late(file, how):
    if how == fcntl.LOCK_EX:
        with contextlib.suppress(OSError):
            os.rmdir({str(Home.of(str(home)).socket_folder)!r})
    flock(file, how)
fcntl.flock = late
"""
    result = run("-c", before + CONNECT, data=home)
    assert result.returncode == 0, result.stderr


def test_a_forked_child_that_exits_leaves_the_server_to_its_parent(data: Path, connect: Connect) -> None:
    parent = connect(
        "child = os.fork()\n"
        "if child == 0: sys.exit()\n"  # the child runs what the parent registered for its own exit
        "os.waitpid(child, 0)\n"
        "print('child gone', flush=True)\n" + WAIT
    )
    assert parent.say() == "child gone"
    assert is_running(data)
    parent.let_go()
    assert not is_running(data)


def test_a_forked_child_keeps_the_server_that_its_parent_leaves(data: Path, connect: Connect) -> None:
    reader, writer = os.pipe()
    os.set_inheritable(reader, True)
    process = subprocess.Popen(
        [sys.executable, "-c", CONNECT + f"if os.fork() == 0: os.read({reader}, 1)"],
        env=environment(data),
        cwd="/",
        stdout=subprocess.DEVNULL,
        pass_fds=[reader],
    )
    process.wait(timeout=60)
    assert is_running(data)
    # The end of the child is not ours to wait for: the next client does, by the lock that the child holds.
    os.write(writer, b".")
    os.close(reader)
    os.close(writer)
    connect().let_go()
    stop_the_server(data)
    assert not is_running(data)


def test_a_multiprocessing_child_does_not_stop_its_parents_server(data: Path, connect: Connect) -> None:
    parent = connect(
        "import multiprocessing\n"
        "child = multiprocessing.get_context('fork').Process(target=connection.close)\n"
        "child.start(); child.join()\n"
        "print(child.exitcode, flush=True)\n" + WAIT
    )
    assert parent.say() == "0"
    assert is_running(data)
    parent.let_go()
    assert not is_running(data)


def test_the_server_of_a_killed_client_goes_with_the_next_command(data: Path, connect: Connect) -> None:
    killed = connect()
    killed.process.kill()
    killed.process.wait()
    assert is_running(data)
    connect().let_go()
    assert not is_running(data)


def test_a_killed_server_is_started_by_the_next_command(data: Path, connect: Connect) -> None:
    writer = connect("ask('CREATE TABLE kept AS SELECT 7 AS dose'); print('written', flush=True)\n" + WAIT)
    assert writer.say() == "written"
    kill_the_server(data)
    assert connect("print(ask('SELECT dose FROM kept'), flush=True)").say() == "7"


def test_a_killed_server_is_started_again_for_a_client_that_lives_on(data: Path, connect: Connect) -> None:
    client = connect(WAIT + "connection.close(); print(ask('SELECT 8'), flush=True)\n" + WAIT)
    kill_the_server(data)
    assert client.process.stdin is not None
    client.process.stdin.write("\n")
    client.process.stdin.flush()
    assert client.say() == "8"
    client.let_go()
    assert not is_running(data)


def test_a_backend_that_outlives_its_server_does_not_stop_the_next(data: Path, connect: Connect) -> None:
    busy = connect(
        "print(ask('SELECT pg_backend_pid()'), flush=True)\n"
        "ask('DO $$ BEGIN LOOP END LOOP; END $$')"  # never looks whether its server lives
    )
    backend = int(busy.say())
    postmaster = server_pid(data)
    deadline = time.monotonic() + 30
    # An idle backend leaves with its server: wait until this one is in its loop.
    while Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[0] != "R":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    kill_the_server(data)
    assert Path(f"/proc/{backend}/exe").exists()
    connect()
    assert server_pid(data) != postmaster
    assert not Path(f"/proc/{backend}/exe").exists()


def test_a_stale_pid_file_touches_no_other_process(data: Path, connect: Connect) -> None:
    killed = connect()
    server = server_pid(data)
    kill_the_server(data)
    killed.process.kill()
    killed.process.wait()
    # Of the server's own account: PostgreSQL alone would take it for a running server and refuse to start.
    account: dict[str, Any] = {"user": data.stat().st_uid, "group": data.stat().st_gid, "extra_groups": []}
    with subprocess.Popen(["sleep", "60"], cwd="/", **(account if os.geteuid() == 0 else {})) as innocent:
        try:
            for stale in (data / "data" / "postmaster.pid", data / ".s.PGSQL.5432.lock"):
                stale.write_text(stale.read_text().replace(str(server), str(innocent.pid), 1))
            client = connect()
            assert server_pid(data) != innocent.pid
            client.let_go()
            assert not is_running(data)
            assert innocent.poll() is None
        finally:
            innocent.terminate()


def test_a_process_in_the_data_directory_is_no_part_of_the_server(data: Path, connect: Connect) -> None:
    killed = connect()
    kill_the_server(data)
    killed.process.kill()
    killed.process.wait()
    with subprocess.Popen(["sleep", "60"], cwd=data / "data") as visitor:
        try:
            connect().let_go()
            assert visitor.poll() is None
        finally:
            visitor.terminate()


def test_what_a_killed_initdb_left_is_no_cluster(folder: Path, run: Run) -> None:
    home = folder / "home"
    home.mkdir(mode=0o700)
    (home / "lock").touch()
    (home / "data.new").mkdir()
    (home / "data.new" / "PG_VERSION").write_text("17\n")
    assert run("-c", CONNECT, data=home).returncode == 0
    assert not (home / "data.new").exists()


def test_a_server_started_by_hand_is_left_alone(data: Path, run: Run, connect: Connect) -> None:
    connect()
    # The same as a server that was started with another socket: ours is not there.
    (data / ".s.PGSQL.5432").rename(data / "elsewhere")
    result = run("-c", CONNECT, data=data)
    assert "without our socket" in result.stderr
    os.kill(server_pid(data), 0)
    (data / "elsewhere").rename(data / ".s.PGSQL.5432")
