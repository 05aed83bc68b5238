"""Errors as problem documents (RFC 9457): one shape for whatever goes wrong.

    {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": "...", "instance": "/api/...",
     "errors": [{"detail": "This field is required.", "pointer": "#/reason"}]}

`errors` names what is wrong in the body (`pointer`, a JSON pointer) or in the query (`parameter`).
"""

import logging
import math
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions

logger = logging.getLogger("django.request")

CONTENT_TYPE = "application/problem+json"
SENTENCES = {
    400: "The request cannot be understood. Nothing was changed.",
    401: "Sign in: send a token that holds, or the cookie of a session.",
    403: "Your role does not allow this.",
    404: "There is nothing under this address.",
    406: "The API answers in JSON: ask for application/json.",
    500: "Something went wrong here. Nothing was changed; try again, and tell us if it stays so.",
}

Errors = list[dict[str, Any]]


class Problem(exceptions.APIException):
    """A refusal with a status of its own, and what is wrong where."""

    def __init__(
        self, status: int, detail: str, *, errors: Errors | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(detail)
        self.status_code, self.errors, self.wait = status, errors or [], retry_after


class QueryError(Problem):
    """Parameters of the query that are unknown or have no such value. `errors`: name -> sentences."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        found = [{"detail": said, "parameter": name} for name, sentences in errors.items() for said in sentences]
        super().__init__(400, "The query cannot be understood.", errors=found)


def answer(
    request: HttpRequest | None, status: int, detail: str, *, errors: Errors | None = None, **headers: str
) -> HttpResponse:
    """A problem document. `headers` are named with underscores: Retry_After."""
    facts: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if request is not None:
        facts["instance"] = request.path
    if errors:
        facts["errors"] = errors
    response = JsonResponse(facts, status=status, content_type=CONTENT_TYPE)
    for name, value in headers.items():
        response[name.replace("_", "-")] = value
    response["Cache-Control"] = "no-store"
    return response


def handle(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """The REST framework's exception handler. What nobody expected is logged and says nothing of itself."""
    request = context["request"]._request
    if isinstance(error, Http404):
        error = exceptions.NotFound(SENTENCES[404])
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied(SENTENCES[403])
    if not isinstance(error, exceptions.APIException):
        return _unexpected(request)
    status = error.status_code
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW_Authenticate"] = challenge
    wait = getattr(error, "wait", None)
    if wait is not None:
        headers["Retry_After"] = str(max(1, math.ceil(wait)))
    if isinstance(error, exceptions.MethodNotAllowed):
        headers["Allow"] = ", ".join(context["view"].allowed_methods)
    if isinstance(error, Problem):
        return answer(request, status, str(error.detail), errors=error.errors, **headers)
    if isinstance(error, exceptions.ValidationError):
        return answer(request, status, SENTENCES[400], errors=list(flat(error.detail)), **headers)
    return answer(request, status, _sentence(error), **headers)


def _sentence(error: exceptions.APIException) -> str:
    if isinstance(error, exceptions.Throttled):
        return "Too many requests: wait as long as Retry-After says, in seconds, then go on more slowly."
    if isinstance(error, exceptions.MethodNotAllowed):
        return "This address knows other methods only: those of the header Allow."
    if isinstance(error, exceptions.NotAcceptable | exceptions.NotAuthenticated):
        return SENTENCES[error.status_code]
    if isinstance(error, exceptions.UnsupportedMediaType):
        return "The API reads JSON in UTF-8, not compressed: send Content-Type: application/json."
    return str(error.detail)


def _unexpected(request: HttpRequest) -> HttpResponse:
    logger.exception("Internal Server Error: %s", request.path, extra={"status_code": 500, "request": request})
    got_request_exception.send(sender=None, request=request)
    return answer(request, 500, SENTENCES[500])


def flat(found: Any, pointer: str = "#") -> Iterator[dict[str, Any]]:
    """What serializers find wrong, one sentence each, with a JSON pointer to where it is."""
    if isinstance(found, dict):
        for name, inner in found.items():
            here = pointer if name == "non_field_errors" else f"{pointer}/{escaped(str(name))}"
            yield from flat(inner, here)
    elif isinstance(found, list):
        for number, inner in enumerate(found):
            nested = isinstance(inner, dict | list)
            if nested and not inner:
                continue
            yield from flat(inner, f"{pointer}/{number}" if nested else pointer)
    else:
        yield {"detail": str(found), "pointer": pointer}


def escaped(name: str) -> str:
    """A name as a JSON pointer holds it (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
