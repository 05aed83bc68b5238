"""The app of configuration that changes while the system runs."""

from django.apps import AppConfig


class ConfigurationConfig(AppConfig):
    """system_configurations and its history."""

    name = "configuration"
    verbose_name = "Settings"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Know the parameters that White Cross reads, and check how they are read and stored."""
        from configuration import checks, declared  # noqa: F401
