"""A package of migrations for each test."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from tests.deployment.law.house import House


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    folder = tmp_path / "samples_of_law" / "migrations"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    with override_settings(MIGRATION_MODULES={"adoption": "samples_of_law.migrations"}):
        yield House(folder)
    for module in [name for name in sys.modules if name.startswith("samples_of_law")]:
        del sys.modules[module]
