"""What goes wrong around the database is one sentence without a password and without values of rows."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import NotSupportedError, OperationalError
from psycopg import errors

from whitecross.postgres.errors import sentence
from whitecross.postgres.url import leaves_the_machine_unencrypted, parse

from .conftest import Connect, Run, assert_one_sentence

SECRET = "pa55word"
MIGRATE = ("migrate", "--verbosity=0")


@pytest.mark.parametrize(
    ("url", "part"),
    [
        (f"mysql://nurse:{SECRET}@db/whitecross", "does not begin with postgresql://"),
        (f"nurse:{SECRET}@db/whitecross", "does not begin with postgresql://"),
        (f"postgresql://nurse:{SECRET}@db", "names no database"),
        (f"postgresql://nurse:{SECRET}@db/", "names no database"),
        (f"postgresql://nurse:{SECRET}@db:port/whitecross", "a port that is not a number"),
        (f"postgresql://nurse:{SECRET}@db:70000/whitecross", "a port that is not a number"),
        (f"postgresql://nurse:{SECRET}@db/whitecross?sslmood=require", "sslmood"),
        (f"postgresql://nurse:{SECRET}/x@db/whitecross", "a port that is not a number"),
        (f"postgresql://nurse:1234/{SECRET}@db/whitecross", "an @ in the database name"),
        (f"postgresql://nurse:x@{SECRET}@db/whitecross", "no host name"),
        (f"postgresql://nurse:{SECRET}%zz@db/whitecross", "cannot be read"),
        (f"postgresql://nurse:{SECRET}@[::1/whitecross", "cannot be read"),
    ],
)
def test_a_wrong_url_is_one_sentence_without_the_password(url: str, part: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=part) as caught:
        parse(url)
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_url_is_read_as_postgresql_reads_it() -> None:
    assert parse("postgres://n%40b:p%2Fw@db.example:5433/white%20cross?sslmode=require&options=-c%20a%3Db") == {
        "NAME": "white cross",
        "USER": "n@b",
        "PASSWORD": "p/w",
        "HOST": "db.example",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "require", "options": "-c a=b"},
    }
    assert parse("postgresql:///whitecross?host=/run/my%20socket")["HOST"] == "/run/my socket"
    assert parse("postgresql://[::1]/whitecross")["HOST"] == "::1"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://db.example/whitecross", True),
        ("postgresql://db.example/whitecross?sslmode=prefer", True),
        ("postgresql://localhost,db.example/whitecross", True),
        ("postgresql://db.example/whitecross?sslmode=require", False),
        ("postgresql://localhost/whitecross", False),
        ("postgresql:///whitecross?host=/run/postgresql", False),
    ],
)
def test_a_remote_host_needs_encryption(url: str, expected: bool) -> None:
    assert leaves_the_machine_unencrypted(parse(url)) is expected


@pytest.fixture
def url(data: Path, connect: Connect) -> Iterator[str]:
    """DATABASE_URL of a role with a password and without privileges, on the embedded server."""
    rules = data / "data" / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"local all limited scram-sha-256\n{before}")
    server = connect(
        f"ask(\"CREATE ROLE limited LOGIN PASSWORD '{SECRET}'\"); ask('SELECT pg_reload_conf()')\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "ask('DROP OWNED BY limited'); ask('DROP ROLE limited')\n"
    )
    assert server.say() == "ready"
    yield f"postgresql://limited:{SECRET}@/whitecross?host={quote(str(data), safe='')}"
    server.let_go()
    assert server.process.returncode == 0
    rules.write_text(before)


def test_an_unreachable_server_is_one_sentence(manage: Run) -> None:
    url = f"postgresql://nurse:{SECRET}@127.0.0.1:1/whitecross"
    result = manage(*MIGRATE, env={"DATABASE_URL": url})
    assert_one_sentence(result, "127.0.0.1, port 1 as nurse", "Connection refused", "DATABASE_URL")
    assert SECRET not in result.stderr


def test_an_unknown_host_is_one_sentence(manage: Run) -> None:
    result = manage(*MIGRATE, env={"DATABASE_URL": f"postgresql://nurse:{SECRET}@db.invalid/whitecross"})
    assert_one_sentence(result, "db.invalid", "cannot be reached")
    assert SECRET not in result.stderr


def test_a_refused_password_is_one_sentence(url: str, manage: Run) -> None:
    result = manage(*MIGRATE, env={"DATABASE_URL": url.replace(SECRET, "wr0ng")})
    assert_one_sentence(result, "as limited", 'password authentication failed for user "limited"')
    assert "wr0ng" not in result.stderr


def test_a_missing_database_is_one_sentence(url: str, manage: Run) -> None:
    result = manage(*MIGRATE, env={"DATABASE_URL": url.replace("/whitecross?", "/nowhere?")})
    assert_one_sentence(result, '"nowhere"', "does not exist", "createdb")


def test_a_missing_privilege_is_one_sentence(url: str, manage: Run) -> None:
    result = manage(*MIGRATE, env={"DATABASE_URL": url})
    assert_one_sentence(result, "permission denied for schema public", "GRANT")


def test_a_read_only_server_is_one_sentence(url: str, manage: Run) -> None:
    # As on a standby, where every transaction is read-only.
    result = manage(*MIGRATE, env={"DATABASE_URL": f"{url}&options=-c%20default_transaction_read_only%3Don"})
    assert_one_sentence(result, "read-only", "not to a standby")


def test_options_of_the_url_come_after_ours(url: str, run: Run) -> None:
    code = (
        "import django; django.setup(); from django.db import connection as c; c.ensure_connection()\n"
        "print(*(c.connection.execute(f'SHOW {name}').fetchone()[0] for name in"
        " ('jit', 'random_page_cost', 'work_mem', 'application_name')))"
    )
    assert run("-c", code, env={"DATABASE_URL": url}).stdout == "off 1.1 4MB whitecross\n"
    given = f"{url}&application_name=nightly&options=-c%20work_mem%3D8MB%20-c%20jit%3Don"
    assert run("-c", code, env={"DATABASE_URL": given}).stdout == "on 1.1 8MB nightly\n"


def test_a_refused_row_is_one_sentence_without_its_values(url: str, manage: Run) -> None:
    code = (
        "from django.db import connection as c; k = c.cursor()\n"
        "k.execute('CREATE TEMP TABLE t (name text CHECK (name IS NULL))')\n"
        "k.execute(\"INSERT INTO t VALUES ('Abigail')\")"
    )
    result = manage("shell", "-c", code, env={"DATABASE_URL": url})
    assert_one_sentence(result, "refuses a row", "t_name_check")
    assert "Abigail" not in result.stdout + result.stderr


def test_an_old_server_is_one_sentence() -> None:
    text = sentence(NotSupportedError("PostgreSQL 15 or later is required (found 14.2)."))
    assert text
    assert "PostgreSQL 15 or later is required (found 14.2); upgrade it" in text


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (errors.DiskFull(), "no disk space left"),
        (errors.NotNullViolation("Failing row contains (...)"), "refuses a row"),
        (errors.TooManyConnections(), "no connection left"),
        (errors.AdminShutdown(), "shutting down"),
        (psycopg.OperationalError("consuming input failed: server closed the connection unexpectedly\n"), "reached"),
        (psycopg.OperationalError('connection failed: FATAL:  too many connections for role "a"'), "CONNECTION LIMIT"),
    ],
)
def test_a_failing_server_is_one_sentence(error: psycopg.Error, part: str) -> None:
    wrapped = OperationalError("whatever Django says")
    wrapped.__cause__ = error
    assert part in (sentence(wrapped) or "")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a mistake of ours"),
        errors.UndefinedTable('relation "students" does not exist'),
        psycopg.OperationalError("sending query failed: another command is already in progress"),
    ],
)
def test_an_error_of_the_program_keeps_its_traceback(error: Exception) -> None:
    assert sentence(error) is None
