"""Incidents."""

from django.db import models
from django.db.models import Q

from core.db import EnumField, Index
from core.models import Student, User
from core.models.record import phi_triggers
from health_records.enums import IncidentSeverity, IncidentType
from health_records.models.student_record import StudentRecord


class IncidentReport(StudentRecord):
    """Something that happened to a student at school, and what was done."""

    student = models.ForeignKey(Student, models.PROTECT, related_name="incidents", db_index=False)
    reported_by = models.ForeignKey(User, models.PROTECT, related_name="incidents_reported", db_index=False)
    parent_notified_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="incidents_told_to_parents",
        db_column="parentNotifiedBy",
        db_index=False,
    )

    type = EnumField(IncidentType)
    severity = EnumField(IncidentSeverity)
    occurred_at = models.DateTimeField()
    location = models.CharField(max_length=200, null=True, blank=True)
    description = models.TextField()
    action_taken = models.TextField(null=True, blank=True)
    witnesses = models.JSONField(null=True, blank=True)
    attachments = models.JSONField(null=True, blank=True, default=list, db_default=[])
    parent_notified = models.BooleanField(default=False, db_default=False)
    parent_notified_at = models.DateTimeField(null=True, blank=True)
    emergency_services_contacted = models.BooleanField(default=False, db_default=False)
    emergency_details = models.TextField(null=True, blank=True)
    follow_up_required = models.BooleanField(default=False, db_default=False)
    follow_up_notes = models.TextField(null=True, blank=True)

    class Meta:
        db_table = "incident_reports"
        verbose_name = "incident"
        verbose_name_plural = "incidents"
        ordering = ["-occurred_at"]
        base_manager_name = "all_objects"
        constraints = phi_triggers("incident_reports")
        indexes = [
            Index(
                fields=["student", "-occurred_at", "severity"],
                name="idx_incident_reports_student",
                serves="A student's incidents, the latest first.",
            ),
            Index(
                fields=["reported_by", "-occurred_at"],
                name="idx_incident_reports_reporter",
                serves="What a user reported, the latest first.",
            ),
            Index(
                fields=["type", "severity", "-occurred_at"],
                name="idx_incident_reports_filters",
                serves="Incidents of a type and severity, the latest first.",
            ),
            Index(
                fields=["-occurred_at"],
                name="idx_incident_reports_critical",
                condition=Q(severity__in=[IncidentSeverity.HIGH, IncidentSeverity.CRITICAL]),
                serves="Grave incidents, the latest first.",
            ),
            Index(
                fields=["occurred_at"],
                name="incident_reports_occurred_idx",
                serves="Incidents over a span of time.",
            ),
            Index(
                fields=["occurred_at"],
                name="incident_reports_followup_idx",
                condition=Q(follow_up_required=True),
                serves="Incidents that need a follow-up.",
            ),
            Index(
                fields=["parent_notified_by"],
                name="incident_reports_parentNotifiedBy_idx",
                condition=Q(parent_notified_by__isnull=False),
                serves="Which parents a user told.",
            ),
        ]
