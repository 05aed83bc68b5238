"""What every record's admin shares: scope by role, lists without counting, refusals on the form, a discreet log."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.core.paginator import Paginator
from django.db import DataError, IntegrityError, models, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from unfold.admin import ModelAdmin

from core import access
from core.admin import refusals
from core.admin.changelist import CountlessChangeList
from core.admin.columns import EMPTY, text_of
from core.admin.date_and_time import DateAndTimeField
from core.admin.form_fields import fits
from core.admin.forms import RecordForm
from core.admin.log import DiscreetLog
from core.admin.paginator import CountlessPaginator
from core.admin.record_fields import RecordFields
from core.admin.site import site
from core.models import Student, User

# Of how many students a search for a name shows the records.
MOST_STUDENTS = 200

Shown = Callable[[models.Model], str]


class RecordAdmin(RecordFields, DiscreetLog, ModelAdmin):  # type: ignore[misc]
    """A record in the scope of whoever looks.

    - `hidden`: fields that no page shows. `chosen_once`: those that stay as the record was made with them.
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
    list_filter_submit = True  # or the filters with a box to choose from do nothing
    sortable_by: Sequence[str] | None = ()
    hidden: Sequence[str] = ()
    chosen_once: Sequence[str] = ()
    recent: str | None = None
    warn_unsaved_form = True
    list_before_template = "admin/records_of.html"
    change_form_before_template = "admin/record_version.html"
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
        """The row of a page, or None where it does not exist or lies outside the user's scope.

        Locked while it is being saved: the form compares what it changes with the row as it is then.
        """
        rows = self.with_deleted(request)
        if request.method == "POST" and transaction.get_connection().in_atomic_block:
            rows = rows.select_for_update(of=("self",), no_key=True)
        try:
            found: models.Model = rows.get(pk=self.model._meta.pk.to_python(object_id))
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

    bookkeeping: Sequence[str] = ("created_at", "created_by", "updated_at", "updated_by", "deleted_at")

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
        readable = {*self._bookkeeping(), *self.fixed_fields(request, obj)}
        if not self.has_change_permission(request, obj):
            readable |= {
                field.name for field in self.opts.fields if isinstance(field, models.ForeignKey | models.DateTimeField)
            }
        for _, options in groups:
            options["fields"] = [self._shown(request, name) if name in readable else name for name in options["fields"]]
        return groups

    def fixed_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """The names of the fields that the page shows and nobody writes there."""
        return [*self.readonly_fields, *(self.chosen_once if obj is not None else ())]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """The fixed ones, who wrote the record and when."""
        names = self.fixed_fields(request, obj)
        return names if obj is None else [self._shown(request, name) for name in [*names, *self._bookkeeping()]]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, which knows its request."""
        form = super().get_form(request, obj, change=change, **kwargs)
        form.request = request
        return form

    # Search

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Records of the students whose name or number begins so."""
        path = access.students_relation(self.model)
        term = search_term.strip()
        if not term:
            return queryset, False
        if path is None:
            return super().get_search_results(request, queryset, search_term)
        found = Student.objects.for_user(request.user).search(term).values_list("pk", flat=True)
        students = list(found[: MOST_STUDENTS + 1])
        request.students_left_out = len(students) > MOST_STUDENTS  # type: ignore[attr-defined]
        return queryset.filter(**{f"{path}__in": students[:MOST_STUDENTS]}), False

    # Lists

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """As Unfold's, under the sidebar's name rather than "Select ... to change"; and whose records these are."""
        title = capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(request, {"title": title, **self._whose(request), **(extra_context or {})})

    def _whose(self, request: HttpRequest) -> dict[str, str]:
        name = f"{access.students_relation(self.model)}__id__exact"
        pk = request.GET.get(name)
        if pk is None or not fits(Student._meta.pk, pk):
            return {}
        student = Student.objects.for_user(request.user).filter(pk=pk).first()
        others = request.GET.copy()
        del others[name]
        return {"records_of": site.label(student), "records_of_all": f"?{others.urlencode()}"} if student else {}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CountlessChangeList]:
        """Lists that never count."""
        return CountlessChangeList

    def get_paginator(self, request: HttpRequest, queryset: Any, per_page: int, *args: Any, **kwargs: Any) -> Paginator:  # type: ignore[type-arg]
        """Pages without counting; the history of one record is short enough to be counted."""
        if getattr(queryset, "model", None) is LogEntry:
            return Paginator(queryset, per_page)
        return CountlessPaginator(queryset, per_page)

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """As Django's, but only ever on the rows that were ticked, on all of them or none."""
        sent = request.POST.copy()
        sent["select_across"] = "0"
        ticked = [pk for pk in sent.getlist(ACTION_CHECKBOX_NAME) if fits(self.opts.pk, pk)]
        sent.setlist(ACTION_CHECKBOX_NAME, ticked)
        request.POST = sent  # type: ignore[assignment]
        try:
            with transaction.atomic():
                return cast("HttpResponse | None", super().response_action(request, queryset))
        except (IntegrityError, models.ProtectedError):
            self.message_user(request, refusals.GONE, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

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

    # Deleting

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """What goes, and what stands in the way, by the names of the tables: nothing is collected, nothing counted."""
        objs = list(objs)
        names = [self.label(record) for record in objs]
        kept = any(not self.has_delete_permission(request, record) for record in objs)
        refused = {str(self.opts.verbose_name)} if kept else set()
        return names, {str(self.opts.verbose_name_plural): len(objs)}, refused, self._what_depends_on(objs)

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
