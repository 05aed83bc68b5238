"""What docs/deployment.md has operators install from `deploy/` does what the page says."""

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from django.db import connection
from psycopg import errors

from tests.conftest import _maintenance
from tests.docs.night import ROOT, free_port, until
from tests.programs import tool

DEPLOY = ROOT / "deploy"
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
KINDS = ("owner", "app", "backup", "monitor")
pytestmark = pytest.mark.direct("it makes roles and connects as each of them")
PASSWORD = "one test's own, with a % and an @"


class Server:
    """A database with the roles of deploy/roles.sql, under names of this test's own."""

    def __init__(self, name: str) -> None:
        self.name = name
        connection.ensure_connection()
        self._facts = connection.get_connection_params()

    def url(self, kind: str) -> str:
        """What DATABASE_URL is for one of the roles."""
        host = quote(str(self._facts.get("host") or ""), safe="")
        who = f"{self.name}_{kind}:{quote(PASSWORD, safe='')}"
        return f"postgresql://{who}@/{self.name}?host={host}&port={self._facts.get('port') or 5432}"

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

    def session(self, kind: str) -> psycopg.Connection[Any]:
        """A session of one of the roles, in autocommit."""
        return psycopg.connect(self.url(kind), autocommit=True)


@pytest.fixture(scope="module")
def server(django_db_setup: None, django_db_blocker: Any) -> Iterator[Server]:
    """Set up, migrated by the owner, and set up once more, as the page says."""
    with django_db_blocker.unblock():
        if tool("psql") is None:
            pytest.skip("roles.sql needs psql")
        made = Server(f"{connection.settings_dict['NAME']}_roles")
        with _maintenance() as maintenance:
            row = maintenance.execute("SELECT current_setting('is_superuser')").fetchone()
            if not row or row[0] != "on":
                pytest.skip("only a superuser makes such roles")
            try:
                _drop(maintenance, made.name)
                made.roles()
                for kind in KINDS:
                    maintenance.execute(
                        psycopg.sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                            psycopg.sql.Identifier(f"{made.name}_{kind}"), PASSWORD
                        )
                    )
                ended = made.manage("owner", "upgrade", "--yes", "--no-backup")
                assert "Smoke test" in ended.stdout, ended.stdout + ended.stderr
                made.roles()
                yield made
            finally:
                _drop(maintenance, made.name)


def _drop(maintenance: psycopg.Connection[Any], name: str) -> None:
    maintenance.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    for kind in reversed(KINDS):
        with suppress(errors.UndefinedObject):
            maintenance.execute(f'DROP OWNED BY "{name}_{kind}"')
        maintenance.execute(f'DROP ROLE IF EXISTS "{name}_{kind}"')


def test_the_application_reads_and_writes_every_record_in_its_own_role(server: Server) -> None:
    ended = server.manage("app", "seed_demo", "--students", "3")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    ended = server.manage("app", "config", "set", "SYSTEM_NAME", "A district", "--reason", "tried")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    with closing(server.session("app")) as session:
        assert session.execute("SELECT count(*) > 0 FROM medication_logs").fetchone() == (True,)
        assert session.execute("SELECT count(*) > 0 FROM configuration_history").fetchone() == (True,)


@pytest.mark.parametrize(
    "deed",
    [
        "DROP TABLE students",
        "ALTER TABLE students DISABLE TRIGGER students_refuse_delete",
        "ALTER TABLE students DROP CONSTRAINT students_pkey",
        "TRUNCATE students CASCADE",
        "CREATE TABLE ours (id integer)",
        "CREATE TEMPORARY TABLE ours (id integer)",
        "SET session_replication_role = replica",
        "DELETE FROM django_migrations",
        "UPDATE migration_runs SET command = 'none'",
        "DELETE FROM adoption_rejects",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY students TO PROGRAM 'cat'",
    ],
)
def test_the_applications_role_may_not(server: Server, deed: str) -> None:
    with closing(server.session("app")) as session, pytest.raises(errors.InsufficientPrivilege):
        session.execute(deed)


