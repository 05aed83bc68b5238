"""Restores a backup into a database of its own, and compares what came with what the manifest says.

The dump goes from the file to pg_restore through a pipe, decrypted on the way, so that nothing of it stands on a disk
in the clear. A pipe cannot be read by several at once; so tables are filled by one, and what takes most of the time,
indexes and keys, is built by several after that: for it pg_restore needs no more than the dump's table of contents,
which is kept in memory.
"""

import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from whitecross.adoption.progress import Progress
from whitecross.adoption.sql import quoted
from whitecross.deployment.backups.applying import apply
from whitecross.deployment.backups.archive import Archive
from whitecross.deployment.backups.comparing import object_differences, row_differences, schema_differences
from whitecross.deployment.backups.connecting import connected, maintenance, refuse_a_pooler
from whitecross.deployment.backups.contents import catalog_hash, measure, tables
from whitecross.deployment.backups.databases import (
    comment,
    create,
    drop_unfinished,
    exists,
    give_name,
    mark_as_half,
    mark_as_unfinished,
    refuse_a_long_name,
    refuse_what_is_there,
    try_to_drop,
)
from whitecross.deployment.backups.errors import BackupError
from whitecross.deployment.backups.extensions import beyond_reach, less, named_in
from whitecross.deployment.backups.manifest import Manifest, no_key, refuse_newer
from whitecross.deployment.backups.pg_restore import PgRestore, beginning_in_memory, path_of
from whitecross.deployment.backups.programs import Programs, access, fitting
from whitecross.deployment.backups.verifying import Verified, verify

FINISHED = "White Cross: restored from "
DIFFERS = "White Cross: restored with every row, but with another schema, from "


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
        refuse_a_long_name(into)
        made = scratch or not exists(server, into)
        work = into if not made else create(server, into, "rehearsal" if scratch else "restoring", verified.manifest)
    restored = Restored(work if scratch else into, path, verified.manifest, verified.manifest.rows, seconds)
    restored.notes += [f"dropped, as it was left by a restore that was killed: {name}" for name in swept]
    try:
        with connected(alias, work) as target:
            if made:
                mark_as_unfinished(target, work)
            else:
                refuse_what_is_there(target, into)
                mark_as_half(target, into)
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
                    comment(target, work, f"{DIFFERS if differing else FINISHED}{of}")
    except BaseException as error:
        if made and not try_to_drop(alias, work) and isinstance(error, BackupError):
            raise BackupError(
                f"{error} Its copy of the records could not be dropped: the next restore does, or DROP DATABASE "
                f"{quoted(work)}."
            ) from error
        raise
    if work != into and not scratch:
        give_name(alias, work, into)
    if differing:
        raise BackupError(
            f"Every row of {path.name} is in {into} as it was, but not the schema ({_few(differing)}). {into} is "
            "kept: look at it; drop it, or put it in the place of the one in use: "
            f"python manage.py restore --swap-in {shlex.quote(into)}"
        )
    return restored


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
