"""The operator of docs/runbook.md: a shell on a server, with a database of its own to be in trouble with."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection

from tests.adoption.conftest import url_of
from tests.conftest import _maintenance
from tests.docs.roles import DEPLOY, ROOT, Server
from tests.programs import tool
from tests.waiting import until

PATIENCE_S = 120
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# The machine's own services are not there: what a page tells them to do is heard, and done to the process that serves.
SYSTEMCTL = """#!/bin/sh
for unit in $(echo "$@" | grep -o 'whitecross[a-z.-]*'); do
    case $unit in *.*) ;; *) unit=$unit.service ;; esac
    test -e '{units}'/$unit || {{ echo "Unit $unit not found." >&2; exit 5; }}
done
echo "$@" >> '{heard}'
if [ "$1" = reload ] && [ -e '{served}' ]; then kill -HUP "$(cat '{served}')"; fi
"""
# Whoever deploys may type what deploy/sudoers lets him.
SUDO = """#!/bin/sh
grep --quiet --fixed-strings "/usr/bin/$*" '{sudoers}' || {{ echo "Sorry, deploy may not execute $*" >&2; exit 1; }}
exec "$@"
"""


class Night:
    """Types what the page says, in an environment as the page describes it.

    `roles`: those of deploy/roles.sql; where nobody can make them, everything is done as the role of the tests.
    """

    def __init__(self, database: str, folder: Path, static: Path, roles: Server | None) -> None:
        self.database, self.folder, self.roles = database, folder, roles
        self.backups = folder / "backups"
        self.heard = folder / "systemctl.log"
        programs = folder / "bin"
        programs.mkdir()
        systemctl = SYSTEMCTL.format(units=DEPLOY / "systemd", heard=self.heard, served=folder / "gunicorn.pid")
        for program, text in {"systemctl": systemctl, "sudo": SUDO.format(sudoers=DEPLOY / "sudoers")}.items():
            (programs / program).write_text(text)
            (programs / program).chmod(0o755)
        psql = Path(tool("psql") or "/usr/bin/psql")
        ours = re.compile(r"DJANGO|DATABASE|REPLICA|WHITECROSS|PYTEST|COLUMNS|PG|DB_|SECRET_KEY")
        self._environment = {
            **{name: value for name, value in os.environ.items() if not ours.match(name)},
            "PATH": f"{programs}:{Path(sys.executable).parent}:{psql.parent}:{os.environ['PATH']}",
            "WHITECROSS_ENV": "production",
            "SECRET_KEY": "a-secret-for-one-test-only-" + "k3y" * 12,
            "ALLOWED_HOSTS": "127.0.0.1",
            "WHITECROSS_BACKUP_DIR": str(self.backups),
            "STATIC_ROOT": str(static),
            "EMAIL_URL": "smtp+tls://whitecross:secret@mail.example:587",
            "HOME": str(folder),
            "PYTHONWARNINGS": "ignore",
        }
        (folder / "owner.env").write_text(f"DATABASE_URL='{self.url('owner')}'\n")
        # What the page says, and what it is here.
        self.names = {
            "/srv/whitecross/current": str(ROOT),
            "/etc/whitecross/owner.env": str(folder / "owner.env"),
            "/var/backups/whitecross": str(self.backups),
            "/var/lib/postgresql": str(folder / "disk"),
            "whitecross_restored": f"{database}_restored",
            "whitecross_before": f"{database}_before",
        }

    def url(self, kind: str) -> str:
        """What DATABASE_URL is for one of the roles."""
        return self.roles.url(kind) if self.roles else url_of(self.database)

    def types(self, preamble: str, script: str) -> str:
        """Run a block of the page; what it prints, in the page's words. An exit code other than 0 is printed too."""
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self._here(preamble + script)],
            cwd="/",
            env={**self._environment, "PGAPPNAME": ""},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        code = f"(exit code {ended.returncode})\n" if ended.returncode else ""
        return self._there(ended.stdout) + code

    def manage(self, *arguments: str) -> "subprocess.Popen[str]":
        """manage.py in the background, as somebody had started it who deploys."""
        return subprocess.Popen(
            [sys.executable, "-u", str(ROOT / "manage.py"), *arguments],
            env={**self._environment, "DATABASE_URL": self.url("owner")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def printed(self, *arguments: str) -> str:
        """What manage.py prints, in the page's words."""
        process = self.manage(*arguments)
        output, _ = process.communicate(timeout=PATIENCE_S)
        return self._there(output)

    @contextmanager
    def connected(self, name: str = "nightly import", kind: str = "") -> Iterator[psycopg.Connection[Any]]:
        """A session on the database, in autocommit: of a superuser, or of one of the roles."""
        url = self.url(kind) if kind else url_of(self.database)
        with psycopg.connect(url, autocommit=True, application_name=name) as server:
            yield server

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The site, served by gunicorn as the unit starts it, on a free port."""
        pid, log = self.folder / "gunicorn.pid", self.folder / "gunicorn.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--workers", "1", "--threads", "2"),
                    *("--pid", str(pid), "--chdir", str(ROOT), "--no-control-socket", "whitecross.wsgi"),
                ],
                env={**self._environment, "DATABASE_URL": self.url("app")},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            listening = until(lambda: re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", log.read_text()))
            here = self.names["127.0.0.1:8000"] = f"127.0.0.1:{listening[1]}"
            # One that begins while the page collects static files could find one gone that it has just listed.
            with OPENER.open(f"http://{here}/health/live", timeout=60):
                yield
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=30)
            finally:
                with suppress(ProcessLookupError):
                    process.kill()

    def _here(self, text: str) -> str:
        for name, here in self.names.items():
            text = text.replace(name, here)
        return text

    def _there(self, text: str) -> str:
        for name, here in reversed(self.names.items()):
            text = text.replace(here, name)
        return text.replace(self.database, "whitecross")


def drop_all(beginning: str) -> None:
    """Drop a night's database and what came of it."""
    with _maintenance() as server:
        found = server.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [beginning]).fetchall()
        for (name,) in found:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    connection.close()
