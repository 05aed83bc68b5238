"""How templates call records and pages."""

from typing import Any

from django import template
from django.db.models import Model
from django.urls import reverse
from django.utils.text import capfirst

from core import access
from core.admin.columns import text_of
from core.admin.site import site
from core.models import User

register = template.Library()

# What a page of a record does, by a name that only its context has.
PAGES = {"action_list": "History", "deleted_objects": "Delete", "adminForm": "Set a password"}


@register.filter
def record_label(value: Any) -> Any:
    """A record by the label that people know, anything else as it is. For pages of users who may see the record."""
    return site.label(value) if isinstance(value, Model) else value


@register.filter
def shown(value: Any) -> str:
    """A value as lists show it: a time with its zone."""
    return text_of(value)


@register.simple_tag(takes_context=True)
def person(context: template.Context, pk: Any) -> str:
    """A member of staff by her label; empty where there is none, or none that the user may see."""
    found = User.objects.filter(pk=pk).first() if pk else None
    return site.label(found) if found and access.may(context["request"].user, "view", found) else ""


@register.simple_tag(takes_context=True)
def way_here(context: template.Context) -> dict[str, Any]:
    """The page's heading, and the (title, address) of the pages above it: the list, the record."""
    options = context.get("opts")
    if options is None:
        return {"above": [], "heading": context.get("title", "")}
    name = f"admin:{options.app_label}_{options.model_name}"
    listed = (capfirst(str(options.verbose_name_plural)), reverse(f"{name}_changelist"))
    record = next((found for key in ("original", "object") if isinstance(found := context.get(key), Model)), None)
    page = context.get("page_heading") or next((title for key, title in PAGES.items() if key in context), "")
    if context.get("add") and not page:  # Django's page for a password says that it adds, too
        return {"above": [listed], "heading": f"Add {options.verbose_name}"}
    if record is not None:
        label = capfirst(site.label(record))
        if not page:
            return {"above": [listed], "heading": label}
        return {"above": [listed, (label, reverse(f"{name}_change", args=[record.pk]))], "heading": page}
    return {"above": [listed], "heading": page} if page else {"above": [], "heading": listed[0]}
