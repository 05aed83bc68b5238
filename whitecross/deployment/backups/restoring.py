"""Restores a backup into a database of its own, and compares what came with what the manifest says.

The dump goes from the file to pg_restore through a pipe, decrypted on the way, so that nothing of it stands on a disk
in the clear. A pipe cannot be read by several at once; so tables are filled by one, and what takes most of the time,
indexes and keys, is built by several after that: for it pg_restore needs no more than the dump's table of contents,
which is kept in memory.
"""

import contextlib
import re
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from whitecross.adoption.progress import Progress
from whitecross.adoption.roads import reason_of
from whitecross.adoption.sql import literal, quoted
from whitecross.deployment.backups.applying import apply
from whitecross.deployment.backups.archive import Archive
from whitecross.deployment.backups.comparing import object_differences, row_differences, schema_differences
from whitecross.deployment.backups.connecting import connected, maintenance, refuse_a_pooler
from whitecross.deployment.backups.contents import catalog_hash, is_empty, measure, tables
from whitecross.deployment.backups.errors import BackupError
from whitecross.deployment.backups.extensions import beyond_reach, less, named_in
from whitecross.deployment.backups.manifest import Manifest, no_key, refuse_newer
from whitecross.deployment.backups.pg_restore import PgRestore, beginning_in_memory, path_of
from whitecross.deployment.backups.programs import Programs, access, fitting
from whitecross.deployment.backups.verifying import Verified, verify

UNFINISHED, FINISHED = "White Cross: not restored yet", "White Cross: restored from "
DIFFERS = "White Cross: restored with every row, but with another schema, from "
# While it is not proven it has a name that nobody uses, under which alone one is ever dropped.
WORKING = re.compile(r"_(restoring|rehearsal)_\d{8}t\d{6}$")
# In a database that was not made here, and so is not dropped either.
HALF = "White Cross: a restore into this database has not come to its end"
LONGEST_NAME = 63
NO_PRIVILEGE, READ_ONLY = "42501", "25006"
TAKEN = ("42P04", "23505")  # the latter where both create it at the same moment


@dataclass
class Restored:
    """A database that holds what the backup held, proven. `seconds`: by phase; `notes`: what could not be carried.

    `left_out`: extensions that are missing, as this role may not create them.
    """

    database: str
    path: Path
    manifest: Manifest
    rows: int
    seconds: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "database": self.database,
            "backup": str(self.path),
            "created": self.manifest.created.isoformat(),
            "tables": self.manifest.tables,
            "rows": self.rows,
            "seconds": {phase: round(seconds, 3) for phase, seconds in self.seconds.items()},
            "notes": self.notes,
        }


@dataclass(frozen=True)
class Choices:
    """How to restore. `owner`, `privileges`: give the objects the owners and grants that they had."""

    jobs: int = 2
    owner: bool = True
    privileges: bool = True

    def arguments(self) -> list[str]:
        """For pg_restore."""
        return [
            "--exit-on-error",
            "--no-password",
            *([] if self.owner else ["--no-owner"]),
            *([] if self.privileges else ["--no-privileges"]),
        ]


def named(database: str, deed: str) -> str:
    """The name of a database that a deed makes beside one, of this moment."""
    ending = f"_{deed}_{datetime.now(UTC):%Y%m%dt%H%M%S}"
    return f"{database.encode()[: LONGEST_NAME - len(ending)].decode(errors='ignore')}{ending}"


