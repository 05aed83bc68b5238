"""Every page of the site."""

from django.urls import include, path

# Each registers its models on the site.
import configuration.admin  # noqa: F401
import core.admin  # noqa: F401
import health_records.admin  # noqa: F401
from core.admin.site import site

urlpatterns = [path("admin/", site.urls), path("api/", include("whitecross.api.urls"))]

handler400 = "whitecross.errors.bad_request"
handler403 = "whitecross.errors.permission_denied"
handler404 = "whitecross.errors.page_not_found"
handler500 = "whitecross.errors.server_error"
