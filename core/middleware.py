"""What happens around each request."""

import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from core.acting import acting_as


class CurrentUserMiddleware:
    """Names the request's user as the one who acts, so that audit fields fill themselves.

    The user is looked up only when a record is written: pages that write nothing pay nothing.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Handle the request in the name of its user."""

        def user_id() -> uuid.UUID | None:
            user = request.user
            return user.pk if user.is_authenticated else None

        with acting_as(user_id):
            return self.get_response(request)
