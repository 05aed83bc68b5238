"""Connections to any database of the server that an alias leads to, apart from the application's own."""

import copy
import itertools
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from whitecross.adoption.roads import settle
from whitecross.deployment.backups.errors import BackupError
from whitecross.postgres.connecting import is_pooled

_numbers = itertools.count()
# Where one goes to create, rename and drop databases.
MAINTENANCE = ("postgres", "template1")


@contextmanager
def connected(alias: str, database: str | None = None) -> Iterator[BaseDatabaseWrapper]:
    """A connection of its own, without a pool, to the alias's database or another of its server.

    No time limit of a role or database ends its statements.
    """
    original = connections[alias]
    start = getattr(original, "start_embedded", None)
    if start:
        start()
    facts = copy.deepcopy(original.settings_dict)
    facts["OPTIONS"].pop("pool", None)
    # The embedded server runs by now, for as long as this process does; it must not create a database of that name.
    facts.update(EMBEDDED=None, CONN_MAX_AGE=0, NAME=database or facts["NAME"])
    name = f"{alias}_backups_{next(_numbers)}"
    connections.databases[name] = facts
    try:
        settle(connections[name])
        yield connections[name]
    finally:
        connections[name].close()
        del connections[name]
        del connections.databases[name]


@contextmanager
def maintenance(alias: str) -> Iterator[BaseDatabaseWrapper]:
    """A connection to a database of the server that is nobody's, to create, rename and drop others from."""
    for number, name in enumerate(MAINTENANCE, 1):
        with _entered(alias, name, last=number == len(MAINTENANCE)) as connection:
            if connection is not None:
                yield connection
                return


@contextmanager
def _entered(alias: str, name: str, *, last: bool) -> Iterator[BaseDatabaseWrapper | None]:
    try:
        context = connected(alias, name)
        connection = context.__enter__()
    except DatabaseError:
        if last:
            raise
        yield None
        return
    try:
        yield connection
    finally:
        context.__exit__(None, None, None)


def refuse_a_pooler(connection: BaseDatabaseWrapper) -> None:
    """pg_dump sets its session up, and a pooler would hand that session to somebody else. Raises BackupError."""
    if is_pooled(connection):
        raise BackupError(
            "DATABASE_URL leads to a connection pooler, through which neither pg_dump nor pg_restore can work; run "
            "this command with a DATABASE_URL that leads to the server itself."
        )
