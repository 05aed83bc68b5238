"""The commands: what they say, to people and to machines, and with which exit code they end."""

import errno
import io
import json
import os
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from rich.console import Console

from tests.adoption.conftest import url_of
from tests.deployment.backups.archives import MOMENT, manifest, write_archive
from tests.deployment.backups.conftest import Made, names_of
from whitecross.deployment import backups
from whitecross.deployment.backups import retention, verifying
from whitecross.deployment.backups.folder import entries
from whitecross.deployment.backups.reporting import show_entries


def run(*words: Any, **options: Any) -> str:
    """What a command says."""
    out = io.StringIO()
    call_command(*words, stdout=out, no_color=True, **options)
    return out.getvalue()


def refusal(code: int, *words: Any) -> str:
    """What a command says as it ends with a code."""
    with pytest.raises(CommandError) as refused:
        run(*words)
    assert refused.value.returncode == code
    return str(refused.value)


@pytest.mark.direct("pg_dump and pg_restore need a session of their own, so backup refuses a pooler")
def test_a_backup_is_made_listed_and_verified(committed_db: str, tmp_path: Path) -> None:
    folder = ("--folder", str(tmp_path))
    made = json.loads(run("backup", *folder, "--json"))
    assert made["database"] == committed_db
    assert made["encrypted"] is False
    (listed,) = json.loads(run("backup", "list", *folder, "--json"))
    assert listed["path"] == made["path"]
    assert listed["manifest"]["rows"] == made["rows"]
    assert Path(made["path"]).name in run("backup", "list", *folder)
    said = run("backup", "verify", "latest", *folder)
    assert said.startswith(f"{Path(made['path']).name} is sound: ")
    assert made["sha256"] in said