def test_what_a_later_release_makes_the_application_may_use(server: Server) -> None:
    with closing(server.session("owner")) as owner, closing(server.session("app")) as app:
        owner.execute("CREATE TABLE later (id bigint GENERATED BY DEFAULT AS IDENTITY, name text)")
        owner.execute("CREATE FUNCTION later_too() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
        app.execute("INSERT INTO later (name) VALUES ('x')")
        app.execute("UPDATE later SET name = 'y'")
        assert app.execute("SELECT name, later_too(), nextval('later_id_seq') FROM later").fetchone() == ("y", 1, 2)
        app.execute("DELETE FROM later")
        owner.execute("DROP TABLE later")
        owner.execute("DROP FUNCTION later_too()")


def test_the_server_is_told_to_log_no_statement_with_a_row_in_it(server: Server) -> None:
    with closing(server.session("monitor")) as session:
        row = session.execute(
            "SELECT current_setting('log_min_error_statement'), current_setting('log_error_verbosity'),"
            " current_setting('log_parameter_max_length_on_error')"
        ).fetchone()
    assert row == ("panic", "terse", "0")
    ended = server.manage("monitor", "doctor", "--json", "--check", "D22")
    assert json.loads(ended.stdout)["findings"] == [], ended.stdout


def test_the_backups_role_backs_up_and_changes_nothing(server: Server, tmp_path: Path) -> None:
    ended = server.manage("backup", "backup", WHITECROSS_BACKUP_DIR=str(tmp_path / "backups"))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    with closing(server.session("backup")) as session, pytest.raises(errors.ReadOnlySqlTransaction):
        session.execute("DELETE FROM students")
    with closing(server.session("backup")) as session:
        session.execute("SET default_transaction_read_only = off")
        with pytest.raises(errors.InsufficientPrivilege):
            session.execute("DELETE FROM students")


def test_the_monitors_role_verifies_and_sees_no_record(server: Server) -> None:
    ended = server.manage("monitor", "verify_schema", "--json")
    assert json.loads(ended.stdout)["ok"] is True, ended.stdout
    with closing(server.session("monitor")) as session:
        with pytest.raises(errors.InsufficientPrivilege):
            session.execute("SELECT FROM students")
        assert session.execute("SELECT count(query) > 0 FROM pg_stat_activity").fetchone() == (True,)


def test_the_units_are_what_systemd_takes(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd here")
    (tmp_path / "srv/.venv/bin").mkdir(parents=True)
    for program in ("python", "gunicorn"):
        (tmp_path / "srv/.venv/bin" / program).symlink_to("/bin/true")
    units = []
    for unit in sorted((DEPLOY / "systemd").iterdir()):
        copy = tmp_path / unit.name
        copy.write_text(unit.read_text().replace("/srv/whitecross", str(tmp_path / "srv")))
        units.append(str(copy))
    ended = subprocess.run([analyze, "verify", "--man=no", *units], capture_output=True, text=True, check=False)
    said = [line for line in ended.stderr.splitlines() if "whitecross" in line]
    assert said == [], said


def test_gunicorn_starts_as_the_unit_says_and_takes_the_new_code_without_refusing_anybody(
    server: Server, tmp_path: Path
) -> None:
    unit = configparser.RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#",))
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    text = (DEPLOY / "systemd" / "whitecross.service").read_text().replace("\\\n", " ")
    unit.read_string(text)
    program, *arguments = unit["Service"]["ExecStart"].split()
    assert program.endswith("/gunicorn")
    port, log = free_port(), tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", *arguments, "--workers", "1"],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": server.url("app")},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: f"127.0.0.1:{port}" in log.read_text())
        ready = f"http://127.0.0.1:{port}/health/ready"
        with OPENER.open(ready, timeout=60) as answer:
            assert json.load(answer)["status"] == "ok"
        process.send_signal(1)  # as ExecReload does
        until(lambda: log.read_text().count("Booting worker") == 2)
        with OPENER.open(ready, timeout=60) as answer:
            assert json.load(answer)["status"] == "ok"
    finally:
        process.terminate()
        process.wait(timeout=60)


