"""`deploy/nginx.conf` with the real nginx: who asks is not for him to say, and no log says what he asked for."""

import http.client
import json
import re
import shutil
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.docs.roles import DEPLOY
from tests.waiting import free_port, until

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


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


@dataclass(frozen=True)
class Proxy:
    """nginx: the ports of its two servers, where it logs, and what stands behind."""

    port: int
    plain: int
    folder: Path
    behind: HTTPServer

    def logged(self) -> str:
        """What is in its logs."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


def site(behind: int, port: int, plain: int) -> str:
    """deploy/nginx.conf on ports of a test's own and without TLS: certificates are not what is tested."""
    text = (DEPLOY / "nginx.conf").read_text().replace("127.0.0.1:8000", f"127.0.0.1:{behind}")
    text = re.sub(r"^ +(listen \[::\]|ssl_).*\n", "", text, flags=re.MULTILINE)
    return text.replace("listen 80;", f"listen 127.0.0.1:{plain};").replace(
        "listen 443 ssl", f"listen 127.0.0.1:{port}"
    )


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """nginx with that site, and both logs on, as Debian has them."""
    nginx = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)
    if nginx is None:
        pytest.skip("no nginx here")
    behind = HTTPServer(("127.0.0.1", 0), Behind)
    folder = Path(tempfile.mkdtemp(prefix="wc-nginx-"))
    found = Proxy(free_port(), free_port(), folder, behind)
    threading.Thread(target=behind.serve_forever, daemon=True).start()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log notice; worker_processes 1;\nevents {{}}\n"
        f"http {{\naccess_log {folder}/access.log;\n"
        + "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
        + f"{site(behind.server_port, found.port, found.plain)}\n}}\n"
    )
    process = subprocess.Popen([nginx, "-c", folder / "nginx.conf", "-p", folder], stderr=subprocess.DEVNULL)
    try:
        until(lambda: (folder / "pid").exists() and (folder / "pid").read_text().strip())
        yield found
    finally:
        process.terminate()
        process.wait(timeout=30)
        behind.shutdown()
        behind.server_close()
        shutil.rmtree(folder)


def test_the_proxy_lets_nobody_say_who_he_is(proxy: Proxy) -> None:
    lies = {"X-Forwarded-For": "10.0.0.1", "X-Forwarded-Proto": "https", "Host": "health.example.org"}
    asked = urllib.request.Request(f"http://127.0.0.1:{proxy.port}/", headers=lies)
    with OPENER.open(asked, timeout=30) as answer:
        got = json.load(answer)
    # Here without TLS, so that the truth is http.
    assert (got["X-Forwarded-For"], got["X-Forwarded-Proto"]) == ("127.0.0.1", "http")
    assert got["Host"] == "health.example.org"


def test_the_proxy_refuses_a_body_that_is_far_too_large(proxy: Proxy) -> None:
    much = {"Content-Length": str(30 << 20)}
    asked = urllib.request.Request(f"http://127.0.0.1:{proxy.port}/", data=b"x", headers=much)
    with pytest.raises(urllib.error.HTTPError) as refused:
        OPENER.open(asked, timeout=30)
    refused.value.close()
    assert refused.value.code == 413


def test_no_log_says_what_somebody_has_asked_for(proxy: Proxy) -> None:
    path = "/admin/core/student/019ac3f0/change/?q=SecretChild"
    with OPENER.open(f"http://127.0.0.1:{proxy.port}{path}", timeout=30) as answer:
        assert answer.status == 200
    proxy.behind.shutdown()
    proxy.behind.server_close()
    for port, status in ((proxy.port, 502), (proxy.plain, 301)):
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        asked.request("GET", path, headers={"Host": "health.example.org"})
        assert asked.getresponse().status == status
        asked.close()
    assert "start worker process" in proxy.logged()
    assert "SecretChild" not in proxy.logged()
    assert "019ac3f0" not in proxy.logged()
