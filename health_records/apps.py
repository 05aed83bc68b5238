"""The app of health records."""

from django.apps import AppConfig


class HealthRecordsConfig(AppConfig):
    """What is recorded of a student's health."""

    name = "health_records"
    verbose_name = "Health records"
    default_auto_field = "django.db.models.BigAutoField"
