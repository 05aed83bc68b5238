"""Vital signs."""

from typing import Self

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import BooleanField, F, Func, OuterRef, Q, Subquery

from core.db import BrinIndex, EnumField, Index
from core.models import Student
from core.models.record import PHIManager, phi_triggers
from health_records.enums import ConsciousnessLevel
from health_records.models.appointment import Appointment
from health_records.models.health_record import HealthRecord
from health_records.models.measurement import measurement
from health_records.models.student_record import StudentRecord, StudentRecordQuerySet


class VitalSignsQuerySet(StudentRecordQuerySet["VitalSigns"]):
    """Vital signs, in the phrases of whoever watches over many students."""

    def latest_of(self, students: models.QuerySet[Student]) -> Self:
        """The latest of each of the students (a roster or a page of it) who have any, in the order of names.

        Each comes with its student. One probe of an index for each student, however many vital signs there are.
        """
        latest = self.filter(student=OuterRef("pk")).order_by("-measurement_date", "-pk").values("pk")[:1]
        ids = ArraySubquery(students.values_list(Subquery(latest)))
        among_them = Func("pk", ids, template="%(expressions)s)", arg_joiner=" = ANY (", output_field=BooleanField())
        return (
            self.filter(among_them)
            .select_related("student")
            .order_by("student__last_name", "student__first_name", "student")
        )


class VitalSigns(StudentRecord):
    """A set of vital signs, taken at one time."""

    student = models.ForeignKey(Student, models.PROTECT, related_name="vital_signs", db_index=False)
    health_record = models.ForeignKey(
        HealthRecord, models.SET_NULL, null=True, blank=True, related_name="vital_signs", db_index=False
    )
    appointment = models.ForeignKey(
        Appointment, models.SET_NULL, null=True, blank=True, related_name="vital_signs", db_index=False
    )

    measurement_date = models.DateTimeField()
    measured_by = models.TextField()
    measured_by_role = models.TextField(null=True, blank=True)
    temperature = measurement()
    temperature_unit = models.TextField(choices=[("F", "Fahrenheit"), ("C", "Celsius")], default="F", db_default="F")
    temperature_site = models.TextField(null=True, blank=True)
    blood_pressure_systolic = models.IntegerField(null=True, blank=True, help_text="mmHg.")
    blood_pressure_diastolic = models.IntegerField(null=True, blank=True, help_text="mmHg.")
    blood_pressure_position = models.TextField(null=True, blank=True)
    heart_rate = models.IntegerField(null=True, blank=True, help_text="Beats a minute.")
    heart_rhythm = models.TextField(null=True, blank=True)
    respiratory_rate = models.IntegerField(null=True, blank=True, help_text="Breaths a minute.")
    oxygen_saturation = models.IntegerField(null=True, blank=True, help_text="Percent.")
    oxygen_supplemental = models.BooleanField(default=False, db_default=False)
    pain_level = models.IntegerField(null=True, blank=True, help_text="0 (none) to 10 (worst).")
    pain_location = models.TextField(null=True, blank=True)
    consciousness = EnumField(ConsciousnessLevel, null=True, blank=True)
    glucose_level = measurement(help_text="mg/dL.")
    peak_flow = models.IntegerField(null=True, blank=True, help_text="Litres a minute.")
    notes = models.TextField(null=True, blank=True)

    objects = PHIManager.from_queryset(VitalSignsQuerySet)()  # type: ignore[assignment,misc]
    all_objects = VitalSignsQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        db_table = "vital_signs"
        verbose_name = verbose_name_plural = "vital signs"
        ordering = ["-measurement_date"]
        base_manager_name = "all_objects"
        # Possible, not normal: an emergency must be recordable. The lowest body temperature that a person is known to
        # have survived lies near 53 °F (12 °C), the highest near 116 °F (46.5 °C); a heart at rest is 0.
        constraints = [
            models.CheckConstraint(
                name="vital_signs_temperature_unit_check",
                condition=Q(temperature_unit__in=["F", "C"]),
                violation_error_message="Temperature unit: F or C.",
            ),
            models.CheckConstraint(
                name="vital_signs_temperature_check",
                condition=Q(temperature__isnull=True)
                | Q(temperature_unit="F", temperature__gte=50, temperature__lte=122)
                | Q(temperature_unit="C", temperature__gte=10, temperature__lte=50),
                violation_error_message="Temperature: 50 to 122 °F, or 10 to 50 °C.",
            ),
            models.CheckConstraint(
                name="vital_signs_blood_pressure_check",
                condition=Q(blood_pressure_systolic__gt=F("blood_pressure_diastolic")),
                violation_error_message="Blood pressure: the systolic is higher than the diastolic.",
            ),
            models.CheckConstraint(
                name="vital_signs_heart_rate_check",
                condition=Q(heart_rate__gte=0, heart_rate__lte=350),
                violation_error_message="Heart rate: 0 to 350 beats a minute.",
            ),
            models.CheckConstraint(
                name="vital_signs_respiratory_rate_check",
                condition=Q(respiratory_rate__gte=0, respiratory_rate__lte=150),
                violation_error_message="Respiratory rate: 0 to 150 breaths a minute.",
            ),
            models.CheckConstraint(
                name="vital_signs_oxygen_saturation_check",
                condition=Q(oxygen_saturation__gte=0, oxygen_saturation__lte=100),
                violation_error_message="Oxygen saturation: 0 to 100 percent.",
            ),
            models.CheckConstraint(
                name="vital_signs_pain_level_check",
                condition=Q(pain_level__gte=0, pain_level__lte=10),
                violation_error_message="Pain level: 0 to 10.",
            ),
            models.CheckConstraint(
                name="vital_signs_diastolic_check",
                condition=Q(blood_pressure_diastolic__gte=0),
                violation_error_message="Blood pressure: not negative.",
            ),
            models.CheckConstraint(
                name="vital_signs_glucose_level_check",
                condition=Q(glucose_level__gte=0, glucose_level__lt=100_000),
                violation_error_message="Glucose level: not negative.",
            ),
            models.CheckConstraint(
                name="vital_signs_peak_flow_check",
                condition=Q(peak_flow__gte=0),
                violation_error_message="Peak flow: not negative.",
            ),
            *phi_triggers("vital_signs"),
        ]
        indexes = [
            Index(
                fields=["student", "-measurement_date"],
                name="vital_signs_studentId_measurementDate_idx",
                serves="A student's vital signs, the latest first; the latest of each student of a school.",
            ),
            BrinIndex(
                fields=["measurement_date"],
                name="vital_signs_date_brin",
                pages_per_range=32,
                autosummarize=True,
                serves="Reports over a span of time.",
            ),
            Index(
                fields=["appointment"],
                name="vital_signs_appointmentId_idx",
                condition=Q(appointment__isnull=False),
                serves="The vital signs taken at an appointment.",
            ),
            Index(
                fields=["health_record"],
                name="vital_signs_healthRecordId_idx",
                condition=Q(health_record__isnull=False),
                serves="The vital signs of a health record.",
            ),
        ]
