"""The form of a setting: its box, its reason, the question before a change of security."""

import threading
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client

from configuration import config
from configuration.admin.lines import line_of
from core.models import User
from tests.admin.conftest import SignIn
from tests.admin.of_settings.pages import box
from tests.admin.pages import address, errors_on, form_on
from tests.admin.settings import SETTING, confirmed, make_admin, make_setting, page_of, save, stored
from tests.admin.test_settings_list import words
from tests.factories import make_school


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (
            {"value_type": "NUMBER", "value": "5", "min_value": 1, "validation_rules": {"max": 9, "integer": True}},
            ['type="number"', 'min="1"', 'max="9"', 'step="1"', 'value="5"'],
        ),
        ({"value_type": "NUMBER", "value": "0.5"}, ['type="number"', 'step="any"']),
        ({"value_type": "BOOLEAN", "value": "true"}, ['type="checkbox"', 'role="switch"', "checked"]),
        ({"value_type": "ENUM", "value": "b", "valid_values": ["a", "b"]}, ["<select", '<option value="b" selected']),
        ({"value_type": "STRING", "value": "b", "valid_values": ["a", "b"]}, ["<select"]),
        ({"value_type": "DATE", "value": "2026-08-31"}, ['type="date"', 'value="2026-08-31"']),
        ({"value_type": "TIME", "value": "14:30"}, ['type="time"', 'value="14:30"']),
        ({"value_type": "TIME", "value": "14:30:00.123456"}, ['type="text"', 'value="14:30:00.123456"']),
        (
            {"value_type": "DATETIME", "value": "2026-08-31T14:30:00+02:00"},
            ['type="datetime-local"', 'value="2026-08-31T12:30:00"'],
        ),
        (
            {"value_type": "DATETIME", "value": "0001-01-01T00:00:00+14:00"},
            ['type="text"', "0001-01-01T00:00:00+14:00"],
        ),
        ({"value_type": "COLOR", "value": "#1F6FEB"}, ['type="color"', 'value="#1F6FEB"']),
        ({"value_type": "EMAIL", "value": "a@example.org"}, ['type="email"']),
        ({"value_type": "URL", "value": "https://example.org"}, ['type="url"']),
        ({"value_type": "JSON", "value": '{"a": 1}'}, ["<textarea", "wc-code"]),
        ({"value_type": "ARRAY", "value": "[1, 2]"}, ["<textarea", "wc-code"]),
        ({"value_type": "STRING", "value": "x", "validation_rules": {"maxLength": 7}}, ["<textarea", 'maxlength="7"']),
        ({"value_type": "STRING", "value": "2026-08-31", "validation_rules": {"format": "date"}}, ['type="date"']),
    ],
    ids=str,
)
def test_each_type_has_its_box(client: Client, facts: dict[str, Any], says: list[str]) -> None:
    tag = box(client, make_setting(**facts))
    for text in says:
        assert text in tag, tag


def test_the_help_says_default_and_rules_in_words(client: Client) -> None:
    text = words(client.get(page_of(stored("MAX_LOGIN_ATTEMPTS"))))
    assert "How many wrong passwords in a row lock an account. A whole number from 1 to 10. Default: 5." in text
    rules = {"minLength": 2, "maxLength": 9, "pattern": "^a<b>"}
    page = client.get(page_of(make_setting(value="a<b>", validation_rules=rules)))
    assert "2 to 9 characters. Matches the pattern ^a<b>" in words(page).replace("&lt;", "<").replace("&gt;", ">")


@pytest.mark.parametrize(
    ("value_type", "value", "told"),
    [
        ("JSON", '{"a": 1,\n "b" 2}', "line 2, column 6"),
        ("JSON", "[" * 100_000, "nested too deep"),
        ("JSON", "NaN", "is not JSON"),
        ("ARRAY", '{"a": 1}', "An array stands in brackets"),
        ("NUMBER", "1e999", "too large"),
        ("NUMBER", "five", "is not a number"),
        ("DATE", "2026-02-30", "is not a date"),
        ("DATETIME", "tomorrow", "There is no such time"),
        ("DATETIME", "9999-12-31T23:59+99:99", "There is no such time"),
        ("DATETIME", "2026-02-30T12:00:00Z", "is not a time of a day"),
        ("EMAIL", "nobody", "is not an email address"),
        ("URL", "javascript:alert(1)", "is not a URL"),
        ("COLOR", "red", "is not a colour"),
        ("STRING", "a\x00b", "Null characters"),
        ("STRING", "x" * 100_001, "at most 100000 characters"),
        ("STRING", "", "A setting needs a value."),
    ],
    ids=lambda value: value[:20],
)
def test_a_value_that_is_none_gets_a_sentence(client: Client, value_type: str, value: str, told: str) -> None:
    fits = {"JSON": "1", "ARRAY": "[]", "NUMBER": "1", "DATE": "2026-01-01", "DATETIME": "2026-01-01T00:00:00Z"}
    fits |= {"EMAIL": "a@example.org", "URL": "https://example.org", "COLOR": "#000000", "STRING": "x"}
    setting = make_setting(value=fits[value_type], value_type=value_type)
    response = save(client, page_of(setting), value=value)
    assert told in errors_on(response)
    assert stored("CLINIC").value == fits[value_type]


