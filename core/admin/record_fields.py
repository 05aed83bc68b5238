"""The fields of every record's form: what they offer, what they take, what they begin with."""

from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import parse_qsl

from django import forms
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import capfirst
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from core import access
from core.admin.form_fields import ChosenRecord, LinesField, ReadableJSONField, fits, within_years
from core.admin.site import site
from core.models import Student, User

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


class RecordFields(ModelAdmin):  # type: ignore[misc]
    """The part of a ModelAdmin that makes form fields.

    - `long_texts`: fields that get several lines.
    - `done_by`: the model that decides whom fields for staff offer: active staff whose role adds such records. The own
      model unless given.
    """

    long_texts: Sequence[str] = LONG_TEXTS
    done_by: str | None = None

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
        if isinstance(field, forms.DateField | forms.SplitDateTimeField):
            field.validators.append(within_years)
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
        rows = access.visible(db_field.remote_field.model._default_manager.all(), request.user)
        kwargs["queryset"] = self.offered(db_field, rows)
        kwargs.setdefault("widget", ChosenRecord(db_field, self.admin_site))
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        field.label_from_instance = site.label
        return field

    def offered(self, db_field: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Of the related rows that the user may see, those that a form offers for the field."""
        if db_field.related_model is not User or not self._names_staff():
            return rows
        return rows.filter(access.staff_with("add", self.done_by or self.model), is_active=True)

    def _names_staff(self) -> bool:
        return self.model is Student or access.students_relation(self.model) is not None

    # What a new record begins with

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The user and her own place, the student of the list one comes from, what the address asks for."""
        fields = {field.name: field for field in self.opts.fields}
        wanted = {**self._place(request), **self._author(request), **self._filtered(request)}
        wanted.update(request.GET.items())
        return {
            name: value
            for name, value in wanted.items()
            if name in fields and (not isinstance(value, str) or fits(fields[name], value))
        }

    def _place(self, request: HttpRequest) -> dict[str, Any]:
        kind, place = access.place_of(request.user)
        return {kind: place} if access.is_scoped(request.user) else {}

    def _author(self, request: HttpRequest) -> dict[str, Any]:
        me = User.objects.filter(pk=request.user.pk)
        return {
            field.name: request.user.pk
            for field in self.opts.fields
            if field.related_model is User
            and not field.null
            and self._names_staff()
            and self.offered(field, me).exists()
        }

    def _filtered(self, request: HttpRequest) -> dict[str, Any]:
        asked = parse_qsl(request.GET.get("_changelist_filters", ""))
        ending = "__id__exact"
        return {key.removesuffix(ending): value for key, value in asked if key.endswith(ending)}
