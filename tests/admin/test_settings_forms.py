"""The forms of settings: the right box for each type, a reason, a yes for security settings, nothing lost."""

import re
import threading
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from configuration import config
from configuration.admin.lines import line_of
from configuration.models import ConfigurationHistory, SystemConfiguration
from core.models import User
from tests.admin.conftest import SignIn
from tests.admin.pages import address, errors_on, form_on
from tests.admin.settings import LIST, SETTING, confirmed, make_admin, make_setting, page_of, save, stored
from tests.admin.test_settings_list import words
from tests.factories import make_district, make_school, make_user


@pytest.fixture
def admin(db: None) -> User:
    """An administrator."""
    return make_admin()


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    """Her browser."""
    return sign_in(admin)


def box(client: Client, setting: Any, name: str = "value") -> str:
    """The tag of a box on a setting's page, with what is in it."""
    html = client.get(page_of(setting)).content.decode()
    found = re.search(rf'<input[^>]*name="{name}"[^>]*>', html) or re.search(
        rf'<(textarea|select)[^>]*name="{name}".*?</\1>', html, re.DOTALL
    )
    assert found, name
    return found[0]


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


# Secrets


def test_a_secret_is_never_shown_and_an_empty_box_keeps_it(client: Client) -> None:
    setting = make_setting(value="abcd-1234", tags=["secret"], default_value="efgh-5678")
    url = page_of(setting)
    page = client.get(url).content.decode()
    assert not re.search("abcd|efgh", page)
    assert 'type="password"' in box(client, setting)
    assert save(client, url, reason="", value="").status_code == 302
    assert setting.history.count() == 1
    refused = save(client, url, reason="", value="ijkl-9012")
    assert "Say why" in errors_on(refused)
    assert "ijkl" not in refused.content.decode()
    done = client.post(url, {**form_on(client, url), "value": "ijkl-9012", "reason": "New"}, follow=True)
    assert not re.search("abcd|ijkl", done.content.decode())
    changed = stored("CLINIC")
    assert (changed.value, changed.default_value) == ("ijkl-9012", "efgh-5678")
    assert not any(re.search("abcd|ijkl", f"{one.change_message} {one.object_repr}") for one in LogEntry.objects.all())


def test_taking_the_tag_away_does_not_show_the_secret(client: Client) -> None:
    setting = make_setting(value="abcd-1234", tags=["secret"])
    refused = save(client, page_of(setting), tags="")
    assert "give it a new value as well" in errors_on(refused)
    assert "abcd" not in refused.content.decode()
    assert save(client, page_of(setting), tags="", value="public").status_code == 302
    assert stored("CLINIC").value == "public"


def test_what_the_database_says_of_a_secret_holds_none_of_it(client: Client) -> None:
    setting = make_setting(value="12345", tags=["secret"], validation_rules={"minLength": 5})
    refused = save(client, page_of(setting), value="wxyz")
    assert "shorter" in errors_on(refused)
    assert "wxyz" not in refused.content.decode()


# Read-only


def test_a_read_only_setting_says_so_and_takes_nothing(client: Client) -> None:
    setting = make_setting("FIXED", is_editable=False)
    override = make_setting("FIXED", "off", scope="SCHOOL", scope_id=make_school().pk)
    for row in (setting, override):
        page = client.get(page_of(row))
        assert "This setting is read-only" in words(page)
        assert 'name="_save"' not in page.content.decode()
        assert client.post(page_of(row), {"value": "off", "reason": "x"}).status_code == 403
        assert client.post(page_of(row).replace("change", "delete"), {"reason": "x"}).status_code == 403
    assert client.get(f"{LIST}add/?key=FIXED&scope=DISTRICT").status_code == 403
    assert stored("FIXED").value == "on"


def test_a_read_only_secret_is_masked_too(client: Client) -> None:
    setting = make_setting("FIXED", "abcd-1234", is_editable=False, tags=["secret"], default_value="abcd-5678")
    assert "abcd" not in client.get(page_of(setting)).content.decode()


# Overrides


@pytest.mark.parametrize("scope", ["DISTRICT", "SCHOOL", "USER"])
def test_a_place_gets_a_value_of_its_own_by_its_name(client: Client, scope: str) -> None:
    made: Any = {"DISTRICT": make_district, "SCHOOL": make_school, "USER": make_user}[scope]
    place = made(**({"last_name": "Cedar"} if scope == "USER" else {"name": "Cedar"}))
    url = f"{LIST}add/?key=SESSION_TIMEOUT_MINUTES&scope={scope}"
    html = client.get(url).content.decode()
    asked = {name: re.search(f'data-{name}="([^"]+)"', html)[1] for name in ("app-label", "model-name", "field-name")}  # type: ignore[index]
    query = {name.replace("-", "_"): value for name, value in asked.items()}
    offered = client.get(reverse("admin:autocomplete"), {**query, "term": "Ceda"}).json()["results"]
    assert str(place.pk) in [one["id"] for one in offered]

    sent = {**form_on(client, url), "place": str(place.pk), "value": "120", "reason": "Exam week"}
    asked_page = client.post(url, sent)
    assert "Nothing is saved yet" in words(asked_page)
    assert "Cedar" in words(asked_page)
    response = client.post(url, confirmed(asked_page))
    assert response["Location"] == page_of(stored("SESSION_TIMEOUT_MINUTES"))
    row = stored("SESSION_TIMEOUT_MINUTES", scope)
    assert (row.scope_id, row.value, row.category, row.value_type) == (place.pk, "120", "SECURITY", "NUMBER")
    page = client.get(page_of(stored("SESSION_TIMEOUT_MINUTES")))
    assert "Cedar" in words(page)
    assert page_of(row) in page.content.decode()

    again = client.post(url, confirmed(asked_page))
    assert "has a value for this scope already" in errors_on(again)


