"""The command, called within this process or run as one of its own on this test's database."""

import io
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

PROGRAM = """
import sys
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv.pop(1)
from django.core.management import execute_from_command_line
from whitecross.postgres.errors import in_one_sentence
with in_one_sentence(sys.argv):
    execute_from_command_line(sys.argv)
"""


@dataclass(frozen=True)
class Ended:
    """How a call of the command ended."""

    out: str
    err: str
    code: int = 0


Call = Callable[..., Ended]


@pytest.fixture
def call() -> Call:
    """Call `config` in this process; what it printed, and what it refused with."""

    def called(*arguments: str, **options: Any) -> Ended:
        out, err = io.StringIO(), io.StringIO()
        try:
            call_command("config", *arguments, stdout=out, stderr=err, **options)
        except CommandError as error:
            return Ended(out.getvalue(), f"{err.getvalue()}{error}", error.returncode)
        return Ended(out.getvalue(), err.getvalue())

    return called


def start(*arguments: str, **options: Any) -> "subprocess.Popen[str]":
    """Start `manage.py config` on this test's database, as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, connection.settings_dict["NAME"], "config", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def run(*arguments: str, typed: str = "", **options: Any) -> Ended:
    """Run `manage.py config` to its end."""
    process = start(*arguments, **options)
    out, err = process.communicate(typed, timeout=120)
    return Ended(out, err, process.returncode)
