"""Screenings."""

from django.db import models
from django.db.models import Q

from core.db import EnumField, Index
from core.models import Student
from core.models.record import phi_triggers
from health_records.enums import FollowUpStatus, ScreeningOutcome, ScreeningType
from health_records.models.health_record import HealthRecord
from health_records.models.student_record import StudentRecord


class Screening(StudentRecord):
    """A screening, its outcome and where it led."""

    student = models.ForeignKey(Student, models.PROTECT, related_name="screenings", db_index=False)
    health_record = models.ForeignKey(
        HealthRecord, models.SET_NULL, null=True, blank=True, related_name="screenings", db_index=False
    )

    screening_type = EnumField(ScreeningType)
    screening_date = models.DateTimeField()
    screened_by = models.TextField()
    screened_by_role = models.TextField(null=True, blank=True)
    results = models.JSONField(null=True, blank=True)
    outcome = EnumField(ScreeningOutcome, default=ScreeningOutcome.PASS, db_default=ScreeningOutcome.PASS)
    passed_criteria = models.BooleanField(null=True, blank=True)
    right_eye = models.TextField(null=True, blank=True)
    left_eye = models.TextField(null=True, blank=True)
    right_ear = models.TextField(null=True, blank=True)
    left_ear = models.TextField(null=True, blank=True)
    equipment_used = models.TextField(null=True, blank=True)
    test_details = models.JSONField(null=True, blank=True)
    referral_required = models.BooleanField(default=False, db_default=False)
    referral_to = models.TextField(null=True, blank=True)
    referral_date = models.DateTimeField(null=True, blank=True)
    referral_reason = models.TextField(null=True, blank=True)
    follow_up_required = models.BooleanField(default=False, db_default=False)
    follow_up_date = models.DateTimeField(null=True, blank=True)
    follow_up_status = EnumField(FollowUpStatus, null=True, blank=True)
    notes = models.TextField(null=True, blank=True)

    class Meta:
        db_table = "screenings"
        ordering = ["-screening_date"]
        base_manager_name = "all_objects"
        constraints = phi_triggers("screenings")
        indexes = [
            Index(
                fields=["student", "-screening_date"],
                name="screenings_studentId_screeningDate_idx",
                serves="A student's screenings, the latest first.",
            ),
            Index(
                fields=["screening_type", "outcome"],
                name="screenings_screeningType_outcome_idx",
                serves="How a screening turned out.",
            ),
            Index(
                fields=["follow_up_date"],
                name="screenings_followUpDate_idx",
                condition=Q(follow_up_required=True),
                serves="Follow-ups that are due, by date.",
            ),
            Index(
                fields=["-screening_date"],
                name="screenings_referral_idx",
                condition=Q(referral_required=True),
                serves="Screenings that led to a referral, the latest first.",
            ),
            Index(
                fields=["health_record"],
                name="screenings_healthRecordId_idx",
                condition=Q(health_record__isnull=False),
                serves="The screenings of a health record.",
            ),
        ]
