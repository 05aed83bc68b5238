"""Students in the admin."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from core import access
from core.admin.columns import column
from core.admin.filters import RelatedRecordFilter
from core.admin.phi_admin import PHIAdmin
from core.admin.site import site
from core.models import Student


@admin.register(Student, site=site)
class StudentAdmin(PHIAdmin):
    """Students, in the order of their names; a student's page leads to the records."""

    list_display = (
        "last_name",
        "first_name",
        "student_number",
        "grade",
        "date_of_birth",
        column("school"),
        "is_active",
    )
    list_display_links = ("last_name", "first_name")
    list_select_related = ("school",)
    search_help_text = "Name or number"
    done_by = "health_records.MedicationLog"  # a student's nurse is somebody who gives doses
    change_form_outer_before_template = "admin/student_records.html"
    fieldsets = (
        (None, {"fields": ("last_name", "first_name", "date_of_birth", "gender", "student_number")}),
        ("Enrolment", {"fields": ("school", "district", "grade", "enrollment_date", "is_active")}),
        ("Care", {"fields": ("nurse", "medical_record_num", "photo")}),
    )

    def label(self, record: Student) -> str:
        """Last name, first name and number."""
        return f"{record.last_name}, {record.first_name} ({record.student_number})"

    def get_ordering(self, request: HttpRequest) -> Sequence[str]:
        """By name."""
        return ("last_name", "first_name")

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """By school for those who have several."""
        filters = super().get_list_filter(request)
        wide = not access.is_scoped(request.user) or access.place_of(request.user)[0] == "district"
        return ["is_active", *([("school", RelatedRecordFilter)] if wide else []), *filters]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[QuerySet[Any], bool]:
        """Students by the beginnings of names and number."""
        return (queryset.search(search_term) if search_term.strip() else queryset), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page, with the ways to the student's records."""
        student = self.get_object(request, object_id)
        context = {**(extra_context or {}), "records": self.records(request, student) if student else []}
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def records(self, request: HttpRequest, student: Any) -> list[dict[str, str]]:
        """Where the student's records are listed and added, of the kinds that the user may see. No query."""
        kinds = []
        for model, model_admin in self.admin_site._registry.items():
            path = access.students_relation(model)
            if path is None or "__" in path or not model_admin.has_view_permission(request):
                continue
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            back = {"_changelist_filters": urlencode({f"{path}__id__exact": student.pk})}
            add = model_admin.has_add_permission(request) and student.deleted_at is None
            kinds.append(
                {
                    "name": str(model._meta.verbose_name_plural),
                    "kind": str(model._meta.verbose_name),
                    "list": f"{reverse(f'{name}_changelist')}?{path}__id__exact={student.pk}",
                    # From the form back to the list of the student's records, not of the school's.
                    "add": f"{reverse(f'{name}_add')}?{urlencode({path: student.pk, **back})}" if add else "",
                }
            )
        return sorted(kinds, key=lambda kind: kind["name"])
