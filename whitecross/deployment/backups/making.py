"""Makes a backup: one snapshot, of which pg_dump writes the rows while we count and sum them up."""

import contextlib
import errno
import io
import json
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any, cast

from django.conf import settings
from django.db import DatabaseError, OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from whitecross.adoption.progress import Progress
from whitecross.adoption.reporting import size
from whitecross.adoption.sql import literal
from whitecross.deployment.backups import folder as place
from whitecross.deployment.backups.archive import CHUNK, CONTENTS, DUMP, ENCRYPTED, MANIFEST, Archive, ArchiveWriter
from whitecross.deployment.backups.comparing import catalog_differences, is_behind
from whitecross.deployment.backups.connecting import connected, refuse_a_pooler
from whitecross.deployment.backups.contents import (
    Contents,
    Table,
    describe,
    hash_of,
    sum_up,
    tables,
)
from whitecross.deployment.backups.errors import BackupError
from whitecross.deployment.backups.manifest import Manifest, facts_of
from whitecross.deployment.backups.programs import access, fitting
from whitecross.deployment.backups.sealing import recipients, seal
from whitecross.postgres.server import complaint_in

LOCK_WAIT_S = 60
SIZE_WAIT_S = 3
LOCK_NOT_AVAILABLE, NO_PRIVILEGE, NO_MORE_SPACE = "55P03", "42501", (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NOTES_AT_MOST = 20
# Rows in a dump are compressed, indexes are not in it; this much of the tables is seldom exceeded.
PART_OF_TABLES = 0.6


@dataclass(frozen=True)
class Backup:
    """A backup that is whole and was read again. `created`: the moment that it shows; `sha256`: of the file.

    `notes`: what pg_dump warned of.
    """

    path: Path
    sha256: str
    bytes: int
    created: datetime
    database: str
    encrypted: bool
    tables: int
    rows: int
    seconds: float
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {**vars(self), "path": str(self.path), "created": self.created.isoformat()}


def make_backup(alias: str = "default", folder: Path | None = None, *, progress: Progress | None = None) -> Backup:
    """Back up the database of an alias into a folder (None: that of the settings), encrypted if keys are set.

    Changes nothing in the database; a standby will do. Raises BackupError and DatabaseError, and then leaves no file.
    """
    progress, folder = progress or Progress(), place.folder_of(folder).absolute()
    keys = recipients()
    started = time.perf_counter()
    place.prepare(folder)
    with connected(alias) as connection, contextlib.ExitStack() as until_whole:
        refuse_a_pooler(connection)
        with _snapshot(connection) as (snapshot, moment):
            file, final = until_whole.enter_context(_unfinished(folder, connection, moment))
            writer = ArchiveWriter(file, moment.timestamp())
            contents = _described(connection)  # before pg_dump looks: a sequence may go on
            dump = _Dump(connection, snapshot, writer, keys)
            contents.tables = _summed_up(connection, dump, progress)
            later = _refuse_changed_schema(alias, snapshot, contents)
            # One that somebody has set back meanwhile was dumped as it was before or after, and both are right.
            contents.sequences |= {
                name: one for name, one in later.sequences.items() if is_behind(one, contents.sequences[name])
            }
            manifest = _manifest(connection, contents, moment, dump)
        # By now nothing holds up vacuum any more, and a connection that breaks makes no sound file a failure.
        writer.add(CONTENTS + ENCRYPTED * bool(keys), _sealed(contents, keys))
        writer.add(MANIFEST, manifest.as_bytes())
        writer.close()
        bytes_, sha256 = _read_again(place.partial(final), progress)
        place.finish(place.partial(final), final)
    return Backup(
        final,
        sha256,
        bytes_,
        moment,
        manifest.database,
        manifest.encrypted,
        manifest.tables,
        manifest.rows,
        round(time.perf_counter() - started, 3),
        manifest.notes,
    )


def free_space_needed(alias: str = "default") -> int:
    """About how many bytes a backup of this database takes; rather more than less."""
    with connected(alias) as connection, connection.cursor() as cursor:
        names = [table.sql for table in tables(cursor)]
        try:
            cursor.execute(f"SET lock_timeout = '{SIZE_WAIT_S}s'")
            cursor.execute(
                "SELECT coalesce(sum(pg_table_size(name::regclass)), 0) FROM unnest(%s::text[]) AS name", [names]
            )
        except OperationalError:  # somebody holds a table; this asks for no lock, and counts indexes too
            cursor.execute("SELECT pg_database_size(current_database())")
        return int(int(cursor.fetchone()[0]) * PART_OF_TABLES) + (1 << 20)


@contextmanager
def _snapshot(connection: BaseDatabaseWrapper) -> Iterator[tuple[str, datetime]]:
    """A transaction that sees one moment, which others can look at too; no table changes its shape meanwhile."""
    with connection.cursor() as cursor:
        found = tables(cursor)
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        _lock(connection, found)  # before the first query, which fixes the moment
        cursor.execute("SELECT pg_export_snapshot(), clock_timestamp()")
        yield cursor.fetchone()


def _lock(connection: BaseDatabaseWrapper, found: list[Table]) -> None:
    if not found:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT_S}s'")
            cursor.execute(f"LOCK TABLE ONLY {', ONLY '.join(table.sql for table in found)} IN ACCESS SHARE MODE")
            cursor.execute("SET LOCAL lock_timeout = 0")
    except DatabaseError as error:
        state = getattr(error.__cause__, "sqlstate", None)
        name = connection.settings_dict["NAME"]
        if state == LOCK_NOT_AVAILABLE:
            raise _locked(name) from None
        if state == NO_PRIVILEGE:
            raise _may_not_read(name) from None
        raise


