"""What people read when something is refused or fails: sentences, and a way home."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from core.admin.date_and_time import DateAndTimeField
from core.enums import UserRole
from tests.access.worlds import World
from tests.admin.conftest import SignIn
from tests.admin.pages import address, form_on
from tests.factories import make_user

HOME = 'href="/admin/"'


def test_saving_what_was_deleted_meanwhile_says_that_nothing_was_saved(world: World, sign_in: SignIn) -> None:
    allergy: Any = world.here.rows["health_records.Allergy"]
    client = sign_in(world.user(UserRole.NURSE))
    url = address("health_records.Allergy", "change", allergy.pk)
    sent = form_on(client, url)
    allergy.delete()
    response = client.post(url, sent)
    assert response.status_code == 403
    html = response.content.decode()
    assert "This was not saved" in html
    assert HOME in html


def test_a_page_of_another_role_says_whom_to_ask(world: World, sign_in: SignIn) -> None:
    response = sign_in(world.user(UserRole.VIEWER)).get(address("health_records.Allergy", "add"))
    assert response.status_code == 403
    assert "ask an administrator" in response.content.decode()
    assert HOME in response.content.decode()


def test_an_address_with_nothing_leads_home(db: None) -> None:
    response = Client().get("/nothing/")
    assert response.status_code == 404
    assert HOME in response.content.decode()


@pytest.mark.parametrize("page", ["403_csrf.html", "404.html", "500.html"])
def test_pages_of_errors_need_nothing_to_be_shown(page: str) -> None:
    html = render_to_string(page)
    assert HOME in html
    assert "/static/" not in html


@pytest.mark.parametrize(
    ("boxes", "sentences"),
    [
        (["2026-13-02", ""], ["There is no such date: write it like 2026-03-02.", "The time is missing."]),
        (["", "12:00"], ["The date is missing."]),
        (["2026-03-02", "noon"], ["There is no such time: write it like 14:30."]),
        (["", ""], ["This field is required."]),
    ],
)
def test_each_box_of_a_time_has_its_own_sentence(boxes: list[str], sentences: list[str]) -> None:
    field = DateAndTimeField()
    with pytest.raises(ValidationError) as refused:
        field.clean(boxes)
    assert refused.value.messages == sentences


def test_sign_in_is_refused_in_one_sentence(db: None) -> None:
    make_user(email="nurse@example.org", password="correct horse battery")
    sent = {"username": "nurse@example.org", "password": "wrong"}
    html = Client().post(reverse("admin:login"), sent).content.decode()
    assert html.count('role="alert"') == 1
    assert "do not belong together" in html
    assert "case-sensitive" not in html
