"""How measurements are kept."""

from __future__ import annotations

from typing import Any

from django.db import models


def measurement(verbose_name: str | None = None, **kwargs: Any) -> models.DecimalField[Any, Any]:
    """A nullable numeric(8,3): five digits before the point, three after, as any instrument at a school shows."""
    return models.DecimalField(verbose_name, max_digits=8, decimal_places=3, null=True, blank=True, **kwargs)
