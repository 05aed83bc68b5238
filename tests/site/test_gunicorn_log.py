"""What gunicorn logs of an error outside Django names no child."""

import re
import socket
import subprocess
import sys
from pathlib import Path

from tests.docs.roles import ROOT
from tests.waiting import until
from whitecross.gunicorn_log import LEFT_OUT

UNIT = (ROOT / "deploy" / "systemd" / "whitecross.service").read_text()


def test_an_error_while_a_page_is_sent_is_logged_without_its_address_and_values(tmp_path: Path) -> None:
    (logger,) = re.findall(r"--logger-class (\S+)", UNIT)
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--threads", "2", "--no-control-socket"),
                *("--logger-class", logger, "tests.site.failing_wsgi"),
            ],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        listening = until(lambda: re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", log.read_text()))
        where = ("127.0.0.1", int(listening[1]))
        for address in ("/late?q=SecretChild", "/early?q=SecretChild", "/two words?q=SecretChild"):
            with socket.create_connection(where, timeout=30) as browser:
                browser.sendall(f"GET {address} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode())
                while browser.recv(10_000):
                    pass
        said = until(lambda: log.read_text().count("rror handling request") == 2 and log.read_text())
    finally:
        process.terminate()
        process.wait(timeout=60)
    assert said.count("UniqueViolation") >= 2
    assert f"Error handling request GET {LEFT_OUT}" in said
    assert f"Invalid request from ip=127.0.0.1 {LEFT_OUT}" in said
    assert "SecretChild" not in said


def test_the_process_that_forks_the_workers_holds_nothing_that_a_release_brings() -> None:
    """Workers of the next release would have it from the one before."""
    (logger,) = re.findall(r"--logger-class (\S+)", UNIT)
    code = f"""
import sys
from gunicorn.app.wsgiapp import WSGIApplication
from gunicorn.arbiter import Arbiter
sys.argv = ["gunicorn", "--threads", "4", "--logger-class", "{logger}", "whitecross.wsgi"]
Arbiter(WSGIApplication())
for name, module in sorted(sys.modules.items()):
    file = getattr(module, "__file__", None) or ""
    if ("site-packages" in file or file.startswith({str(ROOT / "whitecross")!r})) and not name.startswith("gunicorn"):
        print(name)
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    # What gunicorn itself and the start of Python bring.
    held = [name for name in ended.stdout.split() if name.split(".")[0] not in ("packaging", "_distutils_hack")]
    assert held == ["whitecross", "whitecross.gunicorn_log"]
