"""What of the history administrators have been told."""

from django.db import models

from core.db import CamelCaseModelBase, TransactionTime
from core.models.record import RecordQuerySet


class Announcement(models.Model, metaclass=CamelCaseModelBase):
    """A change of a security setting that administrators were told of: its row is made by the process that tells.

    The history cannot be marked, as nobody may change its rows. No foreign key: what is told stays told.
    """

    id = models.UUIDField(primary_key=True, help_text="The id of the change, a row of configuration_history.")
    created_at = models.DateTimeField(db_default=TransactionTime(), editable=False)

    objects = RecordQuerySet.as_manager()

    class Meta:
        db_table = "configuration_announcements"
        verbose_name = "announced change of a setting"
        verbose_name_plural = "announced changes of settings"

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
