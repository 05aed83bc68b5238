"""Somebody who may change settings, signed in."""

import pytest
from django.test import Client

from core.models import User
from tests.admin.conftest import SignIn
from tests.admin.settings import make_admin


@pytest.fixture
def admin(db: None) -> User:
    """An administrator."""
    return make_admin()


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    """Her browser."""
    return sign_in(admin)
