"""A site that fails before its answer, or while that is sent, when Django has done its part."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
    """Fail as a database error does whose detail has a row."""
    if environ["PATH_INFO"] == "/late":
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield b"a part\n"
    raise psycopg.errors.UniqueViolation("Key (lastName)=(SecretChild) already exists.")
