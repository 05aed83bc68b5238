"""What is measured, in the admin: screenings, growth, vital signs."""

from django.contrib import admin
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from core.admin import site
from core.admin.columns import column
from core.admin.filters import RelatedRecordFilter, period
from health_records.admin.of_student import OfStudentAdmin
from health_records.models import GrowthMeasurement, Screening, VitalSigns


@admin.register(Screening, site=site)
class ScreeningAdmin(OfStudentAdmin):
    """Screenings."""

    recent = "screening_date"
    list_display = (
        column("student"),
        "screening_type",
        "outcome",
        column("screening_date", "Date"),
        "referral_required",
        "follow_up_status",
    )
    list_filter = (
        ("screening_type", ChoicesDropdownFilter),
        ("outcome", ChoicesDropdownFilter),
        period("screening_date"),
        "referral_required",
        ("student", RelatedRecordFilter),
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "student",
                    "health_record",
                    "screening_type",
                    "screening_date",
                    "screened_by",
                    "screened_by_role",
                )
            },
        ),
        ("Result", {"fields": ("outcome", "passed_criteria", "results", "equipment_used", "test_details")}),
        ("Eyes and ears", {"fields": ("right_eye", "left_eye", "right_ear", "left_ear")}),
        ("Referral", {"fields": ("referral_required", "referral_to", "referral_date", "referral_reason")}),
        ("Follow-up", {"fields": ("follow_up_required", "follow_up_date", "follow_up_status")}),
        ("Notes", {"fields": ("notes",)}),
    )


@admin.register(GrowthMeasurement, site=site)
class GrowthMeasurementAdmin(OfStudentAdmin):
    """Heights and weights."""

    recent = "measurement_date"
    list_display = (
        column("student"),
        column("measurement_date", "Date"),
        "height",
        "height_unit",
        "weight",
        "weight_unit",
        "bmi",
        "bmi_percentile",
    )
    list_filter = (period("measurement_date"), ("student", RelatedRecordFilter))
    fieldsets = (
        (None, {"fields": ("student", "health_record", "measurement_date", "measured_by", "measured_by_role")}),
        ("Measured", {"fields": (("height", "height_unit"), ("weight", "weight_unit"), "head_circumference", "bmi")}),
        (
            "Percentiles",
            {"fields": ("bmi_percentile", "height_percentile", "weight_percentile", "growth_percentiles")},
        ),
        ("Notes", {"fields": ("nutritional_status", "concerns", "notes")}),
    )


@admin.register(VitalSigns, site=site)
class VitalSignsAdmin(OfStudentAdmin):
    """Vital signs."""

    recent = "measurement_date"
    list_display = (
        column("student"),
        column("measurement_date", "Taken"),
        "temperature",
        "temperature_unit",
        "blood_pressure_systolic",
        "blood_pressure_diastolic",
        "heart_rate",
        "oxygen_saturation",
    )
    list_filter = (period("measurement_date"), ("student", RelatedRecordFilter))
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "student",
                    "appointment",
                    "health_record",
                    "measurement_date",
                    "measured_by",
                    "measured_by_role",
                )
            },
        ),
        ("Temperature", {"fields": (("temperature", "temperature_unit"), "temperature_site")}),
        (
            "Circulation",
            {
                "fields": (
                    ("blood_pressure_systolic", "blood_pressure_diastolic"),
                    "blood_pressure_position",
                    "heart_rate",
                    "heart_rhythm",
                )
            },
        ),
        ("Breathing", {"fields": ("respiratory_rate", "oxygen_saturation", "oxygen_supplemental", "peak_flow")}),
        ("Consciousness and pain", {"fields": ("consciousness", "pain_level", "pain_location", "glucose_level")}),
        ("Notes", {"fields": ("notes",)}),
    )
