"""Medications in the admin: the shelf, the orders, the doses."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from core.admin import site
from core.admin.columns import column
from core.admin.filters import RelatedRecordFilter, period
from core.admin.phi_admin import PHIAdmin
from core.admin.record_admin import RecordAdmin
from health_records.admin.of_student import OfStudentAdmin
from health_records.models import Medication, MedicationLog, StudentMedication


@admin.register(Medication, site=site)
class MedicationAdmin(RecordAdmin):
    """The shelf: a shared catalogue with its stock."""

    list_display = (
        "name",
        "strength",
        "dosage_form",
        "stock_quantity",
        "minimum_stock",
        column("expiration_date", "Expires"),
        "controlled_substance",
    )
    list_filter = ("is_active", "controlled_substance", "requires_refrigeration")
    sortable_by = ("name",)
    search_fields = ("name__istartswith", "generic_name__istartswith")
    search_help_text = "Name, generic name or NDC"

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Medications each of whose words begins the name or the generic name, or is the NDC."""
        for word in search_term.split()[:5]:
            queryset = queryset.filter(Q(name__istartswith=word) | Q(generic_name__istartswith=word) | Q(ndc_code=word))
        return queryset, False


@admin.register(StudentMedication, site=site)
class StudentMedicationAdmin(OfStudentAdmin):
    """Orders."""

    recent = "start_date"
    list_display = (
        column("student"),
        column("medication"),
        "dosage",
        "frequency",
        column("start_date", "From"),
        column("end_date", "To"),
        "is_active",
    )
    list_select_related = ("student", "medication")
    list_filter = (
        "is_active",
        "consent_obtained",
        ("medication", RelatedRecordFilter),
        ("student", RelatedRecordFilter),
    )
    fieldsets = (
        (None, {"fields": ("student", "medication", "dosage", "frequency", "route", "instructions")}),
        (
            "Order",
            {"fields": ("start_date", "end_date", "prescribed_by", "prescribed_by_npi", "side_effects", "is_active")},
        ),
        ("Consent", {"fields": ("requires_parent_consent", "consent_obtained", "consent_date")}),
        ("Notes", {"fields": ("notes",)}),
    )

    def label(self, record: StudentMedication) -> str:
        """What, how much, for whom."""
        return f"{record.medication}, {record.dosage}: {record.student.last_name}, {record.student.first_name}"


@admin.register(MedicationLog, site=site)
class MedicationLogAdmin(PHIAdmin):
    """Doses given."""

    chosen_once = ("student_medication",)
    recent = "time_given"
    list_display = (
        column("student_medication.student", "Student"),
        column("student_medication.medication", "Medication"),
        "dosage_given",
        column("time_given", "Given"),
        column("nurse"),
        "adverse_reaction",
    )
    list_select_related = ("student_medication__student", "student_medication__medication", "nurse")
    list_filter = (
        period("time_given"),
        "adverse_reaction",
        ("nurse", RelatedRecordFilter),
        ("student_medication", RelatedRecordFilter),
    )

    def label(self, record: MedicationLog) -> str:
        """Which order."""
        return f"Dose: {site.label(record.student_medication)}"
