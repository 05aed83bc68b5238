"""A native enum column takes part in everything that the ORM can say."""

import pytest
from django.core.exceptions import ValidationError
from django.db import DataError, connection, transaction
from django.db.models import Case, CharField, Count, Exists, F, Max, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Cast, Coalesce, Lower
from django.test.utils import CaptureQueriesContext

from core.enums import Gender, UserRole
from core.models import Student, User
from health_records.enums import AllergySeverity
from health_records.models import Allergy
from tests.factories import make_school, make_student, make_user

pytestmark = pytest.mark.django_db
ROLE = User._meta.get_field("role")


@pytest.fixture
def staff() -> dict[str, User]:
    return {role: make_user(role) for role in UserRole.values}


def roles(queryset: object) -> list[str]:
    return list(queryset.values_list("role", flat=True))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Q(role=UserRole.NURSE), {"NURSE"}),
        (Q(role="NURSE"), {"NURSE"}),
        (Q(role__in=["NURSE", UserRole.VIEWER]), {"NURSE", "VIEWER"}),
        (~Q(role__in=["NURSE", "VIEWER", "ADMIN", "COUNSELOR"]), {"SCHOOL_ADMIN", "DISTRICT_ADMIN"}),
        (Q(role__isnull=True), set()),
        # Enum types compare in the order of their labels.
        (Q(role__gt=UserRole.DISTRICT_ADMIN), {"VIEWER", "COUNSELOR"}),
        (Q(role=F("role")), set(UserRole.values)),
        (Q(role=Value("NURSE")), {"NURSE"}),
        (
            Q(role=Case(When(is_superuser=True, then=Value("ADMIN", ROLE)), default=Value("NURSE", ROLE))),
            {"ADMIN", "NURSE"},
        ),
    ],
)
def test_filters(staff: dict[str, User], condition: Q, expected: set[str]) -> None:
    assert set(roles(User.objects.filter(condition))) == expected


def test_order_follows_the_labels_and_not_the_alphabet(staff: dict[str, User]) -> None:
    assert roles(User.objects.order_by("role")) == UserRole.values


def test_aggregates_group_by_it(staff: dict[str, User]) -> None:
    assert User.objects.values("role").annotate(number=Count("id")).count() == len(UserRole.values)
    assert User.objects.aggregate(last=Max("role"))["last"] == "COUNSELOR"


def test_subqueries_and_coalesce(staff: dict[str, User]) -> None:
    same = User.objects.filter(role=OuterRef("role")).exclude(pk=OuterRef("pk"))
    assert not User.objects.filter(Exists(same)).exists()
    named = Subquery(User.objects.filter(pk=OuterRef("pk")).values("role")[:1])
    assert User.objects.annotate(found=Coalesce(named, Value("VIEWER", ROLE))).filter(found="NURSE").count() == 1


def test_text_functions_work_on_a_cast(staff: dict[str, User]) -> None:
    lowered = User.objects.annotate(word=Lower(Cast("role", CharField()))).values_list("word", flat=True)
    assert set(lowered) == {role.lower() for role in UserRole.values}


def test_a_text_expression_is_cast_into_it(staff: dict[str, User]) -> None:
    assert User.objects.annotate(as_role=Cast(Value("NURSE"), ROLE)).first() is not None
    User.objects.update(role=Case(When(is_superuser=True, then=Value("ADMIN")), default=Value("VIEWER")))
    assert set(roles(User.objects.all())) == {"ADMIN", "VIEWER"}


def test_bulk_update_and_upsert(staff: dict[str, User]) -> None:
    users = list(staff.values())
    for user in users:
        user.role = UserRole.COUNSELOR
    assert User.objects.bulk_update(users, ["role"]) == len(users)
    assert set(roles(User.objects.all())) == {"COUNSELOR"}
    users[0].role = UserRole.NURSE
    User.objects.bulk_create(users[:1], update_conflicts=True, unique_fields=["id"], update_fields=["role"])
    users[0].refresh_from_db()
    assert users[0].role == "NURSE"


def test_bulk_create_sends_arrays(staff: dict[str, User]) -> None:
    school = make_school()
    students = [
        Student(
            first_name="Ada",
            last_name="Lovelace",
            student_number=f"B{number}",
            date_of_birth="2014-01-01",
            gender=gender,
            grade="4",
            school=school,
            district=school.district,
        )
        for number, gender in enumerate(Gender.values)
    ]
    with CaptureQueriesContext(connection) as queries:
        Student.objects.bulk_create(students)
    assert any("UNNEST" in query["sql"] for query in queries)
    assert set(Student.objects.values_list("gender", flat=True)) == set(Gender.values)


def test_the_database_supplies_the_default() -> None:
    student = make_student()
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO allergies ("studentId", allergen) VALUES (%s, %s) RETURNING id', [student.pk, "Latex"]
        )
        (key,) = cursor.fetchone()
    assert Allergy.objects.get(pk=key).severity == AllergySeverity.MODERATE


def test_an_unknown_label_is_refused_in_python_and_the_transaction_lives() -> None:
    with pytest.raises(ValueError, match="'JANITOR' is not one of ADMIN, NURSE"):
        User.objects.filter(role="JANITOR").exists()
    with pytest.raises(ValueError, match="JANITOR"), transaction.atomic():
        User.objects.update(role="JANITOR")
    assert User.objects.count() == 0


def test_an_unknown_label_is_refused_by_the_database() -> None:
    user = make_user()
    with pytest.raises(DataError, match="invalid input value for enum"), transaction.atomic():
        connection.cursor().execute("UPDATE users SET role = 'JANITOR' WHERE id = %s", [user.pk])


def test_validation_says_it_kindly() -> None:
    user = make_user()
    user.role = "JANITOR"
    with pytest.raises(ValidationError) as caught:
        user.full_clean()
    assert "role" in caught.value.message_dict


def test_the_word_for_people() -> None:
    assert make_user(UserRole.SCHOOL_ADMIN).get_role_display() == "School administrator"
