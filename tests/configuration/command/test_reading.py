"""list, get, explain and history: what they print for people, for pipes and for programs."""

import datetime as dt
import io
import json
from typing import Any

import pytest
from django.db import connection

from configuration.models import SystemConfiguration
from tests.factories import make_school, make_user

from .conftest import Call

pytestmark = pytest.mark.django_db


def override(key: str, scope: str, scope_id: Any, value: str, **facts: Any) -> SystemConfiguration:
    parent = SystemConfiguration.objects.of_the_system().get(key=key)
    return SystemConfiguration.objects.create(
        key=key, scope=scope, scope_id=scope_id, value=value, value_type=parent.value_type, **facts
    )


def test_the_list_has_stored_and_declared_keys_by_category(call: Call) -> None:
    lines = [line.split("\t") for line in call("list").out.splitlines()]
    assert ["GENERAL", "SYSTEM_NAME", "White Cross Healthcare Platform", "SYSTEM", ""] in lines
    assert ["GENERAL", "API_REQUESTS_PER_MINUTE", "600", "DECLARED", "not stored"] in lines
    assert [line[0] for line in lines] == sorted(
        (line[0] for line in lines), key=["GENERAL", "SECURITY", "NOTIFICATION"].index
    )


def test_the_list_says_what_is_worth_knowing(call: Call) -> None:
    school = make_school(code="S1")
    override("SESSION_TIMEOUT_MINUTES", "SCHOOL", school.pk, "30")
    SystemConfiguration.objects.filter(key="SYSTEM_NAME").update(is_editable=False, requires_restart=True)
    SystemConfiguration.objects.filter(key="MAINTENANCE_MODE").update(is_active=False)
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO system_configurations (key, scope, "scopeId", value)'
            " VALUES ('SYSTEM_NAME', 'SCHOOL', %s, 'x')",
            [school.pk],
        )
    marks = {line.split("\t")[1]: line.split("\t")[4] for line in call("list").out.splitlines()}
    assert marks["SESSION_TIMEOUT_MINUTES"] == "1 override"
    assert marks["MAINTENANCE_MODE"] == "inactive"
    assert marks["SYSTEM_NAME"] == (
        "1 override; needs a restart; read-only; SCHOOL S1 does not count: the code that reads it asks for no SCHOOL"
    )


def test_the_list_can_be_narrowed(call: Call) -> None:
    school = make_school(code="S1")
    override("SESSION_TIMEOUT_MINUTES", "SCHOOL", school.pk, "30")
    SystemConfiguration.objects.filter(key="SYSTEM_NAME").update(tags=["brand"])

    def keys(*arguments: str) -> list[str]:
        return [line["key"] for line in json.loads(call("list", "--json", *arguments).out)]

    assert keys("--tag", "brand") == ["SYSTEM_NAME"]
    assert keys("--scope", "school") == ["SESSION_TIMEOUT_MINUTES"]
    assert keys("--changed") == ["SESSION_TIMEOUT_MINUTES"]
    assert keys("--category", "notification") == ["EMAIL_NOTIFICATION_ENABLED", "SMS_NOTIFICATION_ENABLED"]
    assert keys("--search", "wrong passwords", "--category", "SECURITY") == [
        "MAX_LOGIN_ATTEMPTS",
        "LOCKOUT_DURATION_MINUTES",
    ]
    assert keys("--search", "no such words") == []


def test_a_value_is_that_of_the_school_of_the_user(call: Call) -> None:
    school = make_school(code="S1")
    make_user(email="nurse@example.org", school=school)
    override("SESSION_TIMEOUT_MINUTES", "DISTRICT", school.district_id, "45")
    assert call("get", "SESSION_TIMEOUT_MINUTES").out == "60\n"
    assert call("get", "SESSION_TIMEOUT_MINUTES", "--district", school.district.code).out == "45\n"
    assert call("get", "SESSION_TIMEOUT_MINUTES", "--school", "S1").out == "45\n"
    override("SESSION_TIMEOUT_MINUTES", "SCHOOL", school.pk, "30")
    assert call("get", "SESSION_TIMEOUT_MINUTES", "--school", str(school.pk)).out == "30\n"
    assert call("get", "SESSION_TIMEOUT_MINUTES", "--user", "NURSE@example.org").out == "30\n"


