"""django-constance or django-dynamic-preferences with one setting, as a worker of benchmarks.settings_reading.

Runs in an environment in which they, and not White Cross, are installed.
"""

import sys
import tempfile
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command

from benchmarks.settings_worker import answer, told


def configure(which: str, database: dict[str, Any], folder: str) -> None:
    """The settings that each library's documentation asks for; for its cache, constance wants one between processes."""
    library = "dynamic_preferences" if which == "dynamic_preferences" else "constance"
    file_cache = {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": folder}
    memory = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", **database}},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", library],
        CACHES={"default": file_cache if which == "constance_cached" else memory},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        CONSTANCE_BACKEND="constance.backends.database.DatabaseBackend",
        CONSTANCE_CONFIG={"SESSION_TIMEOUT_MINUTES": (60, "Minutes")},
        CONSTANCE_DATABASE_CACHE_BACKEND="default" if which == "constance_cached" else None,
    )
    django.setup()
    call_command("migrate", verbosity=0)


def constance() -> Any:
    """What reads the setting, stored with another value than its default."""
    from constance import config

    config.SESSION_TIMEOUT_MINUTES = 45
    return lambda: config.SESSION_TIMEOUT_MINUTES


def dynamic_preferences() -> Any:
    """The same."""
    from dynamic_preferences.registries import global_preferences_registry
    from dynamic_preferences.types import IntegerPreference

    @global_preferences_registry.register
    class SessionTimeoutMinutes(IntegerPreference):  # type: ignore[misc]
        name = "SESSION_TIMEOUT_MINUTES"
        default = 60

    preferences = global_preferences_registry.manager()
    preferences["SESSION_TIMEOUT_MINUTES"] = 45
    return lambda: preferences["SESSION_TIMEOUT_MINUTES"]


if __name__ == "__main__":
    which = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        configure(which, told()["database"], folder)
        read = dynamic_preferences() if which == "dynamic_preferences" else constance()
        found = read()
        assert found == 45, found
        answer({"system": read})
