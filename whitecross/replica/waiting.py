"""Waiting for a standby: as long as it is alive, and no longer."""

import time
from collections.abc import Generator
from contextlib import closing
from typing import Any

import psycopg

from whitecross.replica.standby import answer

# Seconds without a word after which it is asked on another connection whether it is still there. A long read is silent
# too; a server that is stopped, or whose disk hangs, keeps its connections and says nothing on them for ever.
SILENCE = 3.0


def give_up_on_the_dead(connection: psycopg.Connection[Any], parameters: dict[str, Any]) -> None:
    """Let whoever waits on a connection get an OperationalError where its server answers nobody any more.

    `parameters` are those of the connection.
    """
    wait = type(connection).wait

    def impatiently(waiting: Generator[Any, Any, Any], *how: Any, **more: Any) -> Any:
        return wait(connection, _asking(connection, parameters, waiting), *how, **more)

    connection.wait = impatiently  # type: ignore[method-assign,assignment]


def _asking(
    connection: psycopg.Connection[Any], parameters: dict[str, Any], waiting: Generator[Any, Any, Any]
) -> Generator[Any, Any, Any]:
    """What psycopg waits for. It looks up several times a second, with nothing in its hands."""
    try:
        wanted = next(waiting)
        heard = time.monotonic()
        while True:
            ready = yield wanted
            if ready:
                heard = time.monotonic()
            elif time.monotonic() - heard > SILENCE:
                if not _is_alive(parameters):
                    connection.close()
                    raise psycopg.OperationalError("the server has stopped answering")
                heard = time.monotonic()
            wanted = waiting.send(ready)
    except StopIteration as end:
        return end.value


def _is_alive(parameters: dict[str, Any]) -> bool:
    try:
        # As a context manager a connection would say ROLLBACK to who does not answer.
        with closing(psycopg.connect(**{**parameters, "autocommit": True})) as other:
            return answer(other, b"SELECT 1") == ["1"]
    except (psycopg.Error, TimeoutError):
        return False