def restore(
    alias: str,
    path: Path,
    keys: list[Any],
    *,
    into: str,
    scratch: bool = False,
    choices: Choices | None = None,
    progress: Progress | None = None,
) -> Restored:
    """Restore a backup into a database that does not exist yet, or is empty. Raises BackupError and DatabaseError.

    The file is read to its end before anything is made. What is made here is made under a name that nobody uses, and
    gets its own once it is proven; where that fails, it is dropped, and if its maker is killed, by the next restore.
    But where every row is as it was and only the schema is not, it is kept. A `scratch` one never gets the name, which
    may be taken: whoever asked for it drops it.
    """
    choices, progress = choices or Choices(), progress or Progress()
    started = time.perf_counter()
    with Archive(path) as archive:
        if archive.encrypted and not keys:
            raise no_key(path)
    verified = verify(path, keys, decrypt=False, progress=progress)
    seconds = {"verify": time.perf_counter() - started}
    with maintenance(alias) as server:
        refuse_a_pooler(server)
        number = int(server.pg_version)  # type: ignore[attr-defined]
        refuse_newer(path, verified.manifest, number)
        programs = fitting(number, exactly=True)
        if choices.owner or choices.privileges:
            _refuse_missing_roles(server, verified.manifest)
        swept = drop_unfinished(server)
        _refuse_a_long_name(into)
        made = scratch or not exists(server, into)
        work = into if not made else _create(server, into, "rehearsal" if scratch else "restoring", verified.manifest)
    restored = Restored(work if scratch else into, path, verified.manifest, verified.manifest.rows, seconds)
    restored.notes += [f"dropped, as it was left by a restore that was killed: {name}" for name in swept]
    try:
        with connected(alias, work) as target:
            if made:
                _comment(target, work, UNFINISHED)
            else:
                _refuse_what_is_there(target, into)
                _mark_as_half(target, into)
                restored.notes.append(f"{into} was there already: its own settings, grants and locale are as they were")
            _fill(target, verified, keys, programs, choices, progress, restored)
            if made:
                restored.notes += apply(
                    target, work, verified.manifest, owner=choices.owner, privileges=choices.privileges
                )
            # Settings of the database hold for connections that begin after them. The first one stays meanwhile: an
            # unfinished database that nobody is connected to is one that another restore drops.
            with connected(alias, work) as anew:
                differing = _prove(anew, verified, choices, progress, restored)
                if scratch:
                    _refuse_differing_schema(path, differing)
                else:
                    of = f"{path.name}, as of {verified.manifest.created:%Y-%m-%d %H:%M:%S %Z}"
                    # Not by the new one: the database may be set to be only read, as before a move to another server.
                    _comment(target, work, f"{DIFFERS if differing else FINISHED}{of}")
    except BaseException as error:
        if made and not _dropped(alias, work) and isinstance(error, BackupError):
            raise BackupError(
                f"{error} Its copy of the records could not be dropped: the next restore does, or DROP DATABASE "
                f"{quoted(work)}."
            ) from error
        raise
    if work != into and not scratch:
        _give_name(alias, work, into)
    if differing:
        raise BackupError(
            f"Every row of {path.name} is in {into} as it was, but not the schema ({_few(differing)}). {into} is "
            "kept: look at it; drop it, or put it in the place of the one in use: "
            f"python manage.py restore --swap-in {shlex.quote(into)}"
        )
    return restored


def drop(alias: str, database: str) -> None:
    """Drop a database that was made here, with whoever is connected to it. Raises BackupError where it stays."""
    if not _dropped(alias, database):
        raise BackupError(
            f"{database} holds a copy of the records and could not be dropped: end who is connected to it, then DROP "
            f"DATABASE {quoted(database)}."
        )


def _dropped(alias: str, database: str) -> bool:
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


def _give_name(alias: str, work: str, name: str) -> None:
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


def _refuse_missing_roles(server: BaseDatabaseWrapper, manifest: Manifest) -> None:
    with server.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regrole(quote_ident(name)) IS NULL", [manifest.roles]
        )
        missing = [name for (name,) in cursor.fetchall()]
    if missing:
        raise BackupError(
            f"The backup needs roles that this server does not have: {', '.join(missing)}; create them, or leave "
            "owners and grants out with --no-owner --no-privileges."
        )


def _refuse_a_long_name(name: str) -> None:
    if len(name.encode()) > LONGEST_NAME:
        raise BackupError(f"A database's name has {LONGEST_NAME} bytes at most; choose a shorter one.")


def exists(server: BaseDatabaseWrapper, name: str) -> bool:
    """Whether the server has such a database."""
    with server.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_database WHERE datname = %s)", [name])
        return bool(cursor.fetchone()[0])


def _create(server: BaseDatabaseWrapper, beside: str, deed: str, manifest: Manifest) -> str:
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


