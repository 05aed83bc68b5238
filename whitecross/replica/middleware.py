"""Lets requests that only read be answered by standbys, and each browser see its own writes."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from whitecross.replica import positions, remembering
from whitecross.replica.reading import place, reading


class ReadYourWritesMiddleware:
    """Stands before everything that writes, sessions included.

    A request with an Authorization header may come from a program that keeps no cookies: it reads everything that has
    been committed, whoever wrote it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer. Every method but GET and HEAD counts as a write and is answered by the primary."""
        seen, given = positions.carried(request), None
        only_reads = request.method in ("GET", "HEAD")
        if only_reads:
            with reading(seen, strict="Authorization" in request.headers) as here:
                here.recalls = lambda: remembering.recalled(request)
                response = self.get_response(request)
            wrote = here.wrote
        else:
            response, wrote = self.get_response(request), True
        if wrote:
            # After the commit, and so behind it.
            now = place()
            given = positions.UNKNOWN if now is None else now.position
            positions.give(response, given)
            if not only_reads:
                remembering.remember(request, given)
        positions.take_lower(request, response, seen, given)
        return response
