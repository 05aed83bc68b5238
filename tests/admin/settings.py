"""Settings on the admin's pages: their addresses, and how to make and read them."""

import re
from html import unescape
from typing import Any

from django.test import Client
from django.urls import reverse

from configuration.changing import changing
from configuration.models import SystemConfiguration
from core.enums import UserRole
from core.models import User
from tests.admin.pages import address, form_on
from tests.factories import make_user

SETTING = "configuration.SystemConfiguration"
CHANGE = "configuration.ConfigurationHistory"
LIST = "/admin/configuration/systemconfiguration/"


def make_setting(key: str = "CLINIC", value: str = "on", reason: str = "Made", **facts: Any) -> SystemConfiguration:
    """A stored setting, with a reason in its history."""
    with changing(reason=reason):
        return SystemConfiguration.objects.create(key=key, value=value, **facts)


def stored(key: str, scope: str = "SYSTEM") -> SystemConfiguration:
    """The row of a key as it is now."""
    return SystemConfiguration.objects.get(key=key, scope=scope)


def page_of(setting: Any) -> str:
    """The address of the page on which a setting is changed."""
    return address(SETTING, "change", setting.pk)


def key_history(key: str) -> str:
    """The address of a key's history."""
    return reverse("admin:configuration_systemconfiguration_keyhistory") + f"?key={key}"


def restore_page(change: Any, *, before: bool = False) -> str:
    """The address on which a version is restored."""
    return reverse("admin:configuration_systemconfiguration_restore", args=[change.pk]) + "?before=1" * before


def save(client: Client, url: str, reason: str = "Because", **values: str) -> Any:
    """Open a form, type, press Save."""
    return client.post(url, {**form_on(client, url), "reason": reason, **values})


def hidden_fields(response: Any) -> dict[str, str]:
    """What the one form of a page sends besides what is typed."""
    html = response.content.decode().split("<main", 1)[-1]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', html)
    return {name: unescape(value) for name, value in found}


def confirmed(response: Any) -> dict[str, str]:
    """What the page that asks whether a change is meant sends where one presses Confirm and save."""
    token = re.search(r'name="_confirmed" value="([^"]+)"', response.content.decode())
    assert token is not None
    return {**hidden_fields(response), "_confirmed": token[1]}


def make_admin(**facts: Any) -> User:
    """An administrator."""
    facts = {"first_name": "Ann", "last_name": "Abbott", **facts}
    return make_user(UserRole.ADMIN, is_staff=True, **facts)
