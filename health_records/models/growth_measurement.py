"""Growth."""

from django.db import models
from django.db.models import Q

from core.db import BrinIndex, Index
from core.models import Student
from core.models.record import phi_triggers
from health_records.models.health_record import HealthRecord
from health_records.models.measurement import measurement
from health_records.models.student_record import StudentRecord


class GrowthMeasurement(StudentRecord):
    """Height, weight and what follows from them, on a day."""

    student = models.ForeignKey(Student, models.PROTECT, related_name="growth_measurements", db_index=False)
    health_record = models.ForeignKey(
        HealthRecord,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="growth_measurements",
        db_index=False,
    )

    measurement_date = models.DateTimeField()
    measured_by = models.TextField()
    measured_by_role = models.TextField(null=True, blank=True)
    height = measurement()
    height_unit = models.TextField(choices=[("cm", "Centimetres"), ("in", "Inches")], default="cm", db_default="cm")
    weight = measurement()
    weight_unit = models.TextField(choices=[("kg", "Kilograms"), ("lb", "Pounds")], default="kg", db_default="kg")
    bmi = measurement("BMI", help_text="kg/m².")
    bmi_percentile = measurement("BMI percentile")
    height_percentile = measurement()
    weight_percentile = measurement()
    head_circumference = measurement(help_text="In the unit of the height.")
    growth_percentiles = models.JSONField(null=True, blank=True)
    nutritional_status = models.TextField(null=True, blank=True)
    concerns = models.TextField(null=True, blank=True)
    notes = models.TextField(null=True, blank=True)

    class Meta:
        db_table = "growth_measurements"
        ordering = ["-measurement_date"]
        base_manager_name = "all_objects"
        # The bounds above keep out NaN, which PostgreSQL takes for more than any number.
        constraints = [
            models.CheckConstraint(
                name="growth_measurements_height_unit_check",
                condition=Q(height_unit__in=["cm", "in"]),
                violation_error_message="Height unit: cm or in.",
            ),
            models.CheckConstraint(
                name="growth_measurements_weight_unit_check",
                condition=Q(weight_unit__in=["kg", "lb"]),
                violation_error_message="Weight unit: kg or lb.",
            ),
            models.CheckConstraint(
                name="growth_measurements_height_check",
                condition=Q(height__gt=0, height__lt=100_000),
                violation_error_message="Height: more than 0.",
            ),
            models.CheckConstraint(
                name="growth_measurements_weight_check",
                condition=Q(weight__gt=0, weight__lt=100_000),
                violation_error_message="Weight: more than 0.",
            ),
            models.CheckConstraint(
                name="growth_measurements_bmi_percentile_check",
                condition=Q(bmi_percentile__gte=0, bmi_percentile__lte=100),
                violation_error_message="BMI percentile: 0 to 100.",
            ),
            models.CheckConstraint(
                name="growth_measurements_height_percentile_check",
                condition=Q(height_percentile__gte=0, height_percentile__lte=100),
                violation_error_message="Height percentile: 0 to 100.",
            ),
            models.CheckConstraint(
                name="growth_measurements_weight_percentile_check",
                condition=Q(weight_percentile__gte=0, weight_percentile__lte=100),
                violation_error_message="Weight percentile: 0 to 100.",
            ),
            models.CheckConstraint(
                name="growth_measurements_bmi_check",
                condition=Q(bmi__gt=0, bmi__lt=100_000),
                violation_error_message="BMI: more than 0.",
            ),
            models.CheckConstraint(
                name="growth_measurements_head_circumference_check",
                condition=Q(head_circumference__gt=0, head_circumference__lt=100_000),
                violation_error_message="Head circumference: more than 0.",
            ),
            *phi_triggers("growth_measurements"),
        ]
        indexes = [
            Index(
                fields=["student", "-measurement_date"],
                name="growth_measurements_studentId_measurementDate_idx",
                serves="A student's growth, the latest first.",
            ),
            BrinIndex(
                fields=["measurement_date"],
                name="growth_measurements_date_brin",
                pages_per_range=32,
                autosummarize=True,
                serves="Reports over a span of time.",
            ),
            Index(
                fields=["health_record"],
                name="growth_measurements_healthRecordId_idx",
                condition=Q(health_record__isnull=False),
                serves="The measurements of a health record.",
            ),
        ]
