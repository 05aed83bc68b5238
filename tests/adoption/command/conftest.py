"""Where whoever adopts stands, and on which database."""

from pathlib import Path

import pytest

from tests.adoption.conftest import Legacy


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of whoever adopts; reports go here."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def left(legacy: Legacy) -> str:
    """A database of the predecessor's, one for all tests that change nothing in it; its name."""
    return legacy.shared(3)
