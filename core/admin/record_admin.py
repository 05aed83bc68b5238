"""What every record's admin shares: scope by role, lists without counting, refusals on the form, a discreet log."""

import json
from collections.abc import Callable, Sequence
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.postgres.fields import ArrayField
from django.core.paginator import Paginator
from django.db import DataError, IntegrityError, models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from core import access
from core.admin import refusals
from core.admin.changelist import CountlessChangeList
from core.admin.columns import EMPTY, text_of
from core.admin.date_and_time import DateAndTimeField
from core.admin.forms import LinesField, ReadableJSONField, RecordForm
from core.admin.paginator import CountlessPaginator
from core.admin.site import site
from core.models import Student, User

Shown = Callable[[models.Model], str]

LONG_TEXTS = (
    *(
        "notes",
        "description",
        "treatment",
        "treatments",
        "diagnosis",
        "instructions",
        "reaction",
        "symptoms",
        "concerns",
    ),
    *("emergency_protocol", "management_plan", "care_plan", "action_plan", "accommodation_details", "action_taken"),
    *(
        "emergency_details",
        "follow_up_notes",
        "side_effects",
        "student_response",
        "reaction_details",
        "exemption_reason",
    ),
)


class RecordAdmin(ModelAdmin):  # type: ignore[misc]
    """A record in the scope of whoever looks.

    - `hidden`: fields that no page shows. `long_texts`: those that get several lines.
    - `recent`: the time by which a school's list runs, the latest first. Lists of more than a school run by id, which
      is by time of entry: only the primary key orders the largest tables.
    """

    form = RecordForm
    formfield_overrides = {models.DateTimeField: {"form_class": DateAndTimeField}}
    paginator = CountlessPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0
    list_disable_select_all = True
    sortable_by: Sequence[str] | None = ()
    hidden: Sequence[str] = ()
    long_texts: Sequence[str] = LONG_TEXTS
    recent: str | None = None
    warn_unsaved_form = True
    save_on_top = False

    # Who sees what

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows in the user's scope."""
        rows = self.model._default_manager.all()
        visible: QuerySet[Any] = access.visible(rows, request.user).order_by(*self.get_ordering(request))
        return visible

    def with_deleted(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows in the user's scope, with those that are marked as deleted where she may restore them."""
        return self.get_queryset(request)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> models.Model | None:
        """The row of a page, or None where it does not exist or lies outside the user's scope."""
        try:
            found: models.Model = self.with_deleted(request).get(pk=self.model._meta.pk.to_python(object_id))
        except (self.model.DoesNotExist, forms.ValidationError, ValueError):
            return None
        return found

    def get_ordering(self, request: HttpRequest) -> Sequence[str]:
        """A school by the record's own time, everything by time of entry."""
        if self.recent is None:
            return cast("Sequence[str]", self.ordering or self.model._meta.ordering)
        wide = not access.is_scoped(request.user) or access.place_of(request.user)[0] == "district"
        return ("-pk",) if wide else (f"-{self.recent}", "-pk")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only what the list's filters ask, and relations by id: others read the whole table, or guess at secrets."""
        filters = [entry[0] if isinstance(entry, tuple) else entry for entry in self.get_list_filter(request)]
        if lookup in [getattr(entry, "parameter_name", None) for entry in filters]:
            return True
        name, *rest = lookup.split("__")
        if name in self.hidden or name not in {field.name for field in self.opts.fields}:
            return False
        if self.opts.get_field(name).is_relation and rest in ([], ["exact"], ["id", "exact"]):
            return True
        return name in filters and rest in ([], ["exact"])

    # Records by their labels

    def label(self, record: Any) -> str:
        """The record as people call it; may hold PHI."""
        return str(record)

    def _shown(self, request: HttpRequest, name: str) -> Shown:
        # Django looks a read-only field up by identity, so each request has one function for each field.
        functions: dict[Any, Shown] = request.__dict__.setdefault("shown_fields", {})
        if (self.opts.label, name) not in functions:
            functions[self.opts.label, name] = self._show(request, name)
        return functions[self.opts.label, name]

    def _show(self, request: HttpRequest, name: str) -> Shown:
        field = self.opts.get_field(name)

        def shown(record: models.Model) -> str:
            value = getattr(record, f"get_{name}_display")() if field.choices else getattr(record, name)
            if name in ("created_by", "updated_by") and value:
                value = User.objects.filter(pk=value).first() or "A user who is gone"
            if not isinstance(value, models.Model):
                return text_of(value)
            if not access.may(request.user, "view", value):
                return EMPTY
            url = reverse(f"admin:{value._meta.app_label}_{value._meta.model_name}_change", args=[value.pk])
            return format_html('<a href="{}" class="text-link">{}</a>', url, site.label(value))

        shown.__name__ = name
        shown.short_description = capfirst(str(field.verbose_name))  # type: ignore[attr-defined]
        return shown

    # Fields

    bookkeeping = ("created_at", "created_by", "updated_at", "updated_by", "deleted_at")

    def _bookkeeping(self) -> list[str]:
        present = {field.name for field in self.opts.fields}
        return [name for name in self.bookkeeping if name in present]

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """The fields that no page shows."""
        return [*self.hidden, *(super().get_exclude(request, obj) or ())]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Every field that can be written, in the model's order."""
        fixed = {*self._bookkeeping(), *self.get_exclude(request, obj), "id"}
        return [field.name for field in self.opts.fields if field.name not in fixed]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """The fields in groups; where the user may only read, records by label and times with their zone."""
        groups = [(name, {**options}) for name, options in super().get_fieldsets(request, obj)]
        if obj is None:
            return groups
        groups.append(("Bookkeeping", {"fields": self._bookkeeping(), "classes": ["collapse"]}))
        readable = {*self._bookkeeping(), *self.readonly_fields}
        if not self.has_change_permission(request, obj):
            readable |= {
                field.name for field in self.opts.fields if isinstance(field, models.ForeignKey | models.DateTimeField)
            }
        for _, options in groups:
            options["fields"] = [self._shown(request, name) if name in readable else name for name in options["fields"]]
        return groups

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Who wrote the record and when."""
        own = list(super().get_readonly_fields(request, obj))
        return own if obj is None else [self._shown(request, name) for name in [*own, *self._bookkeeping()]]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, which knows its request."""
        form = super().get_form(request, obj, change=change, **kwargs)
        form.request = request
        return form

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """An empty text stays NULL; JSON and lists can be read."""
        if isinstance(db_field, models.JSONField):
            kwargs.update(form_class=ReadableJSONField, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))
            return db_field.formfield(**kwargs)
        if isinstance(db_field, ArrayField):
            return LinesField(
                cast("forms.Field", db_field.base_field.formfield()),
                label=capfirst(str(db_field.verbose_name)),
                required=not db_field.blank,
                help_text=db_field.help_text,
                widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
            )
        if isinstance(db_field, models.TextField) and not db_field.choices and "widget" not in kwargs:
            # A box of one line rather than an input, which would drop the line breaks of what is there.
            rows = 3 if db_field.name in self.long_texts else 1
            kwargs["widget"] = UnfoldAdminTextareaWidget(attrs={"rows": rows})
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            # Without the pop-ups to add or change the other record: few find their way back from them.
            field.widget = field.widget.widget
        if isinstance(db_field, models.TextField) and db_field.null and isinstance(field, forms.CharField):
            field.empty_value = None
        if isinstance(field, forms.SplitDateTimeField):
            zone = timezone.get_current_timezone_name()
            for box, what in zip(field.widget.widgets, ("date", f"time in {zone}"), strict=True):
                box.attrs["aria-label"] = f"{field.label}: {what}"
            field.help_text = f"{field.help_text} Time in {zone}.".lstrip()
        return field

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A select that chooses nothing by itself, save the model's default."""
        blank = db_field.blank or not db_field.has_default()
        kwargs.setdefault("choices", db_field.get_choices(include_blank=blank, blank_choice=[("", "Select value")]))
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def get_autocomplete_fields(self, request: HttpRequest) -> list[str]:
        """Every relation: no page lists all students."""
        return [field.name for field in self.opts.fields if isinstance(field, models.ForeignKey)]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The rows that the user may see, by their labels."""
        kwargs["queryset"] = access.visible(db_field.remote_field.model._default_manager.all(), request.user)
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        field.label_from_instance = site.label
        return field

    # Search

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Records of the students whose name or number begins so."""
        path = access.students_relation(self.model)
        term = search_term.strip()
        if not term:
            return queryset, False
        if path is None:
            return super().get_search_results(request, queryset, search_term)
        students = Student.objects.for_user(request.user).search(term).values_list("pk", flat=True)[:200]
        return queryset.filter(**{f"{path}__in": list(students)}), False

    # Lists

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """As Unfold's, under the name that the sidebar has for it rather than "Select ... to change"."""
        title = capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CountlessChangeList]:
        """Lists that never count."""
        return CountlessChangeList

    def get_paginator(self, request: HttpRequest, queryset: Any, per_page: int, *args: Any, **kwargs: Any) -> Paginator:  # type: ignore[type-arg]
        """Pages without counting; the history of one record is short enough to be counted."""
        if getattr(queryset, "model", None) is LogEntry:
            return Paginator(queryset, per_page)
        return CountlessPaginator(queryset, per_page)

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """As Django's, but only ever on the rows that were ticked."""
        sent = request.POST.copy()
        sent["select_across"] = "0"
        request.POST = sent  # type: ignore[assignment]
        response: HttpResponse | None = super().response_action(request, queryset)
        return response

    # Saving

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The form again, with a sentence, where the database or the scope refuses what it would save."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)  # type: ignore[no-any-return]
        except (IntegrityError, DataError) as error:
            request.refusal = refusals.sentence(error, self.model)  # type: ignore[attr-defined]
        except refusals.OutOfScopeError as error:
            request.refusal = error.message  # type: ignore[attr-defined]
        return super().changeform_view(request, object_id, form_url, extra_context)  # type: ignore[no-any-return]

    def save_model(self, request: HttpRequest, obj: models.Model, form: Any, change: bool) -> None:
        """Save. Raises OutOfScopeError where the user could not see what she has saved."""
        super().save_model(request, obj, form, change)
        rows = access.visible(self.model._base_manager.all(), request.user)
        if access.is_scoped(request.user) and not rows.filter(pk=obj.pk).exists():
            raise refusals.OutOfScopeError

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """What the address asks for, and the user's own school and district."""
        own: dict[str, Any] = {}
        if access.is_scoped(request.user):
            kind, place = access.place_of(request.user)
            own = {kind: place} if kind in {field.name for field in self.opts.fields} else {}
        return {**own, **super().get_changeform_initial_data(request)}

    # Deleting

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """What goes, and what stands in the way, by the names of the tables: nothing is collected, nothing counted."""
        objs = list(objs)
        names = [self.label(record) for record in objs]
        return names, {str(self.opts.verbose_name_plural): len(objs)}, set(), self._what_depends_on(objs)

    def _what_depends_on(self, objs: list[Any]) -> list[str]:
        return sorted(
            {
                f"{capfirst(str(relation.related_model._meta.verbose_name_plural))} refer to it"
                for relation in self.opts.related_objects
                if relation.on_delete in (models.PROTECT, models.CASCADE)
                and not relation.related_model._meta.auto_created
                and relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": objs}).exists()
            }
        )

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        """As Django's; what came to depend on the record meanwhile keeps it."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except (IntegrityError, models.ProtectedError):
            self.message_user(request, refusals.GONE, messages.ERROR)
            return HttpResponseRedirect(request.path)

    # The admin's log names records by kind and id, nobody by name

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """One entry."""
        return self._log(request, [obj], ADDITION, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """One entry, with the names of the fields that changed."""
        return self._log(request, [obj], CHANGE, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """An entry for each."""
        return self._log(request, queryset, DELETION, "")

    def _log(self, request: HttpRequest, records: Any, flag: int, message: Any) -> list[LogEntry]:
        return LogEntry.objects.bulk_create(
            LogEntry(
                user_id=cast("Any", request.user.pk),
                content_type_id=get_content_type_for_model(record).pk,
                object_id=str(record.pk),
                object_repr=f"{record._meta.verbose_name} {record.pk}",
                action_flag=flag,
                change_message=json.dumps(message) if isinstance(message, list) else message,
            )
            for record in records
        )
