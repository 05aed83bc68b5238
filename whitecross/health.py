"""/health/live, /health/ready and /health/: how this process is, for whatever watches or balances.

They are answered before everything else: any host name, HTTP or HTTPS, without a session, also in maintenance. They
tell nothing but a word for each part, and write nothing.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed, JsonResponse

from whitecross import readiness

LIVE, READY, HEALTH = "/health/live", "/health/ready", "/health"


class HealthMiddleware:
    """Answers below /health/. Stands first."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.asker = readiness.Asker()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """200 or 503 with JSON; pass everything else on."""
        path = request.path_info.removesuffix("/")
        if path not in (LIVE, READY, HEALTH):
            return self.get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        said = self._said(path)
        status = 200 if said["status"] == "ok" else 503
        response = JsonResponse(said, status=status, headers={"Cache-Control": "no-store"})
        if request.method == "HEAD":
            response.content = b""
        # Django would log each as an error; the asker says once when it changes.
        response._has_been_logged = True  # type: ignore[attr-defined]
        return response

    def _said(self, path: str) -> dict[str, str]:
        if path == LIVE:
            return {"status": "ok"}
        found = self.asker.ask()
        if path == READY:
            return found.as_json()
        return {"status": "ok" if found.database == "ok" else "failing", "database": found.database}