def _may_not_read(name: str) -> BackupError:
    return BackupError(
        f"The role of DATABASE_URL may not read all tables and sequences of {name}; back up as their owner, or as a "
        "role that was granted pg_read_all_data."
    )


def _locked(name: str) -> BackupError:
    return BackupError(
        f"A table of {name} was locked for more than {LOCK_WAIT_S} s, as a migration does it; run the command again "
        "when that has ended."
    )


@contextmanager
def _unfinished(folder: Path, connection: BaseDatabaseWrapper, moment: datetime) -> Iterator[tuple[Any, Path]]:
    """A file that goes if it does not come to its end. The operating system's refusals become sentences."""
    try:
        file, final = place.start(folder, connection.settings_dict["NAME"], moment)
    except OSError as error:
        raise place.cannot(folder, error) from None
    try:
        yield file, final
    except OSError as error:
        # backup, upgrade and rollback have options of different names for it, and this setting in common.
        remedy = "free some, or name a folder on another disk in WHITECROSS_BACKUP_DIR"
        if error.errno not in NO_MORE_SPACE:
            remedy = "look at that disk, or name another folder in WHITECROSS_BACKUP_DIR"
        said = (error.strerror or str(error)).lower()
        raise BackupError(f"The backup cannot be written to {folder} ({said}); {remedy}. No file was left.") from None
    finally:
        # Before the lock on it goes. After the end, nothing bears this name any more.
        with contextlib.suppress(OSError):
            place.partial(final).unlink()
        with contextlib.suppress(OSError):
            file.close()


class _Dump(threading.Thread):
    """pg_dump, and the way of what it says into the archive."""

    def __init__(self, connection: BaseDatabaseWrapper, snapshot: str, writer: ArchiveWriter, keys: list[Any]) -> None:
        super().__init__(name="backup")
        self.programs = fitting(connection.pg_version, exactly=True)  # type: ignore[attr-defined]
        self._name = str(connection.settings_dict["NAME"])
        self._writer, self._keys = writer, keys
        self._error: BaseException | None = None
        self.size = 0
        self.notes: list[str] = []
        way = access(connection)
        command = [str(self.programs.folder / "pg_dump"), "--format=custom", "--no-password", f"--snapshot={snapshot}"]
        command += [f"--lock-wait-timeout={LOCK_WAIT_S}s", "--dbname", way.conninfo]
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        self._process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env=way.environment,
            bufsize=CHUNK,
            start_new_session=True,  # Ctrl-C is for us, who end it
        )
        self._output = cast(IO[bytes], self._process.stdout)

    def run(self) -> None:
        """Read to the end."""
        try:
            with self._writer.member(DUMP + ENCRYPTED * bool(self._keys)) as member:
                if self._keys:
                    seal(self, member, self._keys)
                else:
                    while data := self.read(CHUNK):
                        member.write(data)
        except BaseException as error:  # raised where it is waited for
            self._error = error
            self._process.kill()

    def read(self, size: int = -1) -> bytes:
        """What pg_dump says next."""
        data = self._output.read(size)
        self.size += len(data)
        return data

    def raise_if_failed(self) -> None:
        """Raises what ended it before its end."""
        if self._error is not None:
            raise self._error
        if self._process.poll():
            self._complaints.seek(0)
            complaint = complaint_in(self._complaints.read().decode(errors="replace"))
            if "lock timeout" in complaint or "could not obtain lock" in complaint:
                raise _locked(self._name)
            raise BackupError(
                f"pg_dump {self.programs.version} cannot back up {self._name} ({complaint.rstrip('.')}); set it right "
                "and run the command again. No file was left."
            )

    def wait(self, told: Any) -> None:
        """Wait for the end. Raises what went wrong."""
        while self.is_alive():
            self.join(0.2)
            told(0, f"{size(self.size)} written")
        self._process.wait()
        self.raise_if_failed()
        self._complaints.seek(0)
        self.notes = _warnings_in(self._complaints.read().decode(errors="replace"))

    def close(self) -> None:
        """End it, where it has not ended."""
        if self._process.poll() is None:
            self._process.kill()
        if self.ident:
            self.join()
        self._process.wait()
        self._output.close()
        self._complaints.close()


