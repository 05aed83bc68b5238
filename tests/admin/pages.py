"""The admin's addresses, read off the registry so that none escapes, and forms read off the pages."""

from html.parser import HTMLParser
from typing import Any

from django.db import models
from django.test import Client
from django.urls import reverse

from configuration.models import Announcement
from core.admin import site
from tests.access.worlds import OUR_MODELS
from whitecross.adoption.models import Reject
from whitecross.deployment.models import MigrationRun, MigrationRunStep

REGISTERED = sorted(site._registry, key=lambda model: model._meta.label)
LABELS = [model._meta.label for model in REGISTERED]
BY_LABEL: dict[str, type[models.Model]] = {model._meta.label: model for model in REGISTERED}
# Only the system reads and writes these.
WITHOUT_PAGES = {Announcement, Reject, MigrationRun, MigrationRunStep}
assert set(REGISTERED) == set(OUR_MODELS) - WITHOUT_PAGES


def address(label: str, page: str, *args: Any) -> str:
    """The address of a model's page: changelist, add, change, delete, history."""
    return reverse(f"admin:{label.lower().replace('.', '_')}_{page}", args=args)


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.select: str | None = None
        self.textarea: str | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        attrs = dict(attributes)
        name = attrs.get("name") or ""
        if tag == "input" and name and attrs.get("type") not in ("submit", "search"):
            if attrs.get("type") not in ("checkbox", "radio") or "checked" in attrs:
                self.values[name] = attrs.get("value") or ("on" if attrs.get("type") == "checkbox" else "")
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and "selected" in attrs:
            self.values[self.select] = attrs.get("value") or ""
        elif tag == "textarea":
            self.textarea = name
            self.values[name] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self.select = None
        elif tag == "textarea":
            self.textarea = None

    def handle_data(self, data: str) -> None:
        if self.textarea:
            self.values[self.textarea] += data


def form_on(client: Client, url: str) -> dict[str, str]:
    """What a browser would send if one opened the page and pressed Save."""
    response = client.get(url)
    assert response.status_code == 200, (url, response.status_code)
    parser = _Form()
    parser.feed(response.content.decode())
    # HTML drops the newline that Django writes after <textarea>.
    values = {name: value.removeprefix("\r\n").removeprefix("\n") for name, value in parser.values.items()}
    values.pop("q", None)
    return values


def errors_on(response: Any) -> str:
    """The errors of a form that came back, as one text; fails where it was saved."""
    assert response.status_code == 200, response.status_code
    form = response.context["adminform"].form
    return " ".join(str(error) for errors in form.errors.values() for error in errors)
