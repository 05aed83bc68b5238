"""What a new password has to be, and who has to choose one."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from configuration import config
from core.models import User
from tests.accounts.conftest import NEW_PASSWORD, PASSWORD, Clock
from tests.factories import make_user
from whitecross.accounts.passwords import ASKED_FOR, LONGEST, NOT_SAVED, is_special, why_change

CHANGE = "/admin/password_change/"
STUDENTS = "/admin/core/student/"


def problems(password: str, user: Any = None) -> list[str]:
    try:
        validate_password(password, user)
    except ValidationError as error:
        return [str(problem.code) for problem in error.error_list]
    return []


@pytest.mark.parametrize("least", [8, 12, 40])
def test_a_password_has_the_least_length(least: int) -> None:
    with config.override(PASSWORD_MIN_LENGTH=least):
        text = "Zq 7" * 20
        assert problems(text[:least]) == []
        assert problems(text[: least - 1]) == ["password_too_short"]
        assert f"At least {least} characters" in password_validators_help_texts()[0]


def test_a_password_has_an_end() -> None:
    text = "Zq 7x" * 40
    assert problems(text[:LONGEST]) == []
    assert problems(text[: LONGEST + 1]) == ["password_too_long"]


@pytest.mark.parametrize("character", ["!", " ", "-", "§", "€", "。", "—", "😀", "_", "\u00a0"])
def test_signs_and_blanks_are_special(character: str) -> None:
    assert is_special(character)
    assert problems(f"einlangeswort{character}") == []


@pytest.mark.parametrize("character", ["a", "Z", "ß", "é", "e\u0301", "й", "中", "7", "٣", "½", "\u200b", "\x07"])
def test_letters_digits_and_accents_of_any_script_are_not(character: str) -> None:
    assert not any(map(is_special, character))
    assert problems(f"einlangeswort{character}") == ["password_without_special_character"]
    with config.override(PASSWORD_REQUIRE_SPECIAL_CHAR=False):
        assert problems(f"einlangeswort{character}") == []


def test_forms_say_the_rules_as_they_are_now() -> None:
    for least, special in [(10, True), (17, False)]:
        with config.override(PASSWORD_MIN_LENGTH=least, PASSWORD_REQUIRE_SPECIAL_CHAR=special):
            said = str(UserCreationForm().fields["password1"].help_text)
            assert f"At least {least} characters" in said
            assert ("neither letter nor digit" in said) == special


def test_a_password_expires_to_the_moment(user: Any, clock: Clock) -> None:
    with config.override(PASSWORD_EXPIRY_DAYS=90):
        clock.now = user.password_set_at + dt.timedelta(days=90, microseconds=-1)
        assert why_change(user) is None
        clock.forward(microseconds=1)
        assert "older than 90 days" in (why_change(user) or "")
    with config.override(PASSWORD_EXPIRY_DAYS=0):
        clock.forward(days=10_000)
        assert why_change(user) is None


@pytest.mark.parametrize(
    ("changed", "last", "created", "expired"),
    [
        (None, None, 91, True),
        (None, None, 89, False),
        (91, None, 400, True),
        (None, 91, 400, True),
        (89, None, 400, False),
        (None, 89, 400, False),
        (400, 89, 500, False),
        (89, 400, 500, False),
    ],
)
def test_a_password_is_as_old_as_the_latest_date_says(
    user: Any, changed: int | None, last: int | None, created: int, expired: bool
) -> None:
    def ago(days: int | None) -> Any:
        return None if days is None else timezone.now() - dt.timedelta(days=days)

    User.objects.update(password_changed_at=ago(changed), last_password_change=ago(last), created_at=ago(created))
    user.refresh_from_db()
    with config.override(PASSWORD_EXPIRY_DAYS=90):
        assert (why_change(user) is not None) == expired


def test_an_account_without_a_password_has_none_to_change(db: None, clock: Clock) -> None:
    user = make_user(must_change_password=True)
    clock.forward(days=10_000)
    assert why_change(user) is None


@pytest.fixture
def asked(user: Any, client: Client) -> Client:
    """The browser of a user who has to choose a new password."""
    User.objects.update(must_change_password=True)
    return client


@pytest.mark.parametrize("path", ["/admin/", STUDENTS, f"{STUDENTS}add/", "/admin/search/?s=x", "/admin/nowhere/"])
def test_every_page_leads_to_the_new_password(asked: Client, path: str) -> None:
    response = asked.get(path)
    assert (response.status_code, response["Location"]) == (302, CHANGE)


def test_the_page_says_why_and_what_the_rules_are(asked: Client) -> None:
    with config.override(PASSWORD_MIN_LENGTH=15):
        page = asked.get(CHANGE).content.decode()
    assert ASKED_FOR in page
    assert "At least 15 characters" in page


def test_nobody_is_told_to_change_what_is_good(client: Client) -> None:
    assert "Choose a new password" not in client.get(CHANGE).content.decode()


def test_what_was_typed_meanwhile_is_not_lost_silently(asked: Client) -> None:
    assert NOT_SAVED in asked.post(f"{STUDENTS}add/", {"first_name": "Ada"}, follow=True).content.decode()


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/api/configurations", {}),
        ("/api/configurations", {"accept": "text/html"}),
        ("/admin/autocomplete/", {"accept": "application/json, text/javascript, */*; q=0.01"}),
    ],
)
def test_programs_get_a_problem_document(asked: Client, path: str, headers: dict[str, str]) -> None:
    response = asked.get(path, headers=headers)
    assert (response.status_code, response["Content-Type"]) == (403, "application/problem+json")
    assert response.json() == {
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "detail": ASKED_FOR,
    }


def test_one_may_sign_out_instead(asked: Client) -> None:
    assert asked.post("/admin/logout/").status_code in (200, 302)
    assert asked.get("/admin/").status_code == 302


def changed(client: Client, old: str, new: str, again: str | None = None) -> str:
    """Send the page's form; its errors as one text, empty where the password was changed."""
    data = {"old_password": old, "new_password1": new, "new_password2": new if again is None else again}
    response = client.post(CHANGE, data)
    if response.status_code == 302:
        return ""
    return " ".join(str(error) for errors in response.context["form"].errors.values() for error in errors)


