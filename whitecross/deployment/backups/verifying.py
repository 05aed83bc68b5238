"""Reads a backup through and through, without a server."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from whitecross.adoption.progress import Progress
from whitecross.deployment.backups.archive import Archive, damaged, unreadable
from whitecross.deployment.backups.contents import Contents
from whitecross.deployment.backups.folder import is_to_come
from whitecross.deployment.backups.manifest import Manifest, read_contents, read_manifest
from whitecross.deployment.backups.sealing import SealError, Writer, unseal


@dataclass(frozen=True)
class Verified:
    """What a sound backup says. `contents`: None where it is encrypted and there was no key to look inside.

    With contents, the manifest has their settings.
    """

    path: Path
    sha256: str
    bytes: int
    manifest: Manifest
    contents: Contents | None

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "path": str(self.path),
            "ok": True,
            "sha256": self.sha256,
            "bytes": self.bytes,
            "decrypted": self.contents is not None and self.manifest.encrypted,
            "manifest": self.manifest.as_json(),
        }


class _Nowhere:
    """Takes what is decrypted only to see that it can be."""

    size = 0

    def write(self, data: bytes) -> int:
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        pass


def verify(path: Path, keys: list[Any], *, decrypt: bool = True, progress: Progress | None = None) -> Verified:
    """Read every byte of a backup. With a key, what is encrypted is decrypted too. Raises BackupError."""
    progress = progress or Progress()
    with Archive(path) as archive:
        manifest = read_manifest(archive)
        with progress.step(f"Bytes of {path.name} read", archive.bytes):
            sha256 = archive.check(progress.advance)
        if manifest.encrypted != archive.encrypted:
            raise damaged(path)
        contents = None
        if keys or not archive.encrypted:
            contents = read_contents(archive, keys)
            if archive.encrypted and decrypt:
                nowhere = _Nowhere()
                pour(archive, keys, nowhere)
                if nowhere.size != manifest.dump_bytes:
                    raise damaged(path)
            if contents.settings is not None:
                manifest = replace(manifest, settings=contents.settings)
        return Verified(path, sha256, archive.bytes, manifest, contents)


def too_old(sound: Verified, hours: float, now: datetime | None = None) -> str:
    """Why a backup is not as young as somebody expects, in a sentence; empty where it is."""
    now = now or datetime.now(UTC)
    if is_to_come(sound.manifest, now):
        return f"{sound.path.name} is dated in the future, so nobody knows how old it is; look at the clocks."
    age = now - sound.manifest.created
    if age <= timedelta(hours=hours):
        return ""
    return (
        f"{sound.path.name} is sound but {age / timedelta(hours=1):,.1f} hours old, and {hours:g} were allowed: no "
        "backup has come to its end since; see why (journalctl --unit whitecross-backup)."
    )


def pour(archive: Archive, keys: list[Any], writer: Writer) -> None:
    """Write the dump, decrypted, to where it is wanted. Raises BackupError, and what the writer raises."""
    reader = _Reader(archive)
    try:
        if archive.encrypted:
            unseal(reader, writer, keys)
        else:
            while data := reader.read(1 << 18):
                writer.write(data)
    except SealError:
        raise damaged(archive.path) from None


class _Reader:
    """The dump as it is stored; a disk that gives nothing back is told from a writer that takes nothing."""

    def __init__(self, archive: Archive) -> None:
        self._archive, self._dump = archive, archive.open(archive.dump)

    def read(self, size: int = -1) -> bytes:
        try:
            return self._dump.read(size)
        except OSError as error:
            raise unreadable(self._archive.path, error) from None
