"""Restoring a version, and deleting a setting."""

import json
import re
import threading
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client

from configuration.admin.excerpts import apart
from configuration.changing import changing
from configuration.models import ConfigurationHistory, SystemConfiguration
from core.models import User
from tests.admin.conftest import SignIn
from tests.admin.of_settings.pages import CHANGES, write
from tests.admin.pages import address, form_on
from tests.admin.settings import (
    CHANGE,
    LIST,
    SETTING,
    hidden_fields,
    key_history,
    make_admin,
    make_setting,
    page_of,
    restore_page,
    stored,
)
from tests.admin.test_settings_list import words
from tests.factories import make_school


def deed(client: Client, url: str, **more: str) -> Any:
    """Send the form of a page on which something is confirmed."""
    return client.post(url, {**hidden_fields(client.get(url)), "reason": "Back", **more})


def test_any_version_is_restored_as_a_new_change(client: Client, admin: User) -> None:
    setting = make_setting(value="1", display_name="One")
    first = setting.history.get()
    write("CLINIC", value="2", display_name="Two")
    page = client.get(key_history("CLINIC")).content.decode()
    assert f'href="{restore_page(first)}"' in page
    text = words(client.get(restore_page(first)))
    assert "Value 2 1" in text
    assert "Display name Two One" in text
    assert "Say why" in words(deed(client, restore_page(first), reason=" "))
    assert stored("CLINIC").value == "2"
    assert deed(client, restore_page(first)).status_code == 302
    row = stored("CLINIC")
    assert (row.value, row.display_name) == ("1", "One")
    change = setting.history.latest()
    assert (change.history_change_reason, change.history_user_id, change.old_value) == ("Back", admin.pk, "2")
    assert [entry.change_message for entry in LogEntry.objects.all()] == ["Restored."]
    assert "nothing would change" in words(client.get(restore_page(first)))


def test_what_was_before_the_first_recorded_change_is_restored(client: Client) -> None:
    first = write("SYSTEM_NAME", value="Ours")
    write("SYSTEM_NAME", value="Theirs")
    page = client.get(key_history("SYSTEM_NAME")).content.decode()
    assert page.count("?before=1") == 1
    assert f'href="{restore_page(first, before=True)}"' in page
    assert deed(client, restore_page(first, before=True)).status_code == 302
    assert stored("SYSTEM_NAME").value == "White Cross Healthcare Platform"


def test_before_a_setting_was_made_there_was_none(client: Client) -> None:
    made = make_setting().history.get()
    assert "the stored one is removed" in words(client.get(restore_page(made, before=True)))
    assert deed(client, restore_page(made, before=True)).status_code == 302
    assert not SystemConfiguration.objects.filter(key="CLINIC").exists()


def test_a_deleted_setting_is_found_and_restored(client: Client) -> None:
    setting = make_setting(value="kept", tags=["door"])
    pk = setting.pk
    setting.delete()
    assert "CLINIC" not in words(client.get(LIST))
    gone = ConfigurationHistory.objects.get(id=pk, history_type="-")
    assert address(CHANGE, "change", gone.pk) in client.get(CHANGES).content.decode()
    for url in (address(SETTING, "history", pk), key_history("CLINIC"), address(CHANGE, "history", gone.pk)):
        page = client.get(url)
        assert "Restore what was deleted" in words(page)
        assert "It is deleted" in words(page)
    assert deed(client, restore_page(gone)).status_code == 302
    row = stored("CLINIC")
    assert (row.pk, row.value, row.tags) == (pk, "kept", ["door"])


def test_restoring_a_security_setting_needs_a_yes(client: Client) -> None:
    change = write("MAX_LOGIN_ATTEMPTS", value="3")
    write("MAX_LOGIN_ATTEMPTS", value="4")
    assert "confirm that you mean it" in words(deed(client, restore_page(change)))
    assert stored("MAX_LOGIN_ATTEMPTS").value == "4"
    assert deed(client, restore_page(change), confirmed="on").status_code == 302
    assert stored("MAX_LOGIN_ATTEMPTS").value == "3"


