"""Clients of the API: programs with a token, each of another role, and one of nobody."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from knox.models import AuthToken

from configuration.models import SystemConfiguration
from tests.api.client import ApiClient
from tests.factories import make_user


@pytest.fixture(autouse=True)
def _nobody_has_asked_yet(settings: Any) -> Iterator[None]:
    """Requests of other tests do not count, and DEBUG's absence needs no collectstatic."""
    settings.WHITENOISE_AUTOREFRESH = True
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def administrator(db: None) -> Any:
    """Who may change settings."""
    return make_user("ADMIN", email="admin@example.org")


@pytest.fixture
def api(administrator: Any) -> ApiClient:
    """A program of the administrator, with a token."""
    return client_of(administrator)


@pytest.fixture
def nobody(db: None) -> ApiClient:
    """A program without a token."""
    return ApiClient()


@pytest.fixture
def timeout(db: None) -> SystemConfiguration:
    """A setting."""
    return SystemConfiguration.objects.get(key="SESSION_TIMEOUT_MINUTES")


def client_of(user: Any) -> ApiClient:
    """A program with a token of the user."""
    _, token = AuthToken.objects.create(user)
    return ApiClient(headers={"Authorization": f"Bearer {token}"})
