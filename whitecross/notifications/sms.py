"""SMS: the setting SMS_BACKEND names the class that sends them.

A backend is a class without arguments to its constructor, and one method, `send(number, text)`, that raises where it
cannot send. To send by a provider, write such a class and name it.
"""

import json
import os
import sys
import threading
from typing import Protocol

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

_one_at_a_time = threading.Lock()


class Backend(Protocol):
    """What sends SMS."""

    def send(self, number: str, text: str) -> None:
        """Send a text to a number. Raises whatever it cannot cope with."""


class ConsoleBackend:
    """Writes to stdout, for development."""

    def send(self, number: str, text: str) -> None:
        """Write number and text."""
        with _one_at_a_time:
            sys.stdout.write(f"SMS to {number}:\n{text}\n{'-' * 79}\n")
            sys.stdout.flush()


class FileBackend:
    """Appends to the file SMS_FILE_PATH, a line of JSON each, for another program to send."""

    def send(self, number: str, text: str) -> None:
        """Append {"at", "number", "text"}. Raises OSError."""
        line = json.dumps({"at": timezone.now().isoformat(), "number": number, "text": text})
        # Opened to append, a line written at once is not mixed with those of other processes. Private, for its numbers.
        with (
            _one_at_a_time,
            os.fdopen(os.open(settings.SMS_FILE_PATH, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a") as file,
        ):
            file.write(f"{line}\n")


class NoBackend:
    """Stands where production names no other: what nobody can send is an error in the log, and no phone number."""

    def send(self, number: str, text: str) -> None:
        """Raise NoProviderError."""
        raise NoProviderError("SMS_BACKEND is not set: no SMS can be sent. See docs/operations.md.")


class NoProviderError(Exception):
    """Nothing is set up that sends SMS."""


def send(number: str, text: str) -> None:
    """Send by the backend that SMS_BACKEND names."""
    backend: Backend = import_string(settings.SMS_BACKEND)()
    backend.send(number, text)
