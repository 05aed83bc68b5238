"""The table of roles is complete, means what it says, and is what people read."""

from pathlib import Path

import pytest

from core import access
from core.enums import UserRole
from tests.access.worlds import LABELS, MAKERS, OUR_MODELS


def test_every_model_has_its_line_and_no_line_lacks_its_model() -> None:
    assert set(access.LINES) == {model._meta.label for model in OUR_MODELS}


def test_every_model_has_a_row_to_test_with() -> None:
    assert set(MAKERS) == set(LABELS)


def test_every_role_has_its_column() -> None:
    assert set(access.ROLES) == set(UserRole)
    assert all(set(line.rights) == set(UserRole) for line in access.LINES.values())


def test_whoever_may_write_may_see() -> None:
    for label, line in access.LINES.items():
        for role, rights in line.rights.items():
            assert not rights or "view" in rights, (label, role)


def test_viewers_only_read() -> None:
    assert all(line.rights[UserRole.VIEWER] <= {"view"} for line in access.LINES.values())


def test_nobody_writes_the_history() -> None:
    assert all(rights <= {"view"} for rights in access.LINES["configuration.ConfigurationHistory"].rights.values())


def test_every_line_gives_its_reason() -> None:
    assert all(line.why.endswith(".") for line in access.LINES.values())


def test_no_role_manages_its_like_or_its_betters() -> None:
    for role, managed in access.MANAGES.items():
        assert role == UserRole.ADMIN or (role not in managed and UserRole.ADMIN not in managed)


@pytest.mark.parametrize("label", LABELS)
def test_the_document_says_what_the_code_does(label: str) -> None:
    words = {"view": "see", "add": "add", "change": "change", "delete": "delete"}
    line = access.LINES[label]
    cells = [
        ", ".join(word for right, word in words.items() if right in line.rights[role]) or "-" for role in access.ROLES
    ]
    page = (Path(__file__).parents[2] / "docs" / "access.md").read_text()
    assert f"| {label.split('.')[1]} | {' | '.join(cells)} | {line.why} |" in page
