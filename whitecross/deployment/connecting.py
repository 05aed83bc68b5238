"""Connections of our own beside Django's, to the same database."""

from typing import Any

import psycopg
from django.db import connections

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
