"""The history of all settings in the admin: nobody adds, changes or deletes here."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from configuration.admin import past_pages
from configuration.admin.changes import told
from configuration.admin.lines import line_of
from configuration.models import ConfigurationHistory, SystemConfiguration
from configuration.models.history import PREDECESSOR
from configuration.parameters import DECLARED
from core import access
from core.admin import site
from core.admin.changelist import CountlessChangeList
from core.admin.filters import period
from core.admin.form_fields import fits
from core.admin.record_admin import RecordAdmin
from core.models import User

PAST_THE_APPLICATION, IN_THE_PREDECESSOR = "database", PREDECESSOR


class KeyFilter(admin.SimpleListFilter):
    """Changes of one key."""

    title, parameter_name = "key", "key"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """The keys that are stored or declared; an address may name others."""
        stored = SystemConfiguration.objects.of_the_system().order_by("key").values_list("key", flat=True)
        return [(key, key) for key in sorted({*DECLARED, *stored})]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """The key's."""
        key = self.value()
        return queryset.filter(key=key) if key and "\x00" not in key else queryset


class AuthorFilter(admin.SimpleListFilter):
    """Changes by one administrator, past the application, or in the predecessor."""

    title, parameter_name = "who", "who"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """Those who may change settings, as far as they are still here."""
        staff = User.objects.filter(access.staff_with("change", SystemConfiguration)).order_by(
            "last_name", "first_name"
        )[:100]
        others = [(PAST_THE_APPLICATION, "Past the application"), (IN_THE_PREDECESSOR, "In the predecessor")]
        return [*others, *((str(one.pk), site.label(one)) for one in staff)]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Hers."""
        if self.value() == PAST_THE_APPLICATION:
            return queryset.filter(database_role__isnull=False).exclude(database_role=PREDECESSOR)
        if self.value() == IN_THE_PREDECESSOR:
            return queryset.filter(database_role=PREDECESSOR)
        if self.value() and fits(User._meta.pk, self.value()):
            return queryset.filter(history_user_id=self.value())
        return queryset


class ChangeList(CountlessChangeList):
    """A page of changes, in words."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page, and what its rows refer to together."""
        super().get_results(request)
        self.entries = told(list(self.result_list))


@admin.register(ConfigurationHistory, site=site)
class ConfigurationHistoryAdmin(RecordAdmin):
    """What was changed, by whom, when. Append-only: nobody adds, changes or deletes here."""

    list_display = ("key", "history_date")
    list_filter = (KeyFilter, AuthorFilter, period("history_date"), ("scope", ChoicesDropdownFilter))
    search_fields = ("key__icontains", "changed_by_name__icontains", "history_change_reason__icontains")
    search_help_text = "Key, name or reason"
    ordering = ("-pk",)
    actions = None

    def label(self, record: Any) -> str:
        """The key."""
        return f"Change of {record.key}"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """None of the row as it is: the page tells it in words, and hides secrets."""
        return ["key"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """One field; see get_fields()."""
        return [(None, {"fields": self.get_fields(request, obj)})]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Changes in words."""
        return ChangeList

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """One change."""
        change: Any = self.get_object(request, object_id) if self.has_view_permission(request) else None
        context = {}
        if change is not None:
            line = line_of(change.key)
            may = bool("change" in access.rights(request.user, SystemConfiguration))
            context = {
                "entry": told([change])[0],
                "may_restore": may and not line.read_only,
                "key_history": past_pages.key_history_url(change.key),
            }
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """The changes of the setting that this change is of."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        change: Any = self.get_object(request, object_id)
        if change is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        setting_admin = self.admin_site.get_model_admin(SystemConfiguration)
        return past_pages.history_page(setting_admin, request, key=change.key, setting_id=change.id)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False
