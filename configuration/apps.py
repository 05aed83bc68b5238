"""The app of configuration that changes while the system runs."""

from django.apps import AppConfig


class ConfigurationConfig(AppConfig):
    """system_configurations and its history."""

    name = "configuration"
    default_auto_field = "django.db.models.BigAutoField"
