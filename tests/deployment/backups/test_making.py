"""Making a backup: of one moment, whole or not there, whatever happens meanwhile."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, connections
from django.test import override_settings

from tests.adoption.conftest import url_of
from tests.deployment.backups.conftest import Made
from tests.deployment.backups.programs import pg_dump_that
from whitecross.adoption.progress import Progress
from whitecross.deployment.backups import Backup, BackupError, free_space_needed, make_backup, making
from whitecross.deployment.backups.archive import Archive
from whitecross.deployment.backups.folder import entries, start, sweep
from whitecross.deployment.backups.manifest import read_contents, read_manifest
from whitecross.deployment.backups.programs import fitting
from whitecross.deployment.backups.verifying import verify

PROJECT = Path(__file__).parents[3]


pytestmark = pytest.mark.direct("pg_dump and pg_restore need a session of their own, so backup refuses a pooler")


def test_it_says_what_it_is_of(made: Made) -> None:
    with Archive(made.plain) as archive:
        manifest, contents = read_manifest(archive), read_contents(archive, [])
    assert manifest.database == made.database
    assert manifest.rows == contents.rows > 1000
    assert manifest.tables == len(contents.tables)
    assert contents.tables["public.awkward"][0] == 2
    assert "core.0001_base_schema" in manifest.migrations
    assert made.plain.stat().st_mode & 0o777 == 0o600


def test_encrypted_it_tells_nobody_what_the_tables_hold(made: Made) -> None:
    whole = made.encrypted.read_bytes()
    assert b"public.students" not in whole
    assert b"PGDMP" not in whole
    assert verify(made.encrypted, []).contents is None
    assert verify(made.encrypted, [made.identity]).contents == verify(made.plain, []).contents


def test_the_space_that_it_needs_is_foretold(committed_db: str, tmp_path: Path) -> None:
    assert free_space_needed("default") >= make_backup("default", tmp_path).bytes


def test_the_folder_is_its_owners_alone(committed_db: str, tmp_path: Path) -> None:
    backup = make_backup("default", tmp_path / "new" / "folder")
    assert backup.path.parent.stat().st_mode & 0o777 == 0o700
    assert [entry.path for entry in entries(backup.path.parent)] == [backup.path]
    assert backup.bytes == backup.path.stat().st_size
    assert verify(backup.path, []).sha256 == backup.sha256


def test_what_is_written_meanwhile_is_in_neither_dump_nor_manifest(committed_db: str, tmp_path: Path) -> None:
    class Writing(Progress):
        def advance(self, number: int = 1, what: str = "") -> None:
            with psycopg.connect(url_of(committed_db)) as other:
                other.execute("INSERT INTO django_session VALUES (gen_random_uuid()::text, '', now())")

    backup = make_backup("default", tmp_path, progress=Writing())
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_session")
        assert cursor.fetchone()[0] > 10
    with Archive(backup.path) as archive:
        assert read_contents(archive, []).tables["public.django_session"][0] == 0
        dump = archive.read(archive.dump)
    program = fitting(connection.pg_version).folder / "pg_restore"  # type: ignore[attr-defined]
    rows = subprocess.run(
        [program, "--data-only", "--table=django_session", "--file=-"], input=dump, capture_output=True, check=True
    ).stdout
    assert re.search(rb"^COPY public.django_session .* FROM stdin;\n\\\.$", rows, re.MULTILINE)


def test_while_it_is_read_again_nothing_is_held_and_a_lost_connection_does_not_matter(
    committed_db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_again, held = making._read_again, list[Any]()

    def watched(path: Path, progress: Progress) -> tuple[int, str]:
        with psycopg.connect(url_of(committed_db)) as other:
            others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            held.extend(other.execute(f"SELECT state {others} AND xact_start IS NOT NULL").fetchall())
            other.execute(f"SELECT pg_terminate_backend(pid) {others} AND backend_type = 'client backend'")
        return read_again(path, progress)

    monkeypatch.setattr(making, "_read_again", watched)
    assert make_backup("default", tmp_path).path.exists()
    assert held == []
    connection.close()


def test_two_at_once_make_two(committed_db: str, tmp_path: Path) -> None:
    backups: list[Backup] = []

    def make() -> None:
        try:
            backups.append(make_backup("default", tmp_path))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({backup.path for backup in backups}) == 2
    assert all(verify(backup.path, []).sha256 == backup.sha256 for backup in backups)
    assert len(list(tmp_path.iterdir())) == 2


def test_two_of_one_second_get_two_names(tmp_path: Path) -> None:
    from tests.deployment.backups.archives import MOMENT

    first, one = start(tmp_path, "a/b c", MOMENT)
    second, two = start(tmp_path, "a/b c", MOMENT)
    assert one.name == "a_b_c-20201126T013000Z.backup.tar"
    assert two.name == "a_b_c-20201126T013000Z-2.backup.tar"
    second.close()
    sweep(tmp_path)  # the first goes on
    assert [path.name for path in tmp_path.iterdir()] == [f"{one.name}.partial"]
    first.close()
    sweep(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_it_leaves_nothing_that_could_be_taken_for_a_backup(
    committed_db: str, tmp_path: Path, number: signal.Signals
) -> None:
    folder, begun = tmp_path / "backups", tmp_path / "begun"
    with pg_dump_that(f"open({str(begun)!r}, 'w'); sys.stdout.write('PGDMP'); sys.stdout.flush(); time.sleep(60)",
                      tmp_path / "bin") as programs:  # fmt: skip
        environment = {
            **os.environ,
            "DATABASE_URL": url_of(committed_db),
            "WHITECROSS_PG_BIN": str(programs),
            "WHITECROSS_BACKUP_RECIPIENTS": "",
        }
        process = subprocess.Popen(
            [sys.executable, "manage.py", "backup", "--folder", folder],
            cwd=PROJECT,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 60
        while not begun.exists():
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    left = [path.name for path in folder.iterdir()]
    if number == signal.SIGTERM:
        assert process.returncode == 143
        assert said.strip() == "CommandError: Told to end. No backup was made or changed; run it again."
        assert left == []
    else:
        assert process.returncode == -signal.SIGKILL
        assert [name.endswith(".backup.tar.partial") for name in left] == [True]
        assert entries(folder) == []
    backup = make_backup("default", folder)
    assert list(folder.iterdir()) == [backup.path]


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """As on a disk that is full then."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("encrypted", [True, False])
def test_a_disk_that_is_full_is_a_sentence_and_no_file_is_left(
    committed_db: str, tmp_path: Path, identity: Any, *, encrypted: bool
) -> None:
    keys = [str(identity.to_public())] if encrypted else []
    full = pytest.raises(BackupError, match=r"cannot be written to .* \(file too large\); free some")
    with override_settings(WHITECROSS_BACKUP_RECIPIENTS=keys), files_no_larger_than(100_000), full as refused:
        make_backup("default", tmp_path)
    # upgrade calls it too, and its option has another name.
    assert str(refused.value).endswith("a folder on another disk in WHITECROSS_BACKUP_DIR. No file was left.")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("sys.exit('pg_dump: error: query failed: ERROR:  permission denied for table x')", "permission denied"),
        ("sys.stdout.write('PGDMP'); sys.exit(3)", "it wrote nothing"),
        ("os.kill(os.getpid(), 9)", "it wrote nothing"),
    ],
)
def test_a_pg_dump_that_fails_is_a_sentence_and_no_file_is_left(
    committed_db: str, tmp_path: Path, script: str, words: str
) -> None:
    with pg_dump_that(script, tmp_path / "bin"), pytest.raises(BackupError) as refused:
        make_backup("default", tmp_path / "backups")
    assert re.match(rf"pg_dump [\d.]+ cannot back up {committed_db} \(.*{words}.*\); ", str(refused.value))
    assert list((tmp_path / "backups").iterdir()) == []


