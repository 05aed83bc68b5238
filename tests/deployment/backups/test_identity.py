"""Whose a backup is, and what else the folder makes of files that are not quite what it expects."""

import errno
import fcntl
import io
import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from tests.deployment.backups.archives import MOMENT, manifest, write_archive
from tests.deployment.backups.conftest import Made
from whitecross.deployment.backups.archive import Archive
from whitecross.deployment.backups.errors import BackupError
from whitecross.deployment.backups.folder import latest, named_file, sweep
from whitecross.deployment.backups.manifest import read_manifest, server_id_of
from whitecross.deployment.backups.retention import Keep, prune

OURS, THEIRS = "7300000000000000001", "7300000000000000002"
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


def made_by(folder: Path, day: int, server_id: str | None, database: str = "whitecross") -> Path:
    """A backup of a day, of a server."""
    moment = MOMENT - timedelta(days=30 - day)
    path = folder / f"{database}-{moment:%Y%m%dT%H%M%SZ}.backup.tar"
    return write_archive(path, said=manifest(created=moment, database=database, server_id=server_id))


def test_two_servers_share_a_folder_and_neither_deletes_what_is_the_others(tmp_path: Path) -> None:
    theirs, old, ours = made_by(tmp_path, 1, THEIRS), made_by(tmp_path, 2, OURS), made_by(tmp_path, 3, OURS)
    pruned = prune(tmp_path, "whitecross", Keep(last=1), UTC, server_id=OURS)
    assert (pruned.deleted, list(pruned.kept), pruned.others) == ([old], [ours], [theirs])
    assert theirs.exists()
    assert pruned.as_json()["others"] == [str(theirs)]


def test_older_backups_that_name_no_server_are_of_this_one(tmp_path: Path) -> None:
    old, new = made_by(tmp_path, 1, None), made_by(tmp_path, 2, OURS)
    assert latest(tmp_path, "whitecross", OURS) == new
    assert prune(tmp_path, "whitecross", Keep(last=1), UTC, server_id=OURS).deleted == [old]


def test_a_server_that_does_not_know_itself_deletes_none_that_names_one(tmp_path: Path) -> None:
    named = made_by(tmp_path, 1, OURS)
    old, _ = made_by(tmp_path, 2, None), made_by(tmp_path, 3, None)
    assert prune(tmp_path, "whitecross", Keep(last=1), UTC).deleted == [old]
    assert named.exists()


def test_latest_is_not_another_servers(tmp_path: Path) -> None:
    theirs = made_by(tmp_path, 2, THEIRS)
    with pytest.raises(BackupError, match="is of another server than this one") as refused:
        named_file(tmp_path, "latest", "whitecross", OURS)
    assert str(refused.value).endswith(f"name the file instead of latest: {theirs.name} is the newest.")
    assert named_file(tmp_path, theirs.name, "whitecross", OURS) == theirs
    ours = made_by(tmp_path, 1, OURS)
    assert named_file(tmp_path, "latest", "whitecross", OURS) == ours


def test_latest_of_two_servers_is_neithers_where_it_is_not_known_who_asks(tmp_path: Path) -> None:
    _, newer = made_by(tmp_path, 1, OURS), made_by(tmp_path, 2, OURS)
    made_by(tmp_path, 3, THEIRS, database="another")
    assert latest(tmp_path, "whitecross") == newer
    made_by(tmp_path, 0, THEIRS)
    with pytest.raises(BackupError, match="has backups of whitecross of more than one server"):
        latest(tmp_path, "whitecross")
    assert latest(tmp_path, "whitecross", OURS) == newer


