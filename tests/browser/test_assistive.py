"""The admin without a mouse and without eyes: by the keys, and by the names that a screen reader says."""

import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.utils import timezone

from core.enums import UserRole
from core.models import Student
from tests.factories import make_school, make_student, make_user, make_vaccination

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"
Browsing = Callable[[], AbstractContextManager[Any]]

NAMELESS = """() => [...document.querySelectorAll('a, button')].filter(control => {
    if (!control.checkVisibility() || control.getAttribute('aria-label') || control.title) return false;
    const bare = control.cloneNode(true);
    bare.querySelectorAll('[aria-hidden=true]').forEach(icon => icon.remove());
    return !bare.textContent.trim() && !bare.querySelector('img[alt]');
}).map(control => control.outerHTML.slice(0, 200))"""
READ_OUT_ICONS = "() => document.querySelectorAll('.material-symbols-outlined:not([aria-hidden=true])').length"
FOCUSED_IN = "selector => Boolean(document.activeElement.closest(selector))"


@pytest.fixture
def student(committed_db: str) -> Student:
    school = make_school(name="Cedar Grove")
    make_user(UserRole.NURSE, school=school, email="nurse@example.org", password=PASSWORD)
    return make_student(school=school, first_name="Elijah", last_name="Abbott", student_number="N4711")


def sign_in(page: Any, server: str) -> None:
    page.goto(f"{server}/admin/")
    page.get_by_label("Email").fill("nurse@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_label("Find a student").wait_for()


def press_on(page: Any, button: Any) -> None:
    """Focus, which a <span> refuses, and Enter."""
    button.focus()
    assert button.evaluate("button => button === document.activeElement")
    page.keyboard.press("Enter")


def test_a_keyboard_is_enough(student: Student, server: str, browsing: Browsing) -> None:
    with browsing() as page:
        page.set_viewport_size({"width": 1280, "height": 800})
        sign_in(page, server)
        page.keyboard.press("Tab")
        assert page.locator(":focus").inner_text() == "Skip to the page"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED_IN, "main")

        menu = page.get_by_role("button", name="Menu")
        press_on(page, menu)
        page.locator("#nav-sidebar").wait_for(state="hidden")
        assert menu.get_attribute("aria-expanded") == "false"
        press_on(page, menu)
        page.locator("#nav-sidebar").wait_for()

        page.goto(f"{server}/admin/core/student/")
        press_on(page, page.get_by_role("button", name="Filters"))
        page.locator("#close-filters:focus").wait_for()
        page.keyboard.press("Escape")
        page.locator("#open-filters:focus").wait_for()
        page.locator("#changelist-filter").wait_for(state="hidden")

        press_on(page, page.get_by_role("button", name="Account of"))
        page.get_by_role("link", name="Change password").wait_for()
        press_on(page, page.get_by_role("button", name="Log out"))
        page.wait_for_url("**/logout/")


def test_the_menu_of_a_narrow_window_opens_and_closes_by_keyboard(
    student: Student, server: str, browsing: Browsing
) -> None:
    with browsing() as page:
        page.set_viewport_size({"width": 390, "height": 800})
        sign_in(page, server)
        closed = page.locator("#nav-sidebar a:visible, #nav-sidebar button:visible")
        assert closed.count() == 0
        press_on(page, page.get_by_role("button", name="Menu"))
        page.locator("#close-menu:focus").wait_for()
        assert closed.count() > 0
        page.keyboard.press("Enter")
        page.locator("#open-menu:focus").wait_for()
        assert closed.count() == 0


