"""Every page of the site."""

from django.urls import path

# Each registers its models on the site.
import configuration.admin  # noqa: F401
import core.admin  # noqa: F401
import health_records.admin  # noqa: F401
from core.admin.site import site

urlpatterns = [path("admin/", site.urls)]
