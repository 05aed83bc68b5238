"""for_user: every role, every model, from here, from next door, from far away."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser

from core import access
from core.enums import UserRole
from core.models import Contact, Student, User
from health_records.models import HealthRecord
from tests.access.worlds import LABELS, OUR_MODELS, World
from tests.factories import make_health_record, make_school, make_student, make_user

REFERRING = [
    model._meta.label for model in OUR_MODELS if any(field.name == "health_record" for field in model._meta.fields)
]
ABOUT_STUDENTS = [model._meta.label for model in OUR_MODELS if access.students_relation(model)]


def ids(label: str, user: Any, world: World) -> set[Any]:
    """What the user sees of the three places' rows."""
    rows = {place.rows[label].pk for place in (world.here, world.near, world.far)}
    return set(apps.get_model(label)._default_manager.for_user(user).filter(pk__in=rows).values_list("pk", flat=True))


@pytest.mark.parametrize("role", [*UserRole])
def test_each_role_sees_its_own_part_of_every_model(world: World, role: str) -> None:
    user = world.user(role)
    for label in LABELS:
        assert ids(label, user, world) == world.expected(role, label), label


def test_a_superuser_sees_everything_whatever_her_role(world: World) -> None:
    user = world.user(UserRole.VIEWER, is_superuser=True)
    for label in LABELS:
        assert ids(label, user, world) == world.expected(UserRole.ADMIN, label), label


@pytest.mark.parametrize("role", [*UserRole])
def test_whoever_is_inactive_sees_nothing(world: World, role: str) -> None:
    user = world.user(role, is_active=False)
    assert all(not ids(label, user, world) for label in LABELS)


def test_whoever_has_not_signed_in_sees_nothing(world: World) -> None:
    assert all(not ids(label, AnonymousUser(), world) for label in LABELS)
    assert all(not ids(label, None, world) for label in LABELS)


@pytest.mark.parametrize("role", [role for role in UserRole if role != UserRole.ADMIN])
def test_a_role_without_a_place_opens_nothing(world: World, role: str) -> None:
    user = make_user(role)
    assert all(not ids(label, user, world) for label in LABELS)


def test_a_nurses_district_does_not_widen_her_scope(world: World) -> None:
    user = make_user(district=world.here.district)
    assert not Student.objects.for_user(user).exists()


def test_everybody_sees_herself(world: World) -> None:
    user = make_user()
    assert set(User.objects.for_user(user)) == {user}


def test_a_student_without_a_school_is_the_districts(world: World) -> None:
    student = make_student(school=None, district=world.here.district)
    assert Student.objects.for_user(world.user(UserRole.DISTRICT_ADMIN)).filter(pk=student.pk).exists()
    assert not Student.objects.for_user(world.user(UserRole.NURSE)).filter(pk=student.pk).exists()


def test_a_student_who_moves_takes_the_records_along(world: World) -> None:
    nurse, student = world.user(UserRole.NURSE), world.here.student
    student.school = world.near.school
    student.save()
    assert not HealthRecord.objects.for_user(nurse).exists()


def test_confidential_records_are_for_nurses_and_those_who_wrote_them(world: World) -> None:
    nurse, counselor, viewer = (world.user(role) for role in (UserRole.NURSE, UserRole.COUNSELOR, UserRole.VIEWER))
    secret = make_health_record(student=world.here.student, is_confidential=True)
    own = make_health_record(student=world.here.student, is_confidential=True, created_by=counselor.pk)
    assert {secret, own} <= set(HealthRecord.objects.for_user(nurse))
    assert {secret, own} & set(HealthRecord.objects.for_user(counselor)) == {own}
    assert not {secret, own} & set(HealthRecord.objects.for_user(viewer))


@pytest.mark.parametrize("label", REFERRING)
def test_what_refers_to_a_confidential_record_is_as_confidential(world: World, label: str) -> None:
    counselor = world.user(UserRole.COUNSELOR)
    row = world.here.rows[label]
    for record, seen in (
        (make_health_record(student=world.here.student, is_confidential=True), False),
        (make_health_record(student=world.here.student, is_confidential=True, created_by=counselor.pk), True),
        (make_health_record(student=world.here.student), True),
    ):
        type(row)._base_manager.filter(pk=row.pk).update(health_record=record)
        rows = type(row)._default_manager
        assert rows.for_user(world.here.nurse).filter(pk=row.pk).exists()  # type: ignore[attr-defined]
        opens = "view" in access.LINES[label].rights[UserRole.COUNSELOR]
        seen = seen or label in access.NEVER_HIDDEN
        assert rows.for_user(counselor).filter(pk=row.pk).exists() == (seen and opens)  # type: ignore[attr-defined]


