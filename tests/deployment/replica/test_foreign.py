"""What streams, and still shows other rows than the primary: another database, or a history that the primary lost."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.db import connection, connections, router
from django.http import HttpRequest, HttpResponse

from configuration import config
from core.models import Student
from tests.deployment.clusters import Cluster, private_folder
from tests.deployment.replica.conftest import NAME, Browser, Site, on, serving
from tests.deployment.replica.test_pool import pooled
from tests.factories import make_student
from whitecross.deployment.backups import swapping
from whitecross.replica import reading
from whitecross.replica.positions import Position
from whitecross.replica.primary import Marks, Place
from whitecross.replica.standby import Standby

TOKEN = {"Authorization": "Bearer 1"}


def first_name(request: HttpRequest) -> HttpResponse:
    """A page of the only student's, and the alias that it was read from."""
    rows = Student.objects.filter(last_name="Swapped")
    return HttpResponse(f"{rows.db}: {rows.get().first_name}")


def read(site: Site, **headers: str) -> str:
    return str(Browser().get(site.serve(first_name), **headers).content.decode())


@pytest.fixture
def copied(site: Site) -> Iterator[Site]:
    """A site whose server has a second database, as a restore leaves it: of before the name was corrected."""
    student = make_student(first_name="Corrected", last_name="Swapped")
    config.stop()
    connection.close()
    site.wait_for_standby()
    with site.primary.connect() as server:
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [NAME])
        server.execute(f"CREATE DATABASE {NAME}_restored TEMPLATE {NAME}")
    with site.primary.connect(f"{NAME}_restored") as server:
        server.execute("UPDATE students SET \"firstName\" = 'Restored' WHERE id = %s", [student.pk])
    site.wait_for_standby()
    yield site
    config.stop()
    connections["replica"].close()
    connections["replica"].close_pool()  # type: ignore[attr-defined]
    connection.close()
    Student.all_objects.filter(last_name="Swapped").erase()
    connection.close()
    with site.primary.connect() as server:
        for (name,) in server.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{NAME}_%"]
        ).fetchall():
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_another_database_of_the_same_servers_is_not_read_from(
    copied: Site, caplog: pytest.LogCaptureFixture, known_standby: Standby
) -> None:
    connections["replica"].close()
    connections["replica"].settings_dict["NAME"] = f"{NAME}_restored"
    assert [read(copied), read(copied, **TOKEN), read(copied)] == ["default: Corrected"] * 3
    assert caplog.text.count("leads to another database than DATABASE_URL does") == 1
    assert not known_standby.may_be_asked()  # each time, it would be connected to anew


@pytest.mark.parametrize("keeps", ["a connection", "a pool"])
def test_kept_connections_do_not_go_on_in_the_database_that_was_swapped_out(
    copied: Site, caplog: pytest.LogCaptureFixture, keeps: str
) -> None:
    connections["replica"].close()
    if keeps == "a pool":
        connections["replica"].settings_dict.update(pooled(copied.standby.url(NAME)))
    assert read(copied) == "replica: Corrected"
    if keeps == "a pool":
        connections["replica"].close()  # into the pool, as at the end of a request
    config.stop()
    connection.close()
    swapping.swap("default", f"{NAME}_restored", disconnect=True)
    copied.wait_for_standby()
    assert read(copied, **TOKEN) == "replica: Restored"
    assert read(copied) == "replica: Restored"
    assert "another database" not in caplog.text