@pytest.mark.parametrize(
    "rules", ['{"min": 1e400}', '{"pattern": "\\u0000"}', '{"pattern": "("}', '{"most": 3}', "[1]", "{"]
)
def test_rules_that_are_none_get_a_sentence(client: Client, rules: str) -> None:
    setting = make_setting()
    assert errors_on(save(client, page_of(setting), validation_rules=rules))
    assert stored("CLINIC").validation_rules == {}


def test_a_time_is_written_and_read_in_the_sites_zone(client: Client, settings: Any) -> None:
    settings.TIME_ZONE = "America/Chicago"
    setting = make_setting(value="2026-08-31T14:30:00Z", value_type="DATETIME")
    assert form_on(client, page_of(setting))["value"] == "2026-08-31T09:30:00"
    assert "Time in America/Chicago." in words(client.get(page_of(setting)))
    assert save(client, page_of(setting), value="2026-12-01T08:00").status_code == 302
    assert stored("CLINIC").value == "2026-12-01T08:00:00-06:00"


def test_a_change_needs_a_reason_and_keeps_who_and_from_where(client: Client, admin: User) -> None:
    setting = stored("MAINTENANCE_MODE")
    url = page_of(setting)
    assert "Say why" in errors_on(save(client, url, reason="  ", value="on"))
    assert stored("MAINTENANCE_MODE").value == "false"
    sent = {**form_on(client, url), "value": "on", "reason": "Move of the server"}
    headers = {"REMOTE_ADDR": "192.0.2.7", "HTTP_USER_AGENT": "Browser 1"}
    assert client.post(url, sent, **headers).status_code == 302  # type: ignore[arg-type]
    change = setting.history.latest()
    assert (change.old_value, change.value) == ("false", "true")
    assert (change.history_user_id, change.changed_by_name) == (admin.pk, "Ann Abbott")
    assert change.history_change_reason == "Move of the server"
    assert (change.ip_address, change.user_agent, change.database_role) == ("192.0.2.7", "Browser 1", None)
    assert stored("MAINTENANCE_MODE").last_modified_by == admin


def test_saving_without_a_change_needs_no_reason_and_writes_nothing(client: Client) -> None:
    setting = make_setting(
        value='{"b":1,"a":[1.50,"x"],"long":"...................................."}', value_type="JSON"
    )
    assert save(client, page_of(setting), reason="").status_code == 302
    assert stored("CLINIC").value == setting.value
    assert setting.history.count() == 1
    assert not LogEntry.objects.exists()


def test_a_security_setting_asks_and_changes_nothing_until_it_is_told_yes(client: Client) -> None:
    setting = stored("MAX_LOGIN_ATTEMPTS")
    make_setting("MAX_LOGIN_ATTEMPTS", "3", scope="SCHOOL", scope_id=make_school().pk, value_type="NUMBER")
    asked = save(client, page_of(setting), value="7", reason="Fewer calls")
    text = words(asked)
    assert "is a security setting. Nothing is saved yet." in text
    assert "Value 5 7" in text
    assert "Everybody, but for the 1 with a value of their own." in text
    assert "Fewer calls" in text
    assert (stored("MAX_LOGIN_ATTEMPTS").value, setting.history.count()) == ("5", 0)
    assert client.post(page_of(setting), confirmed(asked)).status_code == 302
    assert (stored("MAX_LOGIN_ATTEMPTS").value, setting.history.latest().history_change_reason) == ("7", "Fewer calls")


