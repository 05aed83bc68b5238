"""Every page of the site."""

from django.urls import path

import configuration.admin
import core.admin
import health_records.admin  # noqa: F401 - each registers its models on the site
from core.admin.site import site

urlpatterns = [path("admin/", site.urls)]
