"""The OpenAPI document: what drf-spectacular reads from the views, and the refusals that every view has."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from core.api.fields import Body
from core.api.problems import CONTENT_TYPE

MEANINGS = {
    400: "The request cannot be understood: its JSON, its fields or its query.",
    401: "Nobody is signed in, or the token does not hold (any more).",
    403: "The role does not allow it, a new password has to be chosen first, or the CSRF token is missing.",
    404: "There is no such thing.",
    406: "The client does not accept JSON.",
    409: "The setting is read-only, or somebody else is changing it and has not finished.",
    412: "Lost race: the thing is not as If-Match says any more. Read it again.",
    413: "The body is too large.",
    415: "The body is not JSON in UTF-8.",
    422: "The request is understood, but a rule refuses it. Nothing was changed.",
    429: "Too many requests.",
    500: "Something went wrong in the system.",
    503: "The system is closed for maintenance.",
}
ALWAYS = (400, 406, 429, 500, 503)
WITH_BODY = (413, 415)
HEADERS = {
    401: {"WWW-Authenticate": "How to sign in."},
    429: {"Retry-After": "After how many seconds to try again."},
    503: {"Retry-After": "After how many seconds to try again."},
}


class ErrorSerializer(serializers.Serializer[Any]):
    """What is wrong, and where."""

    detail = serializers.CharField()
    pointer = serializers.CharField(required=False, help_text="Where in the body: a JSON pointer.")
    parameter = serializers.CharField(required=False, help_text="Which parameter of the query.")
    index = serializers.IntegerField(required=False, help_text="Which of several changes, from 0.")
    status = serializers.IntegerField(required=False, help_text="The status that this change alone would have got.")


class ProblemSerializer(serializers.Serializer[Any]):
    """A problem document (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField(required=False)
    errors = ErrorSerializer(many=True, required=False)  # type: ignore[assignment]


class DocumentedSchema(AutoSchema):
    """As drf-spectacular's, with the problem documents."""

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        problem = self.resolve_serializer(ProblemSerializer, "response").ref
        for status in sorted(self._refusals()):
            bodies[str(status)] = {
                "description": MEANINGS[status],
                "content": {CONTENT_TYPE: {"schema": problem}},
                **self._headers_of(status),
            }
        return dict(sorted(bodies.items()))

    def _map_basic_serializer(self, serializer: Any, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if isinstance(serializer, Body):
            schema["additionalProperties"] = False
        return schema

    def _refusals(self) -> set[int]:
        refusals = set(ALWAYS)
        if self.method in ("POST", "PUT", "PATCH", "DELETE"):
            refusals |= set(WITH_BODY)
        if self.view.authentication_classes:
            refusals |= {401, 403}
        if "{" in self.path:
            refusals.add(404)
        return refusals | set(getattr(self.view, "problems", {}).get(self.method, ()))

    def _headers_of(self, status: int) -> dict[str, Any]:
        if status not in HEADERS:
            return {}
        return {
            "headers": {
                name: {"description": meaning, "schema": {"type": "string"}, "required": status != 503}
                for name, meaning in HEADERS[status].items()
            }
        }

    def get_tags(self) -> list[str]:
        """One tag for each part of the API: the first word of the path after /api/."""
        return [self.path.split("/")[2]]


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How a token is sent."""

    target_class = "core.api.tokens.TokenAuthentication"
    match_subclasses = True
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """A bearer token (RFC 6750)."""
        return {"type": "http", "scheme": "bearer", "description": "A token from POST /api/auth/login."}