def test_everything_has_a_name_and_no_icon_is_read_out(student: Student, server: str, browsing: Browsing) -> None:
    with browsing() as page:
        sign_in(page, server)
        paths = ["", "core/student/", f"core/student/{student.pk}/change/", "health_records/vaccination/add/"]
        for path, width in itertools.product(paths, (1280, 390)):
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(f"{server}/admin/{path}")
            assert page.evaluate(NAMELESS) == []
            assert page.evaluate(READ_OUT_ICONS) == 0
            assert page.get_by_role("main").count() == 1
            assert page.get_by_role("heading", level=1).count() == 1
        page.set_viewport_size({"width": 1280, "height": 800})
        page.get_by_role("combobox", name="Student").first.wait_for()
        page.get_by_role("combobox", name="Health record").wait_for()
        page.get_by_role("button", name="Calendar, Administration date").wait_for()
        page.get_by_role("button", name="Clock, Administration date").wait_for()
        page.goto(f"{server}/admin/core/student/")
        assert page.get_by_role("link", name="Students", exact=True).get_attribute("aria-current") == "page"
        page.get_by_role("textbox", name="Search").wait_for()
        page.goto(f"{server}/admin/health_records/vaccination/")
        page.get_by_role("link", name="Add vaccination", exact=True).first.wait_for()
        page.get_by_role("button", name="Filters").click()
        page.get_by_role("combobox", name="By student").wait_for()


def test_filters_add_up(student: Student, server: str, browsing: Browsing) -> None:
    make_vaccination(student=student, vaccine_name="MMR II", vaccine_type="MMR", administration_date=timezone.now())
    make_vaccination(student=student, vaccine_name="Past", vaccine_type="MMR")
    make_vaccination(student=student, vaccine_name="Varivax", vaccine_type=None, administration_date=timezone.now())
    with browsing() as page:
        sign_in(page, server)
        page.goto(f"{server}/admin/health_records/vaccination/?q=abbott")
        page.get_by_role("button", name="Filters").click()
        page.get_by_role("link", name="Last 30 days").click()
        page.wait_for_url("**period=month**")
        page.get_by_role("button", name="Filters").click()
        press_on(page, page.get_by_role("combobox", name="By vaccine type"))
        page.locator(".select2-search__field:focus").wait_for()
        page.keyboard.type("MMR")
        page.keyboard.press("Enter")
        press_on(page, page.get_by_role("button", name="Apply filters"))
        page.wait_for_url("**vaccine_type**")
        assert "q=abbott" in page.url
        assert page.locator("#result_list tbody tr").count() == 1
        assert "MMR II" in page.locator("#result_list").inner_text()


def test_errors_are_read_first_and_lead_to_their_boxes(student: Student, server: str, browsing: Browsing) -> None:
    with browsing() as page:
        sign_in(page, server)
        page.goto(f"{server}/admin/health_records/vaccination/add/")
        page.get_by_label("Administration date: date").fill("2026-13-02")
        page.get_by_role("button", name="Save", exact=True).click()
        page.locator("[role=alert]:focus").wait_for()
        summary = page.get_by_role("alert")
        assert "Vaccine name" in summary.inner_text()
        summary.get_by_role("link", name="Vaccine name").click()
        assert page.locator(":focus").get_attribute("name") == "vaccine_name"
        reason = page.locator(":focus").get_attribute("aria-describedby").split()[-1]
        assert page.locator(f"#{reason}").inner_text() == "This field is required."
        summary.get_by_role("link", name="Administration date").click()
        assert page.locator(":focus").get_attribute("name") == "administration_date_0"
        reason = page.locator(":focus").get_attribute("aria-describedby").split()[-1]
        assert "There is no such date" in page.locator(f"#{reason}").inner_text()
        summary.get_by_role("link", name="Student").click()
        assert page.evaluate(FOCUSED_IN, "#id_student + .select2")


CONTRAST = """box => {
    const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1}).getContext('2d');
    const light = color => {
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(value => value / 255)
            .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    return 1.05 / (light(getComputedStyle(box, '::placeholder').color) + 0.05);
}"""


def test_placeholders_can_be_read(student: Student, server: str, browsing: Browsing) -> None:
    with browsing() as page:
        sign_in(page, server)
        assert page.get_by_label("Find a student").evaluate(CONTRAST) >= 4.5
        page.goto(f"{server}/admin/health_records/vaccination/add/")
        assert page.get_by_label("Administration date: date").evaluate(CONTRAST) >= 4.5
