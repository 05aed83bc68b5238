"""The file that a backup is: a tar archive of four members, so that `tar`, `age` and `pg_restore` open it without us.

    database.dump     what pg_dump wrote, in its custom format (database.dump.age where it is encrypted)
    contents.json     rows and checksum of each table (contents.json.age where it is encrypted)
    manifest.json     what it is a backup of; readable without a key, and says nothing of what the tables hold
    SHA256SUMS        of the three above, as sha256sum --check reads it

One file, so that a dump and its manifest can neither part nor be mixed up. The dump's length is known at its end only;
its header is then written over the one that kept its place.
"""

import hashlib
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from whitecross.deployment.backups.errors import BackupError

DUMP, CONTENTS, MANIFEST, SUMS = "database.dump", "contents.json", "manifest.json", "SHA256SUMS"
ENCRYPTED = ".age"
BLOCK = tarfile.BLOCKSIZE
CHUNK = 1 << 20
SMALL = 64 << 20  # bytes; no member that is read whole is ever larger
Told = Callable[[int], None]


class MemberWriter:
    """Takes what a member holds."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._hash, self.size = file, hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        """Append. Raises OSError."""
        self._file.write(data)
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """For whoever writes to it as to a file; the archive is flushed as a whole."""

    @property
    def sha256(self) -> str:
        """Of what was written so far."""
        return self._hash.hexdigest()


class ArchiveWriter:
    """Writes an archive to a file that can be sought in."""

    def __init__(self, file: BinaryIO, moment: float) -> None:
        self._file, self._moment = file, moment
        self.sums: dict[str, str] = {}

    @contextmanager
    def member(self, name: str) -> Iterator[MemberWriter]:
        """Write a member, of a length that is not known yet."""
        start = self._file.tell()
        self._file.write(bytes(BLOCK))
        writer = MemberWriter(self._file)
        yield writer
        self._file.write(bytes(-writer.size % BLOCK))
        end = self._file.tell()
        self._file.seek(start)
        self._file.write(_header(name, writer.size, int(self._moment)))
        self._file.seek(end)
        self.sums[name] = writer.sha256

    def add(self, name: str, data: bytes) -> None:
        """Write a member that is at hand whole."""
        with self.member(name) as writer:
            writer.write(data)

    def close(self) -> None:
        """Write the checksums and the end, and see to it that all of it is on the disk."""
        self.add(SUMS, "".join(f"{digest}  {name}\n" for name, digest in self.sums.items()).encode())
        self._file.write(bytes(2 * BLOCK))
        self._file.flush()
        os.fsync(self._file.fileno())


def _header(name: str, size: int, moment: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, moment
    return info.tobuf(tarfile.GNU_FORMAT)


@dataclass(frozen=True)
class Member:
    """Where a member's bytes are."""

    name: str
    offset: int
    size: int


class MemberReader:
    """Reads a member as a file."""

    def __init__(self, file: BinaryIO, member: Member) -> None:
        self._file, self._left = file, member.size
        file.seek(member.offset)

    def read(self, size: int = -1) -> bytes:
        """The next bytes; none at the end."""
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data


