"""Settings."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models import F, Q

from configuration.enums import ConfigCategory, ConfigScope, ConfigValueType
from configuration.models.history import ConfigurationHistoryRecords
from core.db import EnumField, GinIndex, Index, Trigger
from core.models import User
from core.models.record import Record, updated_at_trigger


class SystemConfiguration(Record):
    """One value of one setting, for one scope. The database refuses a value that does not fit its type and bounds."""

    key = models.CharField(max_length=200)
    scope = EnumField(ConfigScope, default=ConfigScope.SYSTEM, db_default=ConfigScope.SYSTEM)
    scope_id = models.UUIDField(
        null=True, blank=True, help_text="The district, school or user for whom the value holds."
    )

    value = models.TextField()
    value_type = EnumField(ConfigValueType, default=ConfigValueType.STRING, db_default=ConfigValueType.STRING)
    default_value = models.TextField(null=True, blank=True)
    min_value = models.FloatField(null=True, blank=True)
    max_value = models.FloatField(null=True, blank=True)
    valid_values = ArrayField(models.TextField(), null=True, blank=True, default=list, db_default=[])
    validation_rules = models.JSONField(null=True, blank=True, default=dict, db_default={})

    category = EnumField(ConfigCategory, default=ConfigCategory.GENERAL, db_default=ConfigCategory.GENERAL)
    sub_category = models.TextField(null=True, blank=True)
    display_name = models.CharField(max_length=200, null=True, blank=True)
    description = models.TextField(null=True, blank=True)
    tags = ArrayField(models.TextField(), null=True, blank=True, default=list, db_default=[])
    sort_order = models.IntegerField(default=0, db_default=0)
    is_active = models.BooleanField(default=True, db_default=True)
    is_editable = models.BooleanField(default=True, db_default=True)
    requires_restart = models.BooleanField(default=False, db_default=False)
    last_modified_by = models.ForeignKey(
        User,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_column="lastModifiedBy",
        db_index=False,
    )

    history = ConfigurationHistoryRecords()

    class Meta:
        db_table = "system_configurations"
        verbose_name = "setting"
        verbose_name_plural = "settings"
        ordering = ["category", "sort_order", "key"]
        constraints = [
            models.UniqueConstraint(
                fields=["key", "scope", "scope_id"],
                name="system_configurations_key_scope_key",
                nulls_distinct=False,
                violation_error_message="This setting has a value for this scope already.",
            ),
            models.CheckConstraint(
                name="system_configurations_scope_check",
                condition=Q(scope=ConfigScope.SYSTEM, scope_id__isnull=True)
                | (~Q(scope=ConfigScope.SYSTEM) & Q(scope_id__isnull=False)),
                violation_error_message="Scope: SYSTEM stands alone, every other scope names its id.",
            ),
            models.CheckConstraint(
                name="system_configurations_bounds_check",
                condition=Q(min_value__lte=F("max_value")),
                violation_error_message="Minimum: not more than the maximum.",
            ),
            # Judges value and defaultValue by valueType, bounds and valid values; see configuration.0002.
            Trigger(
                name="system_configurations_check_value",
                event="BEFORE INSERT OR UPDATE",
                function="check_configuration_value",
                always=True,
            ),
            updated_at_trigger("system_configurations"),
        ]
        indexes = [
            Index(
                fields=["category", "sub_category"],
                name="system_configurations_category_subCategory_idx",
                serves="The settings of a category.",
            ),
            Index(
                fields=["scope", "scope_id"],
                name="system_configurations_scope_scopeId_idx",
                serves="What a district, school or user has set for itself.",
            ),
            GinIndex(fields=["tags"], name="system_configurations_tags_idx", serves="Settings with a tag."),
            Index(
                fields=["last_modified_by"],
                name="system_configurations_lastModifiedBy_idx",
                condition=Q(last_modified_by__isnull=False),
                serves="Which settings a user changed last.",
            ),
            Index(
                fields=["key"],
                name="system_configurations_restart_idx",
                condition=Q(requires_restart=True),
                serves="Settings that take effect after a restart.",
            ),
        ]

    def __str__(self) -> str:
        return self.key if self.scope == ConfigScope.SYSTEM else f"{self.key} ({self.scope} {self.scope_id})"

    def save(self, **kwargs: Any) -> None:
        """As Django's; the row and its history are written together or not at all."""
        with transaction.atomic(using=kwargs.get("using") or self._state.db):
            super().save(**kwargs)

    def delete(self, using: str | None = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        """As Django's; the row goes and its history is written together or not at all."""
        with transaction.atomic(using=using or self._state.db):
            return super().delete(using=using, keep_parents=keep_parents)