def test_restoring_into_security_needs_a_yes_too(client: Client) -> None:
    change = make_setting(category="SECURITY").history.get()
    write("CLINIC", category="GENERAL")
    assert "confirm that you mean it" in words(deed(client, restore_page(change)))


@pytest.mark.parametrize("meanwhile", ["changed", "deleted", "made again"])
def test_who_restores_is_told_of_what_happened_meanwhile(client: Client, meanwhile: str) -> None:
    setting = make_setting(value="1")
    first = setting.history.get()
    write("CLINIC", value="2")
    if meanwhile == "made again":
        setting.delete()
    sent = {**hidden_fields(client.get(restore_page(first))), "reason": "Back"}
    if meanwhile == "changed":
        write("CLINIC", value="3")
    elif meanwhile == "deleted":
        setting.delete()
    else:
        make_setting(value="3")
    count = ConfigurationHistory.objects.count()
    assert "Somebody has changed CLINIC meanwhile. Nothing was restored" in words(
        client.post(restore_page(first), sent)
    )
    assert ConfigurationHistory.objects.count() == count


def test_a_version_that_the_rules_of_today_refuse_is_refused_in_words(client: Client) -> None:
    place = make_school()
    own = make_setting("SESSION_TIMEOUT_MINUTES", "20", scope="SCHOOL", scope_id=place.pk, value_type="NUMBER")
    gone = own.history.get()
    own.delete()
    with changing(reason="x"):
        SystemConfiguration.objects.filter(key="SESSION_TIMEOUT_MINUTES").update(min_value=30)
    assert "less than the minimum" in words(deed(client, restore_page(gone), confirmed="on"))
    write("SESSION_TIMEOUT_MINUTES", min_value=1)
    place.delete()
    assert "there is no school" in words(deed(client, restore_page(gone), confirmed="on"))


def test_read_only_settings_are_not_restored(client: Client) -> None:
    first = make_setting(value="1").history.get()
    write("CLINIC", value="2")
    write("CLINIC", is_editable=False)
    assert "Restore this version" not in client.get(key_history("CLINIC")).content.decode()
    sent = {"version": "x", "reason": "x"}
    assert "CLINIC" in words(client.post(restore_page(first), sent))
    assert stored("CLINIC").value == "2"


def test_two_who_restore_at_once_in_threads(committed_db: str, sign_in: SignIn) -> None:
    setting = make_setting(value="1")
    first = setting.history.get()
    write("CLINIC", value="2")
    clients = [sign_in(make_admin()) for _ in range(3)]
    forms = [{**hidden_fields(client.get(restore_page(first))), "reason": "Back"} for client in clients]
    start, codes = threading.Barrier(3), []

    def post(number: int) -> None:
        try:
            start.wait()
            codes.append(clients[number].post(restore_page(first), forms[number]).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=post, args=[number]) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [200, 200, 302]
    assert setting.history.count() == 3


def test_deleting_says_what_holds_then_and_needs_a_reason(client: Client) -> None:
    setting = stored("SYSTEM_NAME")
    write("SYSTEM_NAME", value="Ours")
    url = address(SETTING, "delete", setting.pk)
    text = words(client.get(url))
    assert "Value now Ours" in text
    assert "What holds then White Cross Healthcare Platform (default)" in text
    assert "Say why" in words(deed(client, url, reason=""))
    assert deed(client, url).status_code == 302
    change = ConfigurationHistory.objects.filter(key="SYSTEM_NAME").latest()
    assert (change.history_type, change.history_change_reason) == ("-", "Back")
    assert "default, not set" in words(client.get(LIST, {"q": "SYSTEM_NAME"}))


