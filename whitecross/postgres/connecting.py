"""Connections of our own beside Django's, to the same database."""

from typing import Any

import psycopg
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

NAME = "whitecross migrate"


def connect(alias: str, *, application_name: str = NAME, **more: Any) -> psycopg.Connection[Any]:
    """A connection as Django would make it for this alias, in autocommit, also through a pooler in transaction mode."""
    known = connections[alias].get_connection_params()
    for ours in ("cursor_factory", "context", "pool"):
        known.pop(ours, None)
    return psycopg.connect(
        **{
            "connect_timeout": 10,
            **known,
            "prepare_threshold": None,
            "application_name": application_name,
            **more,
        },
        autocommit=True,
    )


def connect_anew(connection: BaseDatabaseWrapper) -> None:
    """Let the next query connect: what was idle for long, server, pooler or network may have ended meanwhile."""
    if not connection.in_atomic_block:
        connection.close()


def is_pooled(connection: BaseDatabaseWrapper) -> bool:
    """Whether a pooler stands before the server, so that each transaction may come to another session.

    A pooler gives its clients a number of its own to cancel by.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    return bool(connection.connection.info.backend_pid != pid)
