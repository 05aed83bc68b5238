"""Doses given: the medication administration record (MAR)."""

from django.db import models
from django.db.models import Q

from core.db import BrinIndex, Index
from core.models import User
from core.models.record import PHIManager, PHIRecord, phi_triggers
from health_records.models.student_medication import StudentMedication
from health_records.models.student_record import StudentRecordQuerySet


class MedicationLogQuerySet(StudentRecordQuerySet["MedicationLog"]):
    """Doses given; they lead to the student through the order."""

    student_path = "student_medication__student"


class MedicationLog(PHIRecord):
    """One dose that a nurse gave, and how the student took it."""

    student_medication = models.ForeignKey(StudentMedication, models.PROTECT, related_name="doses", db_index=False)
    nurse = models.ForeignKey(User, models.PROTECT, related_name="doses_given", db_index=False)
    witnessed_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="doses_witnessed",
        db_column="witnessedBy",
        db_index=False,
    )

    dosage_given = models.CharField(max_length=100)
    time_given = models.DateTimeField()
    reason_for_administration = models.TextField(null=True, blank=True)
    student_response = models.TextField(null=True, blank=True)
    adverse_reaction = models.BooleanField(default=False, db_default=False)
    reaction_details = models.TextField(null=True, blank=True)
    notes = models.TextField(null=True, blank=True)

    objects = PHIManager.from_queryset(MedicationLogQuerySet)()  # type: ignore[assignment,misc]
    all_objects = MedicationLogQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        db_table = "medication_logs"
        verbose_name = "dose given"
        verbose_name_plural = "doses given"
        ordering = ["-time_given"]
        base_manager_name = "all_objects"
        constraints = phi_triggers("medication_logs")
        indexes = [
            Index(
                fields=["student_medication", "-time_given"],
                name="medication_logs_student_med_time_idx",
                serves="The last doses of an order.",
            ),
            Index(
                fields=["nurse", "-time_given"],
                name="idx_medication_logs_nurse",
                serves="What a nurse gave, the latest first.",
            ),
            BrinIndex(
                fields=["time_given"],
                name="medication_logs_time_brin",
                pages_per_range=32,
                autosummarize=True,
                serves="Reports over a span of time.",
            ),
            Index(
                fields=["-time_given"],
                name="medication_logs_adverse_idx",
                condition=Q(adverse_reaction=True),
                serves="Adverse reactions, the latest first.",
            ),
            Index(
                fields=["witnessed_by"],
                name="medication_logs_witness_idx",
                condition=Q(witnessed_by__isnull=False),
                serves="What a user witnessed.",
            ),
        ]
