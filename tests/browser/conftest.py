"""A server on a database of the test's own, and headless Chromium.

pytest-django's live_server empties all tables afterwards, which configuration_history refuses; and the browser's event
loop runs in the test's thread, where Django then refuses the ORM. So rows are made before the browser opens, and looked
at after it is closed.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.db import connection, connections
from django.test.testcases import LiveServerThread

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    *(["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(autouse=True)
def _files_from_where_they_are(settings: Any) -> None:
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture
def server(committed_db: str) -> Iterator[str]:
    """The address of the site, served in a thread from a database of this test's own."""
    thread = LiveServerThread("127.0.0.1", StaticFilesHandler)
    thread.daemon = True
    connection.close()
    thread.start()
    thread.is_ready.wait()
    if thread.error:
        raise thread.error
    yield f"http://{thread.host}:{thread.port}"
    thread.terminate()
    connections.close_all()


@pytest.fixture
def browsing(tmp_path: Path) -> Callable[[], AbstractContextManager[Any]]:
    """`with browsing() as page:` is a page of a new browser. No ORM within; what the scripts complain about fails."""
    if CHROMIUM is None:
        pytest.skip("No Chromium here: install chromium or google-chrome to drive the admin in a browser.")
    sync_api = pytest.importorskip("playwright.sync_api")

    @contextmanager
    def opened() -> Iterator[Any]:
        complaints: list[str] = []
        with sync_api.sync_playwright() as playwright:
            browser = playwright.chromium.launch_persistent_context(
                tmp_path / "chromium", executable_path=CHROMIUM, headless=True, args=ARGUMENTS
            )
            page = browser.new_page()
            page.set_default_timeout(20_000)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on(
                "response",
                lambda response: complaints.extend([response.url] if response.status >= 400 else []),
            )
            yield page
            browser.close()
        assert not complaints

    return opened
