"""Restores that are killed, or come to the same name at the same moment as another."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import create_database
from tests.deployment.backups.conftest import Made, names_of
from whitecross.deployment.backups import BackupError, databases, restoring
from whitecross.deployment.backups.rehearsing import rehearse
from whitecross.deployment.backups.restoring import Choices, restore

PROJECT = Path(__file__).parents[3]
RUNNING = """
import os, sys
import django
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "whitecross.settings")
django.setup()
from pathlib import Path
from whitecross.deployment.backups.pg_restore import PgRestore
from whitecross.deployment.backups.programs import Access, Programs
PgRestore(Programs(Path(sys.argv[1]), "17"), Access("", dict(os.environ)), [], None).run([], 0)
"""


def is_running(pid: int) -> bool:
    """Whether a process is there, and no zombie that nobody has waited for."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_pg_restore_ends_with_whoever_started_it_however_that_ends(tmp_path: Path) -> None:
    """Else it would build indexes for hours, and the next restore could not drop the database."""
    program = tmp_path / "pg_restore"
    program.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/new\nmv {tmp_path}/new {tmp_path}/pid\nexec sleep 60\n")
    program.chmod(0o755)
    ours = subprocess.Popen([sys.executable, "-c", RUNNING, str(tmp_path)], cwd=PROJECT, stdin=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not (tmp_path / "pid").exists() and time.monotonic() < until and ours.poll() is None:
        time.sleep(0.05)
    pid = int((tmp_path / "pid").read_text())
    assert is_running(pid)
    ours.kill()
    ours.wait()
    until = time.monotonic() + 10
    while is_running(pid) and time.monotonic() < until:
        time.sleep(0.05)
    if is_running(pid):
        os.kill(pid, signal.SIGKILL)
        pytest.fail("pg_restore went on")


@pytest.mark.direct("pg_dump and pg_restore need a session of their own, so backup refuses a pooler")
@pytest.mark.parametrize("scratch", [False, True])
def test_of_two_that_come_to_one_name_each_has_its_own(
    scratch: bool, made: Made, server: Any, committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, taken = databases.named, f"{committed_db}_taken"
    create_database(taken)
    names = iter([taken])
    monkeypatch.setattr(databases, "named", lambda *args: next(names, "") or named(*args))
    into = f"{committed_db}_into"
    try:
        if scratch:
            rehearse("default", made.plain, [], choices=Choices(jobs=1))
        else:
            restore("default", made.plain, [], into=into, choices=Choices(jobs=1))
        assert (taken in names_of(server), into in names_of(server)) == (True, not scratch)
    finally:
        server.execute(f'DROP DATABASE IF EXISTS "{taken}"')
        server.execute(f'DROP DATABASE IF EXISTS "{into}"')


@pytest.mark.direct("pg_dump and pg_restore need a session of their own, so backup refuses a pooler")
def test_what_a_killed_one_has_left_in_a_database_that_was_there_is_told(
    made: Made, server: Any, empty_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*args: Any) -> None:
        raise Killed

    with monkeypatch.context() as breaking:
        breaking.setattr(restoring, "_prove", killed)
        with pytest.raises(Killed):
            restore("default", made.plain, [], into=empty_db)
    with pytest.raises(BackupError, match=rf'drop it \(DROP DATABASE "{empty_db}"\), create it once more, and run'):
        restore("default", made.plain, [], into=empty_db)