def test_only_scopes_that_code_reads_are_offered(client: Client) -> None:
    page = client.get(page_of(stored("SYSTEM_NAME"))).content.decode()
    assert "Add for a" not in page
    assert "This setting has one value for everybody." in page
    assert "place" not in form_on(client, f"{LIST}add/?key=SYSTEM_NAME&scope=SCHOOL")
    custom = client.get(page_of(make_setting())).content.decode()
    assert custom.count("Add for a") == 3


def test_a_place_keeps_the_rules_of_the_system(client: Client) -> None:
    place = make_school()
    url = f"{LIST}add/?key=SESSION_TIMEOUT_MINUTES&scope=SCHOOL"
    sent = {**form_on(client, url), "place": str(place.pk), "value": "1", "reason": "x"}
    assert "less than the minimum" in errors_on(client.post(url, sent))
    SystemConfiguration.objects.filter(key="SESSION_TIMEOUT_MINUTES").update(value="60")
    row = make_setting("SESSION_TIMEOUT_MINUTES", "20", scope="SCHOOL", scope_id=place.pk, value_type="NUMBER")
    # The school's row has no rules; the database holds it to those of the system.
    refused = save(client, page_of(row), value="1")
    assert "less than the minimum" in errors_on(refused)


def test_a_rule_that_a_places_value_breaks_is_refused_in_words(client: Client) -> None:
    make_setting("SESSION_TIMEOUT_MINUTES", "20", scope="SCHOOL", scope_id=make_school().pk, value_type="NUMBER")
    refused = save(client, page_of(stored("SESSION_TIMEOUT_MINUTES")), min_value="30")
    assert "SESSION_TIMEOUT_MINUTES" in errors_on(refused)
    assert "minimum" in errors_on(refused)


@pytest.mark.parametrize("place", ["", "x", "\x00", "00000000-0000-0000-0000-000000000000"])
def test_a_place_that_is_none_is_refused(client: Client, place: str) -> None:
    url = f"{LIST}add/?key=CLINIC&scope=SCHOOL"
    make_setting()
    response = client.post(url, {**form_on(client, url), "place": place, "value": "x", "reason": "x"})
    assert "place" in response.context["adminform"].form.errors


def test_a_row_for_a_scope_that_nothing_reads_says_so_and_does_not_fail(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO system_configurations (key, scope, "scopeId", value)'
            " VALUES ('SYSTEM_NAME', 'SCHOOL', %s, 'X')",
            [make_school().pk],
        )
    row = stored("SYSTEM_NAME", "SCHOOL")
    assert "does not count: the code that reads it asks for no SCHOOL" in words(client.get(page_of(row)))
    assert "Nothing reads SYSTEM_NAME for a school" in errors_on(save(client, page_of(row), value="Y"))


# New settings


def test_a_declared_setting_is_stored_with_the_facts_of_its_declaration(client: Client) -> None:
    url = f"{LIST}add/?key=API_REQUESTS_PER_MINUTE"
    assert form_on(client, url)["value"] == "600"
    assert client.post(url, {**form_on(client, url), "value": "300", "reason": "Less"}).status_code == 302
    row = stored("API_REQUESTS_PER_MINUTE")
    assert (row.value, row.default_value, row.value_type, row.min_value) == ("300", "600", "NUMBER", 1)
    assert client.get(url)["Location"] == page_of(row)


def test_a_new_key_is_made_in_two_steps(client: Client) -> None:
    refused = client.post(f"{LIST}add/", {"key": "no good", "value_type": "x"})
    assert "Begin with a letter" in words(refused)
    assert "such a setting already" in words(client.post(f"{LIST}add/", {"key": "SYSTEM_NAME", "value_type": "STRING"}))
    step = client.post(f"{LIST}add/", {"key": "CLINIC_OPENS", "value_type": "TIME"})
    url = step["Location"]
    assert 'type="time"' in client.get(url).content.decode()
    assert client.post(url, {**form_on(client, url), "value": "08:00", "reason": "New"}).status_code == 302
    row = stored("CLINIC_OPENS")
    assert (row.value, row.value_type, row.tags) == ("08:00", "TIME", ["custom"])


def test_key_scope_and_type_stay_as_they_are(client: Client) -> None:
    setting = make_setting()
    sent = {"key": "OTHER", "scope": "SCHOOL", "value_type": "NUMBER", "is_editable": "", "display_name": "Door"}
    assert save(client, page_of(setting), **sent).status_code == 302
    row = stored("CLINIC")
    assert (row.pk, row.value_type, row.is_editable, row.display_name) == (setting.pk, "STRING", True, "Door")


def test_who_saves_what_was_deleted_meanwhile_is_told(client: Client) -> None:
    setting = make_setting()
    sent = {**form_on(client, page_of(setting)), "value": "x", "reason": "x"}
    setting.delete()
    response = client.post(page_of(setting), sent)
    assert response.status_code in (302, 403)
    assert not SystemConfiguration.objects.filter(key="CLINIC").exists()


def test_the_message_tells_of_a_restart(client: Client) -> None:
    setting = make_setting(requires_restart=True)
    url = page_of(setting)
    done = client.post(url, {**form_on(client, url), "value": "x", "reason": "x"}, follow=True)
    assert "CLINIC is saved. It takes effect after a restart." in words(done)


def test_nothing_is_written_when_the_question_is_asked_within_a_longer_transaction(client: Client) -> None:
    with transaction.atomic():
        save(client, page_of(stored("MAX_LOGIN_ATTEMPTS")), value="7")
    assert not ConfigurationHistory.objects.filter(key="MAX_LOGIN_ATTEMPTS").exists()
