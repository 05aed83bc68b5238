"""The folder of backups: names, what is unfinished, what is there."""

import contextlib
import fcntl
import logging
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from whitecross.deployment.backups.archive import Archive
from whitecross.deployment.backups.errors import BackupError
from whitecross.deployment.backups.manifest import Manifest, read_manifest

logger = logging.getLogger(__name__)

ENDING, PARTIAL = ".backup.tar", ".partial"
STAMP = "%Y%m%dT%H%M%SZ"
# Clocks of a server and of whoever looks differ by a little; a backup from further ahead has a wrong date.
AHEAD = timedelta(minutes=10)
OURS = re.compile(r"[\w.-]+-\d{8}T\d{6}Z(-\d+)?\.backup\.tar")


@dataclass(frozen=True)
class Entry:
    """A file that bears the name of a backup: its manifest, or what is wrong. Its checksums were not read."""

    path: Path
    bytes: int
    manifest: Manifest | None
    error: str = ""


def folder_of(folder: Path | None) -> Path:
    """The folder that is meant: that of the setting unless named."""
    return Path(settings.WHITECROSS_BACKUP_DIR) if folder is None else folder


def prepare(folder: Path) -> None:
    """Make the folder, for its owner alone, and remove what killed processes have left there. Raises BackupError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sweep(folder)
    except OSError as error:
        raise cannot(folder, error) from None


def sweep(folder: Path) -> None:
    """Remove unfinished files whose writer has ended: the kernel drops its lock however it ends.

    One that cannot be removed, as another user's, is warned of and left: no backup fails for it.
    """
    for path in folder.glob(f"*{ENDING}{PARTIAL}"):
        if not OURS.fullmatch(path.name.removesuffix(PARTIAL)):
            continue
        try:
            # For writing too: over NFS, nobody else is given an exclusive lock.
            with path.open("r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
        except (FileNotFoundError, BlockingIOError):
            continue
        except OSError as error:
            logger.warning(
                "%s is left of a backup that did not come to its end, and cannot be removed (%s); see whose it is and "
                "remove it by hand.",
                path,
                (error.strerror or str(error)).lower(),
            )


def start(folder: Path, database: str, moment: datetime) -> tuple[BinaryIO, Path]:
    """Open a new unfinished file, locked for as long as it is open. Returns it and its final path. Raises OSError."""
    stem = f"{re.sub(r'[^A-Za-z0-9_.-]', '_', database)}-{moment.astimezone(UTC).strftime(STAMP)}"
    for number in range(1, 1000):
        final = folder / f"{stem}{f'-{number}' if number > 1 else ''}{ENDING}"
        partial = final.with_name(final.name + PARTIAL)
        try:
            descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            continue
        file = os.fdopen(descriptor, "w+b", buffering=1 << 20)
        fcntl.flock(file, fcntl.LOCK_EX)
        # Looked for now, after the unfinished name is ours: nobody else can give a file this final name any more. And a
        # sweep may have had the lock before us.
        if not final.exists() and _is_still(partial, file):
            return file, final
        file.close()
        with contextlib.suppress(FileNotFoundError):
            if final.exists():
                partial.unlink()
    raise FileExistsError(None, "too many files of this second", str(folder))


def _is_still(path: Path, file: BinaryIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def finish(partial: Path, final: Path) -> None:
    """Give a file that is whole its name, for good. Raises OSError."""
    partial.rename(final)
    descriptor = os.open(final.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def entries(folder: Path) -> list[Entry]:
    """What is there, the newest first; what is no backup at the end. Raises BackupError."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.name.endswith(ENDING))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise cannot(folder, error) from None
    found = [one for one in map(_entry, paths) if one.manifest or os.path.lexists(one.path)]  # or deleted meanwhile
    oldest = datetime.min.replace(tzinfo=UTC)
    return sorted(found, key=lambda one: one.manifest.created if one.manifest else oldest, reverse=True)


def _entry(path: Path) -> Entry:
    try:
        with Archive(path) as archive:
            return Entry(path, archive.bytes, read_manifest(archive))
    except BackupError as error:
        try:
            size = path.stat().st_size
        except OSError:
            size = 0
        return Entry(path, size, None, str(error))


def server_ids(folder: Path, database: str) -> set[str]:
    """The servers of which there are backups of a database of that name, where they say so. Raises BackupError."""
    manifests = [entry.manifest for entry in entries(folder)]
    return {one.server_id for one in manifests if one and one.database == database and one.server_id}


def is_to_come(manifest: Manifest, now: datetime) -> bool:
    """Whether a backup bears a date that cannot be right, as it is still to come."""
    return manifest.created > now + AHEAD


def latest(folder: Path, database: str, server_id: str | None = None, now: datetime | None = None) -> Path:
    """The newest backup of a database. `server_id`: which server asks, None where that is not known.

    Of backups of several servers, its own. One dated in the future is only where there is no other. Raises BackupError
    where there is none, where all are another server's, and where it cannot be known whose they are.
    """
    now = now or datetime.now(UTC)
    found = [(entry.path, entry.manifest) for entry in entries(folder)]
    of_name = [(path, manifest) for path, manifest in found if manifest and manifest.database == database]
    if not of_name:
        raise BackupError(f"There is no backup of {database} in {folder}. To make one: python manage.py backup")
    ours = [one for one in of_name if not server_id or one[1].server_id in (None, server_id)]
    if not ours:
        raise BackupError(
            f"Every backup of {database} in {folder} is of another server than this one; if you mean one of them, as "
            f"on a new server after a loss, name the file instead of latest: {of_name[0][0].name} is the newest."
        )
    path, newest = next((one for one in ours if not is_to_come(one[1], now)), ours[0])
    if not server_id and len({manifest.server_id for _, manifest in of_name} - {None}) > 1:
        raise BackupError(
            f"{folder} has backups of {database} of more than one server, and which of them this one is cannot be "
            "known; name the file instead of latest. The server_id of each: python manage.py backup list --json"
        )
    if is_to_come(newest, now):
        logger.warning(
            "%s is dated in the future, and is taken as the latest as no other backup of %s has a date that can be "
            "right; look at the clock of this machine and of its server.",
            path,
            database,
        )
    return path


def cannot(folder: Path, error: OSError) -> BackupError:
    """The folder cannot be used."""
    return BackupError(
        f"The folder of backups {folder} cannot be used ({(error.strerror or str(error)).lower()}); name another one "
        "in WHITECROSS_BACKUP_DIR."
    )


def partial(final: Path) -> Path:
    """The name of a file while it is unfinished."""
    return final.with_name(final.name + PARTIAL)


def named_file(folder: Path, word: str, database: str, server_id: str | None = None) -> Path:
    """The file that is meant: by path, by its name in the folder, or the latest of a database. Raises BackupError."""
    if word == "latest":
        return latest(folder, database, server_id)
    path = Path(word)
    # Where it may not be known whether there is one, whoever opens it says why.
    return folder / path if len(path.parts) == 1 and not os.path.exists(path) else path  # noqa: PTH110
