"""Sessions end by themselves: after SESSION_TIMEOUT_MINUTES without a request.

The session holds when its user was last active, written at most every WRITTEN_EVERY seconds. So a session may end that
much early, and never late.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.signals import user_logged_in
from django.contrib.auth.views import redirect_to_login
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from configuration.declared import SESSION_TIMEOUT_MINUTES
from whitecross.accounts.answers import is_for_api, problem, wants_data

LAST_ACTIVE = "last_active"  # the session's key: seconds since 1970
WRITTEN_EVERY = 30  # seconds
NOT_SAVED = "What you had just sent was not saved: enter it again after you have signed in."


class SessionTimeoutMiddleware:
    """Ends the session of a user who has been away too long. Stands after the middleware of messages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, or lead to the sign-in page. The timeout is the one that holds now for the user."""
        user = request.user
        if not user.is_authenticated or SESSION_KEY not in request.session:
            return self.get_response(request)
        now = timezone.now().timestamp()
        # Without the time, the session is of before there was one.
        idle = now - request.session.get(LAST_ACTIVE, now)
        minutes = SESSION_TIMEOUT_MINUTES.get(user=user)
        if idle >= minutes * 60:
            return self._end(request, minutes)
        if LAST_ACTIVE not in request.session or abs(idle) >= WRITTEN_EVERY:
            request.session[LAST_ACTIVE] = now
        return self.get_response(request)

    def _end(self, request: HttpRequest, minutes: int) -> HttpResponseBase:
        logout(request)
        if is_for_api(request):
            return self.get_response(request)
        ended = f"Your session ended after {minutes} {'minute' if minutes == 1 else 'minutes'} without activity."
        sign_in, sign_out = reverse("admin:login"), reverse("admin:logout")
        loses = request.method == "POST" and request.path not in (sign_in, sign_out)
        messages.warning(request, f"{ended} {NOT_SAVED}" if loses else ended)
        if wants_data(request):
            return problem(401, ended)
        if request.path in (sign_in, sign_out):
            return self.get_response(request)
        return redirect_to_login(request.get_full_path(), sign_in)


@receiver(user_logged_in)
def begin(sender: Any, request: Any, **facts: Any) -> None:
    """Signing in is activity. It may also be by token, without a session."""
    session = getattr(request, "session", None)
    if session is not None and SESSION_KEY in session:
        session[LAST_ACTIVE] = timezone.now().timestamp()
