"""The app of people and places."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """districts, schools, users, students, contacts."""

    name = "core"
    default_auto_field = "django.db.models.BigAutoField"