def test_after_a_swap_whoever_wrote_reads_it_where_the_process_knows_nothing_of_the_swap(
    copied: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(copied) == "replica: Corrected"
    here, elsewhere = reading._marks, Marks()
    config.stop()
    connection.close()
    swapping.swap("default", f"{NAME}_restored", disconnect=True)

    def write(request: HttpRequest) -> HttpResponse:
        Student.objects.filter(last_name="Swapped").update(first_name="Written")
        return HttpResponse()

    browser = Browser()
    monkeypatch.setattr(reading, "_marks", elsewhere)
    browser.post(copied.serve(write))
    monkeypatch.setattr(reading, "_marks", here)
    copied.wait_for_standby()
    assert browser.get(copied.serve(first_name)).content == b"replica: Written"


def test_a_primary_that_was_brought_back_from_a_snapshot_is_read_from_instead_of_its_standby(
    django_db_setup: None, django_db_blocker: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The standby has the same system and timeline, and more of the log: of a history that is no more."""
    with ExitStack() as stack:
        one, two = (stack.enter_context(private_folder()) for _ in range(2))
        primary = Cluster.primary(one)
        stack.callback(primary.stop)
        with primary.connect() as server:
            server.execute(f"CREATE DATABASE {NAME}")
        with primary.connect(NAME) as server:
            server.execute("CREATE TABLE rows AS SELECT 'Before' AS name")
        second = primary.standby(two)
        stack.callback(second.stop)
        primary._run("pg_ctl", "-D", str(primary.data), "-w", "-s", "-m", "fast", "stop")
        subprocess.run(["cp", "-a", primary.data, one / "snapshot"], check=True)
        primary.start()
        with primary.connect(NAME) as server:
            server.execute("CREATE TABLE lost AS SELECT repeat('x', 500) FROM generate_series(1, 20000)")
        Site(primary, second).wait_for_standby()
        stack.enter_context(django_db_blocker.unblock())
        stack.enter_context(on(primary))
        site = stack.enter_context(serving(primary, second))

        def write(request: HttpRequest) -> HttpResponse:
            with connection.cursor() as cursor:
                cursor.execute("UPDATE rows SET name = 'After'")
            return HttpResponse()

        def page(request: HttpRequest) -> HttpResponse:
            with connections[alias := router.db_for_read(Student)].cursor() as cursor:
                cursor.execute("SELECT name FROM rows")
                return HttpResponse(f"{alias}: {cursor.fetchone()[0]}")

        assert Browser().get(site.serve(page)).content == b"replica: Before"
        connection.close()
        primary._run("pg_ctl", "-D", str(primary.data), "-w", "-s", "-m", "fast", "stop")
        shutil.rmtree(primary.data)
        (one / "snapshot").rename(primary.data)
        primary.start()
        browser = Browser()
        browser.post(site.serve(write))
        for headers in ({}, TOKEN):
            assert browser.get(site.serve(page), **headers).content == b"default: After"
        assert caplog.text.count("has what the server of DATABASE_URL never wrote") == 1


def at(lsn: int, database: int = 8) -> Place:
    return Place(7, database, Position(2, lsn))


class Log(Marks):
    """A primary's log, and how often it was asked for its place."""

    def __init__(self, lsn: int) -> None:
        super().__init__(clock=lambda: self.moment)
        self.moment, self.asked, self.lsn = 0.0, 0, lsn
        self.newest = at(lsn)

    def now(self) -> Place:
        self.asked += 1
        self.newest = at(self.lsn)
        return self.newest


def ahead(one: Standby, lsn: int, log: Log) -> bool | None:
    return one._is_ahead(Position(2, lsn), log)


def test_the_primary_is_asked_whether_a_standby_is_ahead_of_it_only_now_and_then() -> None:
    log = Log(100)
    one = Standby("replica", clock=lambda: log.moment)
    assert not ahead(one, 100, log)
    assert log.asked == 0
    log.lsn = 200  # it went on
    assert not any(ahead(one, lsn, log) for lsn in (120, 150, 201, 210))
    assert log.asked == 1
    log.moment += 2.1
    log.lsn = 300
    assert not ahead(one, 290, log)
    assert log.asked == 2
    log.breaks += 1  # it was found at an earlier place
    log.lsn = 250
    assert ahead(one, 310, log)


def test_a_standby_that_was_ahead_is_not_read_from_until_it_is_made_anew() -> None:
    log = Log(100)
    one = Standby("replica", clock=lambda: log.moment)
    assert ahead(one, 500, log)
    log.lsn = 900  # other contents at the same numbers
    log.now()
    assert ahead(one, 500, log)
    assert ahead(one, 501, log)
    assert not ahead(one, 499, log)
    assert not ahead(one, 600, log)


def test_where_the_primary_does_not_tell_nobody_says_that_the_standby_is_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(100)
    monkeypatch.setattr(log, "now", lambda: None)
    assert ahead(Standby("replica"), 200, log) is None


def test_a_log_that_goes_back_or_is_anothers_makes_what_was_known_void(monkeypatch: pytest.MonkeyPatch) -> None:
    moment, place = 0.0, at(500)
    monkeypatch.setattr("whitecross.replica.primary.place", lambda: place)
    marks = Marks(clock=lambda: moment)
    for number, found in enumerate(
        (at(500), at(600), at(400), at(450), at(500, database=9), Place(7, 9, Position(3, 1)))
    ):
        moment, place = number * 2.0, found
        marks.oldest(60)
    assert marks.breaks == 3
    assert marks.oldest(60) == Place(7, 9, Position(3, 1))


def test_a_primary_that_does_not_tell_its_place_is_told_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    place: Place | None = None
    monkeypatch.setattr("whitecross.replica.primary.place", lambda: place)
    marks = Marks()
    assert [marks.oldest(5), marks.now(), marks.oldest(5)] == [None] * 3
    assert caplog.text.count("DATABASE_URL is a standby itself or does not answer") == 1
    place = at(1)
    assert marks.now() == marks.oldest(5) == place
    place = None
    assert marks.now() is None
    assert caplog.text.count("DATABASE_URL is a standby itself or does not answer") == 2


def test_an_answer_that_another_overtook_is_no_step_back(monkeypatch: pytest.MonkeyPatch) -> None:
    moment, marks = 1.0, Marks(clock=lambda: moment)

    def slow() -> Place:
        nonlocal moment
        monkeypatch.setattr("whitecross.replica.primary.place", lambda: at(200))
        moment = 2.0
        marks.now()  # of another thread
        return at(100)

    monkeypatch.setattr("whitecross.replica.primary.place", slow)
    marks.now()
    assert marks.newest == at(200)
    assert marks.breaks == 0