def _refuse_what_is_there(target: BaseDatabaseWrapper, name: str) -> None:
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


def _mark_as_half(target: BaseDatabaseWrapper, name: str) -> None:
    """Whatever ends this restore before its end: nobody swaps the database in."""
    try:
        _comment(target, name, HALF)
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) != "42501":
            raise
        raise BackupError(
            f"The database {name} belongs to another role, so a restore that breaks off could not be marked in it; "
            "restore into a new one, without --into."
        ) from None


def _comment(target: BaseDatabaseWrapper, name: str, text: str) -> None:
    with target.cursor() as cursor:
        cursor.execute(f"COMMENT ON DATABASE {quoted(name)} IS {literal(text)}")


def _fill(
    target: BaseDatabaseWrapper,
    verified: Verified,
    keys: list[Any],
    programs: Programs,
    choices: Choices,
    progress: Progress,
    restored: Restored,
) -> None:
    # Hundreds of statements need not wait for the disk one by one: those of our own connection, which follow, do.
    way = access(target, "synchronous_commit=off")
    restorer = PgRestore(programs, way, choices.arguments(), verified)
    if verified.contents:
        there = beyond_reach(target, named_in(verified.contents))
        restorer.without, restored.left_out = [*there], [name for name, is_there in there.items() if not is_there]
        restored.notes += [
            f"without the extension {name}, which only a superuser may create: CREATE EXTENSION {quoted(name)}"
            for name in restored.left_out
        ]
    with Archive(verified.path) as archive, beginning_in_memory() as beginning:
        with _timed(restored, "rows"), progress.step("Bytes restored", verified.manifest.dump_bytes):
            restorer.feed(archive, keys, ["--section=pre-data", "--section=data"], beginning, progress)
        with _timed(restored, "indexes"), progress.step("Indexes and keys built", 1):
            if restorer.can_read(beginning):
                restorer.run(["--section=post-data", f"--jobs={choices.jobs}", path_of(beginning)], beginning)
            else:
                restorer.feed(archive, keys, ["--section=post-data"], None, Progress())
    with _timed(restored, "analyze"), progress.step("Tables analyzed", 1), target.cursor() as cursor:
        cursor.execute("ANALYZE")


@contextmanager
def _timed(restored: Restored, phase: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    restored.seconds[phase] = time.perf_counter() - started


def _prove(
    target: BaseDatabaseWrapper, verified: Verified, choices: Choices, progress: Progress, restored: Restored
) -> list[str]:
    """Compare every row with what it was. Raises BackupError. Returns in what the schema and other objects differ."""
    wanted = verified.contents
    if wanted is None:
        raise AssertionError
    wanted = less(wanted, restored.left_out)
    with _timed(restored, "compare"), target.cursor() as cursor:
        with progress.step("Tables compared", len(tables(cursor))):
            found = measure(cursor, progress.advance)
        different = row_differences(wanted, found)
        objects = object_differences(wanted, found, owner=choices.owner, privileges=choices.privileges)
        # What is in large objects is data as well.
        different += [one for one in objects if "large object" in one]
        schema = [one for one in objects if "large object" not in one]
        if catalog_hash(target, wanted.schema) != verified.manifest.catalog_hash:
            schema += schema_differences(wanted, target) or ["the schema has another hash"]
    if different:
        raise BackupError(
            f"What came from {verified.path.name} is not what was backed up ({_few(different + schema)}); "
            "restore another backup, and keep this one to find out why."
        )
    return schema


def _refuse_differing_schema(path: Path, differing: list[str]) -> None:
    if differing:
        raise BackupError(
            f"Every row of {path.name} came back as it was, but not the schema ({_few(differing)}): look into this "
            "before you need the backup. A restore would keep the database, and say the same."
        )


def _few(sentences: list[str]) -> str:
    more = f", and {len(sentences) - 3} more" if len(sentences) > 3 else ""
    return f"{'; '.join(sentences[:3])}{more}"


def database_of(alias: str) -> str:
    """The name of the database that an alias leads to."""
    return str(connections[alias].settings_dict["NAME"])
