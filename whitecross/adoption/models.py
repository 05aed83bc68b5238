"""What an adoption has set aside."""

from django.db import models

from core.models.record import Record, phi_triggers


class Reject(Record):
    """A row of the predecessor's that does not fit here, or what stood in columns of it that nobody knows; whole.

    `data` holds each column's value as PostgreSQL writes it as text, so that nothing is lost on the way: a numeric's
    digits, an infinite date, JSON with a key twice. These are health records: only administrators see them.
    """

    source_table = models.TextField(help_text="The predecessor's table.")
    row_id = models.TextField(help_text="The id of the row there.")
    is_whole = models.BooleanField(
        default=True, db_default=True, help_text="Whether the row itself was set aside, or columns of it only."
    )
    data = models.JSONField(help_text="Column to value, as text.")
    reasons = models.JSONField(help_text="Why: a list of rule, columns and sentence.")

    class Meta:
        db_table = "adoption_rejects"
        verbose_name = "row set aside"
        verbose_name_plural = "rows set aside"
        ordering = ["source_table", "row_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source_table", "row_id", "is_whole"],
                name="adoption_rejects_row_key",
                violation_error_message="This row is set aside already.",
            ),
            # Once the predecessor's tables are gone, this is the only copy.
            *phi_triggers("adoption_rejects"),
        ]
