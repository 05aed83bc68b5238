"""How templates call records."""

from typing import Any

from django import template
from django.db.models import Model

from core.admin.site import site

register = template.Library()


@register.filter
def record_label(value: Any) -> Any:
    """A record by the label that people know, anything else as it is. For pages of users who may see the record."""
    return site.label(value) if isinstance(value, Model) else value
