"""createdBy, updatedBy and updatedAt are true under every way to write."""

import datetime as dt
from collections.abc import Callable

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.http import HttpRequest, HttpResponse

from core.acting import acting_as, acting_user_id
from core.middleware import CurrentUserMiddleware
from core.models import Student, User
from core.models.record import Record
from health_records.models import Medication
from tests.factories import make_medication, make_school, make_student, make_user

pytestmark = pytest.mark.django_db
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def author() -> User:
    return make_user()


@pytest.fixture
def editor() -> User:
    return make_user()


def test_a_new_row_names_its_author(author: User) -> None:
    with acting_as(author):
        student = make_student()
    student.refresh_from_db()
    assert (student.created_by, student.updated_by) == (author.pk, author.pk)


def test_without_an_acting_user_nobody_is_named() -> None:
    student = make_student()
    assert (student.created_by, student.updated_by) == (None, None)


def test_bulk_create_names_the_author(author: User) -> None:
    with acting_as(author):
        Medication.objects.bulk_create([Medication(name="A"), Medication(name="B")])
    assert set(Medication.objects.values_list("created_by", "updated_by")) == {(author.pk, author.pk)}


def upsert(student: Student) -> None:
    student.grade = "6"
    Student.objects.bulk_create([student], update_conflicts=True, unique_fields=["id"], update_fields=["grade"])


def bulk_update(student: Student) -> None:
    student.grade = "6"
    Student.objects.bulk_update([student], ["grade"])


def save(student: Student) -> None:
    student.grade = "6"
    student.save()


def save_one_field(student: Student) -> None:
    student.grade = "6"
    student.save(update_fields=["grade"])


def save_what_was_loaded(student: Student) -> None:
    loaded = Student.objects.only("grade").get(pk=student.pk)
    loaded.grade = "6"
    loaded.save()


def upsert_by_position(student: Student) -> None:
    student.grade = "6"
    Student.objects.bulk_create([student], None, False, True, ["grade"], ["id"])


ORM_WRITES: list[Callable[[Student], object]] = [
    save,
    save_one_field,
    bulk_update,
    upsert,
    upsert_by_position,
    save_what_was_loaded,
    lambda student: Student.objects.filter(pk=student.pk).update(grade="6"),
    lambda student: student.delete(),
    lambda student: Student.objects.filter(pk=student.pk).delete(),
]


@pytest.mark.parametrize("write", ORM_WRITES)
def test_a_change_names_its_editor_and_keeps_its_author(
    author: User, editor: User, write: Callable[[Student], object]
) -> None:
    with acting_as(author):
        student = make_student()
    with acting_as(editor):
        write(student)
    after = Student.all_objects.get(pk=student.pk)
    assert (after.created_by, after.updated_by) == (author.pk, editor.pk)


def test_an_author_that_code_names_wins(author: User, editor: User) -> None:
    with acting_as(editor):
        student = make_student(created_by=author.pk)
    assert (student.created_by, student.updated_by) == (author.pk, editor.pk)


def test_saving_no_field_writes_nothing(author: User) -> None:
    student = make_student()
    with acting_as(author):
        student.save(update_fields=[])
    student.refresh_from_db()
    assert student.updated_by is None


def test_a_students_new_school_brings_its_district() -> None:
    student, school = make_student(school=None), make_school()
    student.school = school
    student.save(update_fields=["school"])
    student.refresh_from_db()
    assert student.district_id == school.district_id


def test_restoring_names_its_editor(author: User, editor: User) -> None:
    student = make_student()
    student.delete()
    with acting_as(author):
        student.restore()
    assert Student.objects.get(pk=student.pk).updated_by == author.pk
    student.delete()
    with acting_as(editor):
        Student.all_objects.filter(pk=student.pk).restore()
    assert Student.objects.get(pk=student.pk).updated_by == editor.pk


def test_an_editor_that_code_names_wins(author: User, editor: User) -> None:
    student = make_student()
    with acting_as(author):
        Student.objects.filter(pk=student.pk).update(updated_by=editor.pk)
    student.refresh_from_db()
    assert student.updated_by == editor.pk


def in_sql(student: Student) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE students SET grade = '6' WHERE id = %s", [student.pk])


def in_sql_with_a_lie(student: Student) -> None:
    with connection.cursor() as cursor:
        cursor.execute("""UPDATE students SET "updatedAt" = '1999-01-01' WHERE id = %s""", [student.pk])


@pytest.mark.parametrize("write", [*ORM_WRITES, in_sql, in_sql_with_a_lie])
def test_updated_at_is_the_time_of_the_change(write: Callable[[Student], object]) -> None:
    student = make_student(updated_at=LONG_AGO)
    write(student)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT "updatedAt" BETWEEN now() AND clock_timestamp(), "updatedAt" >= "createdAt"
            FROM students WHERE id = %s
            """,
            [student.pk],
        )
        assert cursor.fetchone() == (True, True)


def test_every_table_keeps_updated_at() -> None:
    tables = {model._meta.db_table for model in Record.__subclasses__() if not model._meta.abstract}
    for parent in Record.__subclasses__():
        tables |= {model._meta.db_table for model in every_subclass(parent) if not model._meta.abstract}
    assert len(tables) == 20
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgfoid = 'set_updated_at'::regproc")
        assert {table for (table,) in cursor.fetchall()} == tables


def every_subclass(model: type[Record]) -> list[type[Record]]:
    return [found for child in model.__subclasses__() for found in [child, *every_subclass(child)]]


def test_the_middleware_names_the_user_of_the_request(author: User) -> None:
    request = HttpRequest()
    request.user = author

    def view(request: HttpRequest) -> HttpResponse:
        make_medication(name="Written by a request")
        return HttpResponse()

    CurrentUserMiddleware(view)(request)
    assert Medication.objects.get(name="Written by a request").created_by == author.pk
    assert acting_user_id() is None


def test_the_middleware_names_nobody_for_an_anonymous_request() -> None:
    request = HttpRequest()
    request.user = AnonymousUser()
    CurrentUserMiddleware(lambda request: HttpResponse(str(acting_user_id())))(request)
    assert acting_user_id() is None
