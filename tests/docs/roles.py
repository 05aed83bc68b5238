"""A database with the roles of deploy/roles.sql, under names of a test's own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from django.db import connection
from psycopg import errors, sql

from tests.conftest import _maintenance
from tests.programs import tool

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "deploy"
KINDS = ("owner", "app", "backup", "monitor")
# Not in roles.sql: a program of the district's own, which has what the application has.
IMPORT = "import"
PASSWORD = "one test's own, with a % and an @"

# What a superuser has made in a template, its owner would have made.
GIVEN = """
SELECT format('ALTER TABLE public.%%I OWNER TO %%I', relname, %(owner)s::text) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
UNION ALL
SELECT format('ALTER ROUTINE %%s OWNER TO %%I', oid::regprocedure, %(owner)s::text) FROM pg_proc
WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT format('ALTER TYPE public.%%I OWNER TO %%I', typname, %(owner)s::text) FROM pg_type
WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
"""


class Server:
    """A database with the roles of deploy/roles.sql, under names of this test's own."""

    def __init__(self, name: str) -> None:
        self.name = name
        connection.ensure_connection()
        self._facts = connection.get_connection_params()

    def url(self, kind: str, database: str = "") -> str:
        """What DATABASE_URL is for one of the roles, of this database unless another is named."""
        host = quote(str(self._facts.get("host") or ""), safe="")
        who = f"{self.name}_{kind}:{quote(PASSWORD, safe='')}"
        return f"postgresql://{who}@/{database or self.name}?host={host}&port={self._facts.get('port') or 5432}"

    def role(self, kind: str) -> str:
        """The name of one of the roles."""
        return f"{self.name}_{kind}"

    def give_to_owner(self, database: str) -> None:
        """Make the owner's what a superuser has made from a template."""
        with _maintenance() as server:
            server.execute(
                sql.SQL("ALTER DATABASE {} OWNER TO {}").format(*map(sql.Identifier, (database, self.role("owner"))))
            )
        facts = {**self._facts, "dbname": database}
        for ours in ("cursor_factory", "context", "prepare_threshold"):
            facts.pop(ours, None)
        with psycopg.connect(**facts) as server:
            for (statement,) in server.execute(GIVEN, {"owner": self.role("owner")}).fetchall():
                server.execute(statement)

    def roles(self) -> None:
        """Run deploy/roles.sql as a superuser."""
        psql = tool("psql")
        assert psql
        names = [f"--set={kind}={self.name}_{kind}" for kind in KINDS]
        ended = subprocess.run(
            [
                *(psql, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--set=database={self.name}", *names),
                *("--file", str(DEPLOY / "roles.sql"), "dbname=postgres"),
            ],
            env={
                **os.environ,
                "PGHOST": str(self._facts.get("host") or ""),
                "PGPORT": str(self._facts.get("port") or 5432),
                "PGUSER": str(self._facts.get("user") or ""),
                "PGPASSWORD": str(self._facts.get("password") or ""),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ended.returncode, ended.stderr) == (0, "")

    def manage(self, kind: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """manage.py as one of the roles."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": self.url(kind), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def session(self, kind: str, database: str = "") -> psycopg.Connection[Any]:
        """A session of one of the roles, in autocommit."""
        return psycopg.connect(self.url(kind, database), autocommit=True)


@contextmanager
def with_roles(name: str) -> Iterator[Server | None]:
    """The roles, with a password, for as long as the block lasts; None where no superuser can make them."""
    made = Server(name)
    with _maintenance() as maintenance:
        row = maintenance.execute("SELECT current_setting('is_superuser')").fetchone()
        if not row or row[0] != "on" or tool("psql") is None:
            yield None
            return
        _drop_roles(maintenance, made)
        try:
            made.roles()
            maintenance.execute(
                sql.SQL("CREATE ROLE {} LOGIN IN ROLE {}").format(
                    *map(sql.Identifier, (made.role(IMPORT), made.role("app")))
                )
            )
            for kind in (*KINDS, IMPORT):
                maintenance.execute(
                    sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(made.role(kind)), PASSWORD)
                )
            yield made
        finally:
            _drop_roles(maintenance, made)


def _drop_roles(maintenance: psycopg.Connection[Any], made: Server) -> None:
    """With the database, in which they have privileges."""
    maintenance.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(made.name)))
    for kind in (IMPORT, *reversed(KINDS)):
        name = sql.Identifier(made.role(kind))
        with suppress(errors.UndefinedObject):
            maintenance.execute(sql.SQL("DROP OWNED BY {}").format(name))
        maintenance.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(name))