class Archive:
    """An archive that is read. Opening it reads headers alone; `check` reads everything."""

    def __init__(self, path: Path) -> None:
        """Raises BackupError where this is no backup, or not all of one."""
        self.path = path
        try:
            self._file = path.open("rb")
        except FileNotFoundError:
            raise BackupError(f"There is no file {path}. Which there are: python manage.py backup list") from None
        except OSError as error:
            raise BackupError(f"{path} cannot be read ({(error.strerror or '').lower()}); see whose it is.") from None
        try:
            self.bytes = os.fstat(self._file.fileno()).st_size
            self.members = {member.name: member for member in self._members()}
        except OSError as error:
            self._file.close()
            raise unreadable(path, error) from None
        except BackupError:
            self._file.close()
            raise

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def encrypted(self) -> bool:
        """Whether it takes a key to read the dump."""
        return DUMP + ENCRYPTED in self.members

    @property
    def dump(self) -> Member:
        """The dump."""
        return self.members[DUMP + ENCRYPTED * self.encrypted]

    @property
    def contents(self) -> Member:
        """What the tables hold."""
        return self.members[CONTENTS + ENCRYPTED * self.encrypted]

    def open(self, member: Member) -> MemberReader:
        """Read a member. One at a time: they share the file."""
        return MemberReader(self._file, member)

    def read(self, member: Member) -> bytes:
        """Read a small member whole. Raises BackupError where it is not small."""
        if member.size > SMALL:
            raise damaged(self.path)
        try:
            return self.open(member).read()
        except OSError as error:
            raise unreadable(self.path, error) from None

    def check(self, told: Told = lambda size: None) -> str:
        """Read every byte and compare the checksums. Returns the SHA-256 of the file. Raises BackupError."""
        whole, sums = hashlib.sha256(), {}
        try:
            self._file.seek(0)
            for member in self.members.values():
                whole.update(self._file.read(BLOCK))
                digest, left = hashlib.sha256(), member.size
                while left:
                    data = self._file.read(min(left, CHUNK))
                    if not data:
                        raise truncated(self.path)
                    digest.update(data)
                    whole.update(data)
                    left -= len(data)
                    told(len(data))
                sums[member.name] = digest.hexdigest()
                self._take_zeros(whole, -member.size % BLOCK)
            self._take_zeros(whole, 2 * BLOCK)
        except OSError as error:
            raise unreadable(self.path, error) from None
        expected = "".join(f"{digest}  {name}\n" for name, digest in sums.items() if name != SUMS)
        if self.read(self.members[SUMS]) != expected.encode():
            raise damaged(self.path)
        return whole.hexdigest()

    def forget(self) -> None:
        """Let the next reading come from the disk and not from memory, where the system can do that."""
        os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def _take_zeros(self, whole: "hashlib._Hash", size: int) -> None:
        data = self._file.read(size)
        if data != bytes(size):
            raise damaged(self.path)
        whole.update(data)

    def _members(self) -> Iterator[Member]:
        self._refuse_others()
        offset = 0
        for names in ((DUMP, DUMP + ENCRYPTED), (CONTENTS, CONTENTS + ENCRYPTED), (MANIFEST,), (SUMS,)):
            self._file.seek(offset)
            header = self._file.read(BLOCK)
            if len(header) < BLOCK:
                raise truncated(self.path)
            try:
                info = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
            except (tarfile.HeaderError, UnicodeError):
                raise damaged(self.path) from None
            # Exactly as it was written, for tar's own sum leaves some bytes out.
            if info.name not in names or _header(info.name, info.size, int(info.mtime)) != header:
                raise damaged(self.path)
            yield Member(info.name, offset + BLOCK, info.size)
            offset += BLOCK + info.size + -info.size % BLOCK
            if offset > self.bytes:
                raise truncated(self.path)
        if self.bytes < offset + 2 * BLOCK:
            raise truncated(self.path)
        if self.bytes > offset + 2 * BLOCK:
            raise damaged(self.path)

    def _refuse_others(self) -> None:
        """A file that something else has made is told from one of ours that has suffered."""
        start = self._file.read(len(DUMP))
        if not self.bytes:
            raise BackupError(f"{self.path} is empty, so it is no backup; take another one.")
        if start.startswith(b"PGDMP"):
            raise BackupError(
                f"{self.path} was made by pg_dump itself and carries no manifest to verify it by; pg_restore reads it."
            )
        if start != DUMP.encode():
            raise BackupError(f"{self.path} is not a backup that manage.py backup has made; take another one.")


def damaged(path: Path) -> BackupError:
    """Some bytes are not those that were written."""
    return BackupError(f"{path} is damaged: its checksums do not hold; take another backup, or another copy of it.")


def truncated(path: Path) -> BackupError:
    """The end is missing."""
    return BackupError(f"{path} is cut off: its end is missing; take another backup, or copy it here once more.")


def unreadable(path: Path, error: OSError) -> BackupError:
    """The disk does not give it back."""
    return BackupError(f"{path} cannot be read ({(error.strerror or str(error)).lower()}); look at its disk.")
