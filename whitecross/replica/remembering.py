"""The place of a user's last write, in her session.

An answer may be lost on its way, and with it the cookie: the dose is recorded, and whoever loads the page again must
find it there, lest she record it twice. The session is read from the primary anyway.
"""

import time
from contextlib import suppress

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.db import Error
from django.http import HttpRequest

from whitecross.replica.positions import CLOCKS_APART, UNKNOWN, Position, lifetime

PLACE = "whitecross_position"


def remember(request: HttpRequest, position: Position) -> None:
    """Note a place in the session of who is signed in. That it cannot be noted fails no request."""
    with suppress(Error, UpdateError):
        session = _session(request)
        if session is None:
            return
        # As it is now: what another request has noted in it meanwhile stays.
        now = type(session)(session.session_key)
        if SESSION_KEY in now:
            now[PLACE] = [str(position), int(time.time())]
            now.save()  # never makes one of a session that has ended


def recalled(request: HttpRequest) -> list[Position]:
    """The place that was noted; UNKNOWN where it cannot be read."""
    try:
        session = _session(request)
        if session is None or PLACE not in session:
            return []
        position, noted = session[PLACE]
        return [Position.parse(position)] if time.time() - noted <= lifetime() + CLOCKS_APART else []
    except (Error, ValueError, TypeError, AttributeError):
        return [UNKNOWN]


def _session(request: HttpRequest) -> SessionBase | None:
    session: SessionBase | None = getattr(request, "session", None)
    return session if session is not None and session.session_key and SESSION_KEY in session else None
