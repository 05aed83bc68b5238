"""With a pool, a standby that is gone, hangs or was restarted costs a page no more than without one."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from tests.deployment.replica.conftest import NAME, Browser, Site
from tests.deployment.replica.test_failing import NAMED, page
from tests.factories import make_student
from whitecross.replica import configured, standby

POOL = {"min_size": 1, "max_size": 3, "timeout": 30}  # that long would a page wait for it


def served_by(site: Site) -> tuple[str, float]:
    """The alias, and the seconds it took."""
    begun = time.monotonic()
    alias = Browser().get(site.serve(page)).content.decode()
    return alias, time.monotonic() - begun


def pooled(url: str) -> dict[str, Any]:
    primary = connections.databases["default"]
    options = {**primary["OPTIONS"], "pool": POOL}
    entry = {**primary, "EMBEDDED": None, "CONN_HEALTH_CHECKS": True, "CONN_MAX_AGE": 0, "OPTIONS": options}
    return configured.databases(url, entry)["replica"]


@pytest.fixture
def pooled_site(site: Site) -> Iterator[Site]:
    """The site, whose standby is asked through a pool."""
    make_student(first_name=NAMED)
    site.wait_for_standby()
    connections.databases["replica"].update(pooled(site.standby.url(NAME)))
    yield site
    connections["replica"].close()
    connections["replica"].close_pool()  # type: ignore[attr-defined]
    if not site.standby.runs():
        site.standby.start()


def test_a_closed_port_costs_the_time_to_connect_and_that_once(pooled_site: Site, asked: list[str]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    connections.databases["replica"].update(pooled(f"postgresql://nobody@127.0.0.1:{port}/none"))
    alias, seconds = served_by(pooled_site)
    assert alias == "default"
    assert seconds < POOL["timeout"] / 2
    assert served_by(pooled_site)[0] == "default"
    assert asked == ["replica"]  # nobody asks it again so soon


def test_a_standby_that_hangs_costs_its_answer(pooled_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert served_by(pooled_site)[0] == "replica"
    connections["replica"].close()  # into the pool, as at the end of a request
    monkeypatch.setattr(standby, "PATIENCE", 1.0)
    with pooled_site.standby.frozen():
        alias, seconds = served_by(pooled_site)
    assert alias == "default"
    assert seconds < POOL["timeout"] / 2


def test_the_kept_connections_of_before_a_restart_fail_no_page(pooled_site: Site) -> None:
    assert served_by(pooled_site)[0] == "replica"
    pool = connections["replica"].pool  # type: ignore[attr-defined]
    connections["replica"].close()
    kept = [pool.getconn() for _ in range(3)]
    for connection in kept:
        pool.putconn(connection)
    pooled_site.standby.kill()
    pooled_site.standby.start()
    assert served_by(pooled_site)[0] == "replica"


def test_whoever_probes_has_ended_before_the_next_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # what holds outside of tests
    addresses = 3
    assert 2 * standby.PATIENCE + addresses * configured.CONNECTING < standby.PROBING
