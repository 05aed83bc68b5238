"""The history of settings on its pages, and the ways back: restoring and deleting, with a reason and a yes."""

import json
import re
import threading
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from configuration.admin.excerpts import apart
from configuration.changing import changing
from configuration.models import ConfigurationHistory, SystemConfiguration
from core.models import User
from tests.admin.conftest import SignIn
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

CHANGES = address(CHANGE, "changelist")


@pytest.fixture
def admin(db: None) -> User:
    """An administrator."""
    return make_admin()


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> Client:
    """Her browser."""
    return sign_in(admin)


def write(key: str, reason: str = "Because", user: Any = None, **facts: Any) -> Any:
    """Change a setting; the row of its history."""
    with changing(reason=reason, user=user):
        SystemConfiguration.objects.filter(key=key).update(**facts)
    return ConfigurationHistory.objects.filter(key=key).latest()


def deed(client: Client, url: str, **more: str) -> Any:
    """Send the form of a page on which something is confirmed."""
    return client.post(url, {**hidden_fields(client.get(url)), "reason": "Back", **more})


def history_of(setting: Any) -> str:
    return address(SETTING, "history", setting.pk)


# The pages


def test_a_change_is_told_in_words_and_only_what_differs(client: Client, admin: User) -> None:
    setting = make_setting(value="true", value_type="BOOLEAN")
    write("CLINIC", "Holidays", admin, value="false", tags=["door", "summer"], category="UI")
    for url in (history_of(setting), key_history("CLINIC"), address(CHANGE, "change", setting.history.latest().pk)):
        text = words(client.get(url))
        assert "Value On Off" in text
        assert "Category General User interface" in text
        assert "Tags none door, summer" in text
        assert "Why Holidays" in text
        assert "Who Ann Abbott" in text
        assert "UTC Changed for everybody" in text
        assert "Sort order" not in text
        assert "Updated at" not in text
        assert f'href="/admin/core/user/{admin.pk}/change/"' in client.get(url).content.decode()


def test_a_user_who_is_gone_keeps_her_name(client: Client) -> None:
    gone = make_admin(first_name="Zoë", last_name="Gone")
    make_setting()
    write("CLINIC", user=gone, value="off")
    User.objects.filter(pk=gone.pk).delete()
    page = client.get(key_history("CLINIC"))
    assert "Who Zoë Gone" in words(page)
    assert f"/admin/core/user/{gone.pk}/" not in page.content.decode()


def test_from_where_and_past_the_application_are_told(client: Client) -> None:
    setting = make_setting()
    sent = {**form_on(client, page_of(setting)), "value": "off", "reason": "x"}
    client.post(page_of(setting), sent, REMOTE_ADDR="192.0.2.7", HTTP_USER_AGENT="Browser <1>")
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('whitecross.change', '', true)")
        cursor.execute("UPDATE system_configurations SET value = 'sql' WHERE key = 'CLINIC'")
        cursor.execute("SELECT session_user")
        [role] = cursor.fetchone()
    text = words(client.get(key_history("CLINIC")))
    assert "From 192.0.2.7, Browser <1>" in text
    assert f"Written past the application by the database role {role}" in text
    assert f"database role {role} past the application" in words(client.get(CHANGES, {"who": "database"}))


def test_a_keys_history_has_all_scopes_and_a_settings_only_its_own(client: Client) -> None:
    school = make_school(name="Cedar Grove")
    everybody = make_setting(value="a")
    own = make_setting(value="b", scope="SCHOOL", scope_id=school.pk)
    whole, single = words(client.get(key_history("CLINIC"))), words(client.get(history_of(own)))
    assert "for everybody" in whole
    assert "for school Cedar Grove" in whole
    assert "Changes of the value for school Cedar Grove" in single
    assert "Value \N{EN DASH} a" not in single
    assert "Value \N{EN DASH} a" in words(client.get(history_of(everybody)))
    school.delete()
    assert "for a school that is gone" in words(client.get(key_history("CLINIC")))


