"""A nurse signs in, finds a student, and records a vaccination: wrongly, then rightly."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from core.enums import UserRole
from core.models import Student, User
from health_records.models import Vaccination
from tests.factories import make_school, make_student, make_user

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"
Browsing = Callable[[], AbstractContextManager[Any]]

BOXES_WITHOUT_A_NAME = """() =>
    [...document.querySelectorAll('form[id$=_form] :is(input:not([type=hidden]), textarea, select)')]
    .filter(box => !box.labels?.length && !box.getAttribute('aria-label'))
    .map(box => box.name)"""


@pytest.fixture
def student(committed_db: str) -> Student:
    """Zoë, at a school with a nurse who has a password; and her namesake next door."""
    school = make_school(name="Cedar Grove")
    make_user(UserRole.NURSE, school=school, email="nurse@example.org", password=PASSWORD)
    make_student(school=make_school(district=school.district), first_name="Zoë", last_name="O'Brien", grade="next door")
    return make_student(school=school, first_name="Zoë", last_name="O'Brien", student_number="N4711")


def test_a_nurse_finds_a_student_and_records_a_vaccination(student: Student, server: str, browsing: Browsing) -> None:
    with browsing() as page:
        page.goto(f"{server}/admin/")
        page.get_by_label("Email").fill("nurse@example.org")
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")

        page.get_by_label("Find a student").fill("obrien zo")
        page.keyboard.press("Enter")
        page.get_by_role("link", name="O'Brien").wait_for()
        assert page.locator("#result_list tbody tr").count() == 1
        assert "next door" not in page.content()
        page.get_by_role("link", name="O'Brien").click()
        page.get_by_role("link", name="Add vaccination").click()
        page.wait_for_url("**/vaccination/add/**")
        assert page.locator("#id_student option:checked").inner_text() == "O'Brien, Zoë (N4711)"
        assert "O'Brien" not in page.title()
        assert page.evaluate(BOXES_WITHOUT_A_NAME) == []

        page.get_by_label("Vaccine name").fill("MMR II")
        page.get_by_label("Dose number").fill("3")
        page.get_by_label("Total doses").fill("2")
        page.get_by_label("Administration date: date").fill("2026-03-02")
        page.get_by_label("Administration date: time").fill("10:00")
        page.locator("#id_administered_by").fill("R. Ortiz, RN")
        page.get_by_role("button", name="Save", exact=True).click()
        alert = page.get_by_role("alert")
        alert.wait_for()
        assert "Dose number: not more than the total doses of the series." in alert.inner_text()
        assert page.get_by_label("Vaccine name").input_value() == "MMR II"

        page.get_by_label("Dose number").fill("2")
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("was added successfully").wait_for()
        assert "O'Brien, Zoë (N4711)" in page.locator("#result_list").inner_text()

        # By keyboard alone: the box that completes names.
        page.goto(f"{server}/admin/health_records/allergy/add/")
        page.locator("#id_student + .select2 [role=combobox]").focus()
        page.keyboard.press("Enter")
        page.locator(".select2-search__field:focus").wait_for()
        page.keyboard.type("N47")
        page.get_by_role("option", name="O'Brien, Zoë (N4711)").wait_for()
        page.keyboard.press("Enter")
        assert page.locator("#id_student option:checked").inner_text() == "O'Brien, Zoë (N4711)"

    dose = Vaccination.objects.get(student=student)
    assert (dose.dose_number, dose.total_doses) == (2, 2)
    assert dose.created_by == User.objects.get(email="nurse@example.org").pk
