"""Signing in and out with tokens."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import OpenApiResponse, extend_schema
from knox.models import AuthToken
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import Body, Text
from core.api.permissions import SignedIn
from core.api.throttling import MinuteThrottle
from core.api.tokens import TokenAuthentication, make_token
from core.api.views import ApiView
from whitecross.api.authentication import CurrentTokenAuthentication, refuse_for_now

WRONG = "Email and password do not fit, or the account may not sign in just now."


class LoginThrottle(MinuteThrottle):
    """API_LOGINS_PER_MINUTE from one address, right or wrong."""

    what = "logins"

    def limit(self, user: Any) -> int:
        """How many."""
        limit: int = settings.API_LOGINS_PER_MINUTE
        return limit


class Credentials(Body):
    """Who signs in."""

    email = Text(max_length=255)
    password = Text(max_length=1000, style={"input_type": "password"})


class Token(serializers.Serializer[Any]):
    """A token, shown this once."""

    token = serializers.CharField()
    expiry = serializers.DateTimeField(help_text="Until when it holds.")


class Login(ApiView):
    """Signing in."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = (LoginThrottle,)
    problems: ClassVar[dict[str, tuple[int, ...]]] = {"POST": (401, 403)}

    @extend_schema(operation_id="login", request=Credentials, responses={200: Token})
    def post(self, request: Request) -> Response:
        """A token for email and password. Wrong, unknown and locked get one answer."""
        form = Credentials(data=request.data)
        form.is_valid(raise_exception=True)
        token, expiry = _sign_in(request, **form.validated_data)
        return Response({"token": token, "expiry": expiry.isoformat()}, headers={"Cache-Control": "no-store"})

    def get_authenticate_header(self, request: Request) -> str:
        """What a 401 names: the token that one gets here."""
        return str(TokenAuthentication().authenticate_header(request))


@sensitive_variables("password")
def _sign_in(request: Request, email: str, password: str) -> tuple[str, Any]:
    user: Any = authenticate(request._request, username=email, password=password)
    if user is None:
        raise AuthenticationFailed(WRONG)
    refuse_for_now(user)
    token, expiry = make_token(user)
    user_logged_in.send(sender=type(user), request=request._request, user=user)
    return token, expiry


class Logout(ApiView):
    """Signing out."""

    authentication_classes = (CurrentTokenAuthentication,)
    ends_tokens = True  # so open to whoever is refused elsewhere for now
    permission_classes = (SignedIn,)

    @extend_schema(operation_id="logout", request=None, responses={204: OpenApiResponse(description="It is gone.")})
    def post(self, request: Request) -> Response:
        """End the token with which this request comes."""
        AuthToken.objects.filter(pk=request.auth.pk).delete()
        user_logged_out.send(sender=type(request.user), request=request._request, user=request.user)
        return Response(status=204)


class LogoutAll(ApiView):
    """Signing out everywhere."""

    authentication_classes = (CurrentTokenAuthentication,)
    ends_tokens = True  # so open to whoever is refused elsewhere for now
    permission_classes = (SignedIn,)

    @extend_schema(
        operation_id="logout_all", request=None, responses={204: OpenApiResponse(description="They are gone.")}
    )
    def post(self, request: Request) -> Response:
        """End all tokens of the user. Sessions in browsers go on."""
        AuthToken.objects.filter(user=request.user).delete()
        user_logged_out.send(sender=type(request.user), request=request._request, user=request.user)
        return Response(status=204)
