"""Contacts in the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from core import access
from core.admin.columns import column
from core.admin.filters import RelatedRecordFilter
from core.admin.phi_admin import PHIAdmin
from core.admin.site import site
from core.models import Contact


@admin.register(Contact, site=site)
class ContactAdmin(PHIAdmin):
    """Guardians, providers, vendors."""

    list_display = ("last_name", "first_name", "type", column("relation_to", "Student"), "phone", "organization")
    list_display_links = ("last_name", "first_name")
    list_select_related = ("relation_to",)
    list_filter = (("type", ChoicesDropdownFilter), ("relation_to", RelatedRecordFilter))
    ordering = ("last_name", "first_name")

    def label(self, record: Contact) -> str:
        """The name."""
        return f"{record.last_name}, {record.first_name}"

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only ADMIN keeps contacts that belong to no student, and so to no school."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "relation_to":
            field.label = "Student"
            field.required = access.is_scoped(request.user)
        return field