def test_a_post_without_the_page_deletes_nothing(client: Client) -> None:
    setting = make_setting()
    url = address(SETTING, "delete", setting.pk)
    assert client.post(url, {"post": "yes"}).status_code == 200
    assert client.post(url, {"reason": "x", "version": ""}).status_code == 200
    assert SystemConfiguration.objects.filter(pk=setting.pk).exists()


def test_who_deletes_is_told_of_a_change_meanwhile(client: Client) -> None:
    setting = make_setting()
    url = address(SETTING, "delete", setting.pk)
    sent = {**hidden_fields(client.get(url)), "reason": "x"}
    write("CLINIC", value="new")
    told = client.post(url, sent)
    assert "Somebody has changed CLINIC meanwhile. Nothing was deleted" in words(told)
    assert "Value now new" in words(told)
    assert stored("CLINIC").value == "new"


def test_deleting_a_security_setting_needs_a_yes(client: Client) -> None:
    own = make_setting("MAX_LOGIN_ATTEMPTS", "3", scope="SCHOOL", scope_id=make_school().pk, category="SECURITY",
                       value_type="NUMBER")  # fmt: skip
    url = address(SETTING, "delete", own.pk)
    assert "confirm that you mean it" in words(deed(client, url))
    assert deed(client, url, confirmed="on")["Location"] == page_of(stored("MAX_LOGIN_ATTEMPTS"))
    assert not SystemConfiguration.objects.filter(pk=own.pk).exists()


def test_the_admins_log_holds_no_value(client: Client) -> None:
    setting = make_setting(value="abcd-1")
    client.post(page_of(setting), {**form_on(client, page_of(setting)), "value": "abcd-2", "reason": "abcd-3"})
    deed(client, restore_page(setting.history.earliest()))
    deed(client, address(SETTING, "delete", setting.pk))
    entries = list(LogEntry.objects.all())
    assert len(entries) == 3
    assert not any(re.search("abcd", f"{entry.object_repr}{entry.change_message}") for entry in entries)


def test_a_change_deep_within_a_long_value_is_seen(client: Client) -> None:
    numbers = {f"row {number:03}": {"a": number} for number in range(300)}
    make_setting("CLINICS", json.dumps(numbers), value_type="JSON")
    write("CLINICS", value=json.dumps({**numbers, "row 150": {"a": 987654}}))
    write("CLINICS", value=json.dumps({**numbers, "row 150": {"a": 987654}, "row 299": {"a": 123456}}))
    html = client.get(key_history("CLINICS")).content.decode()
    for seen in ("987654", "123456", "lines as they were"):
        assert seen in html
    assert "row 075" not in html.split("Created")[0]
    page = words(client.get(restore_page(ConfigurationHistory.objects.filter(key="CLINICS").latest(), before=True)))
    assert "123456" in page
    assert '"a": 299' in page
    assert "another long text" in words(client.get(CHANGES))


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        ("w" * 3000, "w" * 1500 + "X" + "w" * 1500, "X"),
        ("\n".join(map(str, range(400))), "\n".join(map(str, [*range(200), "X", *range(200, 400)])), "X"),
        ("\n".join(["same"] * 9000), "\n".join(["same"] * 5000 + ["X"] + ["same"] * 3999), "X"),
        ("a" * 300 + "\n" + "b" * 300, "a" * 300 + "\n" + "b" * 299 + "X", "X"),
    ],
    ids=["within a line", "a line more", "many equal lines", "the last character"],
)
def test_what_differs_of_long_texts_is_shown_with_a_little_around_it(old: str, new: str, seen: str) -> None:
    before, after = apart(old, new)
    assert any(differs and seen in line for line, differs in after)
    assert not any(seen in line for line, _ in before)
    assert not any(seen in line for line, differs in after if not differs)
    assert sum(len(line) for line, _ in before) <= 400


def test_texts_that_differ_everywhere_are_told_to_a_length() -> None:
    before, after = apart("\n".join(["a"] * 5000), "\n".join(["b"] * 4000))
    assert (before[-1], after[-1]) == (("… and 4800 lines more", False), ("… and 3800 lines more", False))
