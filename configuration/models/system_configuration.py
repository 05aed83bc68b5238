"""Settings."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, models
from django.db.models import F, Q
from simple_history.models import is_historic

from configuration.changing import changing
from configuration.enums import ConfigCategory, ConfigScope, ConfigValueType
from configuration.models.history import ConfigurationHistoryRecords
from configuration.parameters import DECLARED
from configuration.resolution import SECRET
from configuration.values import judge, parse
from core.db import EnumField, GinIndex, Index, Trigger
from core.models import User
from core.models.record import Record, RecordQuerySet, updated_at_trigger


class SettingQuerySet(RecordQuerySet["SystemConfiguration"]):
    """Settings. Every write is recorded in the name of whoever is acting; see `configuration.changing` for reasons."""

    def of_the_system(self) -> Self:
        """Those that hold where no district, school or user has its own."""
        return self.filter(scope=ConfigScope.SYSTEM)

    def overrides(self) -> Self:
        """Those of districts, schools and users."""
        return self.exclude(scope=ConfigScope.SYSTEM)

    def update(self, **kwargs: Any) -> int:
        """As Django's, recorded."""
        with changing(using=self.db):
            return super().update(**kwargs)

    update.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> tuple[int, dict[str, int]]:
        """As Django's, recorded."""
        with changing(using=self.db):
            return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """As Django's, recorded."""
        with changing(using=self.db):
            return super().bulk_create(objs, *args, **kwargs)

    bulk_create.alters_data = True  # type: ignore[attr-defined]

    def bulk_update(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> int:
        """As Django's, recorded in one transaction."""
        with changing(using=self.db):
            return super().bulk_update(objs, *args, **kwargs)

    bulk_update.alters_data = True  # type: ignore[attr-defined]


class SystemConfiguration(Record):
    """One value of one setting, for one scope. The database refuses a value that does not fit its type and bounds."""

    key = models.CharField(max_length=200)
    scope = EnumField(ConfigScope, default=ConfigScope.SYSTEM, db_default=ConfigScope.SYSTEM)
    scope_id = models.UUIDField(
        null=True, blank=True, help_text="The district, school or user for whom the value holds."
    )

    value = models.TextField(blank=True)  # a STRING may be empty; the database judges
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

    objects = SettingQuerySet.as_manager()  # type: ignore[misc]
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
            # Judges value and defaultValue by type, bounds, valid values and rules; see configuration.0004.
            Trigger(
                name="system_configurations_check_value",
                event="BEFORE INSERT OR UPDATE",
                function="check_configuration_value",
                always=True,
            ),
            updated_at_trigger("system_configurations"),
            # Who changed it last; a change that changes nothing is none. See configuration.0005.
            Trigger(
                name="system_configurations_stamp",
                event="BEFORE INSERT OR UPDATE",
                function="stamp_configuration",
                always=True,
            ),
            # One row of configuration_history for each change, whoever writes.
            Trigger(
                name="system_configurations_write_history",
                event="AFTER INSERT OR UPDATE OR DELETE",
                function="write_configuration_history",
                always=True,
            ),
            Trigger(
                name="system_configurations_refuse_truncate",
                event="BEFORE TRUNCATE",
                function="refuse_configuration_truncate",
                each="STATEMENT",
                always=True,
            ),
            # Tells the processes that keep settings in memory.
            Trigger(
                name="system_configurations_notify",
                event="AFTER INSERT OR UPDATE OR DELETE",
                function="notify_of_settings",
                each="STATEMENT",
            ),
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

    @property
    def is_secret(self) -> bool:
        """Whether the value is shown to nobody: the tag `secret`."""
        return SECRET in (self.tags or ())

    @property
    def typed_value(self) -> Any:
        """The value in Python's type for its value type. Raises ValueTextError where it is none."""
        return parse(self.value_type, self.value)

    def clean(self) -> None:
        """Raise ValidationError where the database would refuse the row, or the code that reads it could not use it."""
        super().clean()
        problem = judge(
            self.value or "",
            self.value_type,
            min_value=self.min_value,
            max_value=self.max_value,
            valid_values=self.valid_values,
            rules=self.validation_rules,
        )
        if problem is None and (parameter := DECLARED.get(self.key)):
            if self.scope not in parameter.scopes:
                raise ValidationError({"scope": f"Nothing reads {self.key} for a {self.get_scope_display().lower()}."})
            unusable = parameter.problem(self.value_type, self.typed_value)
            problem = f"The value {unusable}" if unusable else None
        if problem:
            raise ValidationError({"value": f"{problem}."})

    def save(self, **kwargs: Any) -> None:
        """As Django's. The database records who changed what, and why: `_change_reason`, or a block of `changing`."""
        with self._recorded(kwargs.get("using")):
            if self._state.adding and is_historic(self):
                # `version.instance.save()`, simple-history's way back: Django would insert what is new with its id.
                self._state.adding = not SystemConfiguration.objects.filter(pk=self.pk).exists()
            super().save(**kwargs)

    def delete(self, using: str | None = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        """As Django's. The database records who deleted what, and why."""
        with self._recorded(using):
            return super().delete(using=using, keep_parents=keep_parents)

    def _recorded(self, using: str | None) -> AbstractContextManager[None]:
        return changing(
            reason=getattr(self, "_change_reason", None),
            user=getattr(self, "_history_user", None),
            using=using or self._state.db or DEFAULT_DB_ALIAS,
        )
