"""The app of people and places."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """districts, schools, users, students, contacts."""

    name = "core"
    verbose_name = "People and places"
    default_auto_field = "django.db.models.BigAutoField"
