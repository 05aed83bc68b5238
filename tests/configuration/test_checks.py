"""What `manage.py check` says of settings, and what declare() refuses."""

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import connection

from configuration import parameters
from configuration.checks import check_that_keys_are_declared, check_what_is_stored
from configuration.models import SystemConfiguration
from configuration.parameters import DECLARED, DeclarationError, declare
from tests.factories import make_school
from whitecross.postgres.connecting import connect


@pytest.fixture(autouse=True)
def declarations(monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(DECLARED)
    monkeypatch.setattr(parameters, "DECLARED", known)


def app(folder: Path, code: str, settings: Any) -> list[Any]:
    settings.BASE_DIR = folder
    folder.joinpath("module.py").write_text(code)
    return [SimpleNamespace(path=str(folder))]


def test_a_key_that_is_read_and_not_declared_is_told(tmp_path: Path, settings: Any) -> None:
    code = (
        "from configuration import config\n"
        'config.get("SESSION_TIMEOUT_MINUTE", school=1)\n'
        'config.explain("xyzzy")\n'
        'config.get("SYSTEM_NAME"), {}.get("other"), config.get(key)\n'
    )
    first, second = check_that_keys_are_declared(app(tmp_path, code, settings))
    assert first.id == second.id == "configuration.W001"
    assert first.msg == "module.py:2 reads the setting 'SESSION_TIMEOUT_MINUTE', which nothing declares."
    assert first.hint is not None
    assert first.hint.startswith("Did you mean SESSION_TIMEOUT_MINUTES?")
    assert second.msg.startswith("module.py:3 reads the setting 'xyzzy'")


def test_all_of_this_project_is_declared() -> None:
    assert check_that_keys_are_declared() == []


@pytest.mark.django_db
def test_stored_keys_that_nothing_declares_are_told_unless_they_are_custom() -> None:
    assert run_checks(databases=["default"], tags=["database"]) == []
    SystemConfiguration.objects.create(key="OURS", value="1", tags=["custom"])
    assert check_what_is_stored(["default"]) == []
    SystemConfiguration.objects.create(key="THEIRS", value="1")
    (found,) = check_what_is_stored(["default"])
    assert (found.id, found.msg) == ("configuration.W002", "Nothing declares these stored settings: THEIRS.")


@pytest.mark.django_db
def test_a_stored_value_that_does_not_count_is_told() -> None:
    school = make_school()
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO system_configurations (key, value, scope, "scopeId") VALUES (%s, %s, %s, %s)',
            ["SYSTEM_NAME", "Ours", "SCHOOL", school.pk],
        )
    (found,) = check_what_is_stored(["default"])
    assert found.id == "configuration.W003"
    assert f"SYSTEM_NAME (SCHOOL {school.pk}): the code that reads it asks for no SCHOOL" in found.msg


def test_settings_that_somebody_holds_are_not_waited_for(committed_db: str) -> None:
    with connect("default") as other:
        other.execute("BEGIN")
        other.execute("LOCK TABLE system_configurations IN ACCESS EXCLUSIVE MODE")
        (found,) = check_what_is_stored(["default"])
    assert (found.id, "as somebody holds their table" in found.msg) == ("configuration.W004", True)
    assert check_what_is_stored(["default"]) == []


def test_an_unmigrated_database_has_nothing_to_tell(empty_db: str) -> None:
    assert check_what_is_stored(["default"]) == []
    assert check_what_is_stored(None) == []


@pytest.mark.parametrize(
    ("kind", "facts", "sentence"),
    [
        (int, {"default": 0, "minimum": 1}, "the default is less than 1"),
        (int, {"default": 9, "maximum": 8}, "the default is more than 8"),
        (int, {"default": "5"}, "the default is a str"),
        (int, {"default": True}, "the default is a bool"),
        (bool, {"default": 1}, "the default is a int"),
        (dt.datetime, {"default": dt.datetime(2026, 1, 1)}, "the default is a datetime"),  # noqa: DTZ001
        (dict, {"default": []}, "is not a JSON object"),
        (set, {"default": set()}, "no value type has values of the Python type"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(kind: Any, facts: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DeclarationError, match=sentence):
        declare("OURS", kind, label="", help="", **facts)
    assert "OURS" not in parameters.DECLARED


def test_a_key_is_declared_once() -> None:
    first = declare("OURS", int, default=1, label="", help="")
    assert declare("OURS", int, default=1, label="", help="") == first
    with pytest.raises(DeclarationError, match="OURS is declared already"):
        declare("OURS", int, default=2, label="", help="")