def test_a_new_password_opens_everything_again(asked: Client, user: Any) -> None:
    assert changed(asked, PASSWORD, NEW_PASSWORD) == ""
    assert asked.get("/admin/password_change/done/").status_code == 200
    assert asked.get(STUDENTS).status_code == 200
    user.refresh_from_db()
    assert (user.must_change_password, user.check_password(NEW_PASSWORD)) == (False, True)


def test_an_expired_password_is_changed_the_same_way(client: Client, user: Any, clock: Clock) -> None:
    User.objects.update(password_changed_at=None, last_password_change=None, created_at=clock.now - dt.timedelta(90))
    with config.override(PASSWORD_EXPIRY_DAYS=90):
        assert client.get(STUDENTS)["Location"] == CHANGE
        assert "older than 90 days" in client.get(CHANGE).content.decode()
        assert changed(client, PASSWORD, NEW_PASSWORD) == ""
        assert client.get(STUDENTS).status_code == 200


def test_the_present_password_is_no_new_one(asked: Client) -> None:
    assert "choose another one" in changed(asked, PASSWORD, PASSWORD)
    assert asked.get(STUDENTS)["Location"] == CHANGE


def test_the_rules_hold_for_the_new_password(asked: Client) -> None:
    with config.override(PASSWORD_MIN_LENGTH=30):
        assert "at least 30 characters" in changed(asked, PASSWORD, NEW_PASSWORD)
    assert "neither letter nor digit" in changed(asked, PASSWORD, "ofbroomsandothers7")
    assert "password fields" in changed(asked, PASSWORD, NEW_PASSWORD, "another one again")


def test_guesses_at_the_present_password_count(asked: Client, user: Any) -> None:
    with config.override(MAX_LOGIN_ATTEMPTS=3):
        for _ in range(3):
            assert "not your present password" in changed(asked, "wrong", NEW_PASSWORD)
        assert "have locked the account" in changed(asked, PASSWORD, NEW_PASSWORD)
    user.refresh_from_db()
    assert user.is_locked
    assert user.check_password(PASSWORD)


def test_a_changed_password_forgets_earlier_guesses(client: Client, user: Any) -> None:
    changed(client, "wrong", NEW_PASSWORD)
    changed(client, PASSWORD, NEW_PASSWORD)
    user.refresh_from_db()
    assert user.failed_login_attempts == 0


def test_a_demand_survives_in_the_account_that_is_made_with_it(db: None) -> None:
    assert make_user(password=PASSWORD, must_change_password=True).must_change_password


def test_the_command_that_sets_a_password_keeps_the_rules(user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    User.objects.update(must_change_password=True)
    monkeypatch.setattr("getpass.getpass", lambda prompt: NEW_PASSWORD)
    call_command("changepassword", user.email)
    user.refresh_from_db()
    assert (user.must_change_password, user.check_password(NEW_PASSWORD)) == (False, True)
