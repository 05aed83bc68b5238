"""Output that outlives its reader: an upgrade is not to end in the middle because somebody left a pager, or because the
disk is full to which its words go.
"""

import errno
import os
import sys
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError


def print_no_more(stream: TextIO) -> None:
    """Let what is still to be written go nowhere: Python would complain once more when it closes the stream."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class WithoutReader:
    """A stream of text. Once its reader has gone, what is written goes nowhere, and nobody is told of an error.

    `lost`: why it goes nowhere although somebody may still want it, as where a disk is full.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost: OSError | None = None

    def write(self, text: str) -> int:
        """As of any stream."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._lose(error)
            return len(text)

    def flush(self) -> None:
        """As of any stream."""
        try:
            self._stream.flush()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        print_no_more(self._stream)
        if error.errno not in (errno.EPIPE, errno.EIO):  # EIO: its terminal is gone
            self.lost = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class OutlivesReader(BaseCommand):
    """A command that goes on to its end although nobody reads what it prints any more."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Carry it out, as Django does. Raises CommandError at the end where its words were lost on the way."""
        ours = []
        for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
            if not options.get(name) and stream is not None:
                options[name] = WithoutReader(stream)
                ours.append(options[name])
        try:
            done = super().execute(*args, **options)
        finally:
            self.stdout.flush()
        for lost in (stream.lost for stream in ours if stream.lost):
            raise CommandError(f"It is done, but not all that it says could be written: {lost.strerror}.")
        return done
