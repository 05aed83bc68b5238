"""What is read where: health records from the standby where that is safe, everything else from the primary."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import connection, connections, router, transaction
from django.http import HttpRequest, HttpResponse

from core.access import visible
from core.models import Student
from health_records.models import Allergy
from tests.deployment.replica.conftest import Browser, Site
from tests.factories import make_school, make_student, make_user
from whitecross.replica import primary, reading
from whitecross.replica.positions import Position
from whitecross.replica.primary import Marks, Place
from whitecross.replica.router import ReplicaRouter
from whitecross.replica.saving import StandbyRowError
from whitecross.replica.standby import Standby, Standing

# All else decides who may do what, or is small. A model that is added is read from the primary, until it is named here.
FROM_STANDBYS = {
    "core.Contact",
    "core.Student",
    "health_records.Allergy",
    "health_records.Appointment",
    "health_records.ChronicCondition",
    "health_records.EmergencyContact",
    "health_records.GrowthMeasurement",
    "health_records.HealthRecord",
    "health_records.IncidentReport",
    "health_records.Medication",
    "health_records.MedicationLog",
    "health_records.Screening",
    "health_records.StudentMedication",
    "health_records.Vaccination",
    "health_records.VitalSigns",
}


def alias_of(request: HttpRequest) -> HttpResponse:
    """A page that says what it would read from."""
    return HttpResponse(router.db_for_read(Student))


def test_health_records_are_read_from_the_standby_and_all_else_from_the_primary(site: Site) -> None:
    site.wait_for_standby()
    with reading.reading():
        read = {model._meta.label: router.db_for_read(model) for model in apps.get_models(include_auto_created=True)}
    assert {label for label, alias in read.items() if alias == "replica"} == FROM_STANDBYS
    assert set(read.values()) == {"replica", "default"}


def test_outside_of_requests_everything_is_read_from_the_primary(site: Site) -> None:
    assert router.db_for_read(Student) == "default"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_a_method_that_may_write_reads_from_the_primary_and_gives_a_place(site: Site, method: str) -> None:
    site.wait_for_standby()
    answer = Browser().ask(method, site.serve(alias_of))
    assert answer.content == b"default"
    assert len(answer.cookies) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_method_that_only_reads_is_answered_by_the_standby_and_gives_none(site: Site, method: str) -> None:
    site.wait_for_standby()
    answer = Browser().ask(method, site.serve(alias_of))
    assert answer.content == b"replica"
    assert not answer.cookies


def test_within_a_transaction_everything_is_read_from_the_primary(site: Site) -> None:
    site.wait_for_standby()
    with reading.reading():
        with transaction.atomic():
            assert router.db_for_read(Student) == "default"
        assert router.db_for_read(Student) == "replica"
        transaction.set_autocommit(False)
        try:
            assert router.db_for_read(Student) == "default"
        finally:
            transaction.set_autocommit(True)


def test_rows_that_are_locked_are_those_of_the_primary(site: Site) -> None:
    site.wait_for_standby()
    with reading.reading():
        assert Student.objects.select_for_update().db == "default"


def _save(student: Student) -> None:
    student.first_name = "Written"
    student.save()


def _raw(student: Student) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE students SET \"firstName\" = 'Written' WHERE id = %s", [student.pk])


def _function(student: Student) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT write_down(%s)", [student.pk])


def _atomic(student: Student) -> None:
    with transaction.atomic():
        _raw(student)


def _many(student: Student) -> None:
    with connection.cursor() as cursor:
        cursor.executemany('UPDATE students SET "firstName" = %s WHERE id = %s', [("Written", student.pk)])


def _procedure(student: Student) -> None:
    with connection.cursor() as cursor:
        cursor.callproc("write_down", [student.pk])


def _copied(student: Student) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY (SELECT write_down('{student.pk}')) TO STDOUT") as rows:
        list(rows)


def _nested(student: Student) -> None:
    with reading.reading():
        _raw(student)


@pytest.mark.parametrize("write", [_save, _raw, _function, _atomic, _many, _procedure, _copied, _nested])
def test_a_page_that_writes_reads_it_and_so_does_the_next_one(site: Site, write: Any) -> None:
    student, read = make_student(), list[str]()
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE FUNCTION write_down(uuid) RETURNS void LANGUAGE sql AS"
            " $$ UPDATE students SET \"firstName\" = 'Written' WHERE id = $1 $$"
        )

    def page(request: HttpRequest) -> HttpResponse:
        read.append(router.db_for_read(Student))
        write(student)
        rows = Student.objects.filter(pk=student.pk)
        read.append(rows.db)
        return HttpResponse(rows.get().first_name)

    def next_page(request: HttpRequest) -> HttpResponse:
        rows = Student.objects.filter(pk=student.pk)
        read.append(rows.db)
        return HttpResponse(rows.get().first_name)

    site.wait_for_standby()
    with site.paused():
        browser = Browser()
        assert browser.get(site.serve(page)).content == b"Written"
        assert browser.get(site.serve(next_page)).content == b"Written"
        assert read == ["replica", "default", "default"]
    site.wait_for_standby()
    assert browser.get(site.serve(next_page)).content == b"Written"
    assert read[-1] == "replica"


def test_a_write_is_noticed_whatever_wraps_the_connection(site: Site) -> None:
    """A block that adds a wrapper takes the last one away when it ends: that must not be ours."""
    connection.close()
    connection.execute_wrappers.clear()
    with connection.execute_wrapper(lambda execute, *arguments: execute(*arguments)):
        connection.ensure_connection()
    with reading.reading() as here:
        _raw(make_student())
        assert here.wrote


def test_a_row_of_the_standbys_is_not_saved_over_what_somebody_has_written_since(site: Site) -> None:
    allergy = Allergy.objects.create(student=make_student(), allergen="Peanut")
    site.wait_for_standby()
    with site.paused(), reading.reading():
        read = Allergy.objects.get(pk=allergy.pk)
        Allergy.objects.using("default").filter(pk=allergy.pk).update(notes="Carries a pen")
        read.allergen = "Peanuts"
        with pytest.raises(StandbyRowError, match=r"^This allergy was read from a standby, .* name update_fields, or"):
            read.save()
        read.save(update_fields=["allergen"])
        written = Allergy.objects.using("default").get(pk=allergy.pk)
        assert (written.allergen, written.notes) == ("Peanuts", "Carries a pen")
        written.save()
        Allergy(student_id=written.student_id, allergen="Milk").save()


def test_a_row_that_was_read_from_the_standby_is_written_to_the_primary(site: Site) -> None:
    allergy = Allergy.objects.create(student=make_student(), allergen="Peanut")
    site.wait_for_standby()
    with reading.reading():
        read = Allergy.objects.get(pk=allergy.pk)
        assert read._state.db == "replica"
        read.student = make_student()  # of the primary
        read.save(update_fields=["student"])
        read.delete()
        assert Allergy.all_objects.get(pk=read.pk).deleted_at is not None
        read.restore()
        assert Allergy.objects.filter(pk=read.pk).exists()
        read.erase()
        assert not Allergy.all_objects.filter(pk=read.pk).exists()
    site.wait_for_standby()
    with reading.reading():
        assert not Allergy.all_objects.filter(pk=read.pk).exists()
        assert Allergy.all_objects.filter(pk=read.pk).erase() == (0, {})


def test_a_program_without_cookies_reads_what_anybody_wrote(site: Site) -> None:
    student = make_student(first_name="Before")
    site.wait_for_standby()

    def page(request: HttpRequest) -> HttpResponse:
        return HttpResponse(Student.objects.get(pk=student.pk).first_name)

    assert Browser().get(site.serve(alias_of)).content == b"replica"
    assert Browser().get(site.serve(alias_of), Authorization="Bearer 1").content == b"replica"
    with site.paused():
        _raw(student)
        assert Browser().get(site.serve(page)).content == b"Before"  # somebody else, who may see it a moment later
        assert Browser().get(site.serve(page), Authorization="Bearer 1").content == b"Written"


def test_no_page_is_older_than_the_allowed_lag(site: Site, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(reading, "_marks", Marks(clock=lambda: now))
    settings.REPLICA_MAX_LAG = 10
    site.wait_for_standby()
    assert Browser().get(site.serve(alias_of)).content == b"replica"
    with site.paused():
        make_student()
        for moment in (1004.0, 1010.0):
            now = moment
            assert Browser().get(site.serve(alias_of)).content == b"replica"
        now = 1010.1
        assert Browser().get(site.serve(alias_of)).content == b"default"
    site.wait_for_standby()
    assert Browser().get(site.serve(alias_of)).content == b"replica"


@pytest.mark.parametrize(("lag", "seen"), [(60, b"1"), (0, b"0")])
def test_whoever_has_lost_sight_of_a_student_sees_her_for_the_allowed_lag_and_no_longer(
    site: Site, settings: Any, lag: int, seen: bytes
) -> None:
    """The school of a student is read with her row: the nurse's own rights are the primary's, the row the standby's."""
    settings.REPLICA_MAX_LAG = lag
    student = make_student()
    nurse = make_user(role="NURSE", district=student.district, school=student.school)
    elsewhere = make_school(district=student.district)
    site.wait_for_standby()

    def count(_: HttpRequest) -> HttpResponse:
        return HttpResponse(str(visible(Student.objects.all(), nurse).filter(pk=student.pk).count()))

    assert Browser().get(site.serve(count)).content == b"1"
    with site.paused():
        Student.objects.filter(pk=student.pk).update(school=elsewhere)
        assert Browser().get(site.serve(count)).content == seen
    site.wait_for_standby()
    assert Browser().get(site.serve(count)).content == b"0"


