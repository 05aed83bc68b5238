"""The question before the first change: only a yes goes on; anything else, or nobody there, changes nothing."""

import io
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.adoption.conftest import url_of
from tests.deployment.procedure.conftest import runs
from tests.docs.test_commands import heed_interrupts
from whitecross.deployment.asking import confirm
from whitecross.deployment.rolling_back import to_migration


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Somebody sits at a terminal; what is written to this, they type."""
    typed, terminal = pty.openpty()
    with os.fdopen(terminal, "r") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield typed
    os.close(typed)


@pytest.mark.parametrize("answer", ["yes\n", "YES\n", "y\n"])
def test_a_yes_goes_on(answer: str, keyboard: int) -> None:
    os.write(keyboard, answer.encode())
    out = io.StringIO()
    confirm("Apply 3 migrations?", out, yes=False)
    assert out.getvalue() == "Apply 3 migrations? Type yes to go on: "


@pytest.mark.parametrize("answer", ["no\n", "\n", "yes, but\n", "\x04"], ids=["no", "nothing", "a condition", "Ctrl-D"])
def test_anything_else_changes_nothing(answer: str, keyboard: int) -> None:
    os.write(keyboard, answer.encode())
    with pytest.raises(CommandError, match=r"^Nothing was changed\.$"):
        confirm("Apply 3 migrations?", io.StringIO(), yes=False)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        pytest.param("upgrade", ["--no-backup"], marks=pytest.mark.direct("upgrade refuses a pooler before it asks")),
        ("rollback", ["knox.0009"]),
    ],
)
def test_where_nobody_can_be_asked_it_says_how_to_go_on(
    command: str, words: list[str], committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path(os.devnull).open() as nobody:
        for stdin in (nobody, None):  # None: it is closed
            monkeypatch.setattr(sys, "stdin", stdin)
            with pytest.raises(CommandError, match=r"^Nobody is here to be asked: add --yes\. Nothing was changed\.$"):
                call_command(command, *words, stdout=io.StringIO())
    assert len(runs()) == 1


def test_beside_json_the_question_is_no_part_of_it(
    committed_db: str, keyboard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.write(keyboard, b"no\n")
    out, errors = io.StringIO(), io.StringIO()
    with pytest.raises(CommandError):
        call_command("rollback", "knox.0009", "--json", stdout=out, stderr=errors)
    assert errors.getvalue().strip() == "Reverse 1 migration? Type yes to go on:"
    said = json.loads(out.getvalue())
    assert (said["stopped"], said["reversed"]) == ("Nothing was changed.", ["sessions.0001_initial"])


def test_ctrl_c_at_a_terminal_changes_nothing_and_shows_no_traceback(committed_db: str) -> None:
    typed, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "rollback", "knox.0009", "--no-backup"],
        env={**os.environ, "DATABASE_URL": url_of(committed_db), "DJANGO_SETTINGS_MODULE": "whitecross.settings"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        # Where this process itself runs in the background, Ctrl-C is ignored, and that would be inherited.
        preexec_fn=heed_interrupts,
    )
    os.close(terminal)
    said = b""
    while b"Type yes to go on" not in said:
        said += os.read(typed, 1000)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 1
    said += rest(typed)
    os.close(typed)
    assert b"Nothing was changed." in said
    assert b"Traceback" not in said
    assert len(runs()) == 1
    assert len(to_migration(connection, "knox.0009").migrations) == 1


def rest(typed: int) -> bytes:
    said = b""
    while True:
        try:
            said += os.read(typed, 1000)
        except OSError:  # the other side is closed
            return said
