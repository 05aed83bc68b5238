"""Medications that students take at school."""

from django.db import models
from django.db.models import F, Q

from core.db import Index
from core.models import Student
from core.models.record import PHIRecord, phi_triggers
from health_records.models.medication import Medication


class StudentMedication(PHIRecord):
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

    class Meta:
        db_table = "student_medications"
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
