"""The units of `deploy/systemd` are what systemd takes, and each does its work with the role that it is given."""

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from tests.docs.roles import DEPLOY, ROOT, Server
from tests.waiting import free_port, until

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
pytestmark = pytest.mark.direct("it connects as roles of its own, and backs up")


def test_the_units_are_what_systemd_takes(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd here")
    (tmp_path / "srv/current/.venv/bin").mkdir(parents=True)
    (tmp_path / "srv/current/.venv/bin/python").symlink_to("/bin/true")
    units = []
    for unit in sorted((DEPLOY / "systemd").iterdir()):
        copy = tmp_path / unit.name
        copy.write_text(unit.read_text().replace("/srv/whitecross", str(tmp_path / "srv")))
        units.append(str(copy))
    (notify,) = re.findall(r"^```ini\n(.*?)^```", (ROOT / "docs/deployment.md").read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "notify-admin@.service").write_text(notify)
    units.append(str(tmp_path / "notify-admin@.service"))
    ended = subprocess.run([analyze, "verify", "--man=no", *units], capture_output=True, text=True, check=False)
    said = [line for line in ended.stderr.splitlines() if "whitecross" in line or "notify" in line]
    assert said == [], said


def service(name: str) -> configparser.SectionProxy:
    """What a unit says of its service."""
    unit = configparser.RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#",))
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string((DEPLOY / "systemd" / f"{name}.service").read_text().replace("\\\n", " "))
    return unit["Service"]


def test_what_watches_the_database_does_not_wait_for_ever() -> None:
    """A unit that is at its work calls nobody, and oneshot has no end of its own."""
    for name in ("whitecross-watch-doctor", "whitecross-watch-schema"):
        assert (service(name)["Type"], service(name)["TimeoutStartSec"]) == ("oneshot", "10min")


def run(server: Server, name: str, backups: Path) -> "subprocess.CompletedProcess[str]":
    """Do what a unit does, as the role of the file that it reads."""
    said = service(name)
    kind = Path(said["EnvironmentFile"]).stem
    python, manage, *arguments = said["ExecStart"].split()
    assert (Path(python).name, manage) == ("python", "manage.py")
    return server.manage(kind, *arguments, WHITECROSS_BACKUP_DIR=str(backups))


def test_each_unit_does_its_work_with_the_role_that_it_is_given(server: Server, tmp_path: Path) -> None:
    assert run(server, "whitecross-watch-backups", tmp_path).returncode == 1  # there is none yet
    for name in ("backup", "watch-backups", "rehearsal", "watch-schema", "watch-doctor"):
        ended = run(server, f"whitecross-{name}", tmp_path)
        assert ended.returncode == 0, name + ended.stdout + ended.stderr
    assert len([*tmp_path.iterdir()]) == 1


def test_nobody_is_called_for_a_warning_but_for_what_is_broken(server: Server, tmp_path: Path) -> None:
    with closing(server.session("owner")) as owner:
        owner.execute("CREATE TABLE keyless (id integer)")
        ended = run(server, "whitecross-watch-doctor", tmp_path)
        assert (ended.returncode, "warning D09 keyless" in ended.stdout) == (0, True), ended.stdout
        assert run(server, "whitecross-watch-schema", tmp_path).returncode == 0  # a table of somebody else's
        owner.execute("DROP TABLE keyless")
        owner.execute("ALTER TABLE students DISABLE TRIGGER students_refuse_delete")
        assert run(server, "whitecross-watch-doctor", tmp_path).returncode == 1
        assert run(server, "whitecross-watch-schema", tmp_path).returncode == 1
        owner.execute("ALTER TABLE students ENABLE TRIGGER students_refuse_delete")


def test_each_timer_starts_a_unit_that_does_one_thing() -> None:
    timers = {path.stem for path in (DEPLOY / "systemd").glob("*.timer")}
    assert timers == {path.stem for path in (DEPLOY / "systemd").glob("*.service")} - {"whitecross"}
    for name in timers:
        # Of several commands, the second would not run where the first exits with 1.
        assert (DEPLOY / "systemd" / f"{name}.service").read_text().count("ExecStart=") == 1


def test_gunicorn_starts_as_the_unit_says_and_takes_the_new_code_without_refusing_anybody(
    server: Server, tmp_path: Path
) -> None:
    program, *arguments = service("whitecross")["ExecStart"].split()
    assert program.endswith("/python")
    arguments[arguments.index("--chdir") + 1] = str(ROOT)
    port, log = free_port(), tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments, "--bind", f"127.0.0.1:{port}", "--workers", "1"],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": server.url("app"), "HOME": "/proc/no-home"},
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
    assert "ERROR" not in log.read_text(), log.read_text()
