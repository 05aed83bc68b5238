"""A student is found by the beginnings of names and number, however one types them."""

import pytest
from django.db import connection

from core.models import Student
from health_records.models import MedicationLog, Vaccination
from tests.factories import make_dose, make_order, make_school, make_student, make_vaccination

pytestmark = pytest.mark.django_db


@pytest.fixture
def zoe() -> Student:
    make_student(first_name="Zora", last_name="Olsen", student_number="M1")
    return make_student(first_name="Zoë", last_name="O'Brien", student_number="N0012-34")


@pytest.mark.parametrize(
    "text",
    [
        "obrien zoe",
        "zoe obrien",
        "Zoë O'Br",
        "O\u2019Brien, Zoë",
        "o`brien",
        "OBR ZO",
        "zoë",
        "N0012",
        "n0012-3",
        "N0012 34",
        "34",
        "zoe n00",
        "  zo   obr  ",
        "zoe\tobr\n",
        "zoe\x00obr",
        "(O'Brien)",
        "o'brien & zoe:*",
        "Zoe\u0308",  # decomposed
        "ＺＯＥ",  # noqa: RUF001 - full width, as some keyboards type
    ],
)
def test_zoe_obrien_is_found_by(zoe: Student, text: str) -> None:
    assert list(Student.objects.search(text)) == [zoe]


@pytest.mark.parametrize(
    "text",
    ["", " ", "'", "--", "%", "_", "%obr%", "brien", "zoe zora", "obrien zoee", "0012", "N0012-35", "*", "\\", "!"],
)
def test_nobody_is_found_by(zoe: Student, text: str) -> None:
    assert not Student.objects.search(text).exists()


@pytest.mark.parametrize(
    ("last_name", "texts"),
    [
        ("García-Márquez", ["garcia", "marquez", "garcia marq", "garcía-márquez ana", "ana marq", "Garcia Marquez"]),
        ("de la Cruz", ["de la cruz", "cruz", "de la cr ana", "la cruz", "ana cruz", "DE LA"]),
        ("St. John", ["st john", "st.john", "St. John", "john ana"]),
        ("Łukasiewicz", ["lukasiewicz", "Łuk", "ana luk"]),
        ("Strauß", ["strauss", "strauß", "STRAUSS"]),
        ("Sørensen", ["sorensen", "Sørensen"]),
        ("Smith\u2013Jones", ["jones", "smith-jones", "smith jones"]),
        ("Nguyễn", ["nguyen", "Nguyễn"]),
        ("van 't Hoff", ["t hoff", "hoff", "van t hoff"]),
        ("李", ["李"]),
        ("Иванов", ["Иван", "иванов"]),
    ],
)
def test_a_surname_is_found_whole_and_by_each_of_its_words(last_name: str, texts: list[str]) -> None:
    student = make_student(first_name="Ana", last_name=last_name)
    for text in texts:
        assert list(Student.objects.search(text)) == [student], text


def test_the_found_are_in_the_order_of_names_whatever_their_case() -> None:
    names = ["Adler", "berg", "Berger", "Bergman"]
    for name in reversed(names):
        make_student(first_name="Kim", last_name=name)
    assert [student.last_name for student in Student.objects.search("kim")] == names


def test_a_search_stays_within_what_was_asked_before_and_after() -> None:
    school, other_school = make_school(), make_school()
    here, there = make_student(last_name="Berg", school=school), make_student(last_name="Berg", school=other_school)
    make_student(last_name="Berg", school=school, is_active=False)
    make_student(last_name="Berg", school=school).delete()
    assert list(Student.objects.for_school(school).search("berg")) == [here]
    assert list(Student.objects.search("berg").for_district(other_school.district)) == [there]
    assert Student.objects.search("berg").exclude(pk=here.pk).filter(is_active=True).get() == there


def test_deleted_students_are_found_among_all_objects_alone(zoe: Student) -> None:
    zoe.delete()
    assert not Student.objects.search("obrien").exists()
    assert Student.all_objects.search("obrien").get() == zoe


def test_very_long_texts_find_nobody_and_break_nothing(zoe: Student) -> None:
    for text in ("x" * 100_000, "ﷺ" * 5_000, "㌀" * 5_000, "a " * 50_000, "zoe " * 50_000, "\U0001f600"):
        assert Student.objects.search(text).count() in (0, 1)


def test_the_longest_names_are_indexed() -> None:
    student = make_student(first_name="㌀" * 100, last_name="ǆ" * 100, student_number="9" * 50)
    assert Student.objects.search("9" * 50).get() == student


def test_records_are_found_by_the_name_of_their_student(zoe: Student) -> None:
    vaccination = make_vaccination(student=zoe)
    dose = make_dose(student_medication=make_order(student=zoe))
    make_vaccination()
    make_dose()
    assert Vaccination.objects.of_students_named("zoe o'b").get() == vaccination
    assert MedicationLog.objects.of_students_named("zoe o'b").get() == dose
    zoe.delete()
    assert not Vaccination.objects.of_students_named("zoe").exists()


def test_a_renamed_student_is_found_by_the_new_name() -> None:
    student = make_student(last_name="Berg", school=make_school())
    Student.objects.filter(pk=student.pk).update(last_name="Lind")
    assert not Student.objects.search("berg").exists()
    assert Student.objects.search("lind").get() == student


def test_the_index_is_built_without_a_search_path_as_restores_and_maintenance_do(zoe: Student) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = ''; ANALYZE public.students; REINDEX INDEX public.idx_students_search")
        cursor.execute("SET LOCAL search_path = public")
    assert Student.objects.search("obr").get() == zoe
