"""The form of a setting, and the pages of what was."""

import re
from typing import Any

from django.test import Client

from configuration.changing import changing
from configuration.models import ConfigurationHistory, SystemConfiguration
from tests.admin.pages import address
from tests.admin.settings import CHANGE, page_of

CHANGES = address(CHANGE, "changelist")


def box(client: Client, setting: Any, name: str = "value") -> str:
    """The tag of a box on a setting's page, with what is in it."""
    html = client.get(page_of(setting)).content.decode()
    found = re.search(rf'<input[^>]*name="{name}"[^>]*>', html) or re.search(
        rf'<(textarea|select)[^>]*name="{name}".*?</\1>', html, re.DOTALL
    )
    assert found, name
    return found[0]


def write(key: str, reason: str = "Because", user: Any = None, **facts: Any) -> Any:
    """Change a setting; the row of its history."""
    with changing(reason=reason, user=user):
        SystemConfiguration.objects.filter(key=key).update(**facts)
    return ConfigurationHistory.objects.filter(key=key).latest()
