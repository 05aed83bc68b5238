"""MAINTENANCE_MODE: the site is closed to everybody but administrators, who may be the ones who repair it.

Open stay /health/, static files, and the pages to sign in and out. Signing in to the API, and a request to it with an
Authorization header, go on to the API, which knows whose password or token that is and asks `refuses`.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.middleware.csrf import get_token
from django.urls import reverse

from configuration.declared import MAINTENANCE_MODE
from core import access
from whitecross import errors
from whitecross.accounts.answers import is_for_api

RETRY_AFTER = 300  # seconds
SENTENCE = "The system is closed for maintenance. Nothing was saved; try again in a few minutes."


def refuses(user: Any) -> bool:
    """Whether maintenance keeps this user out, signed in or not. No query."""
    return MAINTENANCE_MODE.get() and not access.administers(user)


def answer(request: HttpRequest) -> HttpResponseBase:
    """503: a page that says so, or a problem document."""
    # Whoever is signed in can sign out, so that an administrator can sign in in this browser.
    signed_in = request.user.is_authenticated
    token = get_token(request) if signed_in else None
    response = errors.answer(request, 503, sentence=SENTENCE, signed_in=signed_in, csrf_token=token)
    response["Retry-After"] = str(RETRY_AFTER)
    # Django would log each as an error; it is what an administrator asked for.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


class MaintenanceMiddleware:
    """Answers 503 while MAINTENANCE_MODE is on. Stands behind the middleware that knows the user."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, or pass on what is open."""
        if MAINTENANCE_MODE.get() and not _is_open(request) and refuses(request.user):
            return answer(request)
        return self.get_response(request)


def _is_open(request: HttpRequest) -> bool:
    if is_for_api(request):
        # The API would take somebody with a session for that one, whatever the header holds.
        by_token = "Authorization" in request.headers and not request.user.is_authenticated
        return by_token or request.path == reverse("api_login")
    open_pages = (reverse("admin:login"), reverse("admin:logout"))
    return request.path in open_pages or request.path.startswith(settings.STATIC_URL)


def shown(request: HttpRequest) -> dict[str, bool]:
    """For templates: whether maintenance is on, so that administrators do not forget it."""
    return {"maintenance_mode": MAINTENANCE_MODE.get()}
