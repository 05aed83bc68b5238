"""set, unset and restore: what they change, what they refuse, and what stays in the history."""

import json
import subprocess
from typing import Any

import pytest
from django.db import connection

from configuration.models import ConfigurationHistory, SystemConfiguration
from tests.factories import make_school, make_user

from .conftest import Call, run, start

WHY = ("--reason", "Audit")


def stored(key: str, scope: str = "SYSTEM") -> Any:
    return SystemConfiguration.objects.filter(key=key, scope=scope).values_list("value", flat=True).first()


def changes(key: str) -> Any:
    return ConfigurationHistory.objects.filter(key=key).order_by("history_date")


@pytest.mark.django_db
def test_a_value_is_set_with_its_reason(call: Call) -> None:
    ended = call("set", "MAX_LOGIN_ATTEMPTS", "3", *WHY)
    assert ended.out.splitlines() == [
        "MAX_LOGIN_ATTEMPTS for the system: 5 -> 3.",
        "What holds there now: 3, from SYSTEM.",
    ]
    (change,) = changes("MAX_LOGIN_ATTEMPTS")
    assert (change.old_value, change.value, change.history_change_reason) == ("5", "3", "Audit")
    assert change.database_role is None
    assert change.history_user_id is None
    assert change.changed_by_name


@pytest.mark.django_db
def test_setting_the_same_value_again_changes_nothing(call: Call) -> None:
    call("set", "MAX_LOGIN_ATTEMPTS", "3", *WHY)
    ended = call("set", "MAX_LOGIN_ATTEMPTS", "3", *WHY)
    assert ended.out == "MAX_LOGIN_ATTEMPTS for the system is 3 already. Nothing was changed.\n"
    assert json.loads(call("set", "MAX_LOGIN_ATTEMPTS", "3", "--json", *WHY).out)["changed"] is False
    assert len(changes("MAX_LOGIN_ATTEMPTS")) == 1


@pytest.mark.django_db
def test_a_school_gets_a_value_of_its_own_and_loses_it_again(call: Call) -> None:
    make_school(code="S1")
    ended = call("set", "SESSION_TIMEOUT_MINUTES", "30", "--school", "S1", *WHY)
    assert ended.out.splitlines() == [
        "SESSION_TIMEOUT_MINUTES for the school S1: - -> 30.",
        "What holds there now: 30, from SCHOOL S1.",
    ]
    assert (stored("SESSION_TIMEOUT_MINUTES"), stored("SESSION_TIMEOUT_MINUTES", "SCHOOL")) == ("60", "30")
    told = json.loads(call("unset", "SESSION_TIMEOUT_MINUTES", "--school", "S1", "--json", *WHY).out)
    assert (told["old"], told["new"], told["now"]["value"], told["now"]["source"]) == (30, None, 60, "SYSTEM")
    again = call("unset", "SESSION_TIMEOUT_MINUTES", "--school", "S1", *WHY)
    assert again.code == 1
    assert "has no value of its own for the school S1: there is nothing to unset" in again.err


@pytest.mark.django_db
def test_without_the_systems_row_the_declared_default_holds(call: Call) -> None:
    ended = call("unset", "MAX_LOGIN_ATTEMPTS", *WHY)
    assert ended.out.endswith("What holds there now: 5, from DECLARED.\n")
    assert call("set", "MAX_LOGIN_ATTEMPTS", "6", *WHY).code == 0
    assert call("get", "MAX_LOGIN_ATTEMPTS").out == "6\n"


@pytest.mark.django_db
def test_what_stays_without_effect_is_said(call: Call) -> None:
    SystemConfiguration.objects.filter(key="SYSTEM_NAME").update(is_active=False, requires_restart=True)
    assert call("set", "SYSTEM_NAME", "Our schools", *WHY).out.splitlines()[1:] == [
        "What holds there now: White Cross Healthcare Platform, from DEFAULT.",
        "SYSTEM does not count: is not active.",
        "It takes effect after a restart of the processes that read it.",
    ]


@pytest.mark.django_db
def test_a_key_of_ones_own(call: Call) -> None:
    assert "There is no setting 'BUS_LINES'" in call("set", "BUS_LINES", "[1]", *WHY).err
    ended = call("set", "BUS_LINES", "--new", "--type", "array", "--category", "ui", *WHY, "--", '["1", "7"]')
    assert ended.code == 0, ended.err
    made = SystemConfiguration.objects.get(key="BUS_LINES")
    assert (made.value, made.value_type, made.category, made.tags) == ('["1", "7"]', "ARRAY", "UI", ["custom"])
    assert "already" in call("set", "BUS_LINES", "[2]", "--new", "--type", "ARRAY", *WHY).err
    assert call("set", "OTHER", "x", "--new", *WHY).code == 2
    assert call("set", "BUS_LINES", "[2]", "--type", "ARRAY", *WHY).code == 2
    gone = call("unset", "BUS_LINES", *WHY)
    assert gone.out.endswith("there is no such setting any more.\n")


