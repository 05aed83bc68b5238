"""export and import: the same settings are the same bytes, and a file is taken whole or not at all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from configuration import importing
from configuration.editing import StaleError
from configuration.models import ConfigurationHistory, SystemConfiguration
from configuration.transfer import entries_of
from tests.factories import make_school, make_user

from .conftest import Call

pytestmark = pytest.mark.django_db

# An index has no room for it.
INCOMPRESSIBLE = "".join(chr(0x4E00 + number * number * 7919 % 20_000) for number in range(20_000))
TAKE = ("--yes", "--reason", "From the test system")


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., str]:
    """Write entries to a file; its name."""

    def written(*entries: dict[str, Any]) -> str:
        path = tmp_path / "settings.json"
        path.write_text(json.dumps({"format": "whitecross-settings", "version": 1, "settings": entries}))
        return str(path)

    return written


File = Callable[..., str]


def rows() -> list[Any]:
    """All that is stored, without times."""
    skipped = ("created_at", "updated_at", "last_modified_by")
    names = [field.attname for field in SystemConfiguration._meta.concrete_fields if field.name not in skipped]
    return list(SystemConfiguration.objects.order_by("pk").values(*names))


def a_world() -> None:
    """Values of every scope, a secret, and one whose school is gone."""
    school = make_school(code="S1")
    user = make_user(email="Nurse@example.org", school=school)
    for scope, pk in (("DISTRICT", school.district_id), ("SCHOOL", school.pk), ("USER", user.pk)):
        SystemConfiguration.objects.create(
            key="SESSION_TIMEOUT_MINUTES", scope=scope, scope_id=pk, value="30", value_type="NUMBER"
        )
    gone = make_school(code="GONE")
    SystemConfiguration.objects.create(key="BUS", scope="SCHOOL", scope_id=gone.pk, value="ü\n7", tags=["custom"])
    gone.delete()
    SystemConfiguration.objects.create(key="SMS_KEY", value="k3y", default_value="k3y0", tags=["secret", "custom"])
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO system_configurations (key, value, "valueType", "minValue", "maxValue")'
            " VALUES ('WIDE', '0.10', 'NUMBER', '-Infinity', 12.5)"
        )


def test_the_same_settings_are_the_same_bytes_and_taking_them_changes_nothing(call: Call, tmp_path: Path) -> None:
    a_world()
    before, known = rows(), ConfigurationHistory.objects.count()
    first = call("export")
    assert first.out == call("export").out
    assert "k3y" not in first.out
    assert "1 secret left without value" in first.err
    path = tmp_path / "settings.json"
    assert call("export", str(path)).code == 0
    assert path.read_text() == first.out
    for arguments in ([], ["--delete-missing"]):
        ended = call("import", str(path), *arguments, *TAKE)
        assert (ended.code, ended.out.splitlines()[-1]) == (0, "Nothing to import."), ended
    assert (rows(), ConfigurationHistory.objects.count()) == (before, known)


def test_an_export_brings_another_database_to_the_same_state(call: Call, tmp_path: Path) -> None:
    a_world()
    SystemConfiguration.objects.filter(key="SYSTEM_NAME").update(sort_order=-(2**31))
    path = str(tmp_path / "settings.json")
    call("export", path, "--with-secrets")
    whole = call("export", "--with-secrets").out
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM system_configurations WHERE key <> 'BUS'")
        cursor.execute("UPDATE system_configurations SET value = 'other'")
    ended = call("import", path, *TAKE)
    assert ended.code == 0, ended.err
    assert "17 to create, 1 to change, 0 to delete, 0 unchanged." in ended.out
    assert call("export", "--with-secrets").out == whole
    assert call("import", path, *TAKE).out.endswith("Nothing to import.\n")


def test_entries_are_sorted_and_named_by_what_people_use(call: Call) -> None:
    a_world()
    entries = json.loads(call("export").out)["settings"]
    assert [entry["key"] for entry in entries] == sorted(entry["key"] for entry in entries)
    whose = [(entry["scope"], entry["of"]) for entry in entries if entry["key"] == "SESSION_TIMEOUT_MINUTES"]
    assert [scope for scope, _ in whose] == ["SYSTEM", "DISTRICT", "SCHOOL", "USER"]
    assert whose[2:] == [("SCHOOL", "S1"), ("USER", "Nurse@example.org")]


def test_secrets_are_left_untouched_unless_the_file_has_them(call: Call, tmp_path: Path, file: File) -> None:
    a_world()
    path = tmp_path / "settings.json"
    call("export", str(path))
    SystemConfiguration.objects.filter(key="SMS_KEY").update(value="k3y-new")
    assert call("import", str(path), *TAKE).out.endswith("Nothing to import.\n")
    assert SystemConfiguration.objects.get(key="SMS_KEY").value == "k3y-new"
    ended = call("export", str(path), "--with-secrets", "--force")
    assert "keep it where nobody else reads it" in ended.err
    assert path.stat().st_mode & 0o777 == 0o600
    assert "k3y-new" in path.read_text()
    ended = call("import", file({"key": "SMS_KEY", "scope": "SYSTEM", "value": "k3y-3"}), *TAKE)
    assert "SMS_KEY\tSYSTEM\tvalue\t(secret)\t(secret)" in ended.out
    assert "k3y" not in ended.out.replace("(secret)", "")
    SystemConfiguration.objects.filter(key="SMS_KEY").delete()
    entry = {"key": "SMS_KEY", "scope": "SYSTEM", "tags": ["secret"], "valueType": "STRING"}
    assert "is new here, and the file says no value" in call("import", file(entry), *TAKE).err


def test_a_file_that_is_there_stays_unless_one_insists(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text("mine")
    ended = call("export", str(path))
    assert (ended.code, path.read_text()) == (1, "mine")
    assert "--force" in ended.err
    assert call("export", str(path), "--force").code == 0
    assert path.read_text().startswith("{")
    assert call("export", str(tmp_path), "--force").code == 1
    assert "cannot be written" in call("export", str(tmp_path / "no" / "such")).err
    assert [path.name for path in tmp_path.iterdir()] == ["settings.json"]


def test_the_plan_comes_first_and_changes_nothing(call: Call, file: File) -> None:
    before = rows()
    path = file(
        {"key": "MAX_LOGIN_ATTEMPTS", "scope": "SYSTEM", "value": "3"},
        {"key": "BUS", "scope": "SYSTEM", "value": "7", "valueType": "NUMBER"},
    )
    ended = call("import", path, "--plan")
    lines = [line.split("\t") for line in ended.out.splitlines()]
    assert ["change", "MAX_LOGIN_ATTEMPTS", "SYSTEM", "value", "5", "3"] in lines
    assert ["create", "BUS", "SYSTEM", "value", "-", "7"] in lines
    assert ended.out.endswith("1 to create, 1 to change, 0 to delete, 0 unchanged.\nNothing was imported.\n")
    told = json.loads(call("import", path, "--plan", "--json").out)
    assert told["applied"] is False
    assert told["steps"][1]["facts"] == {"value": {"old": "5", "new": "3"}}
    assert (rows(), ConfigurationHistory.objects.exists()) == (before, False)


def test_it_wants_a_reason_and_somebody_to_ask(call: Call, file: File) -> None:
    path = file({"key": "MAX_LOGIN_ATTEMPTS", "scope": "SYSTEM", "value": "3"})
    ended = call("import", path, "--yes")
    assert (ended.code, "Say why" in ended.err) == (2, True)
    ended = call("import", path, "--reason", "x")
    assert (ended.code, "say --yes to import" in ended.err) == (2, True)


@pytest.mark.parametrize(("answer", "taken"), [("y", True), ("", False), ("n", False), (None, False)])
def test_on_a_terminal_it_asks(
    call: Call, file: File, monkeypatch: pytest.MonkeyPatch, answer: str | None, taken: bool
) -> None:
    def asked(_: str) -> str:
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", asked)
    path = file({"key": "MAX_LOGIN_ATTEMPTS", "scope": "SYSTEM", "value": "3"})
    ended = call("import", path, "--reason", "x")
    assert ended.out.endswith("Imported.\n" if taken else "Nothing was imported.\n")
    assert SystemConfiguration.objects.get(key="MAX_LOGIN_ATTEMPTS").value == ("3" if taken else "5")


def test_each_change_is_recorded_with_the_reason(call: Call, file: File) -> None:
    make_school(code="S1")
    path = file(
        {"key": "SESSION_TIMEOUT_MINUTES", "scope": "SCHOOL", "of": "S1", "value": "30"},
        {"key": "MAX_LOGIN_ATTEMPTS", "scope": "SYSTEM", "value": "3"},
    )
    assert call("import", path, *TAKE).code == 0
    assert {change.history_change_reason for change in ConfigurationHistory.objects.all()} == {"From the test system"}
    own = SystemConfiguration.objects.get(scope="SCHOOL")
    # What the entry does not say comes from the system's row.
    assert (own.value_type, own.min_value, own.category) == ("NUMBER", 15.0, "SECURITY")


def test_what_the_file_does_not_have_is_deleted_only_when_asked(call: Call, file: File) -> None:
    SystemConfiguration.objects.create(key="BUS", value="7", tags=["custom"])
    everything = json.loads(call("export").out)["settings"]
    path = file(*(entry for entry in everything if entry["key"] != "BUS"))
    assert call("import", path, *TAKE).out.endswith("Nothing to import.\n")
    assert "delete\tBUS\tSYSTEM\tvalue\t7\t-" in call("import", path, "--delete-missing", *TAKE).out
    assert not SystemConfiguration.objects.filter(key="BUS").exists()


@pytest.mark.parametrize(
    ("entries", "sentences"),
    [
        ([{"key": "MAX_LOGIN_ATTEMPTS", "scope": "SYSTEM", "value": "99"}], ["The value is more than the maximum 10."]),
        (
            [{"key": "MAX_LOGIN_ATTEMPTS", "scope": "SYSTEM", "value": 3}],
            ["Entry 1", 'value is not a text such as "60"'],
        ),
        ([{"key": "MAX_LOGIN_ATTEMPTS", "scope": "SCHOOL", "value": "3"}], ['Add "of"']),
        ([{"key": "MAX_LOGIN_ATTEMPTS", "scope": "SYSTEM", "of": "S1", "value": "3"}], ['Leave "of" out']),
        ([{"key": "X", "scope": "SCHOOL", "of": "S9", "value": "3"}], ["no school with the code or id 'S9'"]),
        ([{"key": "X", "scope": "USER", "of": "x@y.z", "value": "3"}], ["no user with the email or id 'x@y.z'"]),
        ([{"key": "MAX_LOGIN_ATEMPTS", "scope": "SYSTEM", "value": "3"}], ["Did you mean MAX_LOGIN_ATTEMPTS?"]),
        ([{"key": "SYSTEM_NAME", "scope": "SYSTEM", "valeu": "3"}], ['the field "valeu" is unknown']),
        ([{"key": "SYSTEM_NAME", "scope": "PLANET", "value": "3"}], ["scope is not one of SYSTEM"]),
        ([{"key": "SYSTEM_NAME", "scope": "SYSTEM", "value": "a\x00b"}], ["a character that the database cannot keep"]),
        ([{"key": "SYSTEM_NAME", "scope": "SYSTEM", "value": "\ud800"}], ["a character that the database cannot keep"]),
        ([{"key": "SYSTEM_NAME", "scope": "SYSTEM", "tags": [INCOMPRESSIBLE]}], ["cannot keep so large a value"]),
        ([{"key": "SYSTEM_NAME", "scope": "SYSTEM", "sortOrder": 2**31}], ["sortOrder is not a whole number"]),
        ([{"key": "SYSTEM_NAME", "scope": "SYSTEM", "sortOrder": -(2**31) - 1}], ["sortOrder is not a whole number"]),
        ([{"key": "SYSTEM_NAME", "scope": "SYSTEM", "isActive": 1}], ["isActive is not true or false"]),
        (
            [{"scope": "SYSTEM"}, 7, {}],
            ["1 (SYSTEM): has no key", "2: is no object", "3: has no scope"],
        ),
        (
            [{"key": "SYSTEM_NAME", "scope": "SYSTEM", "value": "a"}, {"key": "SYSTEM_NAME", "scope": "SYSTEM"}],
            ["Entry 2 (SYSTEM_NAME SYSTEM): is in the file twice, see entry 1"],
        ),
        (
            [
                {"key": "MAX_LOGIN_ATTEMPTS", "scope": "SYSTEM", "value": "99"},
                {"key": "SYSTEM_NAME", "scope": "SYSTEM", "value": "fine"},
                {"key": "MAINTENANCE_MODE", "scope": "SYSTEM", "value": "perhaps"},
            ],
            ["MAX_LOGIN_ATTEMPTS (SYSTEM): ", "MAINTENANCE_MODE (SYSTEM): ", "2 things are wrong; nothing was done."],
        ),
    ],
)
def test_all_that_is_wrong_is_named_and_nothing_is_done(
    call: Call, file: File, entries: list[Any], sentences: list[str]
) -> None:
    before = rows()
    ended = call("import", file(*entries), *TAKE)
    assert ended.code == 1
    for sentence in sentences:
        assert sentence in ended.err
    assert (rows(), ConfigurationHistory.objects.exists()) == (before, False)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is not JSON: line 1, column 1"),
        (b'{\n "format": whitecross}', "The file is not JSON: line 2, column 12"),
        (b'{"format": "whitecross-settings", "version": 1, "settings": [{"key": "A", "key": "B"}]}', '"key" twice'),
        (b"\xff\xfe{\x00}\x00", "The file is not UTF-8: byte 1"),
        (b"[]", "This is no file of settings"),
        (b'{"format": "whitecross-settings", "version": 2, "settings": []}', "version is 2; this program reads 1"),
        (b'{"format": "whitecross-settings", "version": 1, "settings": {}}', '"settings" (a list)'),
        (b'{"format": "whitecross-settings", "version": NaN}', "NaN is not JSON"),
        (b'{"format": "whitecross-settings", "version": 1e999}', "a number that is too large"),
        (b'{"format": "whitecross-settings", "version": ' + b"9" * 5000 + b"}", "a number that is too long"),
        (b"[" * 100_000, "nested too deep"),
        (b" " * (20 * 2**20 + 1), "larger than 20 MB"),
    ],
)
def test_a_file_that_is_none_of_settings_is_one_sentence(
    call: Call, tmp_path: Path, content: bytes, sentence: str
) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    ended = call("import", str(path), "--plan")
    assert (ended.code, ended.out) == (1, "")
    assert sentence in ended.err
    assert "\n" not in ended.err


def test_a_file_that_cannot_be_read_is_one_sentence(call: Call, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none", Path("x" * 5000)):
        ended = call("import", str(path), "--plan")
        assert (ended.code, "cannot be read" in ended.err, "\n" in ended.err) == (1, True, False)


def test_what_is_read_only_stays_as_it_is(call: Call, file: File) -> None:
    make_school(code="S1")
    SystemConfiguration.objects.filter(key="SESSION_TIMEOUT_MINUTES").update(is_editable=False)
    for entry in (
        {"key": "SESSION_TIMEOUT_MINUTES", "scope": "SYSTEM", "value": "90"},
        {"key": "SESSION_TIMEOUT_MINUTES", "scope": "SYSTEM", "isEditable": True},
        {"key": "SESSION_TIMEOUT_MINUTES", "scope": "SCHOOL", "of": "S1", "value": "90"},
    ):
        ended = call("import", file(entry), *TAKE)
        assert (ended.code, "is read-only" in ended.err) == (1, True)
    unchanged = {"key": "SESSION_TIMEOUT_MINUTES", "scope": "SYSTEM", "value": "60", "isEditable": False}
    assert call("import", file(unchanged), *TAKE).code == 0


def test_an_override_is_judged_by_the_rules_that_the_same_file_brings(call: Call, file: File) -> None:
    make_school(code="S1")
    path = file(
        {"key": "MAX_LOGIN_ATTEMPTS", "scope": "SCHOOL", "of": "S1", "value": "15", "validationRules": {}},
        {"key": "MAX_LOGIN_ATTEMPTS", "scope": "SYSTEM", "maxValue": 20, "validationRules": {"integer": True}},
    )
    ended = call("import", path, *TAKE)
    assert ended.code == 0, ended.err
    assert call("get", "MAX_LOGIN_ATTEMPTS", "--school", "S1").out == "15\n"


def test_a_plan_does_not_hold_once_somebody_has_changed_what_it_stands_on(file: File) -> None:
    content = Path(file({"key": "MAX_LOGIN_ATTEMPTS", "scope": "SYSTEM", "value": "3"})).read_bytes()
    plan = importing.plan_of(entries_of(content))
    SystemConfiguration.objects.filter(key="MAX_LOGIN_ATTEMPTS").update(value="4")
    with pytest.raises(StaleError, match="Nothing was imported"):
        importing.apply(plan, reason="x")
    assert SystemConfiguration.objects.get(key="MAX_LOGIN_ATTEMPTS").value == "4"
    importing.apply(importing.plan_of(entries_of(content)), reason="x")
    assert SystemConfiguration.objects.get(key="MAX_LOGIN_ATTEMPTS").value == "3"
