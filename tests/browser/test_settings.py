"""An administrator changes a setting, sees it take effect, sees its history, restores it; two at once; by keyboard."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from configuration.models import ConfigurationHistory, SystemConfiguration
from core.enums import UserRole
from tests.browser.test_assistive import NAMELESS, READ_OUT_ICONS
from tests.browser.test_vaccination import BOXES_WITHOUT_A_NAME
from tests.factories import make_school, make_user

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"
Browsing = Callable[[], AbstractContextManager[Any]]


@pytest.fixture
def administrator(committed_db: str) -> Any:
    make_school(name="Cedar Grove")
    return make_user(UserRole.ADMIN, first_name="Ann", last_name="Abbott", email="ann@example.org", password=PASSWORD)


def sign_in(page: Any, server: str) -> None:
    page.goto(f"{server}/admin/")
    page.get_by_label("Email").fill("ann@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Settings", exact=True).first.wait_for()


def open_setting(page: Any, server: str, name: str) -> None:
    page.goto(f"{server}/admin/configuration/systemconfiguration/")
    page.get_by_role("link", name=name, exact=True).first.click()
    page.locator("#id_reason").wait_for()


def save(page: Any) -> None:
    page.get_by_role("button", name="Save", exact=True).click()


def test_a_change_takes_effect_has_a_history_and_is_restored(
    administrator: Any, server: str, browsing: Browsing
) -> None:
    with browsing() as page:
        sign_in(page, server)
        open_setting(page, server, "Minimum password length")
        page.locator("#id_value").fill("20")
        save(page)
        page.get_by_role("alert").wait_for()
        assert "Say why" in page.get_by_role("alert").inner_text()
        page.locator("#id_reason").fill("Advice of the district")
        save(page)
        page.get_by_role("button", name="Confirm and save").wait_for()
        assert "Everybody." in page.locator("main").inner_text()
        page.get_by_role("button", name="Confirm and save").click()
        page.get_by_text("PASSWORD_MIN_LENGTH is saved.").wait_for()

        # It takes effect: a new password of thirteen characters was long enough before.
        page.goto(f"{server}/admin/core/user/add/")
        page.locator("#id_password1").fill("Cedar-Grove-7")
        page.locator("#id_password2").fill("Cedar-Grove-7")
        save(page)
        page.get_by_text("at least 20 characters").first.wait_for()

        page.goto(f"{server}/admin/configuration/systemconfiguration/")
        page.get_by_role("link", name="History of Minimum password length").click()
        article = page.get_by_role("article").first
        article.wait_for()
        for words in ("12", "20", "Ann Abbott", "Advice of the district", "127.0.0.1"):
            assert words in article.inner_text()
        page.get_by_role("link", name="Restore what was before").click()
        page.locator("#id_reason").fill("Too long")
        page.get_by_role("button", name="Restore").click()
        page.get_by_text("confirm that you mean it").first.wait_for()
        page.get_by_label("Yes, change this security setting").check()
        page.get_by_role("button", name="Restore").click()
        page.get_by_text("PASSWORD_MIN_LENGTH is as it was.").wait_for()
        assert page.get_by_role("article").count() == 2
    assert SystemConfiguration.objects.get(key="PASSWORD_MIN_LENGTH").value == "12"
    assert ConfigurationHistory.objects.filter(key="PASSWORD_MIN_LENGTH").count() == 2


def test_the_second_of_two_is_told_and_loses_nothing(administrator: Any, server: str, browsing: Browsing) -> None:
    with browsing() as page:
        sign_in(page, server)
        other = page.context.new_page()
        open_setting(page, server, "Support email")
        open_setting(other, server, "Support email")
        for window, value in ((page, "first@example.org"), (other, "second@example.org")):
            window.locator("#id_value").fill(value)
            window.locator("#id_reason").fill("Ours")
        save(page)
        page.get_by_text("SUPPORT_EMAIL is saved.").wait_for()
        save(other)
        other.get_by_role("alert").wait_for()
        assert "Somebody changed this record" in other.get_by_role("alert").inner_text()
        assert other.locator("#id_value").input_value() == "second@example.org"
        assert "first@example.org" in other.get_by_role("region", name="What holds now").inner_text()
    assert SystemConfiguration.objects.get(key="SUPPORT_EMAIL").value == "first@example.org"


def test_a_school_gets_its_own_value_by_keyboard_alone(administrator: Any, server: str, browsing: Browsing) -> None:
    def press_on(button: Any) -> None:
        button.focus()
        assert button.evaluate("button => button === document.activeElement")
        page.keyboard.press("Enter")

    with browsing() as page:
        sign_in(page, server)
        open_setting(page, server, "Session timeout (minutes)")
        press_on(page.get_by_role("link", name="Add for a school"))
        page.locator("#id_place + .select2 [role=combobox]").focus()
        page.keyboard.press("Enter")
        page.locator(".select2-search__field:focus").wait_for()
        page.keyboard.type("Cedar")
        page.get_by_role("option", name="Cedar Grove").wait_for()
        page.keyboard.press("Enter")
        page.locator("#id_value").focus()
        page.keyboard.type("120")
        page.locator("#id_reason").focus()
        page.keyboard.type("Exam week")
        press_on(page.get_by_role("button", name="Save", exact=True))
        press_on(page.get_by_role("button", name="Confirm and save"))
        table = page.get_by_role("table", name="Values of their own")
        table.wait_for()
        assert "School Cedar Grove" in table.inner_text()
        press_on(table.get_by_role("link", name="Remove the value for school Cedar Grove"))
        page.locator("#id_reason").focus()
        page.keyboard.type("Over")
        page.get_by_label("Yes, change this security setting").focus()
        page.keyboard.press("Space")
        press_on(page.get_by_role("button", name="Delete"))
        page.get_by_text("Nobody has one").wait_for()
    kinds = ConfigurationHistory.objects.filter(key="SESSION_TIMEOUT_MINUTES").values_list("history_type", flat=True)
    assert sorted(kinds) == ["+", "-"]


def test_every_page_of_settings_can_be_read_out_wide_and_narrow(
    administrator: Any, server: str, browsing: Browsing
) -> None:
    setting = SystemConfiguration.objects.get(key="MAX_LOGIN_ATTEMPTS")
    SystemConfiguration.objects.filter(pk=setting.pk).update(value="6")
    change = ConfigurationHistory.objects.get(key="MAX_LOGIN_ATTEMPTS")
    long = SystemConfiguration.objects.create(key="LONG", value="w" * 3000, tags=["custom"])
    SystemConfiguration.objects.filter(pk=long.pk).update(value="w" * 1500 + "x" + "w" * 1500)
    settings = "configuration/systemconfiguration"
    with browsing() as page:
        sign_in(page, server)
        for path in (
            f"{settings}/",
            f"{settings}/{setting.pk}/change/",
            f"{settings}/{long.pk}/change/",
            f"{settings}/{long.pk}/history/",
            f"{settings}/add/",
            f"{settings}/add/?key=MAX_LOGIN_ATTEMPTS&scope=USER",
            f"{settings}/{setting.pk}/delete/",
            f"{settings}/{setting.pk}/history/",
            f"{settings}/restore/{change.pk}/?before=1",
            "configuration/configurationhistory/",
            f"configuration/configurationhistory/{change.pk}/change/",
        ):
            for width in (1280, 390):
                page.set_viewport_size({"width": width, "height": 800})
                page.goto(f"{server}/admin/{path}")
                page.wait_for_load_state()
                assert page.evaluate(NAMELESS) == [], path
                assert page.evaluate(READ_OUT_ICONS) == 0, path
                assert page.evaluate(BOXES_WITHOUT_A_NAME) == [], path
                assert page.get_by_role("heading", level=1).count() == 1, path
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)