def test_a_value_for_programs_has_its_type(call: Call) -> None:
    assert json.loads(call("get", "MAINTENANCE_MODE", "--json").out) == {
        "key": "MAINTENANCE_MODE",
        "value": False,
        "type": "BOOLEAN",
        "source": "SYSTEM",
        "of": None,
        "secret": False,
    }
    for kind, text, value in [
        ("NUMBER", "0.1", 0.1),
        ("NUMBER", "0.12345678901234567890123", "0.12345678901234567890123"),
        ("ARRAY", '["1", 7]', ["1", 7]),
        ("DATE", "2026-08-31", "2026-08-31"),
        ("STRING", "true", "true"),
    ]:
        key = f"A_{kind}_{len(text)}"
        SystemConfiguration.objects.create(key=key, value=text, value_type=kind)
        assert json.loads(call("get", key, "--json").out)["value"] == value
        assert call("get", key).out == f"{text}\n"


def test_a_secret_is_shown_to_nobody_who_does_not_ask_for_it(call: Call) -> None:
    SystemConfiguration.objects.create(
        key="SMS_KEY", value="k3y-one", default_value="k3y-default", tags=["secret", "custom"]
    )
    SystemConfiguration.objects.filter(key="SMS_KEY").update(value="k3y-two")
    for arguments in (["list"], ["explain", "SMS_KEY"], ["history", "SMS_KEY"], ["get", "SMS_KEY"]):
        for form in ([], ["--json"]):
            ended = call(*arguments, *form)
            assert "secret" in ended.out + ended.err, (arguments, form)
            assert "k3y" not in ended.out + ended.err, (arguments, form)
    assert call("get", "SMS_KEY").code == 1
    assert call("get", "SMS_KEY", "--show-secret").out == "k3y-two\n"
    assert json.loads(call("get", "SMS_KEY", "--show-secret", "--json").out)["value"] == "k3y-two"


def test_explain_names_all_that_could_decide(call: Call) -> None:
    school = make_school(code="S1")
    override("SESSION_TIMEOUT_MINUTES", "SCHOOL", school.pk, "30", is_active=False)
    override("SESSION_TIMEOUT_MINUTES", "DISTRICT", school.district_id, "45")
    assert call("explain", "SESSION_TIMEOUT_MINUTES", "--school", "S1").out.splitlines() == [
        "SCHOOL S1\t30\tdoes not count: is not active",
        f"DISTRICT {school.district.code}\t45\tdecides",
        "SYSTEM\t60\thidden",
        "DEFAULT\t60\thidden",
        "DECLARED\t60\thidden",
    ]
    told = json.loads(call("explain", "SESSION_TIMEOUT_MINUTES", "--school", "S1", "--json").out)
    assert (told["value"], told["source"], told["of"]) == (45, "DISTRICT", school.district.code)
    assert [one["decides"] for one in told["candidates"]] == [False, True, False, False, False]


def test_the_history_says_who_changed_what_when_and_why(call: Call) -> None:
    assert call("set", "MAX_LOGIN_ATTEMPTS", "3", "--reason", "Audit").code == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('whitecross.change', '', true)")
        cursor.execute(
            "UPDATE system_configurations SET value = '4', \"isActive\" = false WHERE key = 'MAX_LOGIN_ATTEMPTS'"
        )
    latest, earlier = (line.split("\t") for line in call("history", "MAX_LOGIN_ATTEMPTS").out.splitlines())
    assert latest[1:4] == ["SYSTEM", "changed", "3 -> 4; isActive True -> False"]
    assert latest[4].endswith("(past the application)")
    assert earlier[3] == "5 -> 3"
    assert "past" not in earlier[4]
    assert earlier[5] == "Audit"
    (only,) = json.loads(call("history", "MAX_LOGIN_ATTEMPTS", "--limit", "1", "--json").out)
    assert (only["old"], only["new"], only["version"]) == ("3", "4", latest[7])
    assert only["pastTheApplication"]
    dt.datetime.fromisoformat(only["at"])


