"""A backup of an older PostgreSQL is restored on a newer one, as on the way to a new server."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.deployment.backups.conftest import every_row
from tests.deployment.clusters import Cluster, private_folder
from tests.docs.roles import ROOT
from whitecross.deployment.backups.restoring import Choices, restore

pytestmark = pytest.mark.direct("pg_dump and pg_restore need a session of their own, so backup refuses a pooler")


def older(than: int) -> Path | None:
    """The programs of the newest PostgreSQL on this machine that is older, but not too old for us."""
    found = {int(path.parts[-3]): path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")}
    fitting = [version for version in found if 15 <= version < than]
    return found[max(fitting)] if fitting else None


@pytest.fixture
def cluster(committed_db: str) -> Iterator[Cluster]:
    """A server of an older version, with an empty database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        programs = older(cursor.fetchone()[0])
    if programs is None:
        pytest.skip("no older PostgreSQL here")
    with ExitStack() as stack:
        made = Cluster.primary(stack.enter_context(private_folder()), programs)
        stack.callback(made.stop)
        with made.connect() as server:
            server.execute("CREATE DATABASE whitecross")
        yield made


def test_a_backup_of_an_older_server_is_restored_here_row_by_row(
    cluster: Cluster, committed_db: str, server: Any, tmp_path: Path
) -> None:
    for words in (("migrate",), ("seed_demo", "--students", "20"), ("backup", "--folder", str(tmp_path))):
        subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": cluster.url("whitecross")},
            check=True,
            capture_output=True,
        )
    (path,) = tmp_path.iterdir()
    name = f"{committed_db}_newer"
    try:
        restored = restore("default", path, [], into=name, choices=Choices(owner=False, privileges=False))
        assert restored.manifest.major < connection.pg_version // 10000  # type: ignore[attr-defined]
        with cluster.connect("whitecross") as there:
            for table, rows in every_row(name).items():
                assert sorted(row for (row,) in there.execute(f"SELECT t::text FROM {table} t").fetchall()) == rows
    finally:
        server.execute(f'DROP DATABASE IF EXISTS "{name}"')
