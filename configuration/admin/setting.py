"""Settings in the admin: the list by category, the page of a key with the values of districts, schools and users."""

import uuid
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.crypto import constant_time_compare
from django.utils.html import format_html
from django.utils.http import urlencode

from configuration import config, editing
from configuration.admin import deeds, past_pages
from configuration.admin.changes import is_security
from configuration.admin.filters import FILTERS, SettingList
from configuration.admin.forms import NewKeyForm, NewOverrideForm, SettingForm, facts_of
from configuration.admin.key_page import about
from configuration.admin.lines import Line, line_of
from configuration.admin.places import Places
from configuration.admin.words import Shown, fact
from configuration.editing import FACTS, EditError, NoSuchSettingError
from configuration.enums import ConfigScope
from configuration.models import ConfigurationHistory, SystemConfiguration
from configuration.parameters import DECLARED, EVERYWHERE
from core.admin import site
from core.admin.columns import EMPTY
from core.admin.record_admin import RecordAdmin

OVERRIDES_PER_PAGE = 50
RULES = (
    "value_type",
    "default_value",
    "min_value",
    "max_value",
    "valid_values",
    "validation_rules",
    "requires_restart",
    "is_editable",
)
ORDER = ("display_name", "description", "category", "sub_category", "tags", "sort_order")


class UnconfirmedError(Exception):
    """A change of a security setting that nobody has confirmed yet. All is undone, and the person is asked."""

    def __init__(self, setting: Any, before: dict[str, Any] | None, *, secret: bool) -> None:
        self.setting, self.before, self.secret = setting, before, secret
        super().__init__()


