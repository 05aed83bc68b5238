"""Output whose reader has gone, or for which there is no room: the procedure goes on to its end."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from core.management.streams import WithoutReader
from tests.adoption.conftest import url_of
from tests.deployment.procedure.conftest import runs
from tests.docs.roles import ROOT


def test_what_is_written_after_its_reader_has_gone_goes_nowhere() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        lasting = WithoutReader(stream)
        lasting.write("read\n")
        lasting.flush()
        assert os.read(reader, 100) == b"read\n"
        os.close(reader)
        for _ in range(10_000):
            assert lasting.write("not read\n") == 9
        lasting.flush()
        assert not lasting.isatty()


def test_a_terminal_that_is_gone_is_no_error() -> None:
    ours, terminal = pty.openpty()
    with os.fdopen(terminal, "w") as stream:
        os.close(ours)
        lasting = WithoutReader(stream)
        lasting.write("not read\n")
        lasting.flush()
    assert lasting.lost is None


def test_a_full_disk_below_its_words_does_not_end_a_run(committed_db: str) -> None:
    with Path("/dev/full").open("w") as full:
        process = subprocess.run(
            [sys.executable, "manage.py", "migrate", "knox", "0008"],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url_of(committed_db), "DJANGO_SETTINGS_MODULE": "whitecross.settings"},
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    said = "CommandError: It is done, but not all that it says could be written: No space left on device.\n"
    assert (process.stderr, process.returncode) == (said, 1)
    assert (runs()[-1]["status"], len(runs())) == ("SUCCEEDED", 2)


@pytest.mark.direct("upgrade refuses a pooler")
@pytest.mark.parametrize("arguments", [["upgrade", "--plan"], ["upgrade", "--yes"], ["migration_log"]])
def test_a_pager_that_ends_does_not_end_the_procedure(arguments: list[str], committed_db: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-u", "manage.py", *arguments, *["--no-backup"] * (arguments[0] == "upgrade")],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url_of(committed_db), "DJANGO_SETTINGS_MODULE": "whitecross.settings"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    assert (process.stderr.read(), process.wait(60)) == ("", 0)
    process.stderr.close()
    assert len(runs()) == 1 + ("--yes" in arguments)
    assert runs()[-1]["status"] == "SUCCEEDED"
