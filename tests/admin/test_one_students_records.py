"""A student's records stay the student's: on forms, in filters, on the way there and back."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.admin import record_admin
from core.enums import UserRole
from health_records.models import VitalSigns
from tests.access.worlds import ABOUT_ONE_STUDENT, World
from tests.admin.conftest import SignIn
from tests.admin.pages import address, errors_on, form_on
from tests.factories import make_health_record, make_student, make_user

VACCINATION = "health_records.Vaccination"
DOSE = "health_records.MedicationLog"


@pytest.fixture
def nurse(world: World, sign_in: SignIn) -> Client:
    """A nurse's browser."""
    return sign_in(world.here.nurse)


def test_a_record_refers_to_its_own_students_records_only(world: World, nurse: Client) -> None:
    classmate = make_student(school=world.here.school)
    own, other = make_health_record(student=world.here.student), make_health_record(student=classmate)
    url = address(VACCINATION, "change", world.here.rows[VACCINATION].pk)
    response = nurse.post(url, {**form_on(nurse, url), "health_record": str(other.pk)})
    assert "This health record is about another student." in errors_on(response)
    assert nurse.post(url, {**form_on(nurse, url), "health_record": str(own.pk)}).status_code == 302


def test_vital_signs_belong_to_the_appointments_student(world: World) -> None:
    classmate = make_student(school=world.here.school)
    signs: Any = world.here.rows["health_records.VitalSigns"]
    signs.appointment = world.here.rows["health_records.Appointment"]
    signs.full_clean()
    signs = VitalSigns(student=classmate, appointment=signs.appointment)
    with pytest.raises(ValidationError, match="is about another student"):
        signs.clean()


@pytest.mark.parametrize("label", ABOUT_ONE_STUDENT)
def test_a_record_stays_with_its_student(world: World, nurse: Client, label: str) -> None:
    classmate = make_student(school=world.here.school)
    row: Any = world.here.rows[label]
    url = address(label, "change", row.pk)
    form = form_on(nurse, url)
    assert "student" not in form
    nurse.post(url, {**form, "student": str(classmate.pk)})
    row.refresh_from_db()
    assert row.student_id == world.here.student.pk
    assert "O&#x27;Brien, Zoë" in nurse.get(url).content.decode()


def test_a_dose_stays_with_its_order(world: World, nurse: Client) -> None:
    assert "student_medication" not in form_on(nurse, address(DOSE, "change", world.here.rows[DOSE].pk))


def test_a_filter_names_the_record_and_nobody_elses(world: World, nurse: Client) -> None:
    url = address("health_records.Appointment", "changelist")
    page = nurse.get(url, {"nurse__id__exact": str(world.far.nurse.pk)}).content.decode()
    assert world.far.nurse.email not in page
    assert world.far.nurse.last_name not in page
    page = nurse.get(url, {"nurse__id__exact": str(world.here.nurse.pk)}).content.decode()
    assert f"selected>{world.here.nurse.get_full_name()} (School nurse)<" in page or (
        f"selected>{world.here.nurse.get_full_name()} ({world.here.nurse.get_role_display()})<" in page
    )
    page = nurse.get(url, {"student__id__exact": str(world.here.student.pk)}).content.decode()
    assert f"selected>O&#x27;Brien, Zoë ({world.here.student.student_number})<" in page


@pytest.mark.parametrize("label", [VACCINATION, "core.Contact"])
def test_a_students_list_says_whose_it_is(world: World, nurse: Client, label: str) -> None:
    name = "relation_to__id__exact" if label == "core.Contact" else "student__id__exact"
    with CaptureQueriesContext(connection) as queries:
        page = nurse.get(address(label, "changelist"), {name: str(world.here.student.pk), "p": "1"}).content.decode()
    assert len(queries) <= 12
    assert f"Records of O&#x27;Brien, Zoë ({world.here.student.student_number})" in page
    assert 'href="?p=1"' in page
    for query in ({}, {name: str(world.near.student.pk)}):
        assert "Records of" not in nurse.get(address(label, "changelist"), query).content.decode()


