"""configuration_history: simple-history's model in the columns that the predecessor's readers know.

simple-history supplies the model, its managers, as_of and the differences between versions. The rows themselves are
written by the database (see configuration.0005), so that a change is recorded whoever makes it.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import NOT_PROVIDED
from simple_history.manager import HistoryManager
from simple_history.models import HistoricalRecords

from core.db import CamelCaseModelBase, Index, TransactionTime, Trigger, UUIDv7, column_name, uuid7
from core.models.record import RecordQuerySet

# Attributes that simple-history and the setting itself name, and the columns that hold them here.
COLUMNS = {
    "id": "configurationId",
    "key": "configKey",
    "value": "newValue",
    "created_at": "configurationCreatedAt",
    "updated_at": "configurationUpdatedAt",
    "history_id": "id",
    "history_date": "createdAt",
    "history_user_id": "changedBy",
    "history_change_reason": "changeReason",
}
# What `databaseRole` says of a change that was made in the predecessor, and came along when it was adopted. No role can
# have this name: PostgreSQL keeps what begins with pg_ for itself.
PREDECESSOR = "pg_predecessor"
OF_THE_SETTING = ("id", "created_at", "updated_at")


class ConfigurationChange(models.Model, metaclass=CamelCaseModelBase):
    """What a row of the history holds besides the snapshot: the value before, and who changed it from where."""

    old_value = models.TextField(null=True)
    changed_by_name = models.TextField(null=True, help_text="The user's name as it was at that time.")
    ip_address = models.TextField("IP address", null=True)
    user_agent = models.TextField(null=True)
    before = models.JSONField(
        null=True, help_text="The setting's row before the change, by columns; NULL for a new setting."
    )
    database_role = models.TextField(
        null=True, help_text="Who wrote past the application; NULL where the application wrote."
    )

    objects = RecordQuerySet.as_manager()

    class Meta:
        abstract = True


class ConfigurationHistoryManager(HistoryManager):  # type: ignore[misc]
    """simple-history's manager of a setting's history."""

    def bulk_history_create(
        self, objs: Any, *args: Any, default_user: Any = None, default_change_reason: str = "", **options: Any
    ) -> list[Any]:
        """Nothing: the database has written the rows. Raises TypeError for a user or reason, as they come too late."""
        if default_user is not None or default_change_reason:
            raise TypeError(
                "Say who changes settings and why before the change: with configuration.changing.changing(reason=...):"
            )
        return []


class ConfigurationHistoryRecords(HistoricalRecords):  # type: ignore[misc]
    """Maps simple-history onto configuration_history.

    Ids of the setting and of the user are kept without foreign keys: the history outlives both, and a foreign key that
    sets NULL would have to change rows that nobody may change.
    """

    def __init__(self) -> None:
        super().__init__(
            bases=(ConfigurationChange,),
            table_name="configuration_history",
            custom_model_name="ConfigurationHistory",
            verbose_name="change of a setting",
            verbose_name_plural="settings history",
            history_id_field=models.UUIDField(default=uuid7, db_default=UUIDv7()),
            history_change_reason_field=models.TextField(null=True),
            history_user_id_field=models.UUIDField(null=True),
            user_db_constraint=False,
            history_manager=ConfigurationHistoryManager,
        )

    def copy_fields(self, model: type[models.Model]) -> dict[str, models.Field[Any, Any]]:
        """The setting's fields: no uniqueness, no index, no foreign key."""
        fields: dict[str, models.Field[Any, Any]] = super().copy_fields(model)
        for name, field in fields.items():
            if name in OF_THE_SETTING:
                # A row of the history names its setting; it makes none up.
                field.default = field.db_default = NOT_PROVIDED
            field.db_index = False  # type: ignore[attr-defined]
            field.db_column = COLUMNS.get(name) or field.db_column or column_name(name)
        return fields

    def get_extra_fields(self, model: type[models.Model], fields: dict[str, Any]) -> dict[str, Any]:
        """simple-history's own fields under the predecessor's columns."""
        extra: dict[str, Any] = super().get_extra_fields(model, fields)
        extra["history_date"] = models.DateTimeField(db_default=TransactionTime())
        for name, value in extra.items():
            if isinstance(value, models.Field):
                value.db_column = COLUMNS.get(name)
        extra["__str__"] = lambda change: f"{change.key} at {change.history_date}"
        return extra

    def get_meta_options(self, model: type[models.Model]) -> dict[str, Any]:
        """Indexes for the questions that are asked of a history, and the guard that keeps it as it was written."""
        return {
            **super().get_meta_options(model),
            "indexes": [
                Index(
                    fields=["history_user_id", "history_date"],
                    name="configuration_history_changedBy_createdAt_idx",
                    serves="What a user changed.",
                ),
                Index(
                    fields=["key", "history_date"],
                    name="configuration_history_configKey_createdAt_idx",
                    serves="How a key changed, whatever its scope.",
                ),
                Index(
                    fields=["id", "history_date"],
                    name="configuration_history_configurationId_createdAt_idx",
                    serves="How a setting changed.",
                ),
            ],
            "constraints": [
                models.CheckConstraint(
                    name="configuration_history_historyType_check",
                    condition=models.Q(history_type__in=["+", "~", "-"]),
                    violation_error_message="History type: + (created), ~ (changed) or - (deleted).",
                ),
                Trigger(
                    name="configuration_history_refuse_change",
                    event="BEFORE UPDATE OR DELETE",
                    function="refuse_history_change",
                    always=True,
                ),
                Trigger(
                    name="configuration_history_refuse_forgery",
                    event="BEFORE INSERT",
                    function="refuse_history_forgery",
                    always=True,
                ),
                Trigger(
                    name="configuration_history_refuse_truncate",
                    event="BEFORE TRUNCATE",
                    function="refuse_history_change",
                    each="STATEMENT",
                    always=True,
                ),
            ],
        }

    def create_historical_record(self, instance: models.Model, history_type: str, using: str | None = None) -> None:
        """Nothing: the database has written the row, with the change itself, as it does for writers that Django never
        sees. simple-history reads what is there; its signals around the writing of a row are not sent."""
