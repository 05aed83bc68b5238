"""An adoption whose process is killed or interrupted, and two at once."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from tests.adoption.conftest import Legacy, url_of
from tests.adoption.killed.left import (
    BEGUN,
    NOTHING,
    SOMEBODY_WAITS,
    Begun,
    Dump,
    Run,
    all_is_here,
    nothing_is_here,
    rows_by_table,
)
from whitecross.adoption import moving

pytestmark = pytest.mark.direct("ends the server's own process of a connection, which a pooler replaces")


PROJECT = Path(__file__).parents[3]
Start = Callable[..., "subprocess.Popen[str]"]
NOBODY = "NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = ANY(%s))"


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Start]:
    """Starts manage.py adopt in a process of its own, on the database on which Django stands."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **moment: Any) -> "subprocess.Popen[str]":
        words = ["-m", "tests.adoption.killing", json.dumps(moment)] if moment else ["manage.py"]
        process = subprocess.Popen(
            [sys.executable, *words, "adopt", *arguments, "--yes", "--report", tmp_path],
            cwd=PROJECT,
            env={**os.environ, "DATABASE_URL": url_of(str(connection.settings_dict["NAME"])), "COLUMNS": "1000"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        connection.close()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait_until(server: Any, question: str, *names: str) -> None:
    """Wait until the server says yes of databases."""
    connection.close()
    deadline = time.monotonic() + 20
    while server.execute(f"SELECT {question}", [list(names)]).fetchone() != (True,):
        assert time.monotonic() < deadline, question
        time.sleep(0.005)


def test_a_process_killed_within_the_database_loses_nothing(
    legacy: Legacy, dump: Dump, run: Run, process: Start, server: Any
) -> None:
    name = legacy.in_place(7)
    before = dump(name)

    def kill_at(**moment: Any) -> moving.Record | None:
        killed = process(**moment, signal=signal.SIGKILL)
        out, error = killed.communicate(timeout=60)
        assert killed.returncode == -signal.SIGKILL, (moment, out, error)
        wait_until(server, NOBODY, name)  # a server notices soon that its client has died
        return moving.read_record(connection)

    assert kill_at(pattern="ALTER TABLE .*students.* SET SCHEMA") is None
    assert dump(name) == before
    assert kill_at(pattern='CREATE TABLE "health_records"')
    assert kill_at(table="students")
    record = kill_at(pattern="SET adopted", after=True)
    assert record
    assert record.adopted is None
    assert nothing_is_here()
    assert run("--undo") == ""
    assert dump(name) == before


def test_a_process_killed_on_the_way_from_elsewhere_loses_nothing(
    legacy: Legacy, pristine_database: str, run: Run, process: Start, server: Any
) -> None:
    url = legacy.elsewhere(7, template=pristine_database)
    name, source = str(connection.settings_dict["NAME"]), url.split("/")[3].split("?")[0]
    there = rows_by_table(url=url)
    moments: tuple[dict[str, Any], ...] = (
        {"table": "students", "nth": 30},
        {"pattern": "SET adopted", "after": True},
    )
    for moment in moments:
        killed = process("--source", url, **moment, signal=signal.SIGKILL)
        out, error = killed.communicate(timeout=60)
        assert killed.returncode == -signal.SIGKILL, (moment, out, error)
        wait_until(server, NOBODY, name, source)
        assert nothing_is_here()
    assert run("--source", url) == ""
    assert all_is_here(there)


def test_of_two_that_adopt_at_once_one_does_it_and_the_other_says_so(
    begun: Begun, run: Run, process: Start, server: Any
) -> None:
    name = begun()
    there = rows_by_table(moving.LEGACY)
    with psycopg.connect(url_of(name)) as reader:
        reader.execute("SELECT count(*) FROM students")
        one = process()
        wait_until(server, SOMEBODY_WAITS, name)
        other = process()
        error = other.communicate(timeout=60)[1]
        assert other.returncode == 1
        busy = r"Another adoption of this database is at work \(process \d+ .*\): wait for it\."
        assert re.fullmatch(rf"CommandError: {busy}\n", error), error
        for deed in ("--undo", "--finish"):
            assert re.fullmatch(busy, run(deed))
    assert one.wait(timeout=60) == 0
    assert rows_by_table() == there


def test_control_c_is_a_sentence_and_leaves_nothing_half_done(
    legacy: Legacy, begun: Begun, dump: Dump, run: Run, process: Start, server: Any
) -> None:
    name = legacy.in_place(4)
    before, there = dump(name), rows_by_table()
    with psycopg.connect(url_of(name)) as reader:
        reader.execute("SELECT count(*) FROM students")
        interrupted = process()
        wait_until(server, SOMEBODY_WAITS, name)
        interrupted.send_signal(signal.SIGINT)
        error = interrupted.communicate(timeout=60)[1]
    assert interrupted.returncode == 130, error
    assert error == f"CommandError: Interrupted. {NOTHING}\n"
    assert dump(name) == before

    begun()
    interrupted = process(table="students", signal=signal.SIGINT)
    error = interrupted.communicate(timeout=60)[1]
    assert interrupted.returncode == 130, error
    assert re.fullmatch(rf"CommandError: Interrupted\. {BEGUN}.*\n", error), error
    assert nothing_is_here()
    assert run() == ""
    assert rows_by_table() == there
