"""Encryption, in the format of age (age-encryption.org): an operator can open a backup with the `age` tool alone.

A server that makes backups holds a public key only, and cannot read what it wrote. Whoever restores has the identity,
in a file. Every 64 kB are authenticated, the last of them as the last: what was cut off or changed is refused.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import pyrage  # type: ignore[import-untyped]
from django.conf import settings

from whitecross.deployment.backups.errors import BackupError

WRONG_KEY = "No matching keys found"
NAME = "WHITECROSS_BACKUP_RECIPIENTS"


class Reader(Protocol):
    """What encryption reads from."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        ...


class Writer(Protocol):
    """What encryption writes to."""

    def write(self, data: bytes, /) -> int:
        """Append."""
        ...

    def flush(self) -> None:
        """See all of it written."""
        ...


class SealError(Exception):
    """What was encrypted cannot be decrypted: it is damaged, or of another key."""


def recipients() -> list[Any]:
    """The public keys of the setting; none where backups are not encrypted. Raises BackupError."""
    found = []
    for place, text in enumerate(filter(None, map(str.strip, settings.WHITECROSS_BACKUP_RECIPIENTS)), 1):
        kind = pyrage.ssh if text.startswith("ssh-") else pyrage.x25519
        try:
            found.append(kind.Recipient.from_str(text))
        except pyrage.RecipientError:
            # Not quoted: whoever puts the secret key there must not find it in a log.
            raise BackupError(
                f"Key {place} of {NAME} is not a public key of age or SSH; write it as age1... "
                "(manage.py backup key makes one)."
            ) from None
    return found


def identities(path: Path | None = None) -> list[Any]:
    """The secret keys in a file, that of the setting unless named; none where there is none. Raises BackupError."""
    if path is None:
        if not settings.WHITECROSS_BACKUP_IDENTITY_FILE:
            return []
        path = Path(settings.WHITECROSS_BACKUP_IDENTITY_FILE)
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise BackupError(
            f"The key file {path} cannot be read ({(error.strerror or str(error)).lower()}); name the one that holds "
            "the identity, with --identity or WHITECROSS_BACKUP_IDENTITY_FILE."
        ) from None
    try:
        if text.startswith("-----BEGIN"):
            return [pyrage.ssh.Identity.from_buffer(text.encode())]
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        found = [pyrage.x25519.Identity.from_str(line) for line in lines]
    except (pyrage.IdentityError, ValueError):
        found = []
    if not found:
        raise BackupError(
            f"The key file {path} holds no identity of age (AGE-SECRET-KEY-1...) and no SSH key without a passphrase; "
            "name another one."
        )
    return found


def new_identity() -> tuple[str, str]:
    """A new pair: the secret identity and the public key."""
    identity = pyrage.x25519.Identity.generate()
    return str(identity), str(identity.to_public())


class _Remembering:
    """Passes bytes on, and keeps the error that pyrage would turn into words."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.error: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            return bytes(self._stream.read(size))
        except BaseException as error:
            self.error = error
            raise

    def write(self, data: bytes) -> int:
        try:
            self._stream.write(data)
        except BaseException as error:
            self.error = error
            raise
        return len(data)

    def flush(self) -> None:
        pass


def seal(reader: Reader, writer: Writer, keys: Sequence[Any]) -> None:
    """Encrypt a stream, in little memory. What reader and writer raise comes through as it is."""
    source, target = _Remembering(reader), _Remembering(writer)
    try:
        pyrage.encrypt_io(source, target, list(keys))
    except (pyrage.EncryptError, OSError) as error:
        raise source.error or target.error or error from None


def unseal(reader: Reader, writer: Writer, keys: Sequence[Any]) -> None:
    """Decrypt a stream, in little memory. Raises SealError, and what reader and writer raise."""
    source, target = _Remembering(reader), _Remembering(writer)
    try:
        pyrage.decrypt_io(source, target, list(keys))
    except (pyrage.DecryptError, OSError) as error:
        if cause := source.error or target.error:
            raise cause from None
        raise SealError(str(error)) from None
