"""Output whose reader has gone: the procedure goes on to its end, and nothing is said of it."""

import os
import subprocess
import sys

import pytest

from core.management.streams import WithoutReader
from tests.adoption.conftest import url_of
from tests.deployment.procedure.conftest import runs
from tests.docs.night import ROOT


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