def test_from_the_students_page_and_back(world: World, nurse: Client) -> None:
    student = world.here.student
    kinds = nurse.get(address("core.Student", "change", student.pk)).context["records"]
    add = next(kind["add"] for kind in kinds if "/vaccination/" in kind["add"])
    form = form_on(nurse, add)
    assert form["student"] == str(student.pk)
    given = {"administration_date_0": "2026-03-02", "administration_date_1": "12:00:00"}
    data = {**form, **given, "vaccine_name": "MMR II", "administered_by": "RN", "compliance_status": "COMPLIANT"}
    response = nurse.post(add, data)
    assert response.status_code == 302, errors_on(response)
    back = f"{address(VACCINATION, 'changelist')}?student__id__exact={student.pk}"
    assert response["Location"] == back
    again = nurse.post(add, {**data, "_addanother": "1"})["Location"]
    assert form_on(nurse, again)["student"] == str(student.pk)


def test_adding_from_a_students_list_begins_with_the_student(world: World, nurse: Client) -> None:
    query = f"student__id__exact={world.here.student.pk}"
    page = nurse.get(f"{address(VACCINATION, 'changelist')}?{query}").content.decode()
    add = f"{address(VACCINATION, 'add')}?_changelist_filters=student__id__exact%3D{world.here.student.pk}"
    assert f'href="{add}"' in page
    assert form_on(nurse, add)["student"] == str(world.here.student.pk)


def test_a_search_says_where_it_stops(world: World, nurse: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_admin, "MOST_STUDENTS", 2)
    url = address("health_records.Allergy", "changelist")
    for number, complete in ((1, True), (2, False), (3, False)):
        make_student(school=world.here.school, last_name=f"O'Brien{number}")
        page = nurse.get(url, {"q": "O'Brien"}).content.decode()
        assert ("students match: type more of the name" not in page) == complete
        assert ("(the end)" in page) == complete
    assert "type more" not in nurse.get(url).content.decode()


@pytest.mark.parametrize("field", ["nurse", "witnessed_by"])
def test_doses_are_given_by_active_staff_who_may_give_them(world: World, nurse: Client, field: str) -> None:
    school = world.here.school
    viewer, gone = make_user(UserRole.VIEWER, school=school), make_user(school=school, is_active=False)
    colleague = make_user(school=school)
    query = {"app_label": "health_records", "model_name": "medicationlog", "field_name": field, "term": ""}
    offered = {result["id"] for result in nurse.get(reverse("admin:autocomplete"), query).json()["results"]}
    assert {str(world.here.nurse.pk), str(colleague.pk)} <= offered
    assert not {str(viewer.pk), str(gone.pk)} & offered
    url = address(DOSE, "change", world.here.rows[DOSE].pk)
    for refused in (viewer, gone):
        response = nurse.post(url, {**form_on(nurse, url), field: str(refused.pk)})
        assert field in response.context["adminform"].form.errors
    assert nurse.post(url, {**form_on(nurse, url), field: str(colleague.pk)}).status_code == 302


def test_a_dose_keeps_a_nurse_whose_account_is_switched_off(world: World, sign_in: SignIn) -> None:
    dose: Any = world.here.rows[DOSE]
    type(world.here.nurse).objects.filter(pk=dose.nurse_id).update(is_active=False)
    client, url = sign_in(world.user(UserRole.NURSE)), address(DOSE, "change", dose.pk)
    assert client.post(url, {**form_on(client, url), "notes": "Late"}).status_code == 302
    dose.refresh_from_db()
    assert (dose.nurse_id, dose.notes) == (world.here.nurse.pk, "Late")


def test_a_new_dose_is_given_by_whoever_enters_it(world: World, nurse: Client, sign_in: SignIn) -> None:
    assert form_on(nurse, address(DOSE, "add"))["nurse"] == str(world.here.nurse.pk)
    assert form_on(nurse, address("core.Student", "add")).get("nurse", "") == ""
    counselor = world.user(UserRole.COUNSELOR)
    form = form_on(sign_in(counselor), address("health_records.IncidentReport", "add"))
    assert form["reported_by"] == str(counselor.pk)
