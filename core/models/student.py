"""Students."""

import datetime as dt
from typing import Any, Self
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Count, Q
from django.db.models.functions import Lower
from django.utils import timezone

from core.db import CompositeForeignKey, EnumField, GinIndex, Index, SearchWords, TransactionTime
from core.enums import Gender
from core.models.district import District
from core.models.health_overview import COMPLIANCE_STATUS, GRAVEST_COMPLIANCE, HEALTH_OVERVIEW
from core.models.record import PHIManager, PHIQuerySet, PHIRecord, phi_triggers
from core.models.school import School
from core.models.user import User
from core.search import names_begin


class StudentQuerySet(PHIQuerySet["Student"]):
    """Students, in the phrases of those who look after them."""

    def for_school(self, school: School | UUID) -> Self:
        """Those who are enrolled at a school: its roster."""
        return self.filter(school=school, is_active=True)

    def for_district(self, district: District | UUID) -> Self:
        """Those who are enrolled in a district."""
        return self.filter(district=district, is_active=True)

    def with_health_overview(self) -> Self:
        """With what a nurse has to know at a glance, in the same query.

        Each student gets `allergy_count`, `has_life_threatening_allergy`, `condition_count` (not resolved, not
        inactive), `medication_count` (orders that are active), `last_record_date` and `last_record_type` (None where
        there is no record; confidential ones do not show).
        """
        return self.annotate(**HEALTH_OVERVIEW)

    def with_compliance_status(self) -> Self:
        """With each student's `compliance_status`: the gravest that the latest dose of any vaccine has.

        A dose under an exemption is EXEMPT, whatever its status; one without a vaccine type stands for itself.

        From the gravest: NON_COMPLIANT, OVERDUE, PARTIALLY_COMPLIANT, EXEMPT, COMPLIANT; None where no vaccination is
        on file. It is the status as recorded; what has become overdue since is in `Vaccination.objects.overdue_on()`.
        """
        return self.annotate(compliance_status=COMPLIANCE_STATUS)

    def count_by_compliance(self) -> dict[str | None, int]:
        """How many of these students have each compliance status, the gravest first; None: no vaccination on file."""
        counts = dict(self.order_by().values_list(COMPLIANCE_STATUS).annotate(Count("pk")))
        return {status: counts.get(status, 0) for status in (*GRAVEST_COMPLIANCE, None)}

    def search(self, text: str) -> Self:
        """Those of whom each word of the text begins a name or the number, in the order of names.

        "obrien zoe", "Zoë O'Br" and "N0012" all do; a text without words finds nobody. The order is by an expression on
        purpose: ordered by the plain columns, PostgreSQL may walk the index of all names to find the first few matches.
        """
        return self.filter(names_begin(text)).order_by(Lower("last_name"), Lower("first_name"), "pk")


class Student(PHIRecord):
    """A student, with or without a school at present."""

    student_number = models.CharField(max_length=50)
    first_name = models.CharField(max_length=100)
    last_name = models.CharField(max_length=100)
    date_of_birth = models.DateField()
    gender = EnumField(Gender)
    photo = models.CharField(max_length=500, null=True, blank=True)
    medical_record_num = models.CharField("medical record number", max_length=50, null=True, blank=True)

    school = models.ForeignKey(School, models.PROTECT, null=True, blank=True, related_name="students", db_index=False)
    district = models.ForeignKey(
        District, models.PROTECT, null=True, blank=True, related_name="students", db_index=False
    )
    nurse = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="students", db_index=False)
    grade = models.CharField(max_length=10)
    enrollment_date = models.DateTimeField(default=timezone.now, db_default=TransactionTime())
    is_active = models.BooleanField("enrolled", default=True, db_default=True, help_text="Enrolled at present.")

    # What with_health_overview() and with_compliance_status() add.
    allergy_count: int
    has_life_threatening_allergy: bool
    condition_count: int
    medication_count: int
    last_record_date: dt.datetime | None
    last_record_type: str | None
    compliance_status: str | None

    objects = PHIManager.from_queryset(StudentQuerySet)()  # type: ignore[assignment,misc]
    all_objects = StudentQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        db_table = "students"
        ordering = ["last_name", "first_name"]
        base_manager_name = "all_objects"
        constraints = [
            models.UniqueConstraint(fields=["student_number"], name="students_studentNumber_key"),
            models.UniqueConstraint(fields=["medical_record_num"], name="students_medicalRecordNum_key"),
            models.CheckConstraint(
                name="students_school_needs_district_check",
                condition=Q(school__isnull=True) | Q(district__isnull=False),
                violation_error_message="A student of a school belongs to that school's district.",
            ),
            # A school that moves to another district takes its students along; as it is the school that was changed,
            # their updatedBy stays.
            CompositeForeignKey(
                name="students_school_district_fkey",
                columns=["schoolId", "districtId"],
                to_table="schools",
                to_columns=["id", "districtId"],
            ),
            *phi_triggers("students"),
        ]
        indexes = [
            Index(
                fields=["school", "last_name", "first_name"],
                name="students_school_idx",
                condition=Q(is_active=True),
                serves="A school's roster in the order of names.",
            ),
            Index(
                fields=["school", "grade", "is_active", "nurse"],
                name="idx_students_health_overview",
                serves="A school's grades with the nurse of each student; all students of a school.",
            ),
            Index(fields=["nurse"], name="students_nurseId_idx", serves="The students of a nurse."),
            Index(
                fields=["district", "last_name", "first_name"],
                name="students_district_name_idx",
                serves="A district's students in the order of names.",
            ),
            Index(
                fields=["district", "id"],
                include=["deleted_at"],
                name="students_district_active_idx",
                condition=Q(is_active=True),
                serves="A district's enrolled students, for the compliance board.",
            ),
            Index(
                fields=["last_name", "first_name"],
                name="students_name_idx",
                serves="Students in the order of their names.",
            ),
            GinIndex(
                SearchWords("first_name", "last_name", "student_number"),
                name="idx_students_search",
                serves="Students by the beginnings of names and number, whatever order, case and diacritics.",
            ),
            Index(
                fields=["deleted_at"],
                name="students_deleted_idx",
                condition=Q(deleted_at__isnull=False),
                serves="Students who are marked as deleted, the latest first.",
            ),
        ]

    def save(self, **kwargs: Any) -> None:
        """As Django's; a school's student without a district gets the school's."""
        before = self.district_id
        self._take_district_of_school()
        if kwargs.get("update_fields") and self.district_id != before:
            kwargs["update_fields"] = {*kwargs["update_fields"], "district"}
        super().save(**kwargs)

    def clean(self) -> None:
        """The rules over several rows, in words. Raises ValidationError."""
        self._take_district_of_school()
        if self.school and self.school.district_id != self.district_id:
            raise ValidationError({"district": "A student of a school belongs to that school's district."})
        self._refuse_number_of_deleted("student_number")
        self._refuse_number_of_deleted("medical_record_num")

    def _take_district_of_school(self) -> None:
        if self.district_id is None and self.school:
            self.district_id = self.school.district_id

    def _refuse_number_of_deleted(self, field: str) -> None:
        # Uniqueness counts deleted students too, but validation looks through `objects`, which leaves them out.
        number = getattr(self, field)
        others = Student.all_objects.filter(**{field: number, "deleted_at__isnull": False})
        if number and others.exclude(pk=self.pk).exists():
            raise ValidationError({field: "A deleted student has this number. Restore that record instead."})
