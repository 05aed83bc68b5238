"""/health/: whether this process answers and reaches its database, for whatever watches or balances.

It is answered before everything else: any host name, HTTP or HTTPS, without a session, also in maintenance. It tells
nothing but that, and writes nothing.
"""

import contextlib
import selectors
import threading
import time
from collections.abc import Callable

import psycopg
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed, JsonResponse

from configuration.live import parameters

PATH = "/health/"
PATIENCE = 2  # seconds to connect, and again to answer
KEPT = 1.0  # seconds: however many ask, the database is asked once in so many


class HealthMiddleware:
    """Answers /health/. Stands first."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.asking = threading.Lock()
        self.asked_at, self.reached = float("-inf"), False

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """200 or 503 with JSON; pass everything else on."""
        if request.path_info not in (PATH, PATH.rstrip("/")):
            return self.get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        reached = self._is_reached()
        said = {"status": "ok", "database": "ok"} if reached else {"status": "failing", "database": "unreachable"}
        return JsonResponse(said, status=200 if reached else 503, headers={"Cache-Control": "no-store"})

    def _is_reached(self) -> bool:
        with self.asking:
            if time.monotonic() - self.asked_at >= KEPT:
                self.reached = database_answers()
                self.asked_at = time.monotonic()
            return self.reached


def database_answers() -> bool:
    """Whether the database takes a connection and answers a query, each within PATIENCE seconds."""
    try:
        how = {**parameters(), "connect_timeout": PATIENCE, "application_name": "whitecross health"}
        with contextlib.closing(psycopg.connect(**how, autocommit=True)) as own:
            own.pgconn.send_query(b"SELECT 1")
            while own.pgconn.flush():
                pass
            with selectors.DefaultSelector() as selector:
                selector.register(own.pgconn.socket, selectors.EVENT_READ)
                if not selector.select(PATIENCE):
                    return False
            result = own.pgconn.get_result()
            return result is not None and result.status == psycopg.pq.ExecStatus.TUPLES_OK
    except Exception:
        return False
