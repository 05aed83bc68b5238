"""Output that outlives its reader: an upgrade is not to end in the middle because somebody left a pager."""

import os
import sys
from typing import Any, TextIO

from django.core.management.base import BaseCommand


def print_no_more(stream: TextIO) -> None:
    """Let what is still to be written go nowhere: Python would complain once more when it closes the stream."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class WithoutReader:
    """A stream of text. Once its reader has gone, what is written goes nowhere, and nobody is told of an error."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """As of any stream."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            print_no_more(self._stream)
            return len(text)

    def flush(self) -> None:
        """As of any stream."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            print_no_more(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class OutlivesReader(BaseCommand):
    """A command that goes on to its end although nobody reads what it prints any more."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Carry it out, as Django does."""
        for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
            if not options.get(name) and stream is not None:
                options[name] = WithoutReader(stream)
        try:
            return super().execute(*args, **options)
        finally:
            self.stdout.flush()
