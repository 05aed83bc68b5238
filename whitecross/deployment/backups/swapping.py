"""Puts a database in the place of the one in use, which is kept under another name.

Both are renamed in one transaction, so that whoever is killed in between leaves either the old or the new, never none.
"""

import contextlib
import shlex
import time
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from whitecross.adoption.sql import quoted
from whitecross.deployment.backups.connecting import connected, maintenance
from whitecross.deployment.backups.contents import is_empty, rows_of, tables
from whitecross.deployment.backups.databases import HALF, UNFINISHED, database_of, exists, named
from whitecross.deployment.backups.errors import BackupError
from whitecross.deployment.holders import holders

IN_USE, NO_PRIVILEGE = "55006", "42501"
ATTEMPTS = 10  # to rename before somebody connects again
NAMED_AT_MOST = 5


@dataclass(frozen=True)
class Swapped:
    """The name in use, and the name under which what it led to before is kept; None where there was none."""

    database: str
    aside: str | None


@dataclass(frozen=True)
class Comparison:
    """Rows of the tables whose numbers differ: here (in use now), there (to be swapped in)."""

    rows: dict[str, tuple[int, int]]

    @property
    def more_here(self) -> int:
        """Rows that are in use and would no longer be."""
        return sum(max(here - there, 0) for here, there in self.rows.values())

    @property
    def more_there(self) -> int:
        """Rows that would be in use again."""
        return sum(max(there - here, 0) for here, there in self.rows.values())

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {name: {"inUse": here, "swappedIn": there} for name, (here, there) in self.rows.items()}


def refuse_unfit(alias: str, incoming: str) -> None:
    """A database that is not there, is in use already or was not restored to its end. Raises BackupError."""
    current = database_of(alias)
    with maintenance(alias) as server, server.cursor() as cursor:
        if incoming == current:
            raise BackupError(f"{current} is the database in use already; name the one that is to take its place.")
        cursor.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s AND NOT datistemplate",
            [incoming],
        )
        found = cursor.fetchone()
        if found is None:
            cursor.execute(
                "SELECT datname FROM pg_database WHERE left(datname, %s) = left(%s, %s) AND datname <> %s ORDER BY 1",
                [len(current) + 1, f"{current}_", len(current) + 1, current],
            )
            others = ", ".join(name for (name,) in cursor.fetchall()) or "none"
            raise BackupError(
                f"There is no database {incoming}, or it is in use as {current} already; beside {current} there are: "
                f"{others}."
            )
        if found[0] in (UNFINISHED, HALF):
            raise BackupError(f"{incoming} was not restored to its end; restore the backup once more.")
    with connected(alias, incoming) as connection, connection.cursor() as cursor:
        if is_empty(cursor):
            raise BackupError(f"{incoming} holds nothing; name the database that is to take the place of {current}.")


def compare(alias: str, incoming: str) -> Comparison:
    """Count the rows on both sides."""
    current = database_of(alias)
    with maintenance(alias) as server:
        if not exists(server, current):
            return Comparison({})
    sides = []
    for name in (current, incoming):
        with connected(alias, name) as connection, connection.cursor() as cursor:
            sides.append(rows_of(cursor, tables(cursor)))
    here, there = sides
    both = {name: (here.get(name, 0), there.get(name, 0)) for name in sorted(here.keys() | there.keys())}
    return Comparison({name: numbers for name, numbers in both.items() if numbers[0] != numbers[1]})


def swap(alias: str, incoming: str, *, disconnect: bool = False) -> Swapped:
    """Put a database in the place of the one in use. Raises BackupError; nothing was renamed then.

    `disconnect`: end the connections of others; without it they are in the way.
    """
    refuse_unfit(alias, incoming)
    current = database_of(alias)
    connections[alias].close()
    with maintenance(alias) as server:
        number = _number(server, incoming)
        while exists(server, aside := named(current, "before")):
            time.sleep(0.1)  # until the next second
        names = [(incoming, current)]
        if exists(server, current):
            names.insert(0, (current, aside))
        for attempt in range(1, ATTEMPTS + 1):
            if disconnect:
                _disconnect(server, [current, incoming])
            try:
                # PostgreSQL itself waits up to five seconds for others to leave.
                with transaction.atomic(using=server.alias), server.cursor() as cursor:
                    for old, new in names:
                        cursor.execute(f"ALTER DATABASE {quoted(old)} RENAME TO {quoted(new)}")
                break
            except BaseException as error:
                # Whoever is interrupted, or loses the connection, when all is done, is told that it is.
                if _has_taken_over(alias, number, current):
                    break
                if not isinstance(error, DatabaseError):
                    raise
                state = getattr(error.__cause__, "sqlstate", None)
                if state == NO_PRIVILEGE:
                    raise BackupError(
                        f"The role of DATABASE_URL may not rename {current} or {incoming}: it takes their owner, with "
                        f"CREATEDB. As that role: python manage.py restore --swap-in {shlex.quote(incoming)}"
                    ) from None
                if state != IN_USE:
                    raise
                if not disconnect or attempt == ATTEMPTS:
                    raise _in_use(server, current, incoming, disconnect=disconnect) from None
                time.sleep(0.05)
    return Swapped(current, aside if len(names) == 2 else None)


def _number(server: BaseDatabaseWrapper, name: str) -> int | None:
    """What a database keeps when it is renamed."""
    with server.cursor() as cursor:
        cursor.execute("SELECT oid FROM pg_database WHERE datname = %s", [name])
        found = cursor.fetchone()
    return int(found[0]) if found else None


def _has_taken_over(alias: str, number: int | None, name: str) -> bool:
    with contextlib.suppress(DatabaseError), maintenance(alias) as server:
        return _number(server, name) == number
    return False


def _connected_to(server: BaseDatabaseWrapper, names: list[str]) -> dict[int, str]:
    """The sessions in these databases, and in which each is. Of others' sessions not every role is told the type."""
    with server.cursor() as cursor:
        cursor.execute(
            "SELECT pid, datname FROM pg_stat_activity WHERE datname = ANY(%s) AND pid <> pg_backend_pid()"
            " AND usesysid IS NOT NULL AND coalesce(backend_type, %s) = %s ORDER BY backend_start, pid",
            [names, "client backend", "client backend"],
        )
        return dict(cursor.fetchall())


def _disconnect(server: BaseDatabaseWrapper, names: list[str]) -> None:
    """One by one, so that one that may not be ended keeps none of the others."""
    for pid in _connected_to(server, names):
        with contextlib.suppress(DatabaseError), server.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])


def _in_use(server: BaseDatabaseWrapper, current: str, incoming: str, *, disconnect: bool) -> BackupError:
    there = _connected_to(server, [current, incoming])
    sessions = holders(server.connection, there)
    said = [f"process {one.pid} of {one.user} ({one.program}) in {there[one.pid]}" for one in sessions[:NAMED_AT_MOST]]
    if len(sessions) > NAMED_AT_MOST:
        said.append(f"{len(sessions) - NAMED_AT_MOST} more")
    how = "stop them, or say --disconnect to end their connections"
    if disconnect:
        how = "stop them: they connect again at once"
        if others := [one for one in sessions if not one.end]:
            them = " ".join(f"SELECT pg_terminate_backend({one.pid});" for one in others[:NAMED_AT_MOST])
            how = f"this role may not end all of them, so let a superuser do it: {them[:-1]}"
    return BackupError(
        f"In the way {'are' if len(sessions) > 1 else 'is'} {', '.join(said) or 'somebody who is gone by now'}, so "
        f"nothing was swapped; {how}. Then: python manage.py restore --swap-in {shlex.quote(incoming)}"
    )
