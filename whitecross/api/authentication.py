"""Who may come in with a token.

Whoever has to choose a new password, or is kept out by maintenance, is refused here; with a session the middleware does
so.
"""

from typing import Any

from rest_framework.request import Request

from core.api.problems import Problem
from core.api.tokens import TokenAuthentication
from whitecross import maintenance
from whitecross.accounts.passwords import why_change


def refuse_for_now(user: Any) -> None:
    """Raise Problem for a user whom maintenance keeps out, or who has to choose a new password first."""
    if maintenance.refuses(user):
        raise Problem(503, maintenance.SENTENCE, retry_after=maintenance.RETRY_AFTER)
    if why := why_change(user):
        raise Problem(403, f"{why} Sign in to the admin in a browser to do so.")


class CurrentTokenAuthentication(TokenAuthentication):
    """Tokens of users who may go on as they are."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """As TokenAuthentication. Raises Problem as well."""
        found = super().authenticate(request)
        view = (request.parser_context or {}).get("view")
        if found is not None and not getattr(view, "ends_tokens", False):
            refuse_for_now(found[0])
        return found
