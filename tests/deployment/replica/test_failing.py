"""A standby dies, hangs, is promoted or is none: reads go on, and it is used again when it is one again."""

import threading
from collections.abc import Iterator

import pytest
from django.db import DatabaseError, connection, connections, router
from django.http import HttpRequest, HttpResponse

from core.models import Student
from tests.deployment.clusters import Cluster, private_folder
from tests.deployment.replica.conftest import NAME, Browser, Site
from tests.factories import make_student
from tests.waiting import until
from whitecross.replica import configured, reading, standby
from whitecross.replica.standby import Standby

NAMED = "Ada"


def page(request: HttpRequest) -> HttpResponse:
    """A page with two reads, and the alias of the first."""
    rows = Student.objects.filter(first_name=NAMED)
    alias = rows.db
    found = list(rows)
    assert len(found) == Student.objects.filter(first_name=NAMED).count()
    return HttpResponse(alias)


def served_by(site: Site) -> str:
    return str(Browser().get(site.serve(page)).content.decode())


@pytest.fixture(autouse=True)
def _soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standby, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(standby, "LONGEST_PAUSE", 0.1)


@pytest.fixture
def read_by_the_standby(site: Site) -> Iterator[Site]:
    """The site, of which the standby answers pages; its standby runs again afterwards."""
    make_student(first_name=NAMED)
    site.wait_for_standby()
    assert served_by(site) == "replica"
    yield site
    if not site.standby.runs():
        site.standby.start()


