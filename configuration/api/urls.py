"""The addresses of settings."""

from django.urls import path

from configuration.api.views import Bulk, Effective, History, OneSetting, Restore, Settings

urlpatterns = [
    path("configurations", Settings.as_view()),
    path("configurations/bulk", Bulk.as_view()),
    path("configurations/effective", Effective.as_view()),
    path("configurations/<uuid:id>", OneSetting.as_view(), name="setting"),
    path("configurations/<uuid:id>/restore", Restore.as_view()),
    path("configurations/<path:key>/history", History.as_view()),
]
