"""What a backup proves: no more than a dump carries, or it could never be restored; and no less."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import override_settings

from tests.adoption.conftest import url_of
from tests.deployment.backups.archives import rewritten
from tests.deployment.backups.conftest import Made
from whitecross.deployment.backups import BackupError, make_backup
from whitecross.deployment.backups.restoring import restore
from whitecross.deployment.backups.verifying import verify

pytestmark = pytest.mark.direct("pg_dump and pg_restore need a session of their own, so backup refuses a pooler")


def execute(*statements: str) -> None:
    """In the database that Django stands on, each for itself."""
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@contextmanager
def restored(path: Path, name: str, server: Any) -> Iterator[str]:
    """The database of that name, restored from a backup; it goes at the end."""
    try:
        restore("default", path, [], into=name)
        yield name
    finally:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def test_an_index_that_was_never_finished_is_in_no_dump_and_not_missed(
    committed_db: str, server: Any, tmp_path: Path
) -> None:
    execute("CREATE TABLE twice (a int)", "INSERT INTO twice VALUES (1), (1)")
    with psycopg.connect(url_of(committed_db), autocommit=True) as there, pytest.raises(psycopg.Error):
        there.execute("CREATE UNIQUE INDEX CONCURRENTLY never ON twice (a)")
    path = make_backup("default", tmp_path).path
    with restored(path, f"{committed_db}_back", server) as name, psycopg.connect(url_of(name)) as there:
        found = there.execute("SELECT to_regclass('twice') IS NOT NULL, to_regclass('never')").fetchone()
    assert found == (True, None)


def test_foreign_keys_that_were_switched_off_come_back_switched_on(
    committed_db: str, server: Any, tmp_path: Path
) -> None:
    execute(
        "CREATE TABLE parent (id int PRIMARY KEY)",
        "CREATE TABLE child (id int REFERENCES parent)",
        "ALTER TABLE child DISABLE TRIGGER ALL",
    )
    path = make_backup("default", tmp_path).path
    refused = pytest.raises(psycopg.errors.ForeignKeyViolation)
    with restored(path, f"{committed_db}_back", server) as name, psycopg.connect(url_of(name)) as there, refused:
        there.execute("INSERT INTO child VALUES (1)")


def test_what_a_setting_holds_is_sealed(committed_db: str, identity: Any, tmp_path: Path) -> None:
    execute(f"ALTER DATABASE \"{committed_db}\" SET app.jwt_secret TO 'hush hush'")
    with override_settings(WHITECROSS_BACKUP_RECIPIENTS=[str(identity.to_public())]):
        path = make_backup("default", tmp_path).path
    assert b"hush" not in path.read_bytes()
    sound = verify(path, [identity])
    assert sound.manifest.settings == [[None, "app.jwt_secret", "hush hush"]]
    assert "hush" not in json.dumps(sound.as_json())


def test_settings_in_a_manifest_of_before_are_read_and_shown_to_nobody(made: Made, tmp_path: Path) -> None:
    setting = [None, "app.jwt_secret", "hush hush"]
    path = rewritten(made.plain, tmp_path / "one", "manifest.json", lambda facts: facts.update(settings=[setting]))
    path = rewritten(path, tmp_path / "before", "contents.json", lambda facts: facts.pop("settings"))
    sound = verify(path, [])
    assert sound.manifest.settings == [setting]
    assert "hush" not in json.dumps(sound.as_json())


def test_a_newer_pg_dump_is_refused_as_pg_restore_could_not_read_what_it_writes(
    committed_db: str, tmp_path: Path
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("pg_dump", "pg_restore"):
        (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) 99.1'\n")
        (folder / name).chmod(0o755)
    major = connection.pg_version // 10000  # type: ignore[attr-defined]
    wanted = rf"there is no pg_dump and pg_restore {major} .* \(found: 99.1\); install postgresql-client-{major}"
    with override_settings(WHITECROSS_PG_BIN=str(folder)), pytest.raises(BackupError, match=wanted):
        make_backup("default", tmp_path / "backups")
