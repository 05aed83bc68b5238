"""Medications that students take at school."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Prefetch, Q

from core.db import Index
from core.models import Student
from core.models.record import PHIManager, phi_triggers
from health_records.models.medication import Medication
from health_records.models.student_record import StudentRecord, StudentRecordQuerySet

if TYPE_CHECKING:
    from health_records.models.medication_log import MedicationLog


class StudentMedicationQuerySet(StudentRecordQuerySet["StudentMedication"]):
    """Orders, in the phrases of whoever gives the doses."""

    def active(self) -> Self:
        """Those that are not discontinued."""
        return self.filter(is_active=True)

    def with_last_doses(self, count: int = 5) -> Self:
        """Each with its medication and, as the list `last_doses`, its last doses with their nurses, the latest first.

        Two queries, however many orders and doses there are.
        """
        from health_records.models.medication_log import MedicationLog  # which imports this module

        doses = MedicationLog.objects.select_related("nurse").order_by("-time_given", "-pk")[:count]
        return self.select_related("medication").prefetch_related(Prefetch("doses", doses, to_attr="last_doses"))


class StudentMedication(StudentRecord):
    """An order: which medication a student is given, how much and how often, and who consented."""

    student = models.ForeignKey(Student, models.PROTECT, related_name="medications", db_index=False)
    medication = models.ForeignKey(Medication, models.PROTECT, related_name="orders", db_index=False)

    dosage = models.CharField(max_length=100)
    frequency = models.CharField(max_length=100)
    route = models.CharField(max_length=50, null=True, blank=True)
    instructions = models.TextField(null=True, blank=True)
    start_date = models.DateTimeField()
    end_date = models.DateTimeField(null=True, blank=True)
    prescribed_by = models.CharField(max_length=200)
    prescribed_by_npi = models.CharField("prescriber's NPI", max_length=20, null=True, blank=True)
    side_effects = models.TextField(null=True, blank=True)
    requires_parent_consent = models.BooleanField(default=True, db_default=True)
    consent_obtained = models.BooleanField(default=False, db_default=False)
    consent_date = models.DateTimeField(null=True, blank=True)
    notes = models.TextField(null=True, blank=True)
    is_active = models.BooleanField(default=True, db_default=True)

    # What with_last_doses() adds.
    last_doses: "list[MedicationLog]"

    objects = PHIManager.from_queryset(StudentMedicationQuerySet)()  # type: ignore[assignment,misc]
    all_objects = StudentMedicationQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        db_table = "student_medications"
        verbose_name = "medication order"
        verbose_name_plural = "medication orders"
        ordering = ["-start_date"]
        base_manager_name = "all_objects"
        constraints = [
            models.CheckConstraint(
                name="student_medications_dates_check",
                condition=Q(end_date__gte=F("start_date")),
                violation_error_message="End date: not before the start date.",
            ),
            models.CheckConstraint(
                name="student_medications_consent_check",
                condition=Q(consent_obtained=False) | Q(consent_date__isnull=False),
                violation_error_message="Consent date: needed where consent was obtained.",
            ),
            *phi_triggers("student_medications"),
        ]
        indexes = [
            Index(
                fields=["student", "is_active", "start_date", "end_date"],
                name="student_medications_student_idx",
                serves="What a student takes at present.",
            ),
            Index(
                fields=["medication"],
                name="student_medications_medication_idx",
                serves="Who takes a medication.",
            ),
            Index(
                fields=["start_date", "end_date"],
                name="idx_student_medications_active_dates",
                condition=Q(is_active=True),
                serves="Orders that run on a day.",
            ),
            Index(
                fields=["student"],
                name="student_medications_consent_idx",
                condition=Q(requires_parent_consent=True, consent_obtained=False),
                serves="Orders that wait for a parent's consent.",
            ),
        ]
