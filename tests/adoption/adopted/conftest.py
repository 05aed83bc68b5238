"""Databases that were adopted, to change or to read alone."""

from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _files_from_where_they_are(settings: Any) -> None:
    """Tests run with DEBUG off and without collectstatic, which WhiteNoise warns about."""
    settings.WHITENOISE_AUTOREFRESH = True
