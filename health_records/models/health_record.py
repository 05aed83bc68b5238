"""Health records: the thread that a student's other records hang on."""

from django.db import models
from django.db.models import Q

from core.db import BrinIndex, EnumField, Index
from core.models import Student
from core.models.record import phi_triggers
from health_records.enums import HealthRecordType
from health_records.models.student_record import StudentRecord


class HealthRecord(StudentRecord):
    """One entry of a student's file: a check-up, an illness, a procedure."""

    student = models.ForeignKey(Student, models.PROTECT, related_name="health_records", db_index=False)

    record_type = EnumField(HealthRecordType)
    title = models.CharField(max_length=200)
    description = models.TextField()
    record_date = models.DateTimeField()
    provider = models.CharField(max_length=200, null=True, blank=True)
    provider_npi = models.CharField("provider NPI", max_length=20, null=True, blank=True)
    facility = models.CharField(max_length=200, null=True, blank=True)
    facility_npi = models.CharField("facility NPI", max_length=20, null=True, blank=True)
    diagnosis = models.TextField(null=True, blank=True)
    diagnosis_code = models.CharField(max_length=20, null=True, blank=True, help_text="ICD-10-CM.")
    treatment = models.TextField(null=True, blank=True)
    follow_up_required = models.BooleanField(default=False, db_default=False)
    follow_up_date = models.DateTimeField(null=True, blank=True)
    follow_up_completed = models.BooleanField(default=False, db_default=False)
    is_confidential = models.BooleanField(default=False, db_default=False)
    attachments = models.JSONField(default=list, db_default=[], blank=True)
    metadata = models.JSONField(null=True, blank=True)
    notes = models.TextField(null=True, blank=True)

    class Meta:
        db_table = "health_records"
        ordering = ["-record_date"]
        base_manager_name = "all_objects"
        constraints = phi_triggers("health_records")
        indexes = [
            Index(
                fields=["student", "-record_date", "record_type"],
                name="idx_health_records_student_date",
                serves="A student's records, the latest first; the types in a roster's overview.",
            ),
            Index(
                fields=["record_type", "-record_date"],
                name="idx_health_records_type_date",
                serves="Records of a type, the latest first.",
            ),
            Index(
                fields=["follow_up_date"],
                name="health_records_followup_idx",
                condition=Q(follow_up_required=True, follow_up_completed=False),
                serves="Follow-ups that are open, by date.",
            ),
            Index(fields=["created_by"], name="health_records_createdBy_idx", serves="What a user wrote."),
            Index(
                fields=["-record_date"],
                name="idx_health_records_confidential",
                condition=Q(is_confidential=True),
                serves="Confidential records, the latest first.",
            ),
            Index(
                fields=["provider_npi", "-record_date"],
                name="idx_health_records_provider",
                condition=Q(provider_npi__isnull=False),
                serves="What a provider recorded, the latest first.",
            ),
            BrinIndex(
                fields=["record_date"],
                name="health_records_date_brin",
                pages_per_range=32,
                autosummarize=True,
                serves="Reports over a span of time.",
            ),
        ]
