"""Access by role: who may see, add, change and delete what, and of which school or district.

TABLE is the whole policy; docs/access.md shows it to people. Everything else here reads it.

A role has rights, and a scope: ADMIN everything, a district administrator her district, everybody else her school. Both
must allow: rights without a school to exercise them in open nothing. Nothing here imports a model, so that models can
ask; they are named by their label ("core.Student").
"""

import uuid
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from django.db import models
from django.db.models import Q

from core.enums import UserRole

Rows = TypeVar("Rows", bound="models.QuerySet[Any]")

ROLES = tuple(UserRole(name) for name in ("ADMIN", "DISTRICT_ADMIN", "SCHOOL_ADMIN", "NURSE", "COUNSELOR", "VIEWER"))
RIGHTS = {"s": "view", "a": "add", "c": "change", "d": "delete"}

# s: see, a: add, c: change, d: delete and restore; a dash: nothing.
#
# "Reached by" is the way from a row to its school and district:
#   self, district, school, staff      the row is a student, a district, a school, a member of staff
#   student, relation_to, ...          the relation that leads to the student
#   shared                             no scope: the same for everybody who works somewhere
TABLE = """
model                              reached by                  ADMIN  DISTRICT_ADMIN  SCHOOL_ADMIN  NURSE  COUNSELOR  VIEWER  why
core.District                      district                    sacd   sc              s             s      s          s       Everybody knows where they work.
core.School                        school                      sacd   sac             sc            s      s          s       A district opens its schools; a school keeps its own address.
core.User                          staff                       sacd   sac             sac           s      s          s       Colleagues find each other; administrators manage those below them (MANAGES). Only ADMIN deletes: others switch an account off.
core.Student                       self                        sacd   sacd            sacd          sac    s          s       Enrolment is the office's work; nurses admit who stands before them.
core.Contact                       relation_to                 sacd   sacd            sacd          sacd   s          -       Guardians belong to enrolment and to care. A contact without a student has no school: ADMIN only.
health_records.EmergencyContact    student                     sacd   sacd            sacd          sacd   s          s       Whoever is with a child must be able to call.
health_records.Allergy             student                     sacd   s               s             sacd   s          s       Keeps a child alive: a legitimate educational interest of the whole staff (FERPA, 34 CFR 99.31(a)(1)).
health_records.Vaccination         student                     sacd   s               s             sacd   -          s       State law makes the school answer for immunization, so its administrators see it.
health_records.IncidentReport      student                     sacd   s               s             sacd   sa         s       Administrators answer for safety at school; counselors witness incidents.
health_records.HealthRecord        student                     sacd   -               -             sacd   sa         s       Clinical: beyond the interest of administrators. Confidential ones: see CONFIDENTIAL.
health_records.ChronicCondition    student                     sacd   -               -             sacd   s          s       Clinical; counselors plan accommodations.
health_records.Screening           student                     sacd   -               -             sacd   s          s       Clinical; counselors follow up on vision, hearing and speech.
health_records.Appointment         student                     sacd   -               -             sacd   s          s       A time with the nurse says something of one's health.
health_records.StudentMedication   student                     sacd   -               -             sacd   -          s       Clinical: for those who give the doses.
health_records.MedicationLog       student_medication.student  sacd   -               -             sacd   -          s       Clinical: for those who give the doses.
health_records.GrowthMeasurement   student                     sacd   -               -             sacd   -          s       Clinical.
health_records.VitalSigns          student                     sacd   -               -             sacd   -          s       Clinical.
health_records.Medication          shared                      sacd   s               s             sac    -          s       The catalogue and its stock name no student and no school.
configuration.SystemConfiguration  shared                      sacd   -               -             -      -          -       Settings can open or close the system.
configuration.ConfigurationHistory shared                      s      -               -             -      -          -       Append-only, for ADMIN too.
configuration.Announcement         shared                      s      -               -             -      -          -       Which changes administrators were told of; the system writes it.
adoption.Reject                    shared                      s      -               -             -      -          -       Whole health records that an adoption set aside; manage.py adopt brings them back.
deployment.MigrationRun            shared                      s      -               -             -      -          -       What was done to the schema; only its commands write it.
deployment.MigrationRunStep        shared                      s      -               -             -      -          -       What was done to the schema; only its commands write it.
"""  # noqa: E501 - a table reads across

