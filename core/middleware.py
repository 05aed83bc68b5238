"""What happens around each request."""

import ipaddress
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from core.acting import Origin, acting_as


def client_address(request: HttpRequest) -> str | None:
    """The address of whoever sent the request: what CLIENT_ADDRESS_HEADER holds where it is set, else the peer's."""
    header = settings.CLIENT_ADDRESS_HEADER
    text = request.META.get(header, "") if header else request.META.get("REMOTE_ADDR", "")
    try:
        # Of a list, the last is what our own proxy has added; those before may be made up.
        return str(ipaddress.ip_address(text.rpartition(",")[2].strip()))
    except ValueError:
        return None


class CurrentUserMiddleware:
    """Names the request's user as the one who acts, so that audit fields fill themselves, and where it comes from.

    The user is looked up only when a record is written: pages that write nothing pay nothing.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Handle the request in the name of its user."""

        def user_id() -> uuid.UUID | None:
            user = request.user
            return user.pk if user.is_authenticated else None

        with acting_as(user_id, origin=Origin(client_address(request), request.META.get("HTTP_USER_AGENT"))):
            return self.get_response(request)
