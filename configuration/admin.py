"""Settings and their history in the admin: a plain form for ADMIN."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from configuration.models import ConfigurationHistory, SystemConfiguration
from core.admin import site
from core.admin.columns import column
from core.admin.record_admin import RecordAdmin


@admin.register(SystemConfiguration, site=site)
class SystemConfigurationAdmin(RecordAdmin):
    """Settings. What a setting is stays as it was made; its value changes."""

    list_display = ("key", "display_name", "value", "scope", "category", "is_active")
    list_filter = (("category", ChoicesDropdownFilter), ("scope", ChoicesDropdownFilter), "is_active")
    sortable_by = ("key",)
    search_fields = ("key__icontains", "display_name__icontains")
    search_help_text = "Key or name"
    fieldsets = (
        (None, {"fields": ("key", "display_name", "description", "value")}),
        ("Scope", {"fields": ("scope", "scope_id")}),
        (
            "Rules",
            {
                "fields": (
                    "value_type",
                    "default_value",
                    ("min_value", "max_value"),
                    "valid_values",
                    "validation_rules",
                    "requires_restart",
                    "is_editable",
                    "is_active",
                )
            },
        ),
        ("Order", {"fields": ("category", "sub_category", "tags", "sort_order")}),
        ("Last change", {"fields": ("last_modified_by",)}),
    )
    readonly_fields = ("last_modified_by",)
    chosen_once = ("key", "scope", "scope_id")  # they say which setting it is

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not where the setting says that nobody edits it."""
        return super().has_change_permission(request, obj) and (obj is None or obj.is_editable)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Say who changed it."""
        if form.changed_data:
            obj.last_modified_by = request.user
        super().save_model(request, obj, form, change)


@admin.register(ConfigurationHistory, site=site)
class ConfigurationHistoryAdmin(RecordAdmin):
    """What was changed, by whom, when. Append-only: nobody adds, changes or deletes here."""

    list_display = (
        "key",
        column("old_value"),
        column("value", "New value"),
        "changed_by_name",
        column("history_date", "When"),
    )
    list_display_links = ("key",)
    search_fields = ("key__icontains",)
    search_help_text = "Key"
    ordering = ("-pk",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """The whole row."""
        return [field.name for field in self.opts.fields]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False
