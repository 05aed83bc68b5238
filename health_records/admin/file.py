"""A student's file in the admin: health records, allergies, chronic conditions."""

from django.contrib import admin
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from core.admin import site
from core.admin.columns import column, text_of
from core.admin.filters import RelatedRecordFilter, period
from health_records.admin.of_student import OfStudentAdmin
from health_records.models import Allergy, ChronicCondition, HealthRecord


@admin.register(HealthRecord, site=site)
class HealthRecordAdmin(OfStudentAdmin):
    """Entries of the file. Confidential ones are for those whom `core.access` names."""

    recent = "record_date"
    list_display = (column("student"), "record_type", "title", column("record_date", "Date"), "is_confidential")
    list_filter = (
        ("record_type", ChoicesDropdownFilter),
        period("record_date"),
        "is_confidential",
        "follow_up_required",
        ("student", RelatedRecordFilter),
    )
    fieldsets = (
        (None, {"fields": ("student", "record_type", "title", "description", "record_date", "is_confidential")}),
        ("Provider", {"fields": ("provider", "provider_npi", "facility", "facility_npi")}),
        ("Diagnosis", {"fields": ("diagnosis", "diagnosis_code", "treatment")}),
        ("Follow-up", {"fields": ("follow_up_required", "follow_up_date", "follow_up_completed")}),
        ("Notes", {"fields": ("notes", "attachments", "metadata")}),
    )

    def label(self, record: HealthRecord) -> str:
        """Kind, day and student."""
        return (
            f"{record.get_record_type_display()}, {text_of(record.record_date)}, "
            f"{record.student.last_name}, {record.student.first_name}"
        )


@admin.register(Allergy, site=site)
class AllergyAdmin(OfStudentAdmin):
    """Allergies."""

    list_display = (column("student"), "allergen", "allergy_type", "severity", "epi_pen_required", "is_active")
    list_filter = (
        ("severity", ChoicesDropdownFilter),
        ("allergy_type", ChoicesDropdownFilter),
        "epi_pen_required",
        ("student", RelatedRecordFilter),
    )
    recent = "created_at"
    fieldsets = (
        (None, {"fields": ("student", "health_record", "allergen", "allergy_type", "severity", "is_active")}),
        ("Reaction", {"fields": ("reaction", "reactions", "symptoms", "treatment", "emergency_protocol")}),
        ("EpiPen", {"fields": ("epi_pen_required", "epi_pen_location", "epi_pen_expiration")}),
        (
            "Diagnosis",
            {
                "fields": (
                    "onset_date",
                    "diagnosed_date",
                    "diagnosed_by",
                    "verified",
                    "verified_by",
                    "verification_date",
                )
            },
        ),
        ("Notes", {"fields": ("notes",)}),
    )


@admin.register(ChronicCondition, site=site)
class ChronicConditionAdmin(OfStudentAdmin):
    """Chronic conditions."""

    list_display = (
        column("student"),
        "condition_name",
        "status",
        "severity",
        column("next_review_date", "Next review"),
    )
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("severity", ChoicesDropdownFilter),
        ("student", RelatedRecordFilter),
    )
    recent = "diagnosed_date"
    fieldsets = (
        (
            None,
            {"fields": ("student", "health_record", "condition_name", "icd_code", "description", "status", "severity")},
        ),
        ("Diagnosis", {"fields": ("diagnosed_date", "diagnosed_by")}),
        (
            "Plans",
            {
                "fields": (
                    "management_plan",
                    "care_plan",
                    "action_plan",
                    "emergency_protocol",
                    "medications",
                    "treatments",
                )
            },
        ),
        (
            "At school",
            {"fields": ("restrictions", "precautions", "triggers", "accommodations_required", "accommodation_details")},
        ),
        ("Reviews", {"fields": ("review_frequency", "last_review_date", "next_review_date")}),
        ("Notes", {"fields": ("notes",)}),
    )
