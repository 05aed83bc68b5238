"""Passwords of the predecessor go on working and become Argon2."""

import bcrypt
import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import check_password, identify_hasher

from tests.factories import make_user

PASSWORD = "Zoë's very long pass phrase"
LEGACY = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


def test_a_bare_bcrypt_hash_is_verified() -> None:
    assert check_password(PASSWORD, LEGACY)
    assert not check_password(PASSWORD + ".", LEGACY)


def test_only_72_bytes_count_as_with_the_predecessor() -> None:
    encoded = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()
    assert check_password("x" * 90, encoded)


@pytest.mark.parametrize("encoded", ["", "$2b$", "$2b$10$tooshort", "plain", "!unusable"])
def test_what_is_no_hash_lets_nobody_in(encoded: str) -> None:
    assert not check_password(PASSWORD, encoded)


def test_the_admin_shows_no_whole_hash() -> None:
    summary = identify_hasher(LEGACY).safe_summary(LEGACY)
    assert summary["algorithm"] == "bcrypt"
    assert not any(str(part) in LEGACY for part in (summary["salt"], summary["checksum"]))


@pytest.mark.django_db
def test_signing_in_makes_it_argon2() -> None:
    user = make_user(email="zoe@example.org")
    type(user).objects.filter(pk=user.pk).update(password=LEGACY)
    assert authenticate(username="ZOE@example.org", password="wrong") is None
    assert authenticate(username="ZOE@example.org", password=PASSWORD) == user
    user.refresh_from_db()
    assert user.password.startswith("argon2$")
    assert authenticate(username="zoe@example.org", password=PASSWORD) == user
