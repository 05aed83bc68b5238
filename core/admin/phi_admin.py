"""Records of health data in the admin: deleting marks, restoring takes the mark away."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE
from django.db.models import QuerySet
from django.http import HttpRequest

from core import access
from core.admin.filters import DeletedFilter
from core.admin.record_admin import RecordAdmin


class PHIAdmin(RecordAdmin):
    """A record of health data: deleting marks it, and those who may delete may restore."""

    delete_confirmation_template = "admin/soft_delete_confirmation.html"
    delete_selected_confirmation_template = "admin/soft_delete_selected_confirmation.html"
    actions = ["restore"]
    search_help_text = "Student's name or number"

    def get_search_fields(self, request: HttpRequest) -> Sequence[str]:
        """Not empty, or Django offers no search; what is searched is in get_search_results()."""
        return ("student",)

    def with_deleted(self, request: HttpRequest) -> QuerySet[Any]:
        """With the marked rows, for those who may restore them."""
        if "delete" not in access.rights(request.user, self.model):
            return self.get_queryset(request)
        rows = self.model._base_manager.all()
        visible: QuerySet[Any] = access.visible(rows, request.user, deleted=True)
        return visible.order_by(*self.get_ordering(request))

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """The list's own, and the deleted ones for those who may restore them."""
        own = list(super().get_list_filter(request))
        return [*own, DeletedFilter] if "delete" in access.rights(request.user, self.model) else own

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not while it, or its student, is marked as deleted."""
        return super().has_change_permission(request, obj) and (obj is None or not access.is_deleted(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not twice."""
        return super().has_delete_permission(request, obj) and getattr(obj, "deleted_at", None) is None

    def _what_depends_on(self, objs: list[Any]) -> list[str]:
        return []  # marking a row breaks no reference

    @admin.action(permissions=["delete"], description="Restore selected records")
    def restore(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Take the mark away from the ticked rows."""
        records = [record for record in queryset if record.deleted_at is not None]
        self._log(request, records, CHANGE, "Restored.")
        restored = self.model._base_manager.filter(pk__in=[record.pk for record in records]).restore()
        self.message_user(request, f"Records restored: {restored}.", messages.SUCCESS)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Restoring where the list shows deleted records, deleting where it shows the others."""
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected" if request.GET.get("deleted") == "yes" else "restore", None)
        return actions