# Staff whom a role may create and change, and so the roles that it may give. Nobody can raise themselves.
MANAGES: dict[str, tuple[UserRole, ...]] = {
    UserRole.ADMIN: ROLES,
    UserRole.DISTRICT_ADMIN: (UserRole.SCHOOL_ADMIN, UserRole.NURSE, UserRole.COUNSELOR, UserRole.VIEWER),
    UserRole.SCHOOL_ADMIN: (UserRole.NURSE, UserRole.COUNSELOR, UserRole.VIEWER),
}

STUDENT = "core.Student"
HEALTH_RECORD = "health_records.HealthRecord"

# What a confidential record does not hide: not to know of an allergy can cost a child's life.
NEVER_HIDDEN = ("health_records.Allergy",)

# Roles that see confidential health records and what refers to them; the others see those that they wrote themselves.
CONFIDENTIAL = (UserRole.ADMIN, UserRole.NURSE)


@dataclass(frozen=True)
class Line:
    """A line of the table: the way to the scope, the rights ("view", "add", "change", "delete") by role, the reason."""

    reached_by: str
    rights: dict[str, frozenset[str]]
    why: str


def _read(table: str) -> dict[str, Line]:
    _, *rows = (row.split(maxsplit=2 + len(ROLES)) for row in table.strip().splitlines())
    return {
        model: Line(
            reached_by,
            {
                role: frozenset(RIGHTS[letter] for letter in cell if letter != "-")
                for role, cell in zip(ROLES, cells[:-1], strict=True)
            },
            cells[-1],
        )
        for model, reached_by, *cells in rows
    }


LINES = _read(TABLE)


def _label(model: type[models.Model] | models.Model) -> str:
    return model._meta.label


def role_of(user: Any) -> str | None:
    """The role that counts: None for whoever is not signed in or not active, ADMIN for superusers."""
    if user is None or not user.is_active:
        return None
    return UserRole.ADMIN if user.is_superuser else user.role


def rights(user: Any, model: type[models.Model] | models.Model | str) -> frozenset[str]:
    """What the user may do with rows of a model in her scope: of "view", "add", "change", "delete"."""
    role = role_of(user)
    line = LINES.get(model if isinstance(model, str) else _label(model))
    return line.rights[role] if line and role else frozenset()


def staff_with(right: str, model: type[models.Model] | str) -> Q:
    """The condition on staff that their role has a right with a model."""
    by_role = LINES[model if isinstance(model, str) else _label(model)].rights
    return Q(is_superuser=True) | Q(role__in=[role for role, rights in by_role.items() if right in rights])


def is_scoped(user: Any) -> bool:
    """Whether the user sees a part only: a school or a district."""
    return role_of(user) != UserRole.ADMIN


def place_of(user: Any) -> tuple[str, uuid.UUID | None]:
    """The scope of a scoped user: ("school" or "district", its id). Without an id, nothing is in it."""
    if role_of(user) == UserRole.DISTRICT_ADMIN:
        return "district", user.district_id
    return "school", user.school_id


def visible(rows: Rows, user: Any, *, deleted: bool = False) -> Rows:
    """The rows that the user may see.

    Those of deleted students are left out, unless `deleted`: then they stay for users who may restore the student. Rows
    that are marked as deleted themselves are left out by the models' managers, not here.
    """
    if "view" not in rights(user, rows.model):
        return rows.none()
    if not (deleted and "delete" in rights(user, STUDENT)):
        rows = rows.filter(_of_present_student(rows.model))
    if not is_scoped(user):
        return rows
    return rows.filter(_scope(LINES[_label(rows.model)].reached_by, user) & _confidence(rows.model, user))


