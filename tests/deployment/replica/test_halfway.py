"""A standby stops answering, or a lock stands in the way, when a page reads from it: the primary goes on."""

import threading
import time
from collections.abc import Iterator

import pytest
from django.db import DatabaseError, connections, router
from django.http import HttpRequest, HttpResponse

from core.models import Student
from tests.deployment.replica.conftest import NAME, Browser, Site
from tests.deployment.replica.test_failing import NAMED, served_by
from tests.deployment.replica.test_pool import pooled
from tests.factories import make_student
from tests.waiting import until
from whitecross.replica import reading, waiting
from whitecross.replica.standby import Standby


@pytest.fixture(params=["a connection", "a pool"])
def begun(site: Site, request: pytest.FixtureRequest) -> Iterator[Site]:
    """A site, of which the standby answers pages."""
    make_student(first_name=NAMED)
    site.wait_for_standby()
    if request.param == "a pool":
        connections["replica"].close()
        connections["replica"].settings_dict.update(pooled(site.standby.url(NAME)))
        connections.databases["replica"].update(pooled(site.standby.url(NAME)))
    assert served_by(site) == "replica"
    yield site
    connections["replica"].close()
    if request.param == "a pool":
        connections["replica"].close_pool()  # type: ignore[attr-defined]


def test_a_standby_that_hangs_halfway_costs_a_page_some_seconds(begun: Site, caplog: pytest.LogCaptureFixture) -> None:
    answered, goes_on, seconds = list[str](), threading.Event(), list[float]()
    has_begun = threading.Event()

    def page(request: HttpRequest) -> HttpResponse:
        first = Student.objects.filter(first_name=NAMED)
        aliases = [first.db]
        assert len(first) > 0
        has_begun.set()
        goes_on.wait()
        now = time.monotonic()
        assert len(Student.objects.filter(first_name=NAMED)) == len(first)
        seconds.append(time.monotonic() - now)
        return HttpResponse(" ".join([*aliases, router.db_for_read(Student)]))

    def ask() -> None:
        try:
            answered.append(Browser().get(begun.serve(page)).content.decode())
        finally:
            connections.close_all()

    reader = threading.Thread(target=ask)
    reader.start()
    assert has_begun.wait(60)
    with begun.standby.frozen():
        goes_on.set()
        reader.join(timeout=30)
        assert answered == ["replica default"]
    assert seconds[0] >= waiting.SILENCE
    assert "replica does not answer (the server has stopped answering)" in caplog.text


def test_a_long_read_is_left_alone_while_the_standby_answers_others(
    begun: Site, monkeypatch: pytest.MonkeyPatch, known_standby: Standby
) -> None:
    asked = list[bool]()
    monkeypatch.setattr(waiting, "SILENCE", 0.2)
    real = waiting._is_alive
    monkeypatch.setattr(waiting, "_is_alive", lambda parameters: asked.append(real(parameters)) or asked[-1])  # type: ignore[func-returns-value]
    with reading.reading():
        assert router.db_for_read(Student) == "replica"
        with connections["replica"].cursor() as cursor:
            begun_at = time.monotonic()
            cursor.execute("SELECT pg_sleep(2), pg_is_in_recovery()")
            assert cursor.fetchone()[1] is True
    assert 2 <= len(asked) <= (time.monotonic() - begun_at) / waiting.SILENCE
    assert all(asked)
    assert known_standby.may_be_asked()


def test_a_lock_that_replay_holds_while_it_stands_still_fails_no_page(
    begun: Site, known_standby: Standby, caplog: pytest.LogCaptureFixture
) -> None:
    with begun.primary.connect(NAME) as server:
        server.execute("BEGIN")
        server.execute("LOCK TABLE students IN ACCESS EXCLUSIVE MODE")
        server.execute("CREATE TABLE something (number int)")
        server.execute("SELECT pg_log_standby_snapshot()" if server.info.server_version >= 160000 else "SELECT 1")
        with begun.standby.connect() as other:
            locked = "SELECT FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation IS NOT NULL AND granted"
            until(lambda: other.execute(locked).fetchone() is not None)
        begun.pause()
        server.execute("ROLLBACK")
    rescue = threading.Timer(60, begun.resume)
    rescue.start()
    try:
        assert served_by(begun) == "replica"  # it was the first that was chosen
        assert rescue.is_alive()
        assert "replica does not answer (SQLSTATE 55P03)" in caplog.text
        assert not known_standby.may_be_asked()
        assert served_by(begun) == "default"
    finally:
        rescue.cancel()
        begun.resume()


def test_mistakes_of_the_applications_own_are_raised_and_not_taken_for_a_dead_standby(
    begun: Site, known_standby: Standby, caplog: pytest.LogCaptureFixture
) -> None:
    with reading.reading() as here:
        with pytest.raises((ValueError, DatabaseError)):
            list(Student.objects.filter(first_name="a\x00b"))
        with pytest.raises(DatabaseError):
            list(Student.objects.using("replica").raw("SELECT * FROM students WHERE id = %s AND 1 = %s", ["x"]))
        assert here.alias() == "replica"
    assert known_standby.may_be_asked()
    assert "does not answer" not in caplog.text
