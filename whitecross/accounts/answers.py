"""Answers to programs, which do not follow a redirect to a page for people."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponseBase, JsonResponse

API = "/api/"


def is_for_api(request: HttpRequest) -> bool:
    """Whether the API answers it."""
    return request.path_info.startswith(API)


def wants_data(request: HttpRequest) -> bool:
    """Whether a script of a page asks: it could make nothing of another page."""
    accepted = request.headers.get("Accept", "")
    return "json" in accepted and "text/html" not in accepted


def problem(status: int, detail: str) -> HttpResponseBase:
    """A problem document (RFC 9457). Without a type of its own, its title is the status's."""
    facts = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    response = JsonResponse(facts, status=status, content_type="application/problem+json")
    response["Cache-Control"] = "no-store"
    return response
