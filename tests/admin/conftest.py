"""The world of the admin's tests, and how to sign in to it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.access.worlds import World, make_world

SignIn = Callable[[Any], Client]


@pytest.fixture
def world(db: None) -> World:
    """Three schools of two districts, with a row of every kind in each."""
    return make_world()


@pytest.fixture
def sign_in() -> SignIn:
    """A browser in which the user is signed in."""

    def signed_in(user: Any) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture(autouse=True)
def _files_from_where_they_are(settings: Any) -> None:
    """Tests run with DEBUG off and without collectstatic, which WhiteNoise warns about."""
    settings.WHITENOISE_AUTOREFRESH = True
