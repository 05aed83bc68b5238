"""Passwords: what the settings ask of a new one, and when a user has to choose one before she goes on."""

import datetime as dt
import unicodedata
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from configuration.declared import PASSWORD_EXPIRY_DAYS, PASSWORD_MIN_LENGTH, PASSWORD_REQUIRE_SPECIAL_CHAR
from core.models import User
from whitecross.accounts.answers import is_for_api, problem, wants_data

LONGEST = 128  # characters; PASSWORD_MIN_LENGTH asks for no more
# Letters and their accents, digits and other numbers, what has no shape.
ORDINARY = ("L", "M", "N", "C")
ASKED_FOR = "Choose a new password before you go on: an administrator has set the present one, or asks for a new one."
EXPIRED = "Choose a new password before you go on: the present one is older than {days}."
NOT_SAVED = "What you had just sent was not saved: enter it again after you have chosen a new password."
# The names of the pages that are open to a user who has to choose a new password.
OPEN = ("password_change", "password_change_done", "login", "logout", "jsi18n")
HEALTH = "/health/"


class LengthValidator:
    """PASSWORD_MIN_LENGTH characters or more, and no more than LONGEST."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError for a password that is too short, by the rule for this user, or too long."""
        least = PASSWORD_MIN_LENGTH.get(user=user)
        if len(password) < least:
            raise ValidationError(
                f"The password is too short: it needs at least {least} characters.", code="password_too_short"
            )
        if len(password) > LONGEST:
            raise ValidationError(
                f"The password is too long: it may have up to {LONGEST} characters.", code="password_too_long"
            )

    def get_help_text(self) -> str:
        """The rule as it is now for everybody."""
        return self.help_for(None)

    def help_for(self, user: Any) -> str:
        """The rule as it is now for this user."""
        return f"At least {PASSWORD_MIN_LENGTH.get(user=user)} characters, at most {LONGEST}."


class SpecialCharacterValidator:
    """A character that is neither letter nor digit of any script, where PASSWORD_REQUIRE_SPECIAL_CHAR asks for one."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError for a password of letters and digits, where the rule for this user is on."""
        if PASSWORD_REQUIRE_SPECIAL_CHAR.get(user=user) and not any(map(is_special, password)):
            raise ValidationError(
                "The password needs a character that is neither letter nor digit, such as ! or a blank.",
                code="password_without_special_character",
            )

    def get_help_text(self) -> str:
        """The rule as it is now for everybody."""
        return self.help_for(None)

    def help_for(self, user: Any) -> str:
        """The rule as it is now for this user."""
        if not PASSWORD_REQUIRE_SPECIAL_CHAR.get(user=user):
            return "Any characters: a few words are easier to remember than signs."
        return "At least one character that is neither letter nor digit, such as ! or a blank."


def is_special(character: str) -> bool:
    """Whether it is neither letter nor digit, in any script: punctuation, a symbol, a blank."""
    return not unicodedata.category(character).startswith(ORDINARY)


def why_change(user: User) -> str | None:
    """Why the user has to choose a new password before she goes on, in a sentence; None where she has not to."""
    if not user.has_usable_password():
        return None
    if user.must_change_password:
        return ASKED_FOR
    days = PASSWORD_EXPIRY_DAYS.get(user=user)
    if days and timezone.now() - user.password_set_at >= dt.timedelta(days=days):
        return EXPIRED.format(days="a day" if days == 1 else f"{days} days")
    return None


class PasswordChangeMiddleware:
    """Leads a user whose password does not do any more to the page where she chooses a new one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, or lead there. The page finds the sentence in `request.why_change_password`."""
        user: Any = request.user
        why = why_change(user) if user.is_authenticated else None
        request.why_change_password = why  # type: ignore[attr-defined]
        if why is None or request.path_info.startswith(HEALTH):
            return self.get_response(request)
        if is_for_api(request) or wants_data(request):
            return problem(403, why)
        if request.path in [reverse(f"admin:{name}") for name in OPEN]:
            return self.get_response(request)
        if request.method == "POST":
            messages.warning(request, NOT_SAVED)
        return HttpResponseRedirect(reverse("admin:password_change"))
