"""The Django project as an app, for its checks."""

from django.apps import AppConfig


class WhiteCrossConfig(AppConfig):
    name = "whitecross"
    verbose_name = "White Cross"

    def ready(self) -> None:
        from . import checks  # noqa: F401  (importing registers them)
