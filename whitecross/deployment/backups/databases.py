"""The databases that restores make and fill: their names, what their comments say of them, and their end."""

import contextlib
import re
import time
from datetime import UTC, datetime

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from whitecross.adoption.roads import reason_of
from whitecross.adoption.sql import literal, quoted
from whitecross.deployment.backups.connecting import maintenance
from whitecross.deployment.backups.contents import is_empty
from whitecross.deployment.backups.errors import BackupError
from whitecross.deployment.backups.manifest import Manifest

UNFINISHED = "White Cross: not restored yet"
# While it is not proven it has a name that nobody uses, under which alone one is ever dropped.
WORKING = re.compile(r"_(restoring|rehearsal)_\d{8}t\d{6}$")
# In a database that was not made here, and so is not dropped either.
HALF = "White Cross: a restore into this database has not come to its end"
LONGEST_NAME = 63
NO_PRIVILEGE, READ_ONLY = "42501", "25006"
TAKEN = ("42P04", "23505")  # the latter where both create it at the same moment


def named(database: str, deed: str) -> str:
    """The name of a database that a deed makes beside one, of this moment."""
    ending = f"_{deed}_{datetime.now(UTC):%Y%m%dt%H%M%S}"
    return f"{database.encode()[: LONGEST_NAME - len(ending)].decode(errors='ignore')}{ending}"


def drop(alias: str, database: str) -> None:
    """Drop a database that was made here, with whoever is connected to it. Raises BackupError where it stays."""
    if not try_to_drop(alias, database):
        raise BackupError(
            f"{database} holds a copy of the records and could not be dropped: end who is connected to it, then DROP "
            f"DATABASE {quoted(database)}."
        )


def try_to_drop(alias: str, database: str) -> bool:
    """Drop a database that was made here; whether it has gone."""
    with contextlib.suppress(DatabaseError), maintenance(alias) as server, server.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {quoted(database)} WITH (FORCE)")
        return True
    return False


def drop_unfinished(server: BaseDatabaseWrapper) -> list[str]:
    """Drop what killed restores have left, and say what.

    Only what bears a name that restores alone give, is marked as unfinished, and nobody is connected to.
    """
    dropped = []
    with server.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE shobj_description(oid, 'pg_database') = %s", [UNFINISHED])
        for (name,) in cursor.fetchall():
            if not WORKING.search(name):
                continue
            with contextlib.suppress(DatabaseError):  # a restore that goes on holds a connection to it
                cursor.execute(f"DROP DATABASE IF EXISTS {quoted(name)}")
                dropped.append(name)
    return dropped


def give_name(alias: str, work: str, name: str) -> None:
    """Let a proven database have its name. Raises BackupError where somebody has taken that meanwhile."""
    with maintenance(alias) as server:
        try:
            with server.cursor() as cursor:
                cursor.execute(f"ALTER DATABASE {quoted(work)} RENAME TO {quoted(name)}")
        except DatabaseError as error:
            raise BackupError(
                f"The backup is restored and proven in {work}, which could not be renamed to {name} "
                f"({reason_of(error)}): ALTER DATABASE {quoted(work)} RENAME TO {quoted(name)} when that is set right."
            ) from None


def refuse_a_long_name(name: str) -> None:
    """Raises BackupError."""
    if len(name.encode()) > LONGEST_NAME:
        raise BackupError(f"A database's name has {LONGEST_NAME} bytes at most; choose a shorter one.")


def exists(server: BaseDatabaseWrapper, name: str) -> bool:
    """Whether the server has such a database."""
    with server.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_database WHERE datname = %s)", [name])
        return bool(cursor.fetchone()[0])


def create(server: BaseDatabaseWrapper, beside: str, deed: str, manifest: Manifest) -> str:
    """Create a database as the one that was backed up was created, and return its name. Raises BackupError.

    The name is of this moment: of two that come to the same, one waits for the next second.
    """
    while not _is_created(server, name := named(beside, deed), manifest):
        time.sleep(0.1)
    return name


def _is_created(server: BaseDatabaseWrapper, name: str, manifest: Manifest) -> bool:
    """Whether it could be created, and not somebody else has just done so. Raises BackupError."""
    provider = {"i": "icu", "b": "builtin"}.get(manifest.locale.get("provider") or "", "libc")
    words = [f"CREATE DATABASE {quoted(name)} TEMPLATE template0 LOCALE_PROVIDER {provider}"]
    for fact, word in (
        ("encoding", "ENCODING"),
        ("collate", "LC_COLLATE"),
        ("ctype", "LC_CTYPE"),
        ("locale", f"{provider.upper()}_LOCALE"),
        ("rules", "ICU_RULES"),
    ):
        if value := manifest.locale.get(fact):
            words.append(f"{word} {literal(value)}")
    try:
        with server.cursor() as cursor:
            cursor.execute(" ".join(words))
    except DatabaseError as error:
        state = getattr(error.__cause__, "sqlstate", None)
        if state in TAKEN:
            return False
        if state == READ_ONLY:
            raise
        if state == NO_PRIVILEGE:
            raise BackupError(
                "The role of DATABASE_URL may not create databases; let a superuser say ALTER ROLE ... CREATEDB, or "
                "create an empty one and name it with --into."
            ) from None
        raise BackupError(
            f"The database {name} cannot be created ({reason_of(error)}); set that right, or create an empty one and "
            "name it with --into."
        ) from None
    return True


def refuse_what_is_there(target: BaseDatabaseWrapper, name: str) -> None:
    """A restore goes over nothing. Raises BackupError."""
    with target.cursor() as cursor:
        if is_empty(cursor):
            return
        cursor.execute("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone()[0] == HALF:
            raise BackupError(
                f"The database {name} holds what a restore has left in it that did not come to its end; drop it (DROP "
                f"DATABASE {quoted(name)}), create it once more, and run the command again."
            )
        raise BackupError(
            f"The database {name} is not empty, and a restore never goes over what is there; name another one, or "
            "leave --into out."
        )


def mark_as_unfinished(target: BaseDatabaseWrapper, name: str) -> None:
    """Whatever becomes of this restore: the next one drops what nobody is connected to."""
    comment(target, name, UNFINISHED)


def mark_as_half(target: BaseDatabaseWrapper, name: str) -> None:
    """Whatever ends this restore before its end: nobody swaps the database in. Raises BackupError."""
    try:
        comment(target, name, HALF)
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) != NO_PRIVILEGE:
            raise
        raise BackupError(
            f"The database {name} belongs to another role, so a restore that breaks off could not be marked in it; "
            "restore into a new one, without --into."
        ) from None


def comment(target: BaseDatabaseWrapper, name: str, text: str) -> None:
    """Say in the server what a database is."""
    with target.cursor() as cursor:
        cursor.execute(f"COMMENT ON DATABASE {quoted(name)} IS {literal(text)}")


def database_of(alias: str) -> str:
    """The name of the database that an alias leads to."""
    return str(connections[alias].settings_dict["NAME"])
