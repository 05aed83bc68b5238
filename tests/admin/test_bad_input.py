"""What nobody types, and machines send: an error in words, or nothing, never a failure of ours."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.enums import UserRole
from health_records.models import StudentMedication
from tests.access.worlds import World
from tests.admin.conftest import SignIn
from tests.admin.pages import BY_LABEL, address, errors_on, form_on

VACCINATION = "health_records.Vaccination"


@pytest.fixture
def nurse(world: World, sign_in: SignIn) -> Client:
    """A nurse's browser."""
    return sign_in(world.here.nurse)


@pytest.mark.parametrize("bad", ["bad", "1", "\x00", "00000000-0000-0000-0000-000000000000"])
def test_an_id_that_is_none(world: World, nurse: Client, bad: str) -> None:
    add, changelist = address(VACCINATION, "add"), address(VACCINATION, "changelist")
    assert "student" in nurse.post(add, {"student": bad, "health_record": bad}).context["adminform"].form.errors
    assert nurse.get(add, {"student": bad, "health_record": bad}).status_code == 200
    assert nurse.get(add, {"_changelist_filters": f"student__id__exact={bad}"}).status_code == 200
    assert nurse.get(changelist, {"student__id__exact": bad}).status_code in (200, 302)
    for action in ("delete_selected", "restore"):
        response = nurse.post(changelist + "?deleted=yes", {"action": action, "_selected_action": bad})
        assert response.status_code in (200, 302)
    assert nurse.get(f"/admin/r/1/{bad}/" if bad != "\x00" else "/admin/r/1/x/").status_code == 404
    for page in ("change", "delete", "history"):
        assert nurse.get(f"/admin/health_records/vaccination/{bad.strip(chr(0))}x/{page}/").status_code in (302, 404)


@pytest.mark.parametrize("label", sorted(BY_LABEL))
@pytest.mark.parametrize("value", ["bad", "5", "\x00", "[1, 2", "9999-12-31T23:59:59Z"])
def test_an_address_that_fills_the_form_with_anything(world: World, sign_in: SignIn, label: str, value: str) -> None:
    names = [field.name for field in BY_LABEL[label]._meta.get_fields()]
    response = sign_in(world.user(UserRole.ADMIN)).get(address(label, "add"), dict.fromkeys(names, value))
    assert response.status_code in (200, 403)


@pytest.mark.parametrize(
    "value",
    [
        '"\\ud800"',
        '{"\\udfff": 1}',
        "[" * 200_000,
        "[" * 400 + "]" * 400,
        "[" * 51 + "]" * 51,
        "9" * 5_000,
    ],
    ids=["surrogate", "surrogate key", "open", "400 levels", "51 levels", "number"],
)
def test_json_that_cannot_be_kept(world: World, nurse: Client, value: str) -> None:
    order = {"student": str(world.here.student.pk), "adverse_events": value}
    response = nurse.post(address(VACCINATION, "add"), order)
    assert "adverse_events" in response.context["adminform"].form.errors


def test_fifty_levels_of_json_are_kept(world: World, nurse: Client) -> None:
    dose = world.here.rows[VACCINATION]
    url = address(VACCINATION, "change", dose.pk)
    text = "[" * 50 + "]" * 50
    assert nurse.post(url, {**form_on(nurse, url), "adverse_events": text}).status_code == 302
    dose.refresh_from_db()
    assert dose.adverse_events == json.loads(text)  # type: ignore[attr-defined]
    assert nurse.get(url).status_code == 200


@pytest.mark.parametrize(
    "change", [{"term": "\x00"}, {"field_name": "health_records"}, {"field_name": "id"}, {"field_name": "groups"}]
)
def test_completion_of_what_is_no_relation(world: World, nurse: Client, change: dict[str, str]) -> None:
    query = {"app_label": "core", "model_name": "student", "field_name": "school", "term": "", **change}
    assert nurse.get(reverse("admin:autocomplete"), query).status_code == 403
    query = {"app_label": "health_records", "model_name": "vaccination", "field_name": "student", "term": "", **change}
    assert nurse.get(reverse("admin:autocomplete"), query).status_code == 403


def test_completion_for_a_model_without_pages(world: World, nurse: Client) -> None:
    query = {"app_label": "admin", "model_name": "logentry", "field_name": "user", "term": ""}
    assert nurse.get(reverse("admin:autocomplete"), query).status_code == 403


@pytest.mark.parametrize("value", ["bad", "\x00", "'", "9" * 400])
@pytest.mark.parametrize("label", sorted(BY_LABEL))
def test_a_filter_for_what_is_no_value(world: World, sign_in: SignIn, label: str, value: str) -> None:
    client = sign_in(world.user(UserRole.ADMIN))
    filters = client.get(address(label, "changelist")).context["cl"].filter_specs
    for name in {name for spec in filters for name in spec.expected_parameters()} | {"o", "p", "e", "_to_field"}:
        assert client.get(address(label, "changelist"), {name: value}).status_code in (200, 302, 400), name


@pytest.mark.parametrize("page", ["x", "0", "-1", "99", "\x00"])
def test_a_page_of_pages_that_is_not_there(world: World, nurse: Client, page: str) -> None:
    assert nurse.get(reverse("admin:search"), {"s": "a", "page": page}).status_code == 404
    assert nurse.get(reverse("admin:search"), {"s": "a", "page": "1"}).status_code == 200


@pytest.mark.parametrize("day", ["1899-12-31", "2200-01-01", "9999-12-31", "0001-01-01"])
@pytest.mark.parametrize("zone", ["UTC", "America/Chicago", "Pacific/Auckland"])
def test_a_date_that_nobody_means_is_refused(world: World, nurse: Client, settings: Any, day: str, zone: str) -> None:
    settings.TIME_ZONE = zone
    order = world.here.rows["health_records.StudentMedication"]
    url = address("health_records.StudentMedication", "change", order.pk)
    form = {**form_on(nurse, url), "end_date_0": day, "end_date_1": "23:59:59"}
    assert "Enter a date between 1900 and 2199." in errors_on(nurse.post(url, form))
    url = address("core.Student", "change", world.here.student.pk)
    assert "Enter a date between 1900 and 2199." in errors_on(
        nurse.post(url, {**form_on(nurse, url), "date_of_birth": day})
    )


@pytest.mark.parametrize("day", ["1900-01-01", "2199-12-31"])
def test_the_first_and_the_last_date_are_kept_and_shown(world: World, nurse: Client, settings: Any, day: str) -> None:
    settings.TIME_ZONE = "America/Chicago"
    order: Any = world.here.rows["health_records.StudentMedication"]
    StudentMedication.objects.filter(pk=order.pk).update(start_date="1900-01-01T06:00Z")
    url = address("health_records.StudentMedication", "change", order.pk)
    form = {**form_on(nurse, url), "end_date_0": day, "end_date_1": "23:59:59"}
    assert nurse.post(url, form).status_code == 302
    assert nurse.get(address("health_records.StudentMedication", "changelist")).status_code == 200
