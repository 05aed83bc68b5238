"""Appointments."""

import datetime as dt
from typing import Self
from uuid import UUID

from django.db import models
from django.db.models import Q

from core import days
from core.db import BrinIndex, EnumField, Index
from core.models import Student, User
from core.models.record import PHIManager, phi_triggers
from health_records.enums import AppointmentStatus
from health_records.models.student_record import StudentRecord, StudentRecordQuerySet


class AppointmentQuerySet(StudentRecordQuerySet["Appointment"]):
    """Appointments, in the phrases of a nurse's calendar."""

    def for_nurse(self, nurse: User | UUID) -> Self:
        """A nurse's, of students who are not marked as deleted; each with its student."""
        return self.of_present_students().filter(nurse=nurse).select_related("student")

    def on_day(self, day: dt.date) -> Self:
        """Those that begin on a day of the schools (see `core.days`), in the order of time; the cancelled as well."""
        return self.filter(scheduled_at__gte=days.start_of(day), scheduled_at__lt=days.end_of(day)).order_by(
            "scheduled_at", "pk"
        )


class Appointment(StudentRecord):
    """A student's time with a nurse."""

    student = models.ForeignKey(Student, models.PROTECT, related_name="appointments", db_index=False)
    nurse = models.ForeignKey(User, models.PROTECT, related_name="appointments", db_index=False)

    scheduled_at = models.DateTimeField()
    duration = models.IntegerField(default=30, db_default=30, help_text="Minutes.")
    status = EnumField(AppointmentStatus, default=AppointmentStatus.SCHEDULED, db_default=AppointmentStatus.SCHEDULED)
    reason = models.CharField(max_length=200)
    notes = models.TextField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancellation_reason = models.TextField(null=True, blank=True)

    objects = PHIManager.from_queryset(AppointmentQuerySet)()  # type: ignore[assignment,misc]
    all_objects = AppointmentQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        db_table = "appointments"
        ordering = ["scheduled_at"]
        base_manager_name = "all_objects"
        constraints = [
            models.CheckConstraint(
                name="appointments_duration_check",
                condition=Q(duration__gt=0),
                violation_error_message="Duration: at least one minute.",
            ),
            *phi_triggers("appointments"),
        ]
        indexes = [
            Index(
                fields=["nurse", "scheduled_at", "status", "duration"],
                name="idx_appointment_availability",
                serves="A nurse's day, and when she is free.",
            ),
            Index(
                fields=["student", "-scheduled_at", "status"],
                name="idx_appointments_student",
                serves="A student's appointments, the latest first.",
            ),
            Index(
                fields=["scheduled_at"],
                name="idx_appointments_upcoming",
                condition=Q(status__in=[AppointmentStatus.SCHEDULED, AppointmentStatus.IN_PROGRESS]),
                serves="Appointments that are still to come.",
            ),
            BrinIndex(
                fields=["scheduled_at"],
                name="appointments_date_brin",
                pages_per_range=32,
                autosummarize=True,
                serves="Reports over a span of time.",
            ),
        ]
