"""The form of a secret, of a setting that is read-only, of a place's value, and of a new one."""

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from configuration.models import ConfigurationHistory, SystemConfiguration
from tests.admin.of_settings.pages import box
from tests.admin.pages import errors_on, form_on
from tests.admin.settings import LIST, confirmed, make_setting, page_of, save, stored
from tests.admin.test_settings_list import words
from tests.factories import make_district, make_school, make_user


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