def test_the_history_of_one_school(call: Call) -> None:
    school = make_school(code="S1")
    override("SESSION_TIMEOUT_MINUTES", "SCHOOL", school.pk, "30")
    call("set", "SESSION_TIMEOUT_MINUTES", "90", "--reason", "Slow typists")
    assert len(call("history", "SESSION_TIMEOUT_MINUTES").out.splitlines()) == 2
    (line,) = call("history", "SESSION_TIMEOUT_MINUTES", "--school", "S1").out.splitlines()
    assert line.split("\t")[1] == "SCHOOL S1"
    (line,) = call("history", "SESSION_TIMEOUT_MINUTES", "--system").out.splitlines()
    assert line.split("\t")[1] == "SYSTEM"


def test_a_deleted_key_still_has_its_history(call: Call) -> None:
    setting = SystemConfiguration.objects.create(key="BUS_LINES", value="7")
    setting.delete()
    assert [line.split("\t")[2] for line in call("history", "BUS_LINES").out.splitlines()] == ["deleted", "created"]


def test_explain_says_why_no_value_holds(call: Call) -> None:
    SystemConfiguration.objects.create(key="BUS_LINES", value="7", is_active=False)
    assert call("explain", "BUS_LINES").out == "SYSTEM\t7\tdoes not count: is not active\n"
    told = json.loads(call("explain", "BUS_LINES", "--json").out)
    assert (told["value"], told["source"]) == (None, None)
    assert "has no value here" in call("get", "BUS_LINES").err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["get", "SESION_TIMEOUT_MINUTES"], "There is no setting 'SESION_TIMEOUT_MINUTES'. Did you mean SESSION_TIME"),
        (["explain", "max_login_attempts"], "Did you mean MAX_LOGIN_ATTEMPTS"),
        (["history", "MAX_LOGIN"], "There is no setting 'MAX_LOGIN'"),
        (
            ["get", "SYSTEM_NAME", "--school", "SCHOOL9"],
            "with the code or id 'SCHOOL9'. Did you mean SCHOOL1?",
        ),
        (["list", "--district", "\x1b[2J"], "There is no district with the code or id '\\x1b[2J'."),
        (["list", "--user", "x@example.org"], "There is no user with the email or id 'x@example.org'."),
    ],
)
def test_what_is_not_there_is_one_sentence(call: Call, arguments: list[str], sentence: str) -> None:
    make_school(code="SCHOOL1")
    ended = call(*arguments)
    assert (ended.code, ended.out) == (1, "")
    assert sentence in ended.err
    assert "\n" not in ended.err


@pytest.mark.parametrize("deed", ["list", "get", "set", "unset", "explain", "history", "restore", "export", "import"])
def test_every_deed_shows_examples(deed: str, call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call(deed, "--help")
    assert ended.value.code == 0
    assert f"manage.py config {deed} " in capsys.readouterr().out.partition("examples:")[2]


def test_on_a_terminal_it_is_a_table_in_which_no_value_is_obeyed(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("tests.configuration.command.conftest.io.StringIO", Terminal)
    SystemConfiguration.objects.filter(key="SYSTEM_NAME").update(value="[red]x[/red]\x1b[2J")
    shown = call("list", no_color=True).out
    assert "[red]x[/red]\\u001b[2J" in shown.replace("\n", "")
    assert "\x1b[2J" not in shown
    assert "GENERAL" in shown
    assert "Worth knowing" in shown
    assert "decides" in call("explain", "SYSTEM_NAME").out
    assert "changed  White Cross Healthcare Platform -> [red]x" in call("history", "SYSTEM_NAME").out
