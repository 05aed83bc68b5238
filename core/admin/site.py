"""The admin's site: how records are called for people who may see them, and its autocompletion."""

from typing import Any

from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.db import models
from django.http import HttpRequest, HttpResponseBase
from unfold.sites import UnfoldAdminSite


class LabelledAutocomplete(AutocompleteJsonView):
    """Answers with labels: `__str__` names nobody, as it ends up in logs."""

    admin_site: "WhiteCrossAdminSite"

    def serialize_result(self, obj: models.Model, to_field_name: str) -> dict[str, str]:
        """What the select box needs: id and label."""
        return {"id": str(getattr(obj, to_field_name)), "text": self.admin_site.label(obj)}


class WhiteCrossAdminSite(UnfoldAdminSite):  # type: ignore[misc]
    """The one site; every model is registered here."""

    def label(self, record: models.Model) -> str:
        """The record as people call it. For pages of users who may see it only: the label may hold PHI."""
        model_admin = self._registry.get(type(record))
        return model_admin.label(record) if hasattr(model_admin, "label") else str(record)

    def autocomplete_view(self, request: HttpRequest) -> HttpResponseBase:
        """The rows that the user may see and that match what she types."""
        return LabelledAutocomplete.as_view(admin_site=self)(request)

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """As Django's, but only with an admin that keeps the roles' scopes."""
        from core.admin.record_admin import RecordAdmin

        if admin_class is None or not issubclass(admin_class, RecordAdmin):
            raise TypeError("White Cross registers subclasses of RecordAdmin, which keep each user to her scope.")
        super().register(model_or_iterable, admin_class, **options)


site = WhiteCrossAdminSite()
