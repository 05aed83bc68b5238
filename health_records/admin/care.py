"""A nurse's day in the admin: appointments, incidents, whom to call."""

from django.contrib import admin
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from core.admin import site
from core.admin.columns import column
from core.admin.filters import RelatedRecordFilter, period
from health_records.admin.of_student import OfStudentAdmin
from health_records.models import Appointment, EmergencyContact, IncidentReport


@admin.register(Appointment, site=site)
class AppointmentAdmin(OfStudentAdmin):
    """Appointments."""

    recent = "scheduled_at"
    list_display = (column("student"), column("nurse"), column("scheduled_at", "When"), "duration", "status", "reason")
    list_select_related = ("student", "nurse")
    list_filter = (
        ("status", ChoicesDropdownFilter),
        period("scheduled_at"),
        ("nurse", RelatedRecordFilter),
        ("student", RelatedRecordFilter),
    )


@admin.register(IncidentReport, site=site)
class IncidentReportAdmin(OfStudentAdmin):
    """Incidents."""

    recent = "occurred_at"
    list_display = (column("student"), "type", "severity", column("occurred_at", "When"), "location", "parent_notified")
    list_filter = (
        ("severity", ChoicesDropdownFilter),
        ("type", ChoicesDropdownFilter),
        period("occurred_at"),
        "parent_notified",
        ("student", RelatedRecordFilter),
    )
    fieldsets = (
        (None, {"fields": ("student", "type", "severity", "occurred_at", "location", "description", "action_taken")}),
        ("Who", {"fields": ("reported_by", "witnesses")}),
        ("Parents", {"fields": ("parent_notified", "parent_notified_at", "parent_notified_by")}),
        ("Emergency services", {"fields": ("emergency_services_contacted", "emergency_details")}),
        ("Follow-up", {"fields": ("follow_up_required", "follow_up_notes", "attachments")}),
    )


@admin.register(EmergencyContact, site=site)
class EmergencyContactAdmin(OfStudentAdmin):
    """Whom to call."""

    list_display = (column("student"), "priority", "name", "relationship", "primary_phone", "can_pick_up")
    list_filter = ("is_active", ("student", RelatedRecordFilter))
    recent = "created_at"