def test_the_history_is_paged(client: Client) -> None:
    make_setting(value="0")
    for number in range(1, 31):
        write("CLINIC", value=str(number))
    first = client.get(key_history("CLINIC"))
    assert len(first.context["entries"]) == 25
    assert 'rel="next" class="font-medium text-primary-600 dark:text-primary-500" href="?key=CLINIC&amp;p=2"' in (
        first.content.decode()
    )
    second = client.get(key_history("CLINIC") + "&p=2")
    assert [entry.change.value for entry in second.context["entries"]] == ["5", "4", "3", "2", "1", "0"]
    assert client.get(key_history("CLINIC") + "&p=3").status_code == 404


def test_histories_take_as_many_queries_for_many_changes_as_for_few(client: Client) -> None:
    def queries(url: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    def change(number: int) -> None:
        place = make_school()
        make_setting(f"KEY_{number}", "1", scope="SCHOOL", scope_id=place.pk)
        make_setting("CLINIC", str(number), scope="SCHOOL", scope_id=place.pk)
        write("CLINIC", user=make_admin(), value=f"x{number}")

    change(0)
    urls = (key_history("CLINIC"), CHANGES, page_of(stored("SYSTEM_NAME")))
    few = [queries(url) for url in urls if queries(url)]
    for number in range(1, 15):
        change(number)
    assert [queries(url) for url in urls] == few
    assert max(few) <= 12


def test_the_list_of_changes_is_searched_and_filtered(client: Client, admin: User) -> None:
    make_setting("CLINIC", reason="Opening day")
    make_setting("OTHER", scope="SCHOOL", scope_id=make_school().pk)
    write("OTHER", user=admin, value="z")

    def found(**query: str) -> list[tuple[str, str]]:
        return [(entry.change.key, entry.kind) for entry in client.get(CHANGES, query).context["cl"].entries]

    assert found(q="clin") == [("CLINIC", "Created")]
    assert found(q="opening") == [("CLINIC", "Created")]
    assert found(q="Abbott") == [("OTHER", "Changed")]
    assert found(who=str(admin.pk)) == [("OTHER", "Changed")]
    assert found(key="OTHER") == [("OTHER", "Changed"), ("OTHER", "Created")]
    assert found(scope__exact="SYSTEM") == [("CLINIC", "Created")]
    assert len(found(period="today")) == 3
    assert "on → z" in words(client.get(CHANGES))


def test_nobody_changes_the_history(client: Client) -> None:
    change = make_setting().history.get()
    assert client.get(address(CHANGE, "add")).status_code == 403
    assert client.post(address(CHANGE, "change", change.pk), {"value": "x"}).status_code == 403
    assert client.post(address(CHANGE, "delete", change.pk), {"post": "yes"}).status_code == 403
    client.post(CHANGES, {"action": "delete_selected", "_selected_action": [str(change.pk)], "post": "yes"})
    assert ConfigurationHistory.objects.filter(pk=change.pk).exists()


def test_secrets_are_masked_in_the_past_too_even_of_before_they_were_secret(client: Client) -> None:
    setting = make_setting(value="abcd-1", default_value="abcd-2")
    write("CLINIC", value="abcd-3", tags=["secret"])
    write("CLINIC", value="abcd-4", default_value="abcd-5")
    change = setting.history.latest()
    pages = [
        key_history("CLINIC"),
        history_of(setting),
        CHANGES,
        address(CHANGE, "change", change.pk),
        address(CHANGE, "history", change.pk),
        restore_page(setting.history.earliest()),
        restore_page(change, before=True),
        address(SETTING, "delete", setting.pk),
    ]
    for url in pages:
        html = client.get(url).content.decode()
        assert "abcd" not in html, url
        assert "••••••" in html or "another secret" in html, url
    setting.delete()
    for url in (key_history("CLINIC"), CHANGES, restore_page(change)):
        assert "abcd" not in client.get(url).content.decode(), url


# Restoring


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


# Deleting


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
