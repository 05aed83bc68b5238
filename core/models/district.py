"""School districts."""

from django.db import models
from django.db.models import Q

from core.db import Index
from core.models.record import Record, updated_at_trigger


class District(Record):
    """A school district: the widest scope of a member of staff, ADMIN aside."""

    name = models.CharField(max_length=200)
    code = models.CharField(max_length=50)

    address = models.TextField(null=True, blank=True)
    city = models.CharField(max_length=100, null=True, blank=True)
    state = models.CharField(max_length=2, null=True, blank=True, help_text="Two capital letters (USPS).")
    zip_code = models.CharField(max_length=10, null=True, blank=True)
    phone = models.CharField(max_length=20, null=True, blank=True)
    email = models.EmailField(max_length=255, null=True, blank=True)
    is_active = models.BooleanField(default=True, db_default=True)

    class Meta:
        db_table = "districts"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["code"], name="districts_code_key"),
            models.CheckConstraint(
                name="districts_state_check",
                condition=Q(state__regex=r"^[A-Z]{2}$"),
                violation_error_message="State: two capital letters, such as TX.",
            ),
            updated_at_trigger("districts"),
        ]
        indexes = [
            Index(fields=["name"], name="districts_name_idx", serves="Districts in the order of their names."),
            Index(
                fields=["name"],
                name="districts_active_idx",
                condition=Q(is_active=True),
                serves="Active districts in the order of their names.",
            ),
        ]

    def __str__(self) -> str:
        return self.name
