"""The world of the access tests."""

import pytest

from tests.access.worlds import World, make_world


@pytest.fixture
def world(db: None) -> World:
    """Three schools of two districts, with a row of every kind in each."""
    return make_world()
