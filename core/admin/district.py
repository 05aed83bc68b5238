"""Districts in the admin."""

from django.contrib import admin

from core.admin.record_admin import RecordAdmin
from core.admin.site import site
from core.models import District


@admin.register(District, site=site)
class DistrictAdmin(RecordAdmin):
    """Districts: few, so any column sorts."""

    list_display = ("name", "code", "city", "state", "is_active")
    list_filter = ("is_active",)
    sortable_by = ("name", "code")
    search_fields = ("name", "code")
    search_help_text = "Name or code"
