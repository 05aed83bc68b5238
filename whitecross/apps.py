"""The Django project as an app, for its checks."""

from django.apps import AppConfig


class WhiteCrossConfig(AppConfig):
    name = "whitecross"
    verbose_name = "White Cross"

    def ready(self) -> None:
        from . import checks  # noqa: F401  (importing registers them)
        from .accounts import sessions  # noqa: F401  (so that signing in begins a session, also outside of requests)
        from .notifications import announcing  # noqa: F401  (so that it hears of changes)
