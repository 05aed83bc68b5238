"""Schools in the admin."""

from django.contrib import admin

from core.admin.columns import column
from core.admin.filters import RelatedRecordFilter
from core.admin.record_admin import RecordAdmin
from core.admin.site import site
from core.models import School


@admin.register(School, site=site)
class SchoolAdmin(RecordAdmin):
    """Schools: some thousands at most."""

    list_display = ("name", "code", column("district"), "city", "is_active")
    list_select_related = ("district",)
    list_filter = ("is_active", ("district", RelatedRecordFilter))
    sortable_by = ("name", "code")
    search_fields = ("name", "code")
    search_help_text = "Name or code"
