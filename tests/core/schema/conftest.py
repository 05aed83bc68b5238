"""A look at the database of the test."""

from collections.abc import Callable
from functools import cache

import pytest
from django.db.migrations.loader import MigrationLoader

from core.schema import verify as verify_module
from core.schema.verify import Report, verify

Look = Callable[[], Report]


@cache
def _files() -> MigrationLoader:
    return MigrationLoader(None)


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Look:
    """verify(), with the migration files read once for all tests and the models taken as sound."""
    monkeypatch.setattr(verify_module, "MigrationLoader", lambda _: _files())
    monkeypatch.setattr(verify_module, "compare_models", lambda _: [])
    return lambda: verify("default")
