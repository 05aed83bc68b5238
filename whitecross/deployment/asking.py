"""Asks before something is done that somebody could regret."""

import sys
from typing import TextIO

from django.core.management.base import CommandError


def confirm(question: str, out: TextIO, *, yes: bool) -> None:
    """Return if the answer is yes, or was given beforehand. Raises CommandError, which says that nothing was done."""
    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():  # None: it is closed
        raise CommandError("Nobody is here to be asked: add --yes. Nothing was changed.")
    try:
        out.write(f"{question} Type yes to go on: ")
        out.flush()
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        answer = ""
    if answer.strip().lower() not in ("yes", "y"):
        raise CommandError("Nothing was changed.")
