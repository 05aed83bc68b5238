"""Bodies and answers: their fields, for reading requests and for the OpenAPI document.

Names are those of the columns. What a value may be, the database judges; here stands only of which shape a request is.
"""

# ruff: noqa: N815 - the names are those of the columns

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from configuration.enums import ConfigCategory, ConfigScope, ConfigValueType
from configuration.models import SystemConfiguration
from core.api.fields import Body, Choice, Flag, Identifier, Number, Query, Text, Whole
from core.api.paging import Page, PageQuery

LARGEST_BULK = 100
LARGEST_SORT_ORDER = 2**31 - 1
VALUE = "Typed as valueType says: a number, true or false, an array...; days and times are strings. Null for a secret."


@extend_schema_field({"type": ["array", "boolean", "number", "object", "string"]})
class Anything(serializers.JSONField):
    """Whatever JSON holds."""

    def to_internal_value(self, data: Any) -> Any:
        """As it is."""
        return data


class Reasoned(Body):
    """What every change says."""

    reason = Text(max_length=10_000, help_text="Why; it stays in the history.")


class Facts(Body):
    """What of a setting people set, besides its value and type."""

    defaultValue = Anything(source="default_value", required=False, allow_null=True, help_text=VALUE)
    minValue = Number(source="min_value", required=False, allow_null=True)
    maxValue = Number(source="max_value", required=False, allow_null=True)
    validValues = serializers.ListField(child=Text(allow_blank=True), source="valid_values", required=False)
    validationRules = serializers.DictField(child=Anything(allow_null=True), source="validation_rules", required=False)
    category = Choice(choices=ConfigCategory.choices, required=False)
    subCategory = Text(source="sub_category", required=False, allow_null=True, allow_blank=True)
    displayName = Text(source="display_name", required=False, allow_null=True, allow_blank=True, max_length=200)
    description = Text(required=False, allow_null=True, allow_blank=True)
    tags = serializers.ListField(child=Text(), required=False)
    sortOrder = Whole(source="sort_order", required=False, min_value=-(2**31), max_value=LARGEST_SORT_ORDER)
    isActive = Flag(source="is_active", required=False)
    isEditable = Flag(source="is_editable", required=False)
    requiresRestart = Flag(source="requires_restart", required=False)


class Creation(Facts, Reasoned):
    """A new setting. For a key that is known, what is left out is taken from the system's row or its declaration."""

    key = Text(max_length=200)
    scope = Choice(choices=ConfigScope.choices, required=False)
    scopeId = Identifier(source="scope_id", required=False, allow_null=True, help_text="The district, school or user.")
    value = Anything(allow_null=True, help_text=VALUE)
    valueType = Choice(
        choices=ConfigValueType.choices, source="value_type", required=False, help_text="STRING for a new key."
    )


class Replacement(Facts, Reasoned):
    """All of a setting: what is left out gets its usual value. Key and scope stay as they are."""

    value = Anything(allow_null=True, help_text=VALUE)
    valueType = Choice(choices=ConfigValueType.choices, source="value_type")


class Alteration(Facts, Reasoned):
    """Some of a setting: what is left out stays."""

    value = Anything(required=False, allow_null=True, help_text=VALUE)
    valueType = Choice(choices=ConfigValueType.choices, source="value_type", required=False)


class Restoration(Reasoned):
    """Which version to bring back."""

    version = Identifier(help_text="The id of a change, from the history.")
    before = Flag(required=False, help_text="The state before that change, instead of after it.")


class Change(Alteration):
    """One of several changes. The setting is named by id, or by key and scope."""

    action = Choice(choices=[("create", "create"), ("update", "update"), ("delete", "delete")])
    id = Identifier(required=False)
    key = Text(max_length=200, required=False)
    scope = Choice(choices=ConfigScope.choices, required=False)
    scopeId = Identifier(source="scope_id", required=False, allow_null=True)
    version = Text(required=False, max_length=100, help_text="The version that you saw; another one is refused.")
    reason = Text(required=False, max_length=10_000, help_text="Why, where it is another reason than that of all.")


class Bulk(Reasoned):
    """Several changes: all of them, or none."""

    changes = serializers.ListField(child=Change(), min_length=1, max_length=LARGEST_BULK)