class Behind(BaseHTTPRequestHandler):
    """Stands where White Cross stands, and says what headers it got."""

    def do_GET(self) -> None:
        """Answer with the headers."""
        body = json.dumps(dict(self.headers.items())).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[int]:
    """nginx with deploy/nginx.conf, on a port of its own and without TLS: certificates are not what is tested."""
    nginx = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)
    if nginx is None:
        pytest.skip("no nginx here")
    behind, port = HTTPServer(("127.0.0.1", 0), Behind), free_port()
    threading.Thread(target=behind.serve_forever, daemon=True).start()
    site = (DEPLOY / "nginx.conf").read_text().replace("127.0.0.1:8000", f"127.0.0.1:{behind.server_port}")
    site = re.sub(r"^ +(listen \[::\]|ssl_).*\n", "", site, flags=re.MULTILINE)
    site = site.replace("listen 80;", f"listen 127.0.0.1:{free_port()};").replace(
        "listen 443 ssl", f"listen 127.0.0.1:{port}"
    )
    folder = Path(tempfile.mkdtemp(prefix="wc-nginx-"))
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr; worker_processes 1;\nevents {{}}\nhttp {{\n"
        + "".join(
            f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + f"{site}\n}}\n"
    )
    process = subprocess.Popen([nginx, "-c", folder / "nginx.conf", "-p", folder], stderr=subprocess.DEVNULL)
    try:
        until(lambda: (folder / "pid").exists() and (folder / "pid").read_text().strip())
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)
        behind.shutdown()
        behind.server_close()
        shutil.rmtree(folder)


def test_the_proxy_lets_nobody_say_who_he_is(proxy: int) -> None:
    lies = {"X-Forwarded-For": "10.0.0.1", "X-Forwarded-Proto": "https", "Host": "health.example.org"}
    asked = urllib.request.Request(f"http://127.0.0.1:{proxy}/", headers=lies)
    with OPENER.open(asked, timeout=30) as answer:
        got = json.load(answer)
    # Here without TLS, so that the truth is http.
    assert (got["X-Forwarded-For"], got["X-Forwarded-Proto"]) == ("127.0.0.1", "http")
    assert got["Host"] == "health.example.org"


def test_the_proxy_refuses_a_body_that_is_far_too_large(proxy: int) -> None:
    much = {"Content-Length": str(30 << 20)}
    asked = urllib.request.Request(f"http://127.0.0.1:{proxy}/", data=b"x", headers=much)
    with pytest.raises(urllib.error.HTTPError) as refused:
        OPENER.open(asked, timeout=30)
    refused.value.close()
    assert refused.value.code == 413


def test_the_pooler_is_set_as_the_page_about_growing_says() -> None:
    (block,) = re.findall(r"^```ini\n(\[databases\].*?)^```", (ROOT / "docs/scaling.md").read_text(), re.M | re.S)
    page, file = (configparser.ConfigParser(interpolation=None, inline_comment_prefixes=None) for _ in range(2))
    page.read_string(block)
    file.read(DEPLOY / "pgbouncer.ini")
    assert dict(page["pgbouncer"]).items() <= dict(file["pgbouncer"]).items()
    assert page["databases"]["whitecross"].split("connect_query")[1] in file["databases"]["whitecross"]


def test_the_page_names_every_file_that_there_is() -> None:
    page = (ROOT / "docs" / "deployment.md").read_text()
    for file in DEPLOY.rglob("*"):
        if file.is_file():
            assert f"deploy/{file.relative_to(DEPLOY)}" in page, file
