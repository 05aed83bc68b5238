"""Who may use a view."""

from typing import Any

from django.db import models
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from core import access
from core.api.problems import SENTENCES

RIGHTS: dict[str, tuple[str, ...]] = {
    "GET": ("view",),
    "POST": ("add",),
    "PUT": ("change",),
    "PATCH": ("change",),
    "DELETE": ("delete",),
}


class RoleMay(BasePermission):
    """The user's role has the rights that the view needs, by the table of `core.access`."""

    message = SENTENCES[403]

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the role has every right that the method needs."""
        needed = view.needed.get(view.verb, ())
        model: type[models.Model] = view.model
        return bool(request.user.is_authenticated) and set(needed) <= access.rights(request.user, model)


class SignedIn(BasePermission):
    """Anybody who is signed in."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether somebody is."""
        return bool(request.user.is_authenticated)