class Setting(serializers.ModelSerializer[SystemConfiguration]):
    """A setting as it is shown."""

    value = Anything(allow_null=True, help_text=VALUE)
    valueType = serializers.ChoiceField(choices=ConfigValueType.choices)
    scope = serializers.ChoiceField(choices=ConfigScope.choices)
    scopeId = serializers.UUIDField(allow_null=True)
    defaultValue = Anything(allow_null=True)
    minValue = serializers.FloatField(allow_null=True)
    maxValue = serializers.FloatField(allow_null=True)
    validValues = serializers.ListField(child=serializers.CharField())
    validationRules = Anything()
    category = serializers.ChoiceField(choices=ConfigCategory.choices)
    subCategory = serializers.CharField(allow_null=True)
    displayName = serializers.CharField(allow_null=True)
    sortOrder = serializers.IntegerField()
    isActive = serializers.BooleanField()
    isEditable = serializers.BooleanField()
    requiresRestart = serializers.BooleanField()
    tags = serializers.ListField(child=serializers.CharField())
    secret = serializers.BooleanField(help_text="Whether the value is shown to nobody.")
    version = serializers.CharField(help_text="Names this state; the ETag.")
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()
    lastModifiedBy = serializers.UUIDField(allow_null=True)

    class Meta:
        model = SystemConfiguration
        fields = (
            "id", "key", "scope", "scopeId", "value", "valueType", "defaultValue", "minValue", "maxValue",
            "validValues", "validationRules", "category", "subCategory", "displayName", "description", "tags",
            "sortOrder", "isActive", "isEditable", "requiresRestart", "secret", "version", "createdAt", "updatedAt",
            "lastModifiedBy",
        )  # fmt: skip


class SettingPage(Page):
    """Settings."""

    results = Setting(many=True)


class Changed(serializers.Serializer[Any]):
    """A change, as the history tells it."""

    id = serializers.UUIDField(help_text="The version: what restore takes.")
    configurationId = serializers.UUIDField()
    key = serializers.CharField()
    scope = serializers.ChoiceField(choices=ConfigScope.choices)
    scopeId = serializers.UUIDField(allow_null=True)
    change = serializers.ChoiceField(choices=["created", "changed", "deleted"])
    valueType = serializers.ChoiceField(choices=ConfigValueType.choices)
    oldValue = Anything(allow_null=True)
    newValue = Anything(allow_null=True)
    secret = serializers.BooleanField()
    changedFields = serializers.ListField(child=serializers.CharField())
    changedAt = serializers.DateTimeField()
    changedBy = serializers.UUIDField(allow_null=True)
    changedByName = serializers.CharField(allow_null=True, help_text="The name as it was.")
    reason = serializers.CharField(allow_null=True)
    ipAddress = serializers.CharField(allow_null=True)
    userAgent = serializers.CharField(allow_null=True)
    databaseRole = serializers.CharField(allow_null=True, help_text="Who wrote past the application.")


class ChangedPage(Page):
    """Changes, the latest first."""

    results = Changed(many=True)


class Hidden(serializers.Serializer[Any]):
    """A value that would hold if the deciding one did not."""

    source = serializers.CharField()  # type: ignore[assignment]
    scopeId = serializers.UUIDField(allow_null=True)
    value = Anything(allow_null=True)


class Effective(Hidden):
    """The value that holds."""

    key = serializers.CharField()
    source = serializers.CharField(allow_null=True, help_text="USER, SCHOOL, DISTRICT, SYSTEM, DEFAULT or DECLARED.")
    secret = serializers.BooleanField()
    requiresRestart = serializers.BooleanField()
    hidden = Hidden(many=True)


class Effectives(serializers.Serializer[Any]):
    """The values that hold."""

    count = serializers.IntegerField()
    results = Effective(many=True)


class BulkResult(serializers.Serializer[Any]):
    """What came of each change, in their order: the setting, or null where it was deleted."""

    results = serializers.ListField(child=Setting(allow_null=True))


class ListQuery(PageQuery):
    """Which settings."""

    category = Choice(choices=ConfigCategory.choices, required=False)
    scope = Choice(choices=ConfigScope.choices, required=False)
    tag = Text(required=False, max_length=200)
    key = Text(required=False, max_length=200)
    search = Text(required=False, allow_blank=True, max_length=200, help_text="Part of key, name or description.")


class HistoryQuery(PageQuery):
    """Which changes."""

    scope = Choice(choices=ConfigScope.choices, required=False)


class EffectiveQuery(Query):
    """For whom."""

    district = Identifier(required=False)
    school = Identifier(required=False)
    user = Identifier(required=False)
    category = Choice(choices=ConfigCategory.choices, required=False)


class ReasonQuery(Query):
    """Why, for clients whose DELETE has no body."""

    reason = Text(required=False, max_length=10_000)
