"""What a backup proves: no more than a dump carries, or it could never be restored; and no less."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from tests.adoption.conftest import url_of
from whitecross.deployment.backups import make_backup
from whitecross.deployment.backups.restoring import restore

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
    with restored(path, f"{committed_db}_back", server) as name, psycopg.connect(url_of(name)) as there:
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            there.execute("INSERT INTO child VALUES (1)")
