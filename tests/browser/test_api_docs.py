"""The page about the API, in a browser: it shows every operation, and asks nobody but this site."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.browser


def test_the_page_shows_the_operations_and_asks_nobody_else(
    server: str, browsing: Callable[[], AbstractContextManager[Any]]
) -> None:
    asked: list[str] = []

    def watch(route: Any) -> None:
        asked.append(route.request.url)
        if urlsplit(route.request.url).netloc == urlsplit(server).netloc:
            route.continue_()
        else:
            route.abort()

    with browsing() as page:
        page.context.route("**/*", watch)
        page.goto(f"{server}/api/docs", wait_until="networkidle")
        operations = page.locator(".opblock")
        operations.first.wait_for()
        count = operations.count()
        login = page.locator("#operations-auth-login")
        login.locator(".opblock-summary-control").click()
        login.get_by_text("Try it out").click()
        login.get_by_role("button", name="Execute").wait_for()
        page.wait_for_load_state("networkidle")
        loaded = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    assert count == 13
    assert len(asked) >= 5, "the page, its styles, its scripts and the document"
    strangers = {urlsplit(url).netloc for url in [*asked, *loaded] if not url.startswith(("data:", "blob:"))}
    assert strangers == {urlsplit(server).netloc}
