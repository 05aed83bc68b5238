"""Runs `manage.py adopt` as whoever adopts does, and reads what it says."""

import io
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

from tests.adoption import predecessor
from tests.adoption.conftest import value
from whitecross.adoption.management.commands.adopt import Command

Dump = Callable[[str], bytes]
MOST = 47  # rows of the last state that do not fit
SECRET = "s3kr1t"
REPORT = {"adopted", "by", "source", "target", "choices", "seconds", "tables", "rows", "seededSettings"}


@dataclass(frozen=True)
class Ended:
    """How a call of the command ended."""

    out: str
    err: str
    code: int

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """The one sentence with which it was refused: a line, and nothing before or after it."""
        (line,) = self.err.splitlines()
        assert line.startswith("CommandError: "), line
        return line.removeprefix("CommandError: ")


class Typing(io.StringIO):
    """What somebody types on a terminal; nothing more is the end of the input."""

    def isatty(self) -> bool:
        return True


def adopt(*arguments: str, typed: str | None = None, stdout: io.StringIO | None = None) -> Ended:
    """Run the command in this process as manage.py would. What is not a sentence of its own, it raises."""
    out, err, code = stdout or io.StringIO(), io.StringIO(), 0
    stdin = sys.stdin
    sys.stdin = io.StringIO() if typed is None else Typing(typed)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            Command().run_from_argv(["manage.py", "adopt", *arguments])
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stdin = stdin
    return Ended(out.getvalue(), err.getvalue(), code)


def counts(schema: str = "public", state: int = 7) -> dict[str, int]:
    """Rows by table, of the tables that the predecessor had."""
    return {table: value(f'SELECT count(*) FROM "{schema}"."{table}"') for table in predecessor.facts(state)["tables"]}


def lines(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]