def test_latest_is_not_one_dated_in_the_future(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _, newest, ahead = (made_by(tmp_path, day, OURS) for day in (1, 2, 400))
    now = MOMENT
    assert latest(tmp_path, "whitecross", OURS, now) == newest
    assert latest(tmp_path, "whitecross", OURS, now + timedelta(days=400)) == ahead
    assert not caplog.messages
    with caplog.at_level(logging.WARNING):
        assert latest(tmp_path, "whitecross", OURS, MOMENT - timedelta(days=40)) == ahead
    (said,) = caplog.messages
    assert said.startswith(f"{ahead} is dated in the future, and is taken as the latest")


@pytest.mark.direct("pg_dump and pg_restore need a session of their own, so backup refuses a pooler")
def test_a_backup_pushes_out_neither_itself_nor_one_of_the_future(committed_db: str, tmp_path: Path) -> None:
    folder = ("--folder", str(tmp_path), "--keep-last", "1")
    ahead = write_archive(
        tmp_path / "whitecross-20990101T000000Z.backup.tar",
        said=manifest(created=datetime(2099, 1, 1, tzinfo=UTC), database=committed_db),
    )
    out = io.StringIO()
    with pytest.raises(CommandError, match="dated in the future or cannot be deleted: see which were left") as refused:
        call_command("backup", *folder, "--json", stdout=out)
    assert refused.value.returncode == 1
    report = json.loads(out.getvalue())
    assert (list(report["pruned"]["left"]), report["pruned"]["deleted"]) == ([str(ahead)], [])
    assert Path(report["path"]).exists()
    assert ahead.exists()


@pytest.mark.direct("pg_dump and pg_restore need a session of their own, so backup refuses a pooler")
def test_a_backup_says_of_which_server_it_is(made: Made, committed_db: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT system_identifier::text FROM pg_control_system()")
        (identifier,) = cursor.fetchone()
    with Archive(made.plain) as archive:
        assert read_manifest(archive).server_id == identifier


def test_a_role_that_may_not_know_the_server_has_its_transaction_still(committed_db: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE ignorant")
        try:
            cursor.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
            cursor.execute("BEGIN")
            cursor.execute("SET LOCAL ROLE ignorant")
            assert server_id_of(cursor) is None
            cursor.execute("SELECT 1")
            cursor.execute("COMMIT")
        finally:
            cursor.execute("ROLLBACK")
            cursor.execute("DROP ROLE ignorant")


def test_the_commands_know_which_server_asks(committed_db: str, tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        here = server_id_of(cursor)
    theirs, ours = made_by(tmp_path, 1, THEIRS, committed_db), made_by(tmp_path, 2, here, committed_db)
    out = io.StringIO()
    call_command("backup", "verify", "latest", "--folder", str(tmp_path), "--json", stdout=out)
    assert json.loads(out.getvalue())[0]["path"] == str(ours)
    out = io.StringIO()
    call_command("backup", "prune", "--folder", str(tmp_path), "--keep-last", "1", stdout=out)
    assert "Not touched, as they are of another server: 1 of this name." in out.getvalue()
    assert theirs.exists()
    made_by(tmp_path, 3, THEIRS, committed_db)
    out = io.StringIO()
    call_command("backup", "verify", "latest", "--folder", str(tmp_path), "--json", stdout=out)
    assert json.loads(out.getvalue())[0]["path"] == str(ours)
    ours.unlink()
    for words in (["restore", "latest"], ["restore", "--rehearse"]):
        with pytest.raises(CommandError, match="is of another server than this one"):
            call_command(*words, "--folder", str(tmp_path))


def test_another_servers_backup_alone_does_not_stand_for_ones_own(
    committed_db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A watch that takes it for that would say each morning that all is well, where no backup was ever made."""
    made_by(tmp_path, 1, THEIRS, committed_db)
    words = ("backup", "verify", "latest", "--folder", str(tmp_path))
    with monkeypatch.context() as given:
        given.setitem(connection.settings_dict, "EMBEDDED", tmp_path)
        call_command(*words, stdout=io.StringIO())  # none is started for it
        given.setitem(connection.settings_dict, "EMBEDDED", None)
        with pytest.raises(CommandError, match="is of another server than this one"):
            call_command(*words)
        given.setitem(connection.settings_dict, "HOST", "localhost")
        given.setitem(connection.settings_dict, "PORT", "1")
        call_command(*words, stdout=io.StringIO())  # where it does not answer
