"""Schools."""

from django.db import models
from django.db.models import Q

from core.db import Index, Trigger
from core.models.district import District
from core.models.record import Record, updated_at_trigger


class School(Record):
    """A school of a district."""

    name = models.CharField(max_length=200)
    code = models.CharField(max_length=50)
    district = models.ForeignKey(District, models.PROTECT, related_name="schools", db_index=False)

    address = models.TextField(null=True, blank=True)
    city = models.CharField(max_length=100, null=True, blank=True)
    state = models.CharField(max_length=2, null=True, blank=True, help_text="Two capital letters (USPS).")
    zip_code = models.CharField(max_length=10, null=True, blank=True)
    phone = models.CharField(max_length=20, null=True, blank=True)
    email = models.EmailField(max_length=255, null=True, blank=True)
    principal = models.CharField(max_length=200, null=True, blank=True)
    total_enrollment = models.IntegerField(null=True, blank=True, help_text="Number of students.")
    is_active = models.BooleanField(default=True, db_default=True)

    class Meta:
        db_table = "schools"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["code"], name="schools_code_key"),
            # What students_school_district_fkey refers to.
            models.UniqueConstraint(fields=["id", "district"], name="schools_id_districtId_key"),
            models.CheckConstraint(
                name="schools_state_check",
                condition=Q(state__regex=r"^[A-Z]{2}$"),
                violation_error_message="State: two capital letters, such as TX.",
            ),
            models.CheckConstraint(
                name="schools_total_enrollment_check",
                condition=Q(total_enrollment__gte=0),
                violation_error_message="Total enrollment cannot be negative.",
            ),
            updated_at_trigger("schools"),
            # Whoever keeps settings in memory keeps, too, which district's value holds for a school.
            Trigger(
                name="schools_notify",
                event='AFTER INSERT OR UPDATE OF "districtId" OR DELETE',
                each="STATEMENT",
                function="notify_of_settings",
            ),
        ]
        indexes = [
            Index(
                fields=["district", "name"],
                name="schools_districtId_idx",
                serves="A district's schools in the order of their names.",
            ),
            Index(fields=["name"], name="schools_name_idx", serves="Schools in the order of their names."),
        ]

    def __str__(self) -> str:
        return self.name
