"""What the schema should be after certain migrations, and not only after all of them: found out by carrying them out.

`verify_schema` compares with a snapshot of the newest schema. Before an upgrade and after a rollback the database is at
another point, for which there is none: so the same migrations are run in a scratch database beside it, and the two
catalogs compared.
"""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from core.executor import Executor
from core.schema.actual import read_catalog
from core.schema.compare import Difference, compare
from core.schema.expected import load_expected
from whitecross.postgres.connecting import connect

ALIAS = "scratch"
SCRATCH = "White Cross: to compare a schema with; nothing is kept here"  # its comment, once somebody is connected to it
Applied = set[tuple[str, str]]

_numbers = itertools.count()


class NoScratchError(Exception):
    """No database could be made to compare with. The message is a sentence for people."""


def applied_in_order(connection: BaseDatabaseWrapper) -> list[tuple[str, str]]:
    """The migrations on record in the order in which they were applied; none where there is no record."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return []
        cursor.execute("SELECT app, name FROM django_migrations ORDER BY id")
        return list(cursor.fetchall())


def drift(alias: str, applied: Applied) -> list[Difference]:
    """In what the schema of a database differs from what these migrations make. Raises NoScratchError.

    All of them have to be in this code.
    """
    actual = read_catalog(connections[alias])
    with _scratch(alias) as connection:
        executor = Executor(connection)
        executor.recorder.ensure_schema()
        whole = executor.migration_plan(executor.loader.graph.leaf_nodes(), clean_start=True)
        executor.migrate(None, [step for step in whole if (step[0].app_label, step[0].name) in applied])
        expected = read_catalog(connection)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace"
                " AND proname = ANY(%s)",
                [[signature.partition("(")[0] for signature in load_expected()["functions"]]],
            )
            built_in = frozenset(signature.removeprefix("pg_catalog.") for (signature,) in cursor.fetchall())
    return list(compare(expected, actual, built_in=built_in).differences)


@contextmanager
def _scratch(alias: str) -> Iterator[BaseDatabaseWrapper]:
    """An empty database on the same server under an alias of its own; dropped at the end."""
    given = connections[alias].settings_dict
    name = f"{given['NAME']}_scratch_{os.getpid()}_{next(_numbers)}"[-63:]
    with connect(alias) as server:
        _sweep(server)
        try:
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        except psycopg.Error as error:
            reason = " ".join((error.diag.message_primary or type(error).__name__).split())
            raise NoScratchError(
                f"No scratch database could be made beside {given['NAME']} to compare with ({reason}); "
                "ALTER ROLE ... CREATEDB lets the role make one."
            ) from error
        options = {key: value for key, value in given["OPTIONS"].items() if key != "pool"}
        connections.databases[ALIAS] = {**given, "NAME": name, "OPTIONS": options}
        try:
            try:
                connections[ALIAS].ensure_connection()
            except OperationalError as error:
                raise NoScratchError(
                    f"The scratch database beside {given['NAME']} was made, but cannot be reached, as through a pooler "
                    "that lists its databases; point DATABASE_URL to the server itself for this command."
                ) from error
            with connections[ALIAS].cursor() as cursor:
                cursor.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), SCRATCH))
            yield connections[ALIAS]
        finally:
            connections[ALIAS].close()
            del connections[ALIAS]
            del connections.databases[ALIAS]
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _sweep(server: psycopg.Connection[Any]) -> None:
    """Drop what runs that were killed have left: marked, and nobody is connected to it."""
    left = server.execute(
        "SELECT datname FROM pg_database d WHERE shobj_description(oid, 'pg_database') = %s"
        " AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid)",
        [SCRATCH],
    ).fetchall()
    for (name,) in left:
        with suppress(psycopg.Error):  # another role's, or another run is faster
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
