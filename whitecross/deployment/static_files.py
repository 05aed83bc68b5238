"""The files that pages are served with, and which of them nobody has collected yet."""

from typing import Any

from django.contrib.staticfiles.apps import StaticFilesConfig
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import staticfiles_storage


def missing_static_files() -> list[str]:
    """Those of this release that have no hashed name in the manifest of collectstatic, by their paths."""
    known: dict[str, Any] = getattr(staticfiles_storage, "hashed_files", {})
    ignored = StaticFilesConfig.ignore_patterns
    return sorted({path for finder in get_finders() for path, _ in finder.list(ignored) if path not in known})