@pytest.mark.parametrize(
    "slipped",
    [{"value": "9"}, {"reason": "Another"}, {"is_active": ""}, {"_confirmed": "yes"}, {"category": "GENERAL"}],
)
def test_a_yes_holds_for_the_change_that_was_shown_alone(client: Client, slipped: dict[str, str]) -> None:
    setting = stored("MAX_LOGIN_ATTEMPTS")
    asked = save(client, page_of(setting), value="7", reason="Fewer calls")
    again = client.post(page_of(setting), {**confirmed(asked), **slipped})
    assert "What was sent is not what was shown before." in words(again)
    assert (stored("MAX_LOGIN_ATTEMPTS").value, setting.history.count()) == ("5", 0)
    assert client.post(page_of(setting), confirmed(again)).status_code == 302


def test_another_persons_yes_is_none(client: Client, sign_in: SignIn) -> None:
    setting = stored("MAX_LOGIN_ATTEMPTS")
    asked = save(client, page_of(setting), value="7")
    assert "Nothing is saved yet" in words(sign_in(make_admin()).post(page_of(setting), confirmed(asked)))
    assert stored("MAX_LOGIN_ATTEMPTS").value == "5"


@pytest.mark.parametrize("page", ["change", "delete"])
def test_a_places_value_is_confirmed_where_the_systems_is(client: Client, page: str) -> None:
    row = make_setting("MAX_LOGIN_ATTEMPTS", "3", scope="SCHOOL", scope_id=make_school().pk, value_type="NUMBER")
    assert row.category == "GENERAL"
    if page == "change":
        assert "Nothing is saved yet" in words(save(client, page_of(row), value="4"))
    else:
        assert "Yes, change this security setting" in words(client.get(address(SETTING, "delete", row.pk)))


def test_a_security_setting_that_was_deleted_is_one_when_it_is_set_anew(client: Client) -> None:
    stored("PASSWORD_MIN_LENGTH").delete()
    line = line_of("PASSWORD_MIN_LENGTH")
    assert line.category == "SECURITY"
    asked = save(client, line.url, value="8")
    assert "Nothing is saved yet" in words(asked)
    client.post(line.url, confirmed(asked))
    assert stored("PASSWORD_MIN_LENGTH").category == "SECURITY"


@pytest.mark.parametrize("category", [("SECURITY", "GENERAL"), ("GENERAL", "SECURITY")])
def test_into_and_out_of_security_asks_as_well(client: Client, category: tuple[str, str]) -> None:
    setting = make_setting(category=category[0])
    assert "Nothing is saved yet" in words(save(client, page_of(setting), category=category[1]))
    assert stored("CLINIC").category == category[0]


def test_what_is_refused_is_not_asked_about(client: Client) -> None:
    assert "maximum" in errors_on(save(client, page_of(stored("MAX_LOGIN_ATTEMPTS")), value="70"))


def test_another_change_between_the_question_and_the_yes_is_told(client: Client, sign_in: SignIn) -> None:
    setting = stored("MAX_LOGIN_ATTEMPTS")
    asked = save(client, page_of(setting), value="7")
    other = sign_in(make_admin())
    assert other.post(page_of(setting), confirmed(save(other, page_of(setting), value="6"))).status_code == 302
    told = client.post(page_of(setting), confirmed(asked))
    assert "Somebody changed this record" in errors_on(told)
    assert stored("MAX_LOGIN_ATTEMPTS").value == "6"
    # What she typed is still there, beside what holds now.
    assert 'value="7"' in told.content.decode()
    assert "What holds now 6 set for everybody: holds" in words(told)


def test_two_who_save_at_once_in_threads_lose_nothing(committed_db: str, sign_in: SignIn) -> None:
    setting = stored("SYSTEM_NAME")
    clients = [sign_in(make_admin()) for _ in range(4)]
    forms = [form_on(client, page_of(setting)) for client in clients]
    start, codes = threading.Barrier(4), []

    def post(number: int) -> None:
        try:
            start.wait()
            sent = {**forms[number], "value": f"Name {number}", "reason": "Mine"}
            codes.append((clients[number].post(page_of(setting), sent).status_code, number))
        finally:
            connection.close()

    threads = [threading.Thread(target=post, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [winner] = [number for code, number in codes if code == 302]
    assert sorted(code for code, _ in codes) == [200, 200, 200, 302]
    assert stored("SYSTEM_NAME").value == f"Name {winner}"
    assert setting.history.count() == 1


def test_a_saved_value_holds_for_the_next_request(committed_db: str, sign_in: SignIn) -> None:
    client = sign_in(make_admin())
    assert config.get("SYSTEM_NAME") == "White Cross Healthcare Platform"
    assert save(client, page_of(stored("SYSTEM_NAME")), value="Cedar Clinics").status_code == 302
    assert config.get("SYSTEM_NAME") == "Cedar Clinics"
