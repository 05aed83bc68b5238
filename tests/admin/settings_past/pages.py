"""The pages of what was."""

from typing import Any

from configuration.changing import changing
from configuration.models import ConfigurationHistory, SystemConfiguration
from tests.admin.pages import address
from tests.admin.settings import CHANGE

CHANGES = address(CHANGE, "changelist")


def write(key: str, reason: str = "Because", user: Any = None, **facts: Any) -> Any:
    """Change a setting; the row of its history."""
    with changing(reason=reason, user=user):
        SystemConfiguration.objects.filter(key=key).update(**facts)
    return ConfigurationHistory.objects.filter(key=key).latest()