@admin.register(SystemConfiguration, site=site)
class SystemConfigurationAdmin(RecordAdmin):
    """Settings. What a setting is stays as it was made; its value changes, with a reason."""

    form = SettingForm
    list_filter = FILTERS
    list_per_page = 100
    search_fields = ("key",)
    search_help_text = "Key, name or description"
    actions = None
    fieldsets = (
        (None, {"fields": ("key", "scope", "scope_id", "value", "is_active", "reason")}),
        ("Rules", {"fields": RULES, "classes": ["collapse"]}),
        ("Name and order", {"fields": ORDER, "classes": ["collapse"]}),
    )
    readonly_fields = ("is_editable",)
    bookkeeping = (*RecordAdmin.bookkeeping, "last_modified_by")
    chosen_once = ("key", "scope", "scope_id", "value_type")  # they say which setting it is, and how it is read

    def label(self, record: Any) -> str:
        """The key, and for whom the value holds."""
        if record.scope == ConfigScope.SYSTEM:
            return str(record.key)
        return f"{record.key} for {Places([(str(record.scope), record.scope_id)]).name(record.scope, record.scope_id)}"

    # Addresses

    def get_urls(self) -> list[Any]:
        """Django's, and those of the past."""
        name = "configuration_systemconfiguration"
        view = self.admin_site.admin_view
        return [
            path("key-history/", view(self.key_history_view), name=f"{name}_keyhistory"),
            path("restore/<str:change_id>/", view(self.restore_view), name=f"{name}_restore"),
            *super().get_urls(),
        ]

    key_history_url = staticmethod(past_pages.key_history_url)

    # The list

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[SettingList]:
        """A line a key."""
        return SettingList

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """As they are: the list looks for words in lines, not in rows."""
        return queryset, False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """As every list, and the changes that wait for a restart."""
        return super().changelist_view(request, {"pending_restart": config.pending_restart(), **(extra_context or {})})

    # Who may

    def _read_only(self, request: HttpRequest, obj: Any) -> bool:
        known: dict[Any, bool] = request.__dict__.setdefault("read_only_settings", {})
        if obj.pk not in known:
            try:
                editing.refuse_if_read_only(obj)
                known[obj.pk] = False
            except EditError:
                known[obj.pk] = True
        return known[obj.pk]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not where the setting says that nobody edits it."""
        return super().has_change_permission(request, obj) and (obj is None or not self._read_only(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not where the setting says that nobody edits it."""
        return super().has_delete_permission(request, obj) and (obj is None or not self._read_only(request, obj))

    # The form

    def _line(self, request: HttpRequest, key: str) -> Line:
        known: dict[str, Line] = request.__dict__.setdefault("setting_line", {})
        if key not in known:
            known[key] = line_of(key)
        return known[key]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """All facts of the system's row; for a district, a school or a user the value, and the facts to be read."""
        setting = obj or getattr(request, "proposed", None)
        override = setting is not None and setting.scope != ConfigScope.SYSTEM
        may = obj is None or self.has_change_permission(request, obj)
        groups = super().get_fieldsets(request, obj)
        found = []
        for name, options in groups:
            fields = list(options["fields"])
            if obj is None:
                place = ["place"] if override else []
                fields = [one for field in fields for one in (place if field == "scope_id" else [field])]
            elif not override:
                fields = [field for field in fields if getattr(field, "__name__", field) not in ("scope", "scope_id")]
            if not may:
                fields = [field for field in fields if field != "reason"]
            found.append((name, {**options, "fields": fields}))
        return [group for group in found if not (override and group[0] == "Name and order")]

    def fixed_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """For a district, a school or a user all but the value; where nobody edits it, all."""
        setting = obj or getattr(request, "proposed", None)
        fixed = [*self.readonly_fields, *self.chosen_once]
        if setting is not None and setting.scope != ConfigScope.SYSTEM:
            fixed += [*RULES, *ORDER]
        if obj is not None and not self.has_change_permission(request, obj):
            fixed += [*FACTS]
        return list(dict.fromkeys(fixed))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """The fixed ones; of a new setting those that the address says."""
        if obj is None:
            return [name for name in self.fixed_fields(request) if name != "scope_id"]
        return super().get_readonly_fields(request, obj)

    def _show(self, request: HttpRequest, name: str) -> Any:
        if name not in FACTS or name == "scope_id":
            return self._show_place() if name == "scope_id" else super()._show(request, name)

        def show(setting: Any) -> str:
            return render(fact(name, setting, secret=self._line(request, setting.key).secret or setting.is_secret))

        show.__name__ = name
        show.short_description = super()._show(request, name).short_description  # type: ignore[attr-defined]
        return show

    def _show_place(self) -> Any:
        def show(setting: Any) -> str:
            if setting.scope == ConfigScope.SYSTEM:
                return EMPTY
            return Places([(str(setting.scope), setting.scope_id)]).name(setting.scope, setting.scope_id)

        show.__name__ = "scope_id"
        show.short_description = "Holds for"  # type: ignore[attr-defined]
        return show

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form for the whole setting, or for a value of a district, a school or a user."""
        proposed = getattr(request, "proposed", None)
        if obj is None and proposed is not None and proposed.scope != ConfigScope.SYSTEM:
            kwargs.setdefault("form", NewOverrideForm)
        if obj is not None:
            request.is_secret = self._line(request, obj.key).secret  # type: ignore[attr-defined]
        elif proposed is not None:
            request.is_secret = self._line(request, proposed.key).secret  # type: ignore[attr-defined]
        return super().get_form(request, obj, change=change, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Nothing: a new setting begins with what is known of its key."""
        return {}

    # Pages

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """The page; again with sentences where something is refused, or the question whether a change is meant."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except EditError as error:
            request.edit_errors = error.errors  # type: ignore[attr-defined]
        except UnconfirmedError as asked:
            return deeds.confirm_page(self, request, asked.setting, asked.before, secret=asked.secret)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        """A value for a key that the address names, for everybody or for a scope; without one, a new key."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        key = request.GET.get("key", "")
        proposed = self._propose(key, request.GET.get("scope", ""), request.GET.get("value_type", ""))
        if proposed is None:
            return self._new_key(request)
        line = self._line(request, key)
        stored = line.system if proposed.scope == ConfigScope.SYSTEM else None
        if stored is not None:
            return HttpResponseRedirect(line.url)
        if self._read_only(request, proposed):
            raise PermissionDenied
        request.proposed = proposed  # type: ignore[attr-defined]
        what = "Set" if proposed.scope == ConfigScope.SYSTEM else f"For a {proposed.get_scope_display().lower()}"
        context = {**about(request, line, proposed), "page_heading": f"{what}: {key}", **(extra_context or {})}
        return super().add_view(request, form_url, context)

    def _propose(self, key: str, scope: str, value_type: str) -> Any:
        scope = scope or ConfigScope.SYSTEM
        parameter = DECLARED.get(key)
        if not key or "\x00" in key or scope not in (parameter.scopes if parameter else EVERYWHERE):
            return None
        try:
            return editing.new(key, scope)
        except NoSuchSettingError:
            pass
        like = SystemConfiguration.objects.filter(key=key).first()
        if like is not None:
            return SystemConfiguration(**{**facts_of(like), "scope": scope, "scope_id": None, "is_active": True})
        known = NewKeyForm({"key": key, "value_type": value_type}).is_valid() and scope == ConfigScope.SYSTEM
        return SystemConfiguration(key=key, value_type=value_type, tags=["custom"]) if known else None

    def _new_key(self, request: HttpRequest) -> Any:
        sent = request.POST if request.method == "POST" else request.GET if "value_type" in request.GET else None
        form = NewKeyForm(sent)
        if request.method == "POST" and form.is_valid():
            return HttpResponseRedirect(f"{request.path}?{urlencode(form.cleaned_data)}")
        context = {
            **self.admin_site.each_context(request),
            "title": "Add setting",
            "page_heading": "Add setting",
            "opts": self.opts,
            "form": form,
        }
        return TemplateResponse(request, "admin/configuration/new_key.html", context)

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """The page of a key; or of a value of a district, a school or a user."""
        setting: Any = self.get_object(request, object_id) if self.has_view_permission(request) else None
        context = about(request, self._line(request, setting.key), setting) if setting else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    # Saving

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store what has changed, with the reason. Raises EditError, and UnconfirmedError for security settings."""
        if change and not form.changed_data:
            return
        editing.save(obj, reason=form.cleaned_data["reason"])
        after = facts_of(obj)
        security = self._line(request, obj.key).is_security or is_security(form.before, after)
        said = request.POST.get("_confirmed", "")
        if security and not constant_time_compare(said, deeds.confirmation(request, form.before, after)):
            raise UnconfirmedError(obj, form.before, secret=form.secret or obj.is_secret)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """One entry; none for a change that changes nothing."""
        return super().log_change(request, obj, message) if message else []

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> Any:
        """To the key's page."""
        return self._saved(request, obj, f"{self.label(obj)} is set.")

    def response_change(self, request: HttpRequest, obj: Any) -> Any:
        """To the key's page, and what holds now."""
        return self._saved(request, obj, f"{self.label(obj)} is saved.")

    def _saved(self, request: HttpRequest, obj: Any, what: str) -> Any:
        when = " It takes effect after a restart." if obj.requires_restart else ""
        self.message_user(request, f"{what}{when}", messages.SUCCESS)
        if "_continue" in request.POST:
            return HttpResponseRedirect(reverse("admin:configuration_systemconfiguration_change", args=[obj.pk]))
        if obj.scope != ConfigScope.SYSTEM:
            return HttpResponseRedirect(line_of(obj.key).url)
        return HttpResponseRedirect(reverse("admin:configuration_systemconfiguration_changelist"))

    # Deleting

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """What goes and what holds then; with a reason, and a yes for security settings."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        setting = self.get_object(request, object_id)
        if setting is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_delete_permission(request, setting):
            raise PermissionDenied
        return deeds.delete_page(self, request, setting)

    # The past

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """The changes of a row, also of one that is deleted."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            pk = uuid.UUID(object_id)
            setting: Any = SystemConfiguration.objects.filter(pk=pk).first()
            known = setting or ConfigurationHistory.objects.filter(id=pk).first()
        except ValueError:
            known = None
        if known is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return past_pages.history_page(self, request, key=known.key, setting_id=pk)

    def key_history_view(self, request: HttpRequest) -> Any:
        """The changes of a key, for everybody and for districts, schools and users."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        key = request.GET.get("key", "").replace("\x00", "")
        line = line_of(key)
        if not (line.rows or line.parameter or ConfigurationHistory.objects.filter(key=key).exists()):
            return past_pages.unknown(self, request, key)
        return past_pages.history_page(self, request, key=key)

    def restore_view(self, request: HttpRequest, change_id: str) -> Any:
        """The way back to a version."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        try:
            change = editing.change_of(change_id.replace("\x00", ""))
        except NoSuchSettingError as error:
            self.message_user(request, str(error), messages.WARNING)
            return HttpResponseRedirect(reverse("admin:configuration_configurationhistory_changelist"))
        return deeds.restore_page(self, request, change)


def render(value: Shown) -> str:
    """A value as HTML, with a swatch where it is a colour."""
    if value.color:
        return format_html(
            '<svg class="wc-swatch" aria-hidden="true" viewBox="0 0 16 16">'
            '<rect width="16" height="16" fill="{}"/></svg> {}',
            value.color,
            value.text,
        )
    return format_html('<code class="wc-code">{}</code>', value.text) if value.code else value.text
