"""Allergies."""

from django.db import models
from django.db.models import Q

from core.db import EnumField, Index
from core.models import Student
from core.models.record import phi_triggers
from health_records.enums import AllergySeverity, AllergyType
from health_records.models.health_record import HealthRecord
from health_records.models.student_record import StudentRecord


class Allergy(StudentRecord):
    """An allergy of a student, and what to do when it shows."""

    student = models.ForeignKey(Student, models.PROTECT, related_name="allergies", db_index=False)
    health_record = models.ForeignKey(
        HealthRecord, models.SET_NULL, null=True, blank=True, related_name="allergies", db_index=False
    )

    allergen = models.CharField(max_length=200)
    allergy_type = EnumField(AllergyType, null=True, blank=True)
    severity = EnumField(AllergySeverity, default=AllergySeverity.MODERATE, db_default=AllergySeverity.MODERATE)
    reaction = models.TextField(null=True, blank=True)
    reactions = models.JSONField(null=True, blank=True)
    symptoms = models.TextField(null=True, blank=True)
    treatment = models.TextField(null=True, blank=True)
    emergency_protocol = models.TextField(null=True, blank=True)
    onset_date = models.DateTimeField(null=True, blank=True)
    diagnosed_date = models.DateTimeField(null=True, blank=True)
    diagnosed_by = models.CharField(max_length=200, null=True, blank=True)
    verified = models.BooleanField(null=True, blank=True, default=False, db_default=False)
    verified_by = models.TextField(null=True, blank=True)
    verification_date = models.DateTimeField(null=True, blank=True)
    epi_pen_required = models.BooleanField("EpiPen required", null=True, blank=True, default=False, db_default=False)
    epi_pen_location = models.TextField("EpiPen location", null=True, blank=True)
    epi_pen_expiration = models.DateTimeField("EpiPen expiration", null=True, blank=True)
    notes = models.TextField(null=True, blank=True)
    is_active = models.BooleanField(default=True, db_default=True)

    class Meta:
        db_table = "allergies"
        verbose_name_plural = "allergies"
        ordering = ["allergen"]
        base_manager_name = "all_objects"
        constraints = phi_triggers("allergies")
        indexes = [
            Index(
                fields=["student", "severity"],
                name="idx_allergies_student",
                serves="A student's allergies by severity.",
            ),
            Index(
                fields=["student"],
                name="idx_allergies_critical",
                condition=Q(is_active=True, severity=AllergySeverity.LIFE_THREATENING),
                serves="Students whose life an allergy threatens.",
            ),
            Index(
                fields=["allergy_type", "severity"],
                name="allergies_allergyType_severity_idx",
                serves="How many allergies of a type there are, by severity.",
            ),
            Index(
                fields=["epi_pen_expiration"],
                name="allergies_epiPenExpiration_idx",
                condition=Q(epi_pen_required=True),
                serves="EpiPens that expire next.",
            ),
            Index(
                fields=["health_record"],
                name="allergies_healthRecordId_idx",
                condition=Q(health_record__isnull=False),
                serves="The allergies of a health record.",
            ),
        ]
