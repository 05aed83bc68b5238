"""How many requests a minute are answered: counted by user, and by address for those of nobody.

The counts are in Django's cache: with the one in memory, which is the usual one, each process counts for itself.
"""

import time
from typing import Any

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from core.middleware import client_address

WINDOW = 60  # seconds


class MinuteThrottle(BaseThrottle):
    """So many requests in each minute of the clock. Subclasses say how many, and what is counted."""

    what = "requests"

    def limit(self, user: Any) -> int:
        """How many a user may send; None stands for somebody unknown."""
        raise NotImplementedError

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the request. Whether it is within the limit."""
        user = request.user if request.user.is_authenticated else None
        whose = user.pk if user else client_address(request._request)
        key = f"throttle:{self.what}:{whose}:{int(time.time() // WINDOW)}"
        if cache.add(key, 1, WINDOW):
            return self.limit(user) >= 1
        try:
            count = cache.incr(key)
        except ValueError:  # it was just forgotten
            cache.set(key, 1, WINDOW)
            count = 1
        return bool(count <= self.limit(user))

    def wait(self) -> float:
        """Seconds until the next minute of the clock."""
        return WINDOW - time.time() % WINDOW
