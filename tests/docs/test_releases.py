"""A folder for each release: what docs/deployment.md and docs/runbook.md say of it, typed, with a site that is read
all the time."""

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.docs.roles import ROOT, Server
from tests.docs.test_units import service
from tests.waiting import until

pytestmark = [
    pytest.mark.direct("its processes connect as a role of their own"),
    pytest.mark.skipif(shutil.which("git") is None, reason="no git here"),
]
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
INSTALLING = "python3 -m venv .venv && .venv/bin/pip install --require-hashes -r requirements/runtime.txt\n"
# Each answer says which code and which installed package have made it.
MARKED = """
import installed

unmarked = application

def application(environ, start_response):
    def start(status, headers, *rest):
        return start_response(status, [*headers, ("X-Release", f"{RELEASE} {installed.RELEASE}")], *rest)
    return unmarked(environ, start)
"""


def block(page: str, beginning: str) -> str:
    """The one block of a page that begins so."""
    blocks = re.findall(r"^```text\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)
    (found,) = [one for one in blocks if one.startswith(beginning)]
    return str(found)


def git(repository: Path, *arguments: str) -> None:
    who = ("-c", "user.name=A developer", "-c", "user.email=developer@district.example")
    subprocess.run(["git", "-C", repository, *who, *arguments], check=True, capture_output=True)


class Machine:
    """A server with /srv/whitecross and a repository of two releases, of which the first is there already."""

    def __init__(self, folder: Path) -> None:
        self.srv = folder / "srv"
        self.repository = folder / "whitecross.git"
        left_out = shutil.ignore_patterns(".*", "tests", "benchmarks", "backups", "staticfiles", "__pycache__")
        shutil.copytree(ROOT, self.repository, ignore=left_out)
        (self.repository / ".gitignore").write_text("staticfiles/\n.venv/\n.env\n__pycache__/\n")
        git(self.repository, "init", "--quiet")
        wsgi = self.repository / "whitecross" / "wsgi.py"
        code = wsgi.read_text()
        for release in ("v1.1.0", "v1.2.0"):
            wsgi.write_text(f'{code}\nRELEASE = "{release}"\n{MARKED}')
            git(self.repository, "add", "--all")
            git(self.repository, "commit", "--quiet", "--message", release)
            git(self.repository, "tag", release)
        (self.srv / "releases").mkdir(parents=True)
        (self.srv / ".env").write_text("ALLOWED_HOSTS=records.district.example\n")
        self.types(block("deployment.md", "cd /srv/whitecross/releases"))

    def here(self, text: str) -> str:
        """What a page or a unit says, for this machine. Packages come from where those of the tests are."""
        packages = f"{sys.executable} -m venv --without-pip .venv\ncd .venv/lib/python*/site-packages\n"
        packages += f"echo {sysconfig.get_path('purelib')} >here.pth\n"
        packages += 'echo "RELEASE = \'$(basename "$(realpath ../../../..)")\'" >installed.py\ncd - >/dev/null\n'
        text = text.replace(INSTALLING, packages).replace(
            "https://git.example.org/whitecross.git", str(self.repository)
        )
        return text.replace("sudo systemctl reload whitecross\n", "").replace("/srv/whitecross", str(self.srv))

    def types(self, script: str, folder: str = "") -> str:
        """Type a block of a page in a folder below /srv/whitecross; what it prints."""
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.here(script)],
            cwd=self.srv / folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    @contextmanager
    def serving(self, database_url: str, log: Path) -> Iterator["Site"]:
        """The web processes, as the unit starts them."""
        said = service("whitecross")
        program, *arguments = self.here(said["ExecStart"]).split()
        with log.open("w") as output:
            process = subprocess.Popen(
                [program, *arguments, "--workers", "2", "--bind", "127.0.0.1:0"],
                cwd=self.here(said["WorkingDirectory"]),
                env={**os.environ, "DATABASE_URL": database_url, "HOME": "/proc/no-home"},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            until(lambda: log.read_text().count("Booting worker") == 2)
            (port,) = re.findall(r"Listening at: http://127\.0\.0\.1:(\d+)", log.read_text())
            yield Site(process, int(port), log)
        finally:
            process.terminate()
            process.wait(timeout=60)


class Site:
    """What a browser sees, and the processes behind it."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.process, self._port, self._log = process, port, log
        self._left = threading.Event()
        self.failures: list[Exception] = []
        self.answers = 0

    def release(self) -> str:
        """Which code and which packages answer."""
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/health/live", headers={"Host": "records.district.example"}
        )
        with OPENER.open(asked, timeout=60) as answer:
            self.answers += 1
            return str(answer.headers["X-Release"])

    def workers(self) -> list[int]:
        """The pids of the processes that answer, those begun last at the end."""
        begun = [int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", self._log.read_text())]
        return [pid for pid in begun if Path(f"/proc/{pid}").exists()]

    def kill_a_worker(self) -> None:
        """Let one crash, and wait for the one that takes its place."""
        before = self.workers()
        os.kill(before[0], signal.SIGKILL)
        until(lambda: len(now := self.workers()) == 2 and now != before)

    def reload(self) -> None:
        """What ExecReload does; until the workers of before have gone."""
        before = set(self.workers())
        self.process.send_signal(signal.SIGHUP)
        until(lambda: before.isdisjoint(now := self.workers()) and len(now) == 2)

    @contextmanager
    def read_all_the_time(self) -> Iterator[None]:
        """Ask again and again beside what is done meanwhile."""

        def read() -> None:
            while not self._left.is_set():
                try:
                    self.release()
                except OSError as error:
                    self.failures.append(error)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            yield
        finally:
            self._left.set()
            reader.join()


def test_a_release_comes_into_a_folder_of_its_own_and_goes_live_with_the_link(server: Server, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    old, new = machine.srv / "releases/v1.1.0", machine.srv / "releases/v1.2.0"
    (old / "staticfiles").mkdir()
    (old / "staticfiles/old.css").write_text("old")
    (old / "staticfiles/staticfiles.json").write_text("old")
    with machine.serving(server.url("app"), tmp_path / "log") as site:
        assert {site.release() for _ in range(10)} == {"v1.1.0 v1.1.0"}

        changed = machine.types(block("runbook.md", "cd /srv/whitecross/releases\n"))
        assert changed == ""  # nothing of deploy/
        (new / "staticfiles").mkdir()
        (new / "staticfiles/staticfiles.json").write_text("new")
        site.kill_a_worker()
        assert {site.release() for _ in range(10)} == {"v1.1.0 v1.1.0"}

        with site.read_all_the_time():
            machine.types(block("runbook.md", "cp -Ru"), "releases/v1.2.0")
            site.reload()
            assert {site.release() for _ in range(10)} == {"v1.2.0 v1.2.0"}
        assert site.answers > 30
        assert site.failures == []
        assert {path.name: path.read_text() for path in (new / "staticfiles").iterdir()} == {
            "old.css": "old",
            "staticfiles.json": "new",
        }
        site.kill_a_worker()
        assert {site.release() for _ in range(10)} == {"v1.2.0 v1.2.0"}

        machine.types(block("runbook.md", "cd /srv/whitecross && ln"))
        site.reload()
        assert {site.release() for _ in range(10)} == {"v1.1.0 v1.1.0"}