@pytest.mark.django_db
def test_a_key_may_begin_with_a_school(call: Call) -> None:
    make_school(code="S1")
    make_school(code="S2")
    made = call("set", "BUS_LINES", "7", "--new", "--type", "NUMBER", "--school", "S1", *WHY)
    assert made.out.endswith("What holds there now: 7, from SCHOOL S1.\n")
    assert "BUS_LINES\t-\tnobody\t1 override" in call("list").out
    assert "has no value here" in call("get", "BUS_LINES").err
    assert "store it first" in call("set", "BUS_LINES", "8", "--school", "S2", *WHY).err
    assert "nothing to unset" in call("unset", "BUS_LINES", *WHY).err
    assert call("set", "BUS_LINES", "1", "--new", "--type", "NUMBER", *WHY).code == 0
    assert call("set", "BUS_LINES", "8", "--school", "S2", *WHY).code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["set", "MAX_LOGIN_ATTEMPTS", "3"], 2, 'Say why, with --reason "..."'),
        (["set", "MAX_LOGIN_ATTEMPTS", "3", "--reason", " "], 2, "Say why"),
        (["unset", "MAX_LOGIN_ATTEMPTS"], 2, "Say why"),
        (["restore", "x"], 2, "Say why"),
        (["set", "MAX_LOGIN_ATTEMPTS", "many", *WHY], 1, "MAX_LOGIN_ATTEMPTS: The value is not a number."),
        (["set", "MAX_LOGIN_ATTEMPTS", "-5", *WHY], 1, "MAX_LOGIN_ATTEMPTS: The value is less than"),
        (["set", "MAX_LOGIN_ATEMPTS", "3", *WHY], 1, "Did you mean MAX_LOGIN_ATTEMPTS"),
        (["set", "SYSTEM_NAME", "x", "--school", "S1", *WHY], 1, "Nothing reads SYSTEM_NAME for a school."),
        (["set", "SYSTEM_NAME", "x" * 100_001, *WHY], 1, "SYSTEM_NAME: The value is longer than"),
        (["set", "SYSTEM_NAME", "\udce4", *WHY], 2, "is not UTF-8 text"),
        (["set", "X" * 201, "x", "--new", "--type", "STRING", *WHY], 1, "at most 200 characters"),
        (["set", "MAX_LOGIN_ATTEMPTS", "3", "--as", "nurse@example.org", *WHY], 1, "may not change settings"),
        (["set", "MAX_LOGIN_ATTEMPTS", "3", "--as", "nobody@example.org", *WHY], 1, "There is no user"),
        (["restore", "not-an-id", *WHY], 1, "There is no such version in the history."),
        (["restore", "018f0000-0000-7000-8000-000000000000", *WHY], 1, "There is no such version in the history."),
    ],
)
@pytest.mark.django_db
def test_what_cannot_be_is_refused_with_a_sentence(call: Call, arguments: list[str], code: int, sentence: str) -> None:
    make_school(code="S1")
    make_user(email="nurse@example.org")
    ended = call(*arguments)
    assert sentence in ended.err
    assert (ended.code, ended.out) == (code, "")
    assert "\n" not in ended.err
    assert not ConfigurationHistory.objects.exists()


@pytest.mark.django_db
def test_what_is_read_only_stays(call: Call) -> None:
    make_school(code="S1")
    SystemConfiguration.objects.filter(key="SESSION_TIMEOUT_MINUTES").update(is_editable=False)
    version = str(changes("SESSION_TIMEOUT_MINUTES").get().history_id)
    for arguments in (
        ["set", "SESSION_TIMEOUT_MINUTES", "90"],
        ["set", "SESSION_TIMEOUT_MINUTES", "90", "--school", "S1"],
        ["unset", "SESSION_TIMEOUT_MINUTES"],
        ["restore", version, "--before"],
    ):
        ended = call(*arguments, *WHY)
        assert (ended.code, "is read-only" in ended.err) == (1, True), ended
    assert stored("SESSION_TIMEOUT_MINUTES") == "60"


