"""The admin's site: how records are called for people who may see them, and its autocompletion."""

from typing import Any

from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import PermissionDenied
from django.core.paginator import InvalidPage
from django.db import models
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from unfold.sites import UnfoldAdminSite


class LabelledAutocomplete(AutocompleteJsonView):
    """Answers with labels: `__str__` names nobody, as it ends up in logs."""

    admin_site: "WhiteCrossAdminSite"

    def process_request(self, request: HttpRequest) -> Any:
        """Which relation is asked for, and with what text. Raises PermissionDenied for what is none."""
        term, model_admin, source_field, to_field_name = super().process_request(request)
        known = isinstance(source_field, models.ForeignKey) and self.admin_site.is_registered(source_field.model)
        if not known or "\x00" in term:
            raise PermissionDenied
        return term, model_admin, source_field, to_field_name

    def get_queryset(self) -> QuerySet[Any]:
        """What the form with this box offers, as far as it matches."""
        source = self.admin_site.get_model_admin(self.source_field.model)
        return source.offered(self.source_field, super().get_queryset())  # type: ignore[no-any-return]

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

    def get_urls(self) -> list[URLPattern]:
        """Without the one that leads to a record's page outside the admin: there is none."""
        return [pattern for pattern in super().get_urls() if getattr(pattern, "name", None) != "view_on_site"]

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The pages of the admin by their names. Raises Http404 for a page of results that is not there."""
        try:
            return super().search(request, extra_context)  # type: ignore[no-any-return]
        except (InvalidPage, ValueError) as error:
            raise Http404 from error

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        """The page on which a user gives herself a new password."""
        from core.admin.passwords import OwnPasswordForm

        request.current_app = self.name
        return PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=reverse("admin:password_change_done", current_app=self.name),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )(request)

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """As Django's, but only with an admin that keeps the roles' scopes."""
        from core.admin.record_admin import RecordAdmin

        if admin_class is None or not issubclass(admin_class, RecordAdmin):
            raise TypeError("White Cross registers subclasses of RecordAdmin, which keep each user to her scope.")
        super().register(model_or_iterable, admin_class, **options)


site = WhiteCrossAdminSite()
