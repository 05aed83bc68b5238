"""The list of settings: a line a key, by category, with what holds and where it comes from."""

import re
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from configuration.models import SystemConfiguration
from configuration.parameters import DECLARED
from tests.admin.conftest import SignIn
from tests.admin.settings import LIST, make_admin, make_setting, stored
from tests.factories import make_district, make_school


@pytest.fixture
def client(db: None, sign_in: SignIn) -> Client:
    """An administrator's browser."""
    return sign_in(make_admin())


def words(response: Any) -> str:
    """The text of a page."""
    assert response.status_code == 200, response.status_code
    main = response.content.decode().split("<main", 1)[-1].split("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", main)).split())


def keys(response: Any) -> list[str]:
    """The keys on a page of the list."""
    return [line.key for line in response.context["cl"].result_list]


def test_each_key_has_one_line_under_its_category(client: Client) -> None:
    make_setting("SESSION_TIMEOUT_MINUTES", "30", scope="SCHOOL", scope_id=make_school().pk, value_type="NUMBER")
    page = client.get(LIST)
    shown = keys(page)
    assert len(shown) == len(set(shown))
    assert set(shown) == {*DECLARED, *SystemConfiguration.objects.values_list("key", flat=True)}
    groups = dict(page.context["cl"].groups)
    assert "MAX_LOGIN_ATTEMPTS" in [line.key for line in groups["Security"]]
    text = words(page)
    assert text.index("General") < text.index("Security") < text.index("Notification")
    assert "Session timeout (minutes) SESSION_TIMEOUT_MINUTES 60 as by default 1 school" in text
    assert "Maintenance mode MAINTENANCE_MODE Off as by default" in text


def test_a_declared_key_that_is_not_stored_can_be_set(client: Client) -> None:
    page = client.get(LIST, {"q": "API_REQUESTS_PER_MINUTE"})
    assert "600 default, not set" in words(page)
    assert "Set a value" in words(page)
    assert f'href="{LIST}add/?key=API_REQUESTS_PER_MINUTE"' in page.content.decode()


def test_a_value_that_does_not_count_says_why(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE system_configurations SET "minValue" = NULL, "maxValue" = NULL, "validationRules" = '{}',
               value = '5000' WHERE key = 'MAX_LOGIN_ATTEMPTS'"""
        )
    text = words(client.get(LIST, {"q": "MAX_LOGIN"}))
    assert "5 default Stored, but does not count: 5000 ( is more than 1000" in text.replace("(is", "( is")
    assert keys(client.get(LIST, {"problems": "yes"})) == ["MAX_LOGIN_ATTEMPTS"]


@pytest.mark.parametrize("value", ["true", "false"])
def test_booleans_are_on_or_off_and_colours_have_a_swatch(client: Client, value: str) -> None:
    make_setting("CLINIC_OPEN", value, value_type="BOOLEAN")
    make_setting("CLINIC_COLOR", "#1F6FEB", value_type="COLOR")
    assert f"CLINIC_OPEN Custom {'On' if value == 'true' else 'Off'} set" in words(client.get(LIST, {"q": "clinic"}))
    assert 'fill="#1F6FEB"' in client.get(LIST).content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("max_login", {"MAX_LOGIN_ATTEMPTS"}),
        ("Sign-in ATTEMPTS", {"MAX_LOGIN_ATTEMPTS"}),
        ("idle nobody knows", set()),
        ("wrong passwords", {"MAX_LOGIN_ATTEMPTS", "LOCKOUT_DURATION_MINUTES"}),
        ("how large an uploaded", {"MAX_FILE_UPLOAD_SIZE_MB"}),
    ],
)
def test_the_search_looks_at_key_name_and_description(client: Client, query: str, found: set[str]) -> None:
    assert set(keys(client.get(LIST, {"q": query}))) == found


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ({"category": "UI"}, {"CLINIC"}),
        ({"tag": "door"}, {"CLINIC"}),
        ({"scope": "SCHOOL"}, {"SUPPORT"}),
        ({"active": "no"}, {"CLINIC"}),
        ({"restart": "yes"}, {"CLINIC"}),
        ({"readonly": "yes"}, {"FIXED"}),
        ({"changed": "yes", "q": "FIXED"}, {"FIXED"}),
        ({"category": "UI", "tag": "none"}, set()),
    ],
)
def test_filters_narrow_the_list(client: Client, query: dict[str, str], matches: set[str]) -> None:
    make_setting("CLINIC", category="UI", tags=["door"], is_active=False, requires_restart=True)
    make_setting("SUPPORT", scope="SCHOOL", scope_id=make_school().pk)
    make_setting("FIXED", is_editable=False)
    assert set(keys(client.get(LIST, query))) == matches


def test_changed_from_default_is_what_differs_or_has_overrides(client: Client) -> None:
    assert keys(client.get(LIST, {"changed": "yes"})) == []
    SystemConfiguration.objects.filter(key="MAX_LOGIN_ATTEMPTS").update(value="4")
    make_setting("MAINTENANCE_MODE_NOTE")
    make_setting("PASSWORD_MIN_LENGTH", "20", scope="DISTRICT", scope_id=make_district().pk, value_type="NUMBER")
    changed = keys(client.get(LIST, {"changed": "yes"}))
    assert changed == ["MAINTENANCE_MODE_NOTE", "MAX_LOGIN_ATTEMPTS", "PASSWORD_MIN_LENGTH"]
    assert "MAX_LOGIN_ATTEMPTS" not in keys(client.get(LIST, {"changed": "no"}))


def test_secrets_are_masked_and_read_only_ones_offer_no_change(client: Client) -> None:
    make_setting("SMS_TOKEN", "abcd-1234", tags=["secret"], default_value="efgh-5678")
    make_setting("SMS_TOKEN", "ijkl-9012", scope="SCHOOL", scope_id=make_school().pk)
    make_setting("FIXED", is_editable=False)
    page = client.get(LIST)
    assert not re.search("abcd|efgh|ijkl", page.content.decode())
    assert "SMS_TOKEN Secret Custom •••••• set" in words(page)
    assert 'aria-label="Change FIXED"' not in page.content.decode()


def test_a_key_with_overrides_alone_is_listed(client: Client) -> None:
    make_setting("ONLY_HERE", "x", scope="SCHOOL", scope_id=make_school().pk)
    assert "ONLY_HERE Custom no value 1 school" in words(client.get(LIST, {"q": "ONLY_HERE"}))


def test_the_list_takes_as_many_queries_for_many_settings_as_for_few(client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(LIST).status_code == 200
        return len(captured)

    few = queries()
    for number in range(30):
        make_setting(f"MANY_{number}")
        make_setting(f"MANY_{number}", "off", scope="SCHOOL", scope_id=make_school().pk)
    assert queries() == few <= 5


def test_settings_cannot_be_deleted_in_bulk(client: Client) -> None:
    setting = stored("MAX_LOGIN_ATTEMPTS")
    sent = {"action": "delete_selected", "_selected_action": [str(setting.pk)], "post": "yes"}
    client.post(LIST, sent)
    assert SystemConfiguration.objects.filter(pk=setting.pk).exists()


def test_what_waits_for_a_restart_is_said(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("configuration.live.LiveConfiguration.pending_restart", lambda self: ["SYSTEM_NAME"])
    assert "Waiting for a restart: SYSTEM_NAME." in words(client.get(LIST))
    page = client.get(f"{LIST}{stored('SYSTEM_NAME').pk}/change/")
    assert "waits for a restart" in words(page)
