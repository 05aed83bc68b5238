"""The file: opened by tar, and refused in a sentence wherever a byte is not as it was written."""

import hashlib
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.deployment.backups.archives import manifest, rewritten, write_archive
from whitecross.deployment.backups.archive import Archive
from whitecross.deployment.backups.errors import BackupError
from whitecross.deployment.backups.manifest import VERSION, read_manifest

quick = settings(
    derandomize=True, max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write_archive(tmp_path / "sound.backup.tar", bytes(range(256)) * 5)


def read_all(path: Path) -> None:
    with Archive(path) as archive:
        read_manifest(archive)
        archive.check()


def refusal(path: Path) -> str:
    with pytest.raises(BackupError) as refused:
        read_all(path)
    said = str(refused.value)
    assert said.endswith((".", ": python manage.py backup list"))
    assert "\n" not in said
    return said


def test_tar_and_sha256sum_open_it(sound: Path, tmp_path: Path) -> None:
    subprocess.run(["tar", "--extract", "--file", sound], cwd=tmp_path, check=True)
    checked = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path, check=True, capture_output=True)
    assert checked.stdout.count(b": OK") == 3
    assert (tmp_path / "database.dump").read_bytes() == bytes(range(256)) * 5
    assert (tmp_path / "database.dump").stat().st_mode & 0o777 == 0o600


def test_a_sound_one_is_read_to_its_end(sound: Path) -> None:
    told: list[int] = []
    with Archive(sound) as archive:
        assert read_manifest(archive) == manifest()
        assert archive.check(told.append) == hashlib.sha256(sound.read_bytes()).hexdigest()
        assert sum(told) == sum(member.size for member in archive.members.values())


@given(data=st.data())
@quick
def test_any_bit_that_turns_is_noticed(sound: Path, data: st.DataObject) -> None:
    whole = bytearray(sound.read_bytes())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= 1 << data.draw(st.integers(0, 7))
    suffered = sound.with_name("suffered")
    suffered.write_bytes(whole)
    # In the first few bytes stands what tells a backup from any other file.
    expected = "is not a backup" if place < len("database.dump") else ("is damaged", "is cut off")
    assert any(words in refusal(suffered) for words in ([expected] if isinstance(expected, str) else expected))


@given(data=st.data())
@quick
def test_any_end_that_is_missing_is_noticed(sound: Path, data: st.DataObject) -> None:
    whole = sound.read_bytes()
    cut = sound.with_name("cut")
    cut.write_bytes(whole[: data.draw(st.integers(len("database.dump"), len(whole) - 1))])
    assert "is cut off: its end is missing" in refusal(cut)


def test_what_follows_the_end_is_noticed(sound: Path) -> None:
    sound.write_bytes(sound.read_bytes() + b"\0")
    assert "is damaged" in refusal(sound)


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("database.dump", "PGDMP")


def tarred(path: Path) -> None:
    with tarfile.open(path, "w") as file:
        file.add(__file__, "database.sql")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(b"PGDMP\x01\x10\x00" + bytes(600)), "was made by pg_dump itself"),
        (zipped, "is not a backup that manage.py backup has made"),
        (tarred, "is not a backup that manage.py backup has made"),
        (lambda path: path.write_bytes(b"-- PostgreSQL database dump\n" * 100), "is not a backup"),
        (lambda path: path.mkdir(), "cannot be read (is a directory)"),
        (lambda path: None, "There is no file"),
    ],
    ids=["empty", "pg_dump", "zip", "tar", "sql", "folder", "nothing"],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, make: Callable[[Path], object], words: str) -> None:
    path = tmp_path / "foreign"
    make(path)
    assert words in refusal(path)


def test_a_newer_format_is_refused(sound: Path, tmp_path: Path) -> None:
    newer = rewritten(sound, tmp_path / "newer", "manifest.json", lambda facts: facts.update(version=VERSION + 1))
    assert "was made by a newer White Cross, in a format that this one does not know" in refusal(newer)


@pytest.mark.parametrize("change", [{"format": "another"}, {"created": "yesterday"}, {"unknown": 1}])
def test_a_manifest_that_says_something_else_is_refused(sound: Path, tmp_path: Path, change: dict[str, object]) -> None:
    other = rewritten(sound, tmp_path / "other", "manifest.json", lambda facts: facts.update(change))
    assert "is damaged" in refusal(other)