@pytest.mark.django_db
def test_a_version_is_restored_as_a_new_change(call: Call) -> None:
    call("set", "MAX_LOGIN_ATTEMPTS", "3", *WHY)
    call("set", "MAX_LOGIN_ATTEMPTS", "4", *WHY)
    newest, oldest = (change["version"] for change in json.loads(call("history", "MAX_LOGIN_ATTEMPTS", "--json").out))
    ended = call("restore", oldest, "--reason", "As in May")
    assert ended.out.startswith("MAX_LOGIN_ATTEMPTS for the system: 4 -> 3.\n")
    assert call("restore", oldest, "--before", "--reason", "As it was").out.startswith(
        "MAX_LOGIN_ATTEMPTS for the system: 3 -> 5.\n"
    )
    assert [change.history_change_reason for change in changes("MAX_LOGIN_ATTEMPTS")] == [
        "Audit",
        "Audit",
        "As in May",
        "As it was",
    ]
    call("unset", "MAX_LOGIN_ATTEMPTS", *WHY)
    assert call("restore", newest, *WHY).out.startswith("MAX_LOGIN_ATTEMPTS for the system: - -> 4.\n")


@pytest.mark.django_db
def test_before_a_value_of_a_user_there_was_none(call: Call) -> None:
    make_user(email="nurse@example.org")
    made = json.loads(call("set", "SESSION_TIMEOUT_MINUTES", "30", "--user", "nurse@example.org", "--json", *WHY).out)
    ended = call("restore", made["version"], "--before", *WHY)
    assert ended.out.splitlines() == [
        "SESSION_TIMEOUT_MINUTES for the user nurse@example.org: 30 -> -.",
        "What holds there now: 60, from SYSTEM.",
    ]


@pytest.mark.django_db
def test_a_change_can_be_made_in_the_name_of_an_administrator(call: Call) -> None:
    chief = make_user("ADMIN", email="chief@example.org", first_name="Ada", last_name="Chief")
    assert call("set", "MAX_LOGIN_ATTEMPTS", "3", "--as", "CHIEF@example.org", *WHY).code == 0
    change = changes("MAX_LOGIN_ATTEMPTS").get()
    assert (change.history_user_id, change.changed_by_name) == (chief.pk, "Ada Chief")
    assert change.user_agent.startswith("run by ")


def test_a_secret_comes_by_the_standard_input_and_is_never_shown(committed_db: str) -> None:
    ended = run("set", "SMS_KEY", "-", "--new", "--type", "STRING", "--secret", *WHY, typed="k3y ä\n")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("SMS_KEY for the system: - -> (secret).\n")
    assert stored("SMS_KEY") == "k3y ä"
    ended = run("set", "SMS_KEY", "-", "--json", *WHY, typed="an0ther")
    assert json.loads(ended.out)["changed"] is True
    assert "an0ther" not in ended.out + ended.err
    assert stored("SMS_KEY") == "an0ther"


def test_two_at_once_leave_an_unbroken_history(committed_db: str) -> None:
    processes = [start("set", "SESSION_TIMEOUT_MINUTES", str(value), *WHY) for value in (20, 30, 40, 50)]
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, out + err
    before = "60"
    for change in changes("SESSION_TIMEOUT_MINUTES"):
        assert change.old_value == before
        before = change.value
    assert stored("SESSION_TIMEOUT_MINUTES") == before
    assert len(changes("SESSION_TIMEOUT_MINUTES")) == 4


def test_two_at_once_give_a_school_one_value(committed_db: str) -> None:
    make_school(code="S1")
    arguments = ("set", "SESSION_TIMEOUT_MINUTES", "--school", "S1", *WHY)
    processes = [start(*arguments, str(value)) for value in (20, 30)]
    assert [finish(process)[0] for process in processes] == [0, 0]
    chain = list(changes("SESSION_TIMEOUT_MINUTES"))
    assert len(chain) == 2
    assert [change.old_value for change in chain] == [None, *(change.value for change in chain)][:-1]


def finish(process: "subprocess.Popen[str]") -> tuple[int, str]:
    _, err = process.communicate(timeout=120)
    return process.returncode, err


def test_the_process_that_changed_a_setting_by_call_command_reads_it_at_once(committed_db: str, call: Call) -> None:
    from configuration import config

    assert config.get("MAX_LOGIN_ATTEMPTS") == 5
    call("set", "MAX_LOGIN_ATTEMPTS", "3", *WHY)
    assert config.get("MAX_LOGIN_ATTEMPTS") == 3
    assert connection.in_atomic_block is False
