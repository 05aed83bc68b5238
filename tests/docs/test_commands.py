"""Every command of README and docs is run, in a fresh copy of the tree, as a newcomer would run it.

The copy's path has spaces. Commands that serve are waited for until the page answers, then stopped. Those of
docs/runbook.md are typed in the situations that they are for: test_runbook.py.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.waiting import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
ELSEWHERE = ROOT / "docs" / "runbook.md"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted({*(ROOT / "docs").glob("*.md")} - {ELSEWHERE})]
SERVE = re.compile(r"make demo|make run|manage\.py (demo|runserver)|gunicorn")
# What would run this very test again: shown instead of run.
RECURSIVE = re.compile(r"^make (test|check)\b")
PATIENCE_S = 240
HOLD = "from django.db import connection as held; held.ensure_connection(); input()"
# Pages whose commands need an environment, and the fixtures that give it.
NEEDED = {"deployment.md": "production", "adoption.md": "predecessors_operator", "backups.md": "operator_of_backups"}

DUMPING = {"deployment.md", "backups.md"}
DUMPS = pytest.mark.direct("backup, restore and upgrade need a session of their own, and refuse a pooler")


def blocks(page: Path) -> list[str]:
    """The shell blocks of a page, each a script."""
    return re.findall(r"^```(?:bash|sh|shell|console)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


COMMANDS = [(page, block) for page in PAGES for block in blocks(page)]


def copy_of_the_tree(folder: Path) -> Path:
    """What git would clone, and what is not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


@contextmanager
def clone() -> Iterator[Path]:
    """A fresh copy below a folder that every account may enter, as homes and /srv are and pytest's folders are not."""
    with TemporaryDirectory() as home:
        Path(home).chmod(0o755)
        folder = Path(home) / "white cross, a copy"
        folder.mkdir()
        yield copy_of_the_tree(folder)


@pytest.fixture(scope="module")
def newcomer() -> Iterator["Newcomer"]:
    """Somebody with a fresh clone, who has typed nothing yet, but for whom what `make` installs has been installed.

    Its PostgreSQL goes on running between commands: that each starts and stops it is what tests/postgres is about.
    """
    with clone() as folder:
        somebody = Newcomer(folder)
        if Path(sys.prefix) == ROOT / ".venv":
            subprocess.run(["cp", "--archive", "--link", sys.prefix, folder / ".venv"], check=True)
            for stamp in (".runtime", ".dev"):
                (folder / ".venv" / stamp).unlink(missing_ok=True)  # not ours, with which it is one file
                (folder / ".venv" / stamp).touch()
        with somebody.keeping_the_server():
            yield somebody


class Newcomer:
    """Runs commands in a folder, with nothing of this process's settings in the environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held: ExitStack | None = None
        self._is_held = False
        ours = re.compile(r"DJANGO|DATABASE|WHITECROSS|PYTEST|VIRTUAL_ENV|PYTHONPATH|MAKE|MFLAGS|COLUMNS|PG")
        self.environment = {name: value for name, value in os.environ.items() if not ours.match(name)}
        self.environment["PATH"] = f"{folder / '.venv' / 'bin'}:{os.environ['PATH']}"

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a script to its end."""
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            stdin=subprocess.DEVNULL,
        )
        if self._held is not None and not self._is_held and (self.folder / ".whitecross").exists():
            self._hold(self._held)
        return ended

    @contextmanager
    def keeping_the_server(self) -> Iterator[None]:
        """As soon as a command has made a database, a process holds it: the server stops with its last client."""
        with ExitStack() as self._held:
            yield
        self._held = None

    def _hold(self, held: ExitStack) -> None:
        keeper = subprocess.Popen(
            [".venv/bin/python", "manage.py", "shell", "--no-imports", "--command", HOLD],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        held.callback(keeper.communicate, timeout=60)  # which ends its input
        self._is_held = True

    def serve(self, script: str, **environment: str) -> int:
        """Run a script that serves until a page answers, then press Ctrl-C. Returns the page's status."""
        port = free_port()
        log = self.folder / "serve.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", script.replace("8000", str(port))],
                cwd=self.folder,
                env={**self.environment, "PORT": str(port), "PYTHONUNBUFFERED": "1", **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # Where this process itself runs in the background, Ctrl-C is ignored, and that would be inherited.
                preexec_fn=heed_interrupts,
            )
            try:
                return status_of(f"http://127.0.0.1:{port}/admin/login/", process)
            except TimeoutError as error:
                raise AssertionError(log.read_text()[-3000:]) from error
            finally:
                os.killpg(process.pid, signal.SIGINT)
                try:
                    process.wait(timeout=60)
                finally:
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)


def heed_interrupts() -> None:
    """Take Ctrl-C again."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def status_of(url: str, process: "subprocess.Popen[bytes]") -> int:
    """The status that the page answers with, once it answers."""
    opener = urllib.request.build_opener(urllib.request.HTTPHandler, NoRedirect)
    for _ in range(PATIENCE_S * 5):
        if process.poll() is not None:
            break
        try:
            return int(opener.open(url, timeout=30).status)
        except urllib.error.HTTPError as answer:
            return answer.code
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(url)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Production redirects to HTTPS; that it does is answer enough."""

    def redirect_request(self, *args: object) -> None:
        return None


