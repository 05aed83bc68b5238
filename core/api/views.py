"""The views that all of the API's are made of."""

from typing import Any, ClassVar

from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.fields import Query
from core.api.permissions import RIGHTS
from core.api.problems import SENTENCES


class ApiView(APIView):
    """A view of the API. Requests are counted before anything is refused but for their form, also those of strangers.

    `problems` are the statuses, besides those that every view has, with which it refuses; for the OpenAPI document.
    """

    http_method_names: ClassVar[list[str]] = ["get", "post", "put", "patch", "delete", "head"]  # type: ignore[misc]
    problems: ClassVar[dict[str, tuple[int, ...]]] = {}
    needed: ClassVar[dict[str, tuple[str, ...]]] = RIGHTS
    takes_query: ClassVar[dict[str, type[Query]]] = {}
    query: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse whoever asks too often, then whoever may not, then what cannot be understood of the query."""
        self.format_kwarg = None
        request.version = request.versioning_scheme = None
        negotiated = self.perform_content_negotiation(request)
        request.accepted_renderer, request.accepted_media_type = negotiated
        try:
            self.perform_authentication(request)
        except exceptions.APIException:
            self.check_throttles(request)  # in nobody's name: counted by address
            raise
        self.check_throttles(request)
        if request.method not in self.allowed_methods:
            raise exceptions.MethodNotAllowed(request.method or "")
        self.check_permissions(request)
        if "Transfer-Encoding" in request.headers and "Content-Length" not in request.headers:
            # Django reads nothing of it.
            raise exceptions.ParseError("Send the length of the body with it (Content-Length), instead of chunks.")
        self.query = self.takes_query.get(self.verb, Query).of(request._request.GET)

    @property
    def verb(self) -> str:
        """The method; HEAD asks what GET does."""
        method = self.request.method or ""
        return "GET" if method == "HEAD" else method

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        """Settings are nobody's business but the client's: no cache on the way keeps an answer."""
        finished: Response = super().finalize_response(request, response, *args, **kwargs)
        finished.headers.setdefault("Cache-Control", "private, no-cache")
        return finished


class NothingThere(ApiView):
    """Every address under /api/ that nothing has."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Count the request, then say so."""
        self.check_throttles(request)
        raise exceptions.NotFound(SENTENCES[404])