def test_without_a_pg_dump_that_fits_it_says_which_to_install(committed_db: str, tmp_path: Path) -> None:
    major = connection.pg_version // 10000  # type: ignore[attr-defined]
    with override_settings(WHITECROSS_PG_BIN=str(tmp_path / "bin")), pytest.raises(BackupError) as refused:
        make_backup("default", tmp_path / "backups")
    assert f"install postgresql-client-{major}, or name its folder in WHITECROSS_PG_BIN" in str(refused.value)
    assert list((tmp_path / "backups").iterdir()) == []


def test_no_secret_stands_on_a_command_line_or_reaches_pg_dump_in_vain(
    committed_db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "PASSWORD", "hush")
    monkeypatch.setenv("SECRET_KEY", "hush too")
    seen = tmp_path / "seen"
    script = f"import json; json.dump([arguments, dict(os.environ)], open({str(seen)!r}, 'w'))"
    with pg_dump_that(script, tmp_path / "bin"):
        make_backup("default", tmp_path / "backups")
    arguments, environment = json.loads(seen.read_text())
    assert not any("hush" in argument for argument in arguments)
    assert environment["PGPASSWORD"] == "hush"
    assert "SECRET_KEY" not in environment


def test_a_table_that_is_locked_is_a_sentence(
    committed_db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whitecross.deployment.backups.making.LOCK_WAIT_S", 0.1)
    with psycopg.connect(url_of(committed_db)) as other:
        other.execute("LOCK TABLE students IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(BackupError, match=r"A table of .* was locked"):
            make_backup("default", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_used_is_a_sentence(committed_db: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BackupError, match=r"file/folder cannot be used \(not a directory\); name another one"):
        make_backup("default", tmp_path / "file" / "folder")


def test_a_role_that_may_not_read_everything_is_a_sentence(committed_db: str, tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE ROLE "{committed_db}_nobody" LOGIN')
    connection.close()
    before = connection.settings_dict.get("OPTIONS", {})
    connection.settings_dict["OPTIONS"] = {**before, "options": f"-c role={committed_db}_nobody"}
    try:
        with pytest.raises(BackupError, match="may not read all tables"):
            make_backup("default", tmp_path)
    finally:
        connection.close()
        connection.settings_dict["OPTIONS"] = before
        with connection.cursor() as cursor:
            cursor.execute(f'DROP ROLE "{committed_db}_nobody"')
    assert list(tmp_path.iterdir()) == []
