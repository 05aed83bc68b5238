"""Chronic conditions."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from core.db import EnumField, Index
from core.models import Student
from core.models.record import phi_triggers
from health_records.enums import ConditionSeverity, ConditionStatus
from health_records.models.health_record import HealthRecord
from health_records.models.student_record import StudentRecord


class ChronicCondition(StudentRecord):
    """A lasting condition of a student, and how the school accommodates it."""

    student = models.ForeignKey(Student, models.PROTECT, related_name="chronic_conditions", db_index=False)
    health_record = models.ForeignKey(
        HealthRecord,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="chronic_conditions",
        db_index=False,
    )

    condition_name = models.CharField(max_length=200)
    icd_code = models.TextField("ICD code", null=True, blank=True, help_text="ICD-10-CM.")
    description = models.TextField(null=True, blank=True)
    status = EnumField(ConditionStatus, default=ConditionStatus.ACTIVE, db_default=ConditionStatus.ACTIVE)
    severity = EnumField(ConditionSeverity, null=True, blank=True)
    diagnosed_date = models.DateTimeField()
    diagnosed_by = models.TextField(null=True, blank=True)
    management_plan = models.TextField(null=True, blank=True)
    care_plan = models.TextField(null=True, blank=True)
    action_plan = models.TextField(null=True, blank=True)
    emergency_protocol = models.TextField(null=True, blank=True)
    medications = models.JSONField(null=True, blank=True)
    treatments = models.TextField(null=True, blank=True)
    restrictions = models.JSONField(null=True, blank=True)
    precautions = models.JSONField(null=True, blank=True)
    triggers = ArrayField(models.TextField(), null=True, blank=True)
    accommodations_required = models.BooleanField(null=True, blank=True, default=False, db_default=False)
    accommodation_details = models.TextField(null=True, blank=True)
    review_frequency = models.TextField(null=True, blank=True)
    last_review_date = models.DateTimeField(null=True, blank=True)
    next_review_date = models.DateTimeField(null=True, blank=True)
    notes = models.TextField(null=True, blank=True)

    class Meta:
        db_table = "chronic_conditions"
        ordering = ["condition_name"]
        base_manager_name = "all_objects"
        constraints = phi_triggers("chronic_conditions")
        indexes = [
            Index(
                fields=["student", "status"],
                name="idx_chronic_conditions_student",
                serves="A student's conditions by status.",
            ),
            Index(
                fields=["severity", "status"],
                name="chronic_conditions_severity_status_idx",
                serves="How many conditions there are, by severity and status.",
            ),
            Index(
                fields=["next_review_date"],
                name="chronic_conditions_nextReviewDate_idx",
                condition=Q(next_review_date__isnull=False),
                serves="Reviews that are due, by date.",
            ),
            Index(
                fields=["icd_code"],
                name="chronic_conditions_icdCode_idx",
                condition=Q(icd_code__isnull=False),
                serves="Who has a diagnosis.",
            ),
            Index(
                fields=["health_record"],
                name="chronic_conditions_healthRecordId_idx",
                condition=Q(health_record__isnull=False),
                serves="The conditions of a health record.",
            ),
        ]