@pytest.mark.parametrize("role", [*UserRole])
def test_a_deleted_students_records_are_for_those_who_may_restore_the_student(world: World, role: str) -> None:
    user, student = world.user(role), world.here.student
    student.delete()
    restores = "delete" in access.LINES["core.Student"].rights[role]
    assert access.may(user, "view", student) == restores
    assert not access.may(user, "change", student)
    for label in ABOUT_STUDENTS:
        if "view" not in access.LINES[label].rights[role]:
            continue
        row = apps.get_model(label)._base_manager.get(pk=world.here.rows[label].pk)
        assert world.here.rows[label].pk not in ids(label, user, world), label
        shown = access.visible(type(row)._base_manager.all(), user, deleted=True).filter(pk=row.pk)
        assert shown.exists() == access.may(user, "view", row) == restores, label
        assert not access.may(user, "change", row), label


def test_a_deleted_row_is_seen_by_those_who_may_restore_it(world: World) -> None:
    world.here.rows["health_records.HealthRecord"].delete()
    record = HealthRecord.all_objects.get(pk=world.here.rows["health_records.HealthRecord"].pk)
    assert access.may(world.here.nurse, "view", record)
    assert access.may(world.here.nurse, "delete", record)
    assert not access.may(world.here.nurse, "change", record)
    assert not access.may(world.user(UserRole.VIEWER), "view", record)


def test_a_contact_without_a_student_is_for_admin(world: World) -> None:
    vendor = Contact.objects.create(first_name="V", last_name="Vendor", type="VENDOR")
    assert Contact.objects.for_user(world.user(UserRole.ADMIN)).filter(pk=vendor.pk).exists()
    assert not Contact.objects.for_user(world.user(UserRole.DISTRICT_ADMIN)).filter(pk=vendor.pk).exists()


def test_deleted_rows_stay_out_and_scope_holds_for_them_too(world: World) -> None:
    world.here.student.delete()
    nurse, other = world.user(UserRole.NURSE), world.near.nurse
    assert not Student.objects.for_user(nurse).exists()
    assert set(Student.all_objects.for_user(nurse)) == {world.here.student}
    assert world.here.student not in Student.all_objects.for_user(other)


def test_scope_adds_no_row_twice(world: World) -> None:
    make_school(district=world.here.district)
    for model in OUR_MODELS:
        rows = list(model._default_manager.for_user(world.user(UserRole.DISTRICT_ADMIN)).values_list("pk", flat=True))  # type: ignore[attr-defined]
        assert len(rows) == len(set(rows)), model


@pytest.mark.parametrize("role", [*UserRole])
def test_django_permissions_come_from_the_table(world: World, role: str) -> None:
    user = User.objects.get(pk=world.user(role, is_superuser=False).pk)
    for label, line in access.LINES.items():
        app, name = label.split(".")
        for right in access.RIGHTS.values():
            assert user.has_perm(f"{app}.{right}_{name.lower()}") == (right in line.rights[role]), (label, right)
    assert user.has_module_perms("core")
    assert user.has_module_perms("configuration") == (role == UserRole.ADMIN)
    assert not user.has_perm("auth.add_group")


def test_a_permission_for_a_row_asks_for_its_scope(world: World) -> None:
    nurse = world.user(UserRole.NURSE)
    assert nurse.has_perm("core.view_student", world.here.student)
    assert not nurse.has_perm("core.view_student", world.near.student)
    assert not nurse.has_perm("core.delete_student", world.here.student)


def test_who_has_a_permission_is_found_by_role(world: World) -> None:
    from core.auth import RoleBackend

    nurse, viewer = world.user(UserRole.NURSE), world.user(UserRole.VIEWER)
    found = RoleBackend().with_perm("health_records.add_allergy")
    assert nurse in found
    assert viewer not in found