@pytest.mark.direct("pg_dump and pg_restore need a session of their own, so backup refuses a pooler")
def test_interrupted_after_the_backup_it_says_that_there_is_one(
    committed_db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(retention, "_unsound", interrupted)
    said = refusal(130, "backup", "--folder", str(tmp_path), "--keep-last", "1")
    (made,) = tmp_path.iterdir()
    assert said == (
        f"Interrupted. The backup is made: {made}. Older ones may be left to delete: manage.py backup prune, with the "
        "same --keep options."
    )
    said = refusal(130, "backup", "prune", "--folder", str(tmp_path), "--keep-last", "1")
    assert said.startswith("Interrupted. Older ones may be left to delete: ")
    said = refusal(130, "backup", "prune", "--folder", str(tmp_path), "--keep-last", "1", "--dry-run")
    assert said == "Interrupted. No backup was made or changed; run it again."


@pytest.mark.direct("pg_dump and pg_restore need a session of their own, so backup refuses a pooler")
def test_a_backup_needs_no_session_that_does_nothing_for_as_long_as_it_takes(
    committed_db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server may end such a one (idle_session_timeout), a firewall forget it; and there is still to be deleted."""

    def others() -> set[Any]:
        with psycopg.connect(url_of(committed_db)) as there:
            return set(
                there.execute(
                    "SELECT pid, query FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle'"
                ).fetchall()
            )

    seen, make = set[Any](), backups.make_backup

    def watched(*args: Any, **options: Any) -> Any:
        until = time.monotonic() + 10
        while others() - before and time.monotonic() < until:  # one that was left a moment ago may still be there
            time.sleep(0.1)
        seen.update(others() - before)
        return make(*args, **options)

    monkeypatch.setattr(backups, "make_backup", watched)
    connection.close()
    before = others()  # of what made the database for this test
    assert ", 0 deleted" in run("backup", "--folder", str(tmp_path), "--keep-last", "1")
    assert seen == set()


def test_an_empty_database_is_no_backup_and_pushes_none_out(empty_db: str, tmp_path: Path) -> None:
    kept = write_archive(tmp_path / "whitecross-20200302T120000Z.backup.tar", said=manifest(database=empty_db))
    said = refusal(1, "backup", "--folder", str(tmp_path), "--keep-last", "1")
    assert said == f"The database {empty_db} is empty: there is nothing to back up. Look at DATABASE_URL."
    assert [*tmp_path.iterdir()] == [kept]


def test_names_of_backups_stay_whole_on_a_narrow_terminal(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "whitecross-20260302T120000Z.backup.tar")
    screen = Console(file=io.StringIO(), width=80, force_terminal=True)
    show_entries(screen, entries(tmp_path))
    assert f"{path.name} " in screen.file.getvalue()  # type: ignore[attr-defined]


def test_a_damaged_one_among_all_makes_the_exit_code_1(tmp_path: Path) -> None:
    for day in range(2):
        moment = MOMENT + timedelta(days=day)
        write_archive(tmp_path / f"whitecross-{moment:%Y%m%dT%H%M%SZ}.backup.tar", said=manifest(created=moment))
    _, newest = sorted(tmp_path.iterdir())
    newest.write_bytes(newest.read_bytes()[:-100])
    assert refusal(1, "backup", "verify", "--all", "--folder", str(tmp_path)) == "1 of 2 cannot be relied upon."
    assert "is cut off" in run("backup", "list", "--folder", str(tmp_path))


def write_made(folder: Path, ago: timedelta) -> Path:
    """A sound backup of the database in use, made so long ago."""
    moment = datetime.now(UTC) - ago
    said = manifest(created=moment, database=str(connection.settings_dict["NAME"]))
    return write_archive(folder / f"whitecross-{moment:%Y%m%dT%H%M%SZ}.backup.tar", said=said)


@pytest.mark.parametrize(("words", "ok"), [(["26"], True), (["24.5"], False)])
def test_a_backup_is_young_enough_or_the_exit_code_is_1(
    committed_db: str, tmp_path: Path, words: list[str], ok: bool
) -> None:
    write_made(tmp_path, timedelta(days=9))
    newest = write_made(tmp_path, timedelta(hours=25))
    asked = ("backup", "verify", "latest", "--folder", str(tmp_path), "--younger-than", *words)
    if ok:
        assert run(*asked).startswith(f"{newest.name} is sound")
        return
    assert refusal(1, *asked) == (
        f"{newest.name} is sound but 25.0 hours old, and 24.5 were allowed: no backup has come to its end since; "
        "see why (journalctl --unit whitecross-backup)."
    )
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command(*asked, "--json", stdout=out)
    (said,) = json.loads(out.getvalue())
    assert said["ok"] is False
    assert "25.0 hours old" in said["error"]


def test_a_young_backup_that_is_damaged_and_one_from_the_future_do_not_pass(committed_db: str, tmp_path: Path) -> None:
    asked = ("backup", "verify", "latest", "--folder", str(tmp_path), "--younger-than", "26")
    assert "There is no backup of" in refusal(1, *asked)
    newest = write_made(tmp_path, timedelta(days=-1))
    assert "is dated in the future" in refusal(1, *asked)
    newest.unlink()
    newest = write_made(tmp_path, timedelta(hours=1))
    whole = newest.read_bytes()
    newest.write_bytes(whole.replace(b"PGDMP", b"pgdmp"))
    assert refusal(1, *asked) == "1 of 1 cannot be relied upon."


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["backup", "prune"], "Say how many to keep"),
        (["backup", "verify"], "Name one backup, or latest, or --all."),
        (["backup", "verify", "--all", "--younger-than", "26"], "--younger-than is for one backup"),
        (["backup", "verify", "latest", "--younger-than", "0"], "'0' is not a number of hours"),
        (["backup", "verify", "latest", "--younger-than", "nan"], "'nan' is not a number of hours"),
        (["backup", "--keep-daily", "some"], "'some' is not a number of backups"),
        (["restore"], "Name a backup, or: latest."),
        (["restore", "latest", "--yes"], "--yes is for a swap"),
        (["restore", "latest", "--disconnect"], "--disconnect is for a swap"),
        (["restore", "--rehearse", "--into", "x"], "--rehearse makes a scratch database of its own"),
        (["restore", "latest", "--swap-in", "x"], "--swap-in names a database that is there"),
        (["restore", "latest", "--jobs", "0"], "'0' is not a number from 1 to 64"),
    ],
)
def test_a_wrong_request_ends_with_2(words: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=re.escape(said)) as refused:
        run(*words)
    # The parser's own refusals get their 2 where it is run from a shell.
    assert refused.value.returncode == 2 or str(refused.value).startswith("Error: ")


def test_what_could_not_be_swapped_after_an_hour_is_refused_before_it() -> None:
    into = str(connection.settings_dict["NAME"])
    assert refusal(2, "restore", "latest", "--swap", "--yes", "--into", into).startswith("--into names the database in")


def test_a_file_that_may_not_even_be_looked_for_is_a_sentence(tmp_path: Path) -> None:
    said = refusal(1, "restore", "n" * 300, "--folder", str(tmp_path))
    assert said.endswith(" cannot be read (file name too long); see whose it is.")


def test_one_that_is_deleted_while_all_are_read_is_not_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (write_archive(tmp_path / f"whitecross-2026030{day}T120000Z.backup.tar") for day in (1, 2))
    read = verifying.verify

    def deleting(path: Path, *args: Any, **options: Any) -> Any:
        first.unlink(missing_ok=True)
        return read(path, *args, **options)

    monkeypatch.setattr(verifying, "verify", deleting)
    said = run("backup", "verify", "--all", "--folder", str(tmp_path))
    assert said.startswith(f"{second.name} is sound")


def test_an_empty_folder_is_not_proof_of_anything(committed_db: str, tmp_path: Path) -> None:
    assert "There is no backup in" in run("backup", "list", "--folder", str(tmp_path))
    assert "There is no backup in" in refusal(1, "backup", "verify", "--all", "--folder", str(tmp_path))
    assert "There is no backup of" in refusal(1, "restore", "--rehearse", "--folder", str(tmp_path))


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    printed = run("backup", "key", str(path), stderr=io.StringIO())
    assert re.fullmatch(r"WHITECROSS_BACKUP_RECIPIENTS=age1\w+\n", printed)
    assert path.stat().st_mode & 0o777 == 0o600
    assert printed.strip().partition("=")[2] in path.read_text()
    assert "(file exists); name a new file" in refusal(1, "backup", "key", str(path))


def test_half_a_key_is_none_and_what_cannot_be_printed_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key"

    def full(*args: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as breaking:
        breaking.setattr(os, "fsync", full)
        assert "(no space left on device); name a new file" in refusal(1, "backup", "key", str(path))
    assert not path.exists()
    stdout = io.StringIO()
    monkeypatch.setattr(stdout, "write", full)
    with pytest.raises(CommandError) as refused:
        call_command("backup", "key", str(path), stdout=stdout)
    assert str(refused.value) == (
        f"The operating system refuses to go on (no space left on device). The key is made: {path}. Its first line has "
        "the public key."
    )
    assert path.read_text().startswith("# public key: age1")


def test_a_rehearsal_of_what_cannot_be_restored_says_so_to_a_machine(tmp_path: Path) -> None:
    path = tmp_path / "cut"
    path.write_bytes(b"database.dump")
    out = io.StringIO()
    with pytest.raises(CommandError, match="is cut off"):
        call_command("restore", str(path), "--rehearse", "--json", stdout=out)
    assert json.loads(out.getvalue())["ok"] is False


@pytest.mark.direct("pg_dump and pg_restore need a session of their own, so backup refuses a pooler")
def test_restored_and_swapped_in_it_tells_the_way_back(made: Made, server: Any, committed_db: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO django_session VALUES ('one more', '', now())")
    into = f"{committed_db} restored"
    words = ("restore", str(made.plain), "--into", into)
    assert "there is nobody to ask: say --yes." in refusal(2, *words, "--swap")
    assert f"restore --swap-in '{into}'" in run(*words)
    said = run("restore", "--swap-in", into, "--yes")
    (aside,) = re.findall(r"^manage.py restore --swap-in (\S+)$", said, re.MULTILINE)
    try:
        assert "public.django_session\t1\t0\n" in said
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM students")
            assert cursor.fetchone()[0] == 50
        report = json.loads(run("restore", "--swap-in", aside, "--yes", "--json"))
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM django_session")
            assert cursor.fetchone()[0] == 1
        assert report["rows"]["public.django_session"] == {"inUse": 0, "swappedIn": 1}
    finally:
        connection.close()
        for name in names_of(server):
            if name.startswith(f"{committed_db}_before"):
                server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
