"""Vaccinations in the admin."""

from django.contrib import admin
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from core.admin import site
from core.admin.columns import column
from core.admin.filters import RelatedRecordFilter, period
from health_records.admin.of_student import OfStudentAdmin
from health_records.models import Vaccination


@admin.register(Vaccination, site=site)
class VaccinationAdmin(OfStudentAdmin):
    """Doses of vaccines, and exemptions."""

    recent = "administration_date"
    list_display = (
        column("student"),
        "vaccine_name",
        "dose_number",
        column("administration_date", "Given"),
        column("next_due_date", "Next due"),
        "compliance_status",
    )
    list_filter = (
        ("compliance_status", ChoicesDropdownFilter),
        ("vaccine_type", ChoicesDropdownFilter),
        period("administration_date"),
        ("student", RelatedRecordFilter),
    )
    fieldsets = (
        (None, {"fields": ("student", "health_record")}),
        (
            "Vaccine",
            {
                "fields": (
                    "vaccine_name",
                    "vaccine_type",
                    ("dose_number", "total_doses"),
                    "series_complete",
                    "manufacturer",
                    "lot_number",
                    "expiration_date",
                    "cvx_code",
                    "ndc_code",
                )
            },
        ),
        (
            "Given",
            {
                "fields": (
                    "administration_date",
                    "administered_by",
                    "administered_by_role",
                    "facility",
                    "site_of_administration",
                    "route_of_administration",
                    "dosage_amount",
                    "reactions",
                    "adverse_events",
                )
            },
        ),
        (
            "Compliance",
            {
                "fields": (
                    "compliance_status",
                    "next_due_date",
                    "exemption_status",
                    "exemption_reason",
                    "exemption_document",
                )
            },
        ),
        ("Consent", {"fields": ("consent_obtained", "consent_by", "vis_provided", "vis_date", "vfc_eligibility")}),
        ("Notes", {"fields": ("notes",)}),
    )
