"""Deleted rows are marked, restored, and removed only on purpose."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

from core.models import Student
from core.models.record import erasing
from health_records.models import HealthRecord
from tests.factories import make_health_record, make_student

pytestmark = pytest.mark.django_db


def test_delete_on_an_instance_marks_the_row() -> None:
    student = make_student()
    assert student.delete() == (1, {"core.Student": 1})
    assert not Student.objects.filter(pk=student.pk).exists()
    assert Student.all_objects.get(pk=student.pk).deleted_at is not None


def test_delete_on_a_queryset_marks_the_rows_and_counts_them() -> None:
    student = make_student()
    make_health_record(student=student)
    make_health_record(student=student).delete()
    assert HealthRecord.all_objects.filter(student=student).delete() == (1, {"health_records.HealthRecord": 1})
    assert HealthRecord.objects.filter(student=student).count() == 0
    assert HealthRecord.all_objects.filter(student=student).count() == 2


def test_relations_and_refreshes_find_deleted_rows() -> None:
    record = make_health_record()
    record.student.delete()
    fresh = HealthRecord.objects.get(pk=record.pk)
    assert fresh.student.deleted_at is not None
    fresh.student.refresh_from_db()


def test_a_students_records_leave_deleted_ones_out() -> None:
    record = make_health_record()
    record.delete()
    assert not record.student.health_records.exists()


def test_restore_takes_the_mark_away() -> None:
    student = make_student()
    student.delete()
    student.restore()
    assert Student.objects.filter(pk=student.pk).exists()
    Student.objects.filter(pk=student.pk).delete()
    assert Student.all_objects.filter(pk=student.pk).restore() == 1
    assert Student.objects.get(pk=student.pk).deleted_at is None


def test_erase_removes_the_row() -> None:
    record = make_health_record()
    assert record.erase()[0] == 1
    assert not HealthRecord.all_objects.filter(pk=record.pk).exists()


def test_a_student_with_records_cannot_be_erased() -> None:
    record = make_health_record()
    record.delete()
    with pytest.raises(ProtectedError):
        record.student.erase()
    with pytest.raises(ProtectedError):
        Student.objects.filter(pk=record.student_id).erase()


def test_a_plain_delete_in_sql_is_refused_also_after_an_erasure() -> None:
    make_health_record().erase()
    record = make_health_record()
    with pytest.raises(IntegrityError, match="holds health records"), transaction.atomic():
        delete(record)


def test_sql_that_says_so_removes_a_row() -> None:
    record = make_health_record()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL whitecross.erase = 'on'")
    delete(record)
    assert not HealthRecord.all_objects.filter(pk=record.pk).exists()


def test_a_failed_erasure_leaves_the_guard_on() -> None:
    record = make_health_record()
    with pytest.raises(ProtectedError), transaction.atomic():
        record.student.erase()
    with pytest.raises(IntegrityError, match="holds health records"), transaction.atomic():
        delete(record)


def delete(record: HealthRecord) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM health_records WHERE id = %s", [record.pk])


def test_an_erasure_within_another_leaves_it_open() -> None:
    first, second = make_health_record(), make_health_record()
    with erasing("default"):
        first.erase()
        delete(second)
    assert not HealthRecord.all_objects.filter(pk__in=[first.pk, second.pk]).exists()


def test_a_deletion_that_was_rolled_back_can_be_made_again() -> None:
    student = make_student()
    with transaction.atomic():
        student.delete()
        transaction.set_rollback(True)
    assert student.delete()[0] == 1
    assert Student.all_objects.get(pk=student.pk).deleted_at == student.deleted_at


def test_a_second_deletion_keeps_the_time_of_the_first() -> None:
    student = make_student()
    stale = Student.objects.get(pk=student.pk)
    student.delete()
    assert stale.delete() == (0, {})
    assert stale.deleted_at == student.deleted_at == Student.all_objects.get(pk=student.pk).deleted_at


def test_restoring_where_deleted_rows_are_left_out_is_an_error() -> None:
    with pytest.raises(TypeError, match="all_objects"):
        Student.objects.filter(grade="5").restore()


@pytest.mark.parametrize("word", ["delete", "restore", "erase"])
def test_a_manager_has_no_word_for_all_rows(word: str) -> None:
    assert not hasattr(Student.objects, word)
    assert not hasattr(Student.all_objects, word)
