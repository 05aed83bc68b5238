"""Tokens: 64 random characters, of which the database holds a hash, until they expire or the password changes."""

import re
from typing import Any

from django.db import transaction
from django.utils import timezone
from knox.auth import TokenAuthentication as KnoxAuthentication
from knox.models import AuthToken
from knox.settings import knox_settings
from rest_framework import exceptions
from rest_framework.request import Request

from core.models import User

TOKEN = re.compile(rb"[0-9a-f]{64}")
REFUSED = "This token does not hold (any more): sign in again."


class TokenAuthentication(KnoxAuthentication):  # type: ignore[misc]
    """Authorization: Bearer TOKEN. A token that is older than its user's password does not hold."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """The user and the token; None where the request brings none. Raises AuthenticationFailed."""
        try:
            found: tuple[Any, Any] | None = super().authenticate(request)
        except exceptions.AuthenticationFailed:
            raise exceptions.AuthenticationFailed(REFUSED) from None
        return found

    def authenticate_credentials(self, token: bytes) -> tuple[Any, Any]:
        """The user and the token. Raises AuthenticationFailed."""
        if not TOKEN.fullmatch(token):
            raise exceptions.AuthenticationFailed(REFUSED)
        user, known = super().authenticate_credentials(token)
        if known.created < user.password_set_at:
            known.delete()
            raise exceptions.AuthenticationFailed(REFUSED)
        return user, known


def make_token(user: User) -> tuple[str, Any]:
    """A new token, and when it expires. A user who has as many as she may loses the oldest.

    Raises AuthenticationFailed where the password has changed, or the account was switched off, since `user` was read.
    """
    with transaction.atomic():
        now = User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
        if now is None or not now.is_active or now.password_set_at != user.password_set_at:
            raise exceptions.AuthenticationFailed(REFUSED)
        AuthToken.objects.filter(user=user, expiry__lte=timezone.now()).delete()
        kept = AuthToken.objects.filter(user=user).order_by("-created").values_list("pk", flat=True)
        AuthToken.objects.filter(pk__in=list(kept[knox_settings.TOKEN_LIMIT_PER_USER - 1 :])).delete()
        known, token = AuthToken.objects.create(user)
    return token, known.expiry
