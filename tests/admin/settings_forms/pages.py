"""The form of a setting."""

import re
from typing import Any

from django.test import Client

from tests.admin.settings import page_of


def box(client: Client, setting: Any, name: str = "value") -> str:
    """The tag of a box on a setting's page, with what is in it."""
    html = client.get(page_of(setting)).content.decode()
    found = re.search(rf'<input[^>]*name="{name}"[^>]*>', html) or re.search(
        rf'<(textarea|select)[^>]*name="{name}".*?</\1>', html, re.DOTALL
    )
    assert found, name
    return found[0]
