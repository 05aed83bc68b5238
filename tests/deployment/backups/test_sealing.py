"""Encryption: opened by whoever has the key, by nobody else, and never in part."""

import io
from pathlib import Path
from typing import Any

import pyrage  # type: ignore[import-untyped]
import pytest
from django.test import override_settings

from whitecross.deployment.backups.errors import BackupError
from whitecross.deployment.backups.sealing import SealError, identities, new_identity, recipients, seal, unseal

SECRET, PUBLIC = new_identity()
TEXT = bytes(range(256)) * 1000  # four of the parts that are authenticated


def sealed() -> bytes:
    target = io.BytesIO()
    seal(io.BytesIO(TEXT), target, [pyrage.x25519.Recipient.from_str(PUBLIC)])
    return target.getvalue()


def opened(data: bytes, key: Any = None) -> bytes:
    target = io.BytesIO()
    unseal(io.BytesIO(data), target, [key or pyrage.x25519.Identity.from_str(SECRET)])
    return target.getvalue()


def test_what_was_sealed_is_opened() -> None:
    assert opened(sealed()) == TEXT
    assert TEXT[:256] not in sealed()


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(SealError, match="No matching keys found"):
        opened(sealed(), pyrage.x25519.Identity.generate())


# The last part is this long with its seal; without it, what is left still ends where a part ends.
LAST = len(TEXT) % 65536 + 16


@pytest.mark.parametrize("missing", [1, 16, LAST - 1, LAST, LAST + 1, len(TEXT)])
def test_a_beginning_of_it_is_refused(missing: int) -> None:
    with pytest.raises(SealError):
        opened(sealed()[:-missing])


@pytest.mark.parametrize("kept", [0, 10, 100])
def test_a_beginning_of_its_header_is_refused(kept: int) -> None:
    with pytest.raises(SealError):
        opened(sealed()[:kept])


def test_an_error_of_what_is_read_or_written_comes_through_as_it_is() -> None:
    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        seal(io.BytesIO(TEXT), Full(), [pyrage.x25519.Recipient.from_str(PUBLIC)])
    with pytest.raises(OSError, match="No space left"):
        unseal(io.BytesIO(sealed()), Full(), [pyrage.x25519.Identity.from_str(SECRET)])


def test_a_secret_key_among_the_public_ones_is_refused_and_not_shown() -> None:
    with override_settings(WHITECROSS_BACKUP_RECIPIENTS=[PUBLIC, SECRET]), pytest.raises(BackupError) as refused:
        recipients()
    assert "Key 2 of WHITECROSS_BACKUP_RECIPIENTS is not a public key" in str(refused.value)
    assert SECRET not in str(refused.value)


def test_without_public_keys_nothing_is_encrypted() -> None:
    with override_settings(WHITECROSS_BACKUP_RECIPIENTS=["", " "]):
        assert recipients() == []


def test_the_key_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(f"# a comment\n\n{SECRET}\n")
    assert opened(sealed(), identities(path)[0]) == TEXT
    with override_settings(WHITECROSS_BACKUP_IDENTITY_FILE=str(path)):
        assert opened(sealed(), identities()[0]) == TEXT


@pytest.mark.parametrize(
    "text",
    ["", "# nothing", PUBLIC, "-----BEGIN OPENSSH PRIVATE KEY-----\nbroken", "\x00\xff"],
    ids=["empty", "comment", "public key", "another kind", "binary"],  # the key is another one in each process
)
def test_a_file_without_a_key_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    with pytest.raises(BackupError, match="holds no identity of age") as refused:
        identities(path)
    assert PUBLIC not in str(refused.value)


def test_a_key_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match=r"cannot be read \(no such file or directory\)"):
        identities(tmp_path / "none")