def may(user: Any, right: str, row: models.Model) -> bool:
    """Whether the user may "view", "change" or "delete" this row. A query or two; mostly none for ADMIN.

    What is marked as deleted, or is about a deleted student, nobody changes: those who may restore it may see it.
    """
    if right not in rights(user, row):
        return False
    if right == "change" and is_deleted(row):
        return False
    if _is_marked(row) and "delete" not in rights(user, row):
        return False
    if _is_marked(student_of(row)) and "delete" not in rights(user, STUDENT):
        return False
    if right != "view" and _label(row) == "core.User" and not manages(user, row):
        return False
    rows = type(row)._base_manager.all()
    return not is_scoped(user) or visible(rows, user, deleted=True).filter(pk=row.pk).exists()


def is_deleted(row: models.Model) -> bool:
    """Whether the row, or the student whom it is about, is marked as deleted."""
    return _is_marked(row) or _is_marked(student_of(row))


def student_of(row: models.Model) -> models.Model | None:
    """The student whom the row is about, marked as deleted or not; None for rows about nobody."""
    path = students_relation(type(row))
    found: Any = row if path else None
    for name in path.split("__") if path else ():
        found = getattr(found, name, None)
    return cast("models.Model | None", found)


def _is_marked(row: models.Model | None) -> bool:
    return getattr(row, "deleted_at", None) is not None


def administers(user: Any) -> bool:
    """Whether the user may do everything and enter the admin."""
    return bool(user.is_staff) and role_of(user) == UserRole.ADMIN


def manages(user: Any, staff: Any) -> bool:
    """Whether the user may change this member of staff, as far as the two roles decide. Nobody manages herself."""
    if not is_scoped(user):
        return True
    return staff.pk != user.pk and not staff.is_superuser and staff.role in MANAGES.get(user.role, ())


def _of_present_student(model: type[models.Model]) -> Q:
    path = students_relation(model)
    return Q(**{f"{path}__deleted_at__isnull": True}) if path else Q()


def _scope(reached_by: str, user: Any) -> Q:
    kind, place = place_of(user)
    if reached_by == "shared":
        return Q() if place else Q(pk__in=[])
    if reached_by == "staff":
        return _of_staff(kind, place) | Q(pk=user.pk)
    if place is None:
        return Q(pk__in=[])
    if reached_by == "district":
        return Q(pk=place) if kind == "district" else Q(schools=place)
    if reached_by == "school":
        return Q(district=place) if kind == "district" else Q(pk=place)
    return Q(**{f"{_path(reached_by)}{kind}": place})


def _of_staff(kind: str, place: uuid.UUID | None) -> Q:
    if place is None:
        return Q(pk__in=[])
    return Q(district=place) | Q(school__district=place) if kind == "district" else Q(school=place)


def _path(reached_by: str) -> str:
    return "" if reached_by == "self" else reached_by.replace(".", "__") + "__"


def _confidence(model: type[models.Model], user: Any) -> Q:
    if role_of(user) in CONFIDENTIAL:
        return Q()
    if _label(model) == HEALTH_RECORD:
        return Q(is_confidential=False) | Q(created_by=user.pk)
    open_to_user = Q()
    if _label(model) in NEVER_HIDDEN:
        return open_to_user
    # What a confidential record led to says what the record is about.
    for field in model._meta.fields:
        if isinstance(field.related_model, type) and _label(field.related_model) == HEALTH_RECORD:
            open_to_user &= (
                Q(**{f"{field.name}__isnull": True})
                | Q(**{f"{field.name}__is_confidential": False})
                | Q(**{f"{field.name}__created_by": user.pk})
            )
    return open_to_user


def students_relation(model: type[models.Model]) -> str | None:
    """The look-up path from a row to its student ("student_medication__student"); None where there is none."""
    reached_by = LINES[_label(model)].reached_by if _label(model) in LINES else "shared"
    if reached_by in ("district", "school", "staff", "shared", "self"):
        return None
    return reached_by.replace(".", "__")


def permissions(user: Any) -> set[str]:
    """The user's permissions under Django's names, such as "core.view_student"."""
    return {
        f"{app}.{right}_{name.lower()}"
        for model in LINES
        for app, name in [model.split(".")]
        for right in rights(user, model)
    }