def test_with_no_lag_allowed_a_standby_that_has_everything_is_read_from(site: Site, settings: Any) -> None:
    settings.REPLICA_MAX_LAG = 0
    site.wait_for_standby()
    assert Browser().get(site.serve(alias_of)).content == b"replica"
    with site.paused():
        make_student()
        assert Browser().get(site.serve(alias_of)).content == b"default"


def test_the_place_of_the_log_is_asked_for_a_few_times_within_the_allowed_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    now, asked = 0.0, list[float]()
    monkeypatch.setattr(primary, "place", lambda: asked.append(now) or Place(1, 2, Position(1, len(asked))))  # type: ignore[func-returns-value]
    marks, oldest = Marks(clock=lambda: now), []
    for second in range(13):
        now = float(second)
        place = marks.oldest(8)
        oldest.append(place and place.position.lsn)
    assert asked == [0, 2, 4, 6, 8, 10, 12]
    assert oldest == [1] * 9 + [2, 2, 3, 3]


HERE = Place(7, 8, Position(2, 500))


@pytest.mark.parametrize(
    ("standing", "has"),
    [
        (Standing(True, 7, 8, Position(2, 500)), True),
        (Standing(True, 7, 8, Position(2, 501)), True),
        (Standing(True, 7, 8, Position(2, 499)), False),
        (Standing(True, 7, 8, Position(1, 900)), False),  # it follows the primary of before the failover
        (Standing(True, 7, 8, Position(3, 900)), False),
        (Standing(True, 8, 8, Position(2, 500)), False),  # of another cluster
        (Standing(True, 7, 9, Position(2, 500)), False),  # in another database
        (Standing(False, 7, 8, Position(2, 500)), False),  # promoted
    ],
)
def test_a_standby_has_a_place_only_on_the_same_timeline_in_the_same_database_of_the_same_cluster(
    standing: Standing, has: bool
) -> None:
    assert standing.has(HERE) is has


def test_a_place_of_another_timeline_is_read_on_the_primary(
    site: Site, known_standby: Standby, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.wait_for_standby()
    for seen, alias in (([Position(1, 1)], "replica"), ([Position(2, 1)], "default"), ([Position(0, 0)], "default")):
        with reading.reading(seen):
            assert router.db_for_read(Student) == alias


def test_nothing_is_migrated_on_a_standby(site: Site) -> None:
    assert router.allow_migrate("replica", "core") is False
    assert router.allow_migrate("default", "core") is True
    assert ReplicaRouter().allow_migrate("reporting", "core") is None


def test_sessions_are_written_and_read_on_the_primary(site: Site) -> None:
    site.wait_for_standby()
    with reading.reading():
        assert Session.objects.db == "default"
        assert connections[Session.objects.db].vendor == "postgresql"