def _described(connection: BaseDatabaseWrapper) -> Contents:
    """Everything but the rows. Raises BackupError."""
    name = str(connection.settings_dict["NAME"])
    try:
        return describe(connection)
    except (AttributeError, TypeError):  # of what was dropped since the snapshot, PostgreSQL gives NULL as definition
        raise _changed(name) from None
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) != NO_PRIVILEGE:
            raise
        raise _may_not_read(name) from None


def _refuse_changed_schema(alias: str, snapshot: str, contents: Contents) -> Contents:
    """Describe it once more. Raises BackupError where pg_dump may have seen another schema than we did.

    A snapshot holds rows, and those of the catalog. But definitions that PostgreSQL puts together, as that of a
    function, are always the latest; and what a session has once seen of them it may keep, so that we need a new one.
    """
    with connected(alias) as connection, transaction.atomic(using=connection.alias):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute(f"SET TRANSACTION SNAPSHOT {literal(snapshot)}")
        now = _described(connection)
    if (now.catalog, now.also) != (contents.catalog, contents.also):
        raise _changed(
            str(connection.settings_dict["NAME"]), catalog_differences(contents.catalog or {}, now.catalog or {})
        )
    return now


def _changed(name: str, differing: list[str] | None = None) -> BackupError:
    what = f" ({'; '.join(differing)})" if differing else ""
    return BackupError(
        f"The schema of {name} was changed while it was backed up{what}; run the command again when that has ended. "
        "No file was left."
    )


def _warnings_in(text: str) -> list[str]:
    """What pg_dump, or the server to it, has said: each warning with the details that follow it; the first few."""
    said: list[str] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        if said and re.match(r"(pg_dump: )?(detail|hint):", line, re.IGNORECASE):
            said[-1] += f" {line.removeprefix('pg_dump: ')}"
        else:
            said.append(re.sub(r"^(pg_dump: )?(warning: *)?", "", line, flags=re.IGNORECASE))
    more = len(said) - NOTES_AT_MOST
    return said if more <= 0 else [*said[:NOTES_AT_MOST], f"and {more} more"]


def _summed_up(connection: BaseDatabaseWrapper, dump: _Dump, progress: Progress) -> dict[str, tuple[int, str]]:
    """Sum up all tables while the dump is written."""
    try:
        dump.start()
        with connection.cursor() as cursor:
            number = len(tables(cursor))

            def told(tables_done: int, what: str) -> None:
                progress.advance(tables_done, what)
                dump.raise_if_failed()

            with progress.step("Tables dumped and counted", number):
                summed_up = sum_up(cursor, told)
                dump.wait(progress.advance)
        return summed_up
    finally:
        dump.close()


def _manifest(connection: BaseDatabaseWrapper, contents: Contents, moment: datetime, dump: _Dump) -> Manifest:
    with connection.cursor() as cursor:
        facts = facts_of(cursor)
        cursor.execute("SELECT current_setting('server_version'), current_setting('server_version_num')::int")
        server, number = cursor.fetchone()
    return Manifest(
        created=moment,
        database=str(connection.settings_dict["NAME"]),
        server=server,
        server_number=number,
        pg_dump=dump.programs.version,
        recipients=list(filter(None, map(str.strip, settings.WHITECROSS_BACKUP_RECIPIENTS))),
        catalog_hash=hash_of(contents.catalog or {}),
        rows=contents.rows,
        tables=len(contents.tables),
        dump_bytes=dump.size,
        notes=dump.notes,
        **facts,
    )


def _sealed(contents: Contents, keys: list[Any]) -> bytes:
    data = json.dumps(contents.as_json()).encode()
    if not keys:
        return data
    sealed = io.BytesIO()
    seal(io.BytesIO(data), sealed, keys)
    return sealed.getvalue()


def _read_again(path: Path, progress: Progress) -> tuple[int, str]:
    """Read the file as a restore will, from the disk: what was written there is not yet what is there."""
    with Archive(path) as archive:
        archive.forget()
        with progress.step("Bytes read again", archive.bytes):
            return archive.bytes, archive.check(progress.advance)
