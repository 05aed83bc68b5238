"""Adoption as an app, for its table and its command."""

from django.apps import AppConfig


class AdoptionConfig(AppConfig):
    name = "whitecross.adoption"
    label = "adoption"
    verbose_name = "Adoption"
    default_auto_field = "django.db.models.BigAutoField"
