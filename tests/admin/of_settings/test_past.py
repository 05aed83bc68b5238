"""The pages of what was: readable, paged, without secrets."""

from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from configuration.models import ConfigurationHistory
from core.models import User
from tests.admin.of_settings.pages import CHANGES, write
from tests.admin.pages import address, form_on
from tests.admin.settings import (
    CHANGE,
    SETTING,
    key_history,
    make_admin,
    make_setting,
    page_of,
    restore_page,
    stored,
)
from tests.admin.test_settings_list import words
from tests.factories import make_school


def history_of(setting: Any) -> str:
    return address(SETTING, "history", setting.pk)


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
