"""A primary with a standby that streams from it, a site that reads from both, and the browsers of its visitors."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.http import HttpRequest, HttpResponse
from django.test import override_settings

from configuration import config
from tests.conftest import _stop_reading
from tests.deployment.clusters import Cluster, private_folder
from tests.waiting import until
from whitecross.postgres.url import parse
from whitecross.replica import configured, primary, reading
from whitecross.replica import standby as standby_module
from whitecross.replica.middleware import ReadYourWritesMiddleware
from whitecross.replica.standby import Standby

NAME = "whitecross"
View = Callable[[HttpRequest], HttpResponse]


@pytest.fixture(autouse=True)
def _busy_with_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A standby on a machine that has more to do is none that hangs."""
    monkeypatch.setattr(standby_module, "PATIENCE", 10.0)


@pytest.fixture(scope="package")
def streaming(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[Cluster, Cluster]]:
    """A primary with a migrated database, and its standby. Who replays a change does not wait for who reads."""
    with ExitStack() as stack:
        primary = Cluster.primary(stack.enter_context(private_folder()))
        stack.callback(primary.stop)
        with primary.connect() as server:
            server.execute(f"CREATE DATABASE {NAME}")
        with django_db_blocker.unblock(), on(primary):
            call_command("migrate", verbosity=0)
        standby = primary.standby(stack.enter_context(private_folder()), max_standby_streaming_delay="0")
        stack.callback(standby.stop)
        yield primary, standby


class on:  # noqa: N801  (reads as a phrase)
    """Let Django's `default` be the database of another server for a while."""

    def __init__(self, cluster: Cluster) -> None:
        self.entry = parse(cluster.url(NAME))

    def __enter__(self) -> None:
        _stop_reading()
        connection.close()
        self.before = dict(connection.settings_dict)
        connection.settings_dict.update({**self.entry, "EMBEDDED": None})

    def __exit__(self, *error: object) -> None:
        _stop_reading()
        connections.close_all()
        connection.settings_dict.update(self.before)


class Site:
    """The project with REPLICA_DATABASE_URL. Its primary and its standby are servers of the test's own."""

    def __init__(self, primary: Cluster, standby: Cluster) -> None:
        self.primary, self.standby = primary, standby

    def serve(self, view: View) -> Callable[[HttpRequest], Any]:
        """A view behind the middleware alone."""
        return ReadYourWritesMiddleware(view)

    def wait_for_standby(self) -> None:
        """Until the standby has everything."""
        with self.primary.connect() as one, self.standby.connect() as other:
            row = one.execute("SELECT pg_current_wal_flush_lsn()").fetchone()
            assert row is not None
            until(lambda: other.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", row).fetchone() == (True,))

    def pause(self) -> None:
        """Let the standby replay nothing more."""
        with self.standby.connect() as server:
            server.execute("SELECT pg_wal_replay_pause()")
            until(lambda: server.execute("SELECT pg_get_wal_replay_pause_state()").fetchone() == ("paused",))

    def resume(self) -> None:
        """Let it go on."""
        with self.standby.connect() as server:
            server.execute("SELECT pg_wal_replay_resume()")

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Meanwhile the standby replays nothing; it has what was written before."""
        self.wait_for_standby()
        self.pause()
        try:
            yield
        finally:
            self.resume()


@contextmanager
def serving(primary_server: Cluster, standby: Cluster) -> Iterator[Site]:
    """The site, where Django's `default` is its primary already. Nothing is known of its standby yet."""
    entries = configured.databases(standby.url(NAME), {**connections.databases["default"], "EMBEDDED": None})
    connections.databases.update(entries)
    reading.standbys.cache_clear()
    try:
        with (
            pytest.MonkeyPatch.context() as patch,
            override_settings(REPLICA_MAX_LAG=3600, DATABASE_ROUTERS=["whitecross.replica.router.ReplicaRouter"]),
        ):
            patch.setattr(reading, "_marks", primary.Marks())
            yield Site(primary_server, standby)
    finally:
        config.stop()
        for alias in entries:
            connections[alias].close()
            del connections[alias], connections.databases[alias]
        reading.standbys.cache_clear()
        if reading.notice_writes in connection.execute_wrappers:
            connection.execute_wrappers.remove(reading.notice_writes)


@pytest.fixture
def site(streaming: tuple[Cluster, Cluster], django_db_blocker: Any) -> Iterator[Site]:
    """The site of this package's servers."""
    with django_db_blocker.unblock(), on(streaming[0]), serving(*streaming) as made:
        yield made


@pytest.fixture
def known_standby(site: Site) -> Standby:
    """What this process knows of the site's standby."""
    (standby,) = reading.standbys()
    return standby


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which standbys were asked. One that failed is not asked again while the test lasts."""
    asked, real = list[str](), Standby.standing
    monkeypatch.setattr(standby_module, "FIRST_PAUSE", 3600.0)
    monkeypatch.setattr(standby_module, "LONGEST_PAUSE", 3600.0)
    monkeypatch.setattr(Standby, "standing", lambda self: asked.append(self.alias) or real(self))  # type: ignore[func-returns-value]
    return asked


class Browser:
    """Keeps cookies, as browsers do."""

    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, serve: Callable[[HttpRequest], Any], **headers: str) -> Any:
        """Send a request and take the answer."""
        answer = self.send(method, serve, **headers)
        self.take(answer)
        return answer

    def send(self, method: str, serve: Callable[[HttpRequest], Any], **headers: str) -> Any:
        """Send a request; the answer is still on its way."""
        request = HttpRequest()
        request.method, request.path = method, "/"
        request.META.update({f"HTTP_{name.upper()}": value for name, value in headers.items()})
        request.COOKIES.update(self.cookies)
        return serve(request)

    def take(self, answer: Any) -> None:
        """Take an answer, with its cookies."""
        for name, morsel in answer.cookies.items():
            if morsel["max-age"] == 0:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value

    def get(self, serve: Callable[[HttpRequest], Any], **headers: str) -> Any:
        """Ask for a page."""
        return self.ask("GET", serve, **headers)

    def post(self, serve: Callable[[HttpRequest], Any]) -> Any:
        """Send a form."""
        return self.ask("POST", serve)
