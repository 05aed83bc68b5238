"""Waiting for what another process, thread or session brings about; and a port for one to listen on."""

import socket
import time
from collections.abc import Callable
from typing import Any


def until(met: Callable[[], object], within_s: float = 60.0) -> Any:
    """Wait until something holds; what it gave. `within_s` is for the slowest of machines."""
    deadline = time.monotonic() + within_s
    while not (found := met()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)
    return found


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