def test_there_are_commands() -> None:
    assert any(block.strip() == "make migrate" for _, block in COMMANDS)


@pytest.mark.parametrize(
    ("page", "script"),
    [
        pytest.param(
            page, script, id=f"{page.name}: {script.splitlines()[0]}", marks=[DUMPS] if page.name in DUMPING else []
        )
        for page, script in COMMANDS
    ],
)
def test_it_runs(newcomer: Newcomer, page: Path, script: str, request: pytest.FixtureRequest) -> None:
    needed = NEEDED.get(page.name)
    environment = request.getfixturevalue(needed) if needed else {}
    if SERVE.search(script):
        *before, serving = [line for line in script.splitlines() if line.strip()]
        if before:
            ended = newcomer.run("\n".join(before), **environment)
            assert ended.returncode == 0, ended.stdout + ended.stderr
        assert newcomer.serve(serving, **environment) in (200, 301)
        return
    if RECURSIVE.match(script):
        script = re.sub(r"^make ", "make --dry-run ", script)
    ended = newcomer.run(script, **environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_migrate_twice_in_a_row_says_what_the_readme_shows(newcomer: Newcomer) -> None:
    ended = newcomer.run("make migrate")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "No migrations to apply" in ended.stdout
    (shown,) = re.findall(r"^```text\n(The schema of.*?)^```", PAGES[0].read_text(), re.MULTILINE | re.DOTALL)
    assert shown in ended.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user runs the other tests already")
def test_an_ordinary_user_migrates_in_a_clone_of_his_own() -> None:
    python = next((path for path in ("/usr/bin/python3", "/usr/local/bin/python3") if Path(path).exists()), None)
    if python is None:
        pytest.skip("no Python outside root's own folder")
    with clone() as folder:
        subprocess.run(["chown", "-R", "nobody:", str(folder.parent)], check=True)
        somebody = Newcomer(folder)
        somebody.environment["HOME"] = str(folder.parent)
        ended = somebody.run(f"setpriv --reuid=nobody --clear-groups make migrate PYTHON={python}")
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert (folder / ".whitecross").stat().st_uid == folder.stat().st_uid


@pytest.fixture(scope="module")
def production(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The variables that docs/deployment.md requires, for a database on the tests' own server."""
    from urllib.parse import quote

    from django.db import connection

    from tests.conftest import create_database, drop_database

    name = f"{connection.settings_dict['NAME']}_production"
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        create_database(name)
        parameters = connection.get_connection_params()
        connection.close()
        host, port = quote(str(parameters.get("host") or ""), safe=""), parameters.get("port") or 5432
        yield {
            "WHITECROSS_ENV": "production",
            "SECRET_KEY": "a-secret-for-one-test-only-" + "k3y" * 12,
            "ALLOWED_HOSTS": "127.0.0.1",
            "DATABASE_URL": f"postgresql://{parameters.get('user', '')}@/{name}?host={host}&port={port}",
        }
        drop_database(name)


@pytest.fixture(scope="module")
def predecessors_operator(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, str]]:
    """The variables of docs/adoption.md: a database of the predecessor's and an empty one, on the tests' own server."""
    from django.db import connection

    from tests.adoption import predecessor
    from tests.adoption.conftest import url_of
    from tests.conftest import create_database, drop_database

    own = str(connection.settings_dict["NAME"])
    legacy, empty = f"{own}_of_the_predecessor", f"{own}_to_adopt_into"
    with django_db_blocker.unblock():
        create_database(legacy)
        create_database(empty)
        connection.close()
        connection.settings_dict["NAME"] = legacy
        try:
            with connection.cursor() as cursor:
                predecessor.create(cursor, 4)
                predecessor.fill(cursor, 4)
        finally:
            connection.close()
            connection.settings_dict["NAME"] = own
        yield {"DATABASE_URL": url_of(empty), "LEGACY_URL": url_of(legacy)}
        drop_database(legacy)
        drop_database(empty)


@pytest.fixture(scope="module")
def operator_of_backups(
    pristine_database: str, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The variables of docs/backups.md: a migrated database on the tests' own server, and a folder."""
    from tests.adoption.conftest import url_of
    from tests.conftest import _maintenance, create_database

    name = pristine_database.replace("pristine", "backed_up")
    with django_db_blocker.unblock():
        create_database(name, pristine_database)
        yield {"DATABASE_URL": url_of(name), "WHITECROSS_BACKUP_DIR": str(tmp_path_factory.mktemp("backups"))}
        with _maintenance() as server:
            found = server.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [name]).fetchall()
            for (left,) in [*found, ("whitecross_restored",)]:
                server.execute(f'DROP DATABASE IF EXISTS "{left}" WITH (FORCE)')
