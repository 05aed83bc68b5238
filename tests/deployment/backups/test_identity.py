"""Whose a backup is, and what else the folder makes of files that are not quite what it expects."""

import errno
import fcntl
import logging
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.deployment.backups.archives import write_archive
from whitecross.deployment.backups.folder import sweep

UNFINISHED = "whitecross-20261126T013000Z.backup.tar.partial"


def test_leftovers_go_where_a_lock_takes_a_file_open_for_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_over_nfs(file: Any, operation: int) -> None:
        if fcntl.fcntl(file, fcntl.F_GETFL) & 3 == 0:  # open for reading only
            raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(fcntl, "flock", as_over_nfs)
    (tmp_path / UNFINISHED).touch()
    sweep(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_leftover_that_cannot_be_removed_is_warned_of_and_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / UNFINISHED).mkdir()
    gone = tmp_path / UNFINISHED.replace("T01", "T02")
    gone.touch()
    with caplog.at_level(logging.WARNING):
        sweep(tmp_path)
    (said,) = caplog.messages
    assert said.startswith(f"{tmp_path / UNFINISHED} is left of a backup")
    assert "(is a directory); see whose it is" in said
    assert [*tmp_path.iterdir()] == [tmp_path / UNFINISHED]


@pytest.mark.parametrize("words", [["backup"], ["backup", "prune"]])
def test_to_keep_0_of_everything_is_refused(tmp_path: Path, words: list[str]) -> None:
    kept = write_archive(tmp_path / "whitecross-20200302T120000Z.backup.tar")
    with pytest.raises(CommandError, match="Every number to keep is 0") as refused:
        call_command(*words, "--folder", str(tmp_path), "--keep-daily", "0", "--keep-last", "0")
    assert refused.value.returncode == 2
    assert [*tmp_path.iterdir()] == [kept]
