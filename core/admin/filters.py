"""Filters of lists. None of them looks for distinct values: that reads the whole table."""

import datetime as dt
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.contrib.filters.forms import AutocompleteDropdownForm

from core import access
from core.admin.form_fields import ChosenRecord
from core.admin.site import site


class RelatedRecordForm(AutocompleteDropdownForm):  # type: ignore[misc]
    """The box of a filter: the rows that the user may see, by their labels."""

    widget = ChosenRecord

    def __init__(self, request: HttpRequest, name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, name, *args, **kwargs)
        box: Any = self.fields[name]
        box.queryset = access.visible(box.queryset.all(), request.user)
        box.label_from_instance = site.label


class RelatedRecordFilter(AutocompleteSelectFilter):  # type: ignore[misc]
    """Rows that refer to one record of those that the user may see."""

    form_class = RelatedRecordForm


class DeletedFilter(admin.SimpleListFilter):
    """Records marked as deleted, for those who may restore them."""

    title = "deleted"
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """What can be chosen besides the usual list."""
        return [("yes", "Deleted records")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows with the mark, where asked for."""
        return queryset.filter(deleted_at__isnull=False) if self.value() == "yes" else queryset

    def choices(self, changelist: Any) -> Any:
        """As Django's, with a word for the usual list."""
        first, *rest = super().choices(changelist)
        return [{**first, "display": "Present records"}, *rest]


class LockedFilter(admin.SimpleListFilter):
    """Accounts that too many wrong passwords have locked."""

    title = "sign-in"
    parameter_name = "locked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """What can be chosen besides all."""
        return [("yes", "Locked accounts")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those that are locked now, where asked for."""
        return queryset.filter(lockout_until__gt=timezone.now()) if self.value() == "yes" else queryset


PERIODS = {"today": (0, "Today"), "week": (6, "Last 7 days"), "month": (29, "Last 30 days"), "year": (364, "Last year")}


class PeriodFilter(admin.SimpleListFilter):
    """Rows of a stretch of days that ends with today, in the site's time zone."""

    field: str
    title = "date"
    parameter_name = "period"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The stretches."""
        return [(key, label) for key, (_, label) in PERIODS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Bounded on both sides, so that an index on the time can serve it."""
        if self.value() not in PERIODS:
            return queryset
        midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        first = midnight - dt.timedelta(days=PERIODS[str(self.value())][0])
        return queryset.filter(**{f"{self.field}__gte": first, f"{self.field}__lt": midnight + dt.timedelta(days=1)})


def period(field_name: str) -> type[PeriodFilter]:
    """A PeriodFilter on a time of the model."""
    return type("PeriodFilter", (PeriodFilter,), {"field": field_name})