def test_a_killed_standby_fails_no_read_and_is_used_again(
    read_by_the_standby: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site, failures, served, ended = read_by_the_standby, list[BaseException](), list[str](), threading.Event()

    def read() -> None:
        try:
            while not ended.is_set():
                served.append(served_by(site))
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    until(lambda: len(served) > 100)
    site.standby.kill()
    until(lambda: served[-20:] == ["default"] * 20)
    site.standby.start()
    until(lambda: served[-20:] == ["replica"] * 20)
    ended.set()
    for reader in readers:
        reader.join()
    assert failures == []
    assert "replica does not answer" in caplog.text
    assert "replica answers again and is read from" in caplog.text


def test_a_page_that_loses_its_standby_halfway_is_finished_by_the_primary(read_by_the_standby: Site) -> None:
    site = read_by_the_standby
    rows = Student.objects.filter(first_name=NAMED)
    with reading.reading() as here:
        assert rows.db == "replica"
        expected = {row.pk for row in rows.all()}
        site.standby.kill()
        assert {row.pk for row in Student.objects.using("replica").filter(first_name=NAMED)} == expected
        assert {row.pk for row in rows.using("replica").iterator(chunk_size=1)} == expected
        assert here.alias() == rows.db == "default"
        connections["replica"].close()
        assert {row.pk for row in rows.using("replica")} == expected
    # Whoever names the standby outside of a reading asks it and nobody else.
    with pytest.raises(DatabaseError):
        list(Student.objects.using("replica"))


def resume_beside(site: Site, statement: str) -> None:
    """Let replay go on once a statement that begins so is at work on the standby."""
    at_work = "SELECT FROM pg_stat_activity WHERE starts_with(query, %s) AND wait_event = 'PgSleep'"
    with site.standby.connect() as onlooker:
        until(lambda: onlooker.execute(at_work, [statement]).fetchone() is not None)
    site.resume()


def test_a_read_that_replay_cancels_is_read_from_the_primary(read_by_the_standby: Site, known_standby: Standby) -> None:
    site, student = read_by_the_standby, make_student(first_name=NAMED, last_name="Before")
    site.wait_for_standby()
    with reading.reading():
        assert router.db_for_read(Student) == "replica"
        site.pause()
        Student.objects.filter(pk=student.pk).update(last_name="After")
        with site.primary.connect(NAME) as server:
            server.execute("VACUUM students")
        going_on = threading.Thread(target=resume_beside, args=(site, 'SELECT "lastName", pg_sleep'))
        going_on.start()
        with connections["replica"].cursor() as cursor:
            cursor.execute('SELECT "lastName", pg_sleep(5) FROM students WHERE id = %s', [student.pk])
            assert cursor.fetchone()[0] == "After"  # of the primary: the standby's answer would have been "Before"
        going_on.join()
        assert router.db_for_read(Student) == "default"
    assert known_standby.may_be_asked()
    assert served_by(site) == "replica"


def test_a_statement_that_is_stopped_is_not_tried_again(read_by_the_standby: Site) -> None:
    with reading.reading():
        assert router.db_for_read(Student) == "replica"
        with connections["replica"].cursor() as cursor:
            cursor.execute("SET statement_timeout = 50")
            with pytest.raises(DatabaseError, match="statement timeout"):
                cursor.execute("SELECT pg_sleep(5)")
            cursor.execute("RESET statement_timeout")
            with pytest.raises(DatabaseError, match="read-only"):
                cursor.execute("DELETE FROM allergies")
        assert router.db_for_read(Student) == "replica"


def test_a_standby_that_hangs_costs_one_request_a_moment(
    read_by_the_standby: Site, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = read_by_the_standby
    monkeypatch.setattr(standby, "PATIENCE", 0.2)
    with site.standby.frozen():
        assert [served_by(site) for _ in range(20)] == ["default"] * 20
    assert asked == ["replica"]


def test_only_one_request_at_a_time_tries_whether_a_standby_is_back() -> None:
    moment = 0.0
    one = Standby("replica", clock=lambda: moment)
    assert one.may_be_asked()
    one.failed(OSError("gone"))
    assert not one.may_be_asked()
    moment += standby.FIRST_PAUSE
    assert [one.may_be_asked() for _ in range(3)] == [True, False, False]
    moment += standby.PROBING  # whoever tried never came back
    assert [one.may_be_asked() for _ in range(3)] == [True, False, False]


def test_pauses_grow_up_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standby, "FIRST_PAUSE", 1.0)
    monkeypatch.setattr(standby, "LONGEST_PAUSE", 30.0)
    moment, waited = 0.0, []
    one = Standby("replica", clock=lambda: moment)
    for _ in range(7):
        one.failed(OSError("gone"))
        before = moment
        while not one.may_be_asked():
            moment += 0.5
        waited.append(moment - before)
    assert waited == [1, 2, 4, 8, 16, 30, 30]


def test_a_promoted_standby_is_read_from_no_more(read_by_the_standby: Site, caplog: pytest.LogCaptureFixture) -> None:
    site = read_by_the_standby
    with private_folder() as folder:
        other = site.primary.standby(folder)
        try:
            connections.databases["replica"].update(HOST=str(folder))
            connections["replica"].close()
            connections["replica"].settings_dict["HOST"] = str(folder)
            assert served_by(site) == "replica"
            other.promote()
            assert served_by(site) == "default"
            assert "is no standby of the server of DATABASE_URL" in caplog.text
            # What it had replayed was enough, and the log has not gone on: that alone would not have told.
            with other.connect() as server:
                row = server.execute("SELECT pg_is_in_recovery()").fetchone()
            assert row == (False,)
            connections["replica"].close()
        finally:
            other.stop()


def test_the_primary_itself_is_no_standby(read_by_the_standby: Site) -> None:
    connections["replica"].close()
    connections["replica"].settings_dict["HOST"] = str(read_by_the_standby.primary.folder)
    assert served_by(read_by_the_standby) == "default"


def test_a_standby_as_the_primary_is_read_from_and_nothing_else(site: Site) -> None:
    """After a failover that the settings do not know of yet: no place of the log, so no standby."""
    make_student(first_name=NAMED)
    site.wait_for_standby()
    connection.close()
    connection.settings_dict["HOST"] = str(site.standby.folder)
    try:
        assert served_by(site) == "default"
    finally:
        connection.close()
        connection.settings_dict["HOST"] = str(site.primary.folder)


def test_of_several_standbys_each_has_its_turn_and_the_others_stand_in(read_by_the_standby: Site) -> None:
    site = read_by_the_standby
    with private_folder() as folder:
        other: Cluster = site.primary.standby(folder)
        urls = f"{site.standby.url(NAME)} {other.url(NAME)}"
        entries = configured.databases(urls, {**connections.databases["default"], "EMBEDDED": None})
        connections.databases["replica_2"] = entries["replica_2"]
        reading.standbys.cache_clear()
        try:
            site.wait_for_standby()
            served = [served_by(site) for _ in range(10)]
            assert served.count("replica") == served.count("replica_2") == 5
            other.kill()
            assert {served_by(site) for _ in range(10)} == {"replica"}
        finally:
            other.stop()
            connections["replica_2"].close()
            del connections["replica_2"], connections.databases["replica_2"]
