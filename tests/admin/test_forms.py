"""Forms: what may be chosen, what the database refuses, what stays untouched."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection

from configuration.models import SystemConfiguration
from core.enums import UserRole
from core.models import Student, User
from health_records.models import ChronicCondition, HealthRecord, Vaccination
from tests.access.worlds import World
from tests.admin.conftest import SignIn
from tests.admin.pages import BY_LABEL, address, errors_on, form_on
from tests.admin.settings import confirmed
from tests.factories import make_health_record, make_student, make_user

VACCINATION = "health_records.Vaccination"


def vaccination(world: World, **values: Any) -> dict[str, Any]:
    return {
        "student": str(world.here.student.pk),
        "vaccine_name": "MMR II",
        "administration_date_0": "2026-03-02",
        "administration_date_1": "12:00:00",
        "administered_by": "R. Ortiz, RN",
        "compliance_status": "COMPLIANT",
        **values,
    }


@pytest.mark.parametrize("label", sorted(BY_LABEL))
def test_saving_a_page_as_it_stands_changes_nothing(world: World, sign_in: SignIn, label: str) -> None:
    row = world.here.rows[label]
    model = type(row)
    with connection.cursor() as cursor:
        columns = [field.column for field in model._meta.fields if field.name not in ("updated_at", "updated_by")]
        quoted = ", ".join(connection.ops.quote_name(str(column)) for column in columns)
        sql = f"SELECT {quoted} FROM {model._meta.db_table}"
        cursor.execute(f"{sql} WHERE id = %s", [row.pk])
        before = cursor.fetchone()
    client = sign_in(world.user(UserRole.ADMIN))
    url = address(label, "change", row.pk)
    if label == "configuration.ConfigurationHistory":
        assert client.post(url, {}).status_code == 403
        return
    response = client.post(url, form_on(client, url))
    assert response.status_code == 302, errors_on(response)
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} WHERE id = %s", [row.pk])
        assert cursor.fetchone() == before


def test_a_vaccination_is_added_in_its_authors_name(world: World, sign_in: SignIn) -> None:
    nurse = world.user(UserRole.NURSE)
    client = sign_in(nurse)
    assert client.post(address(VACCINATION, "add"), vaccination(world, lot_number="L1")).status_code == 302
    dose = Vaccination.objects.get(lot_number="L1")
    assert (dose.created_by, dose.updated_by) == (nurse.pk, nurse.pk)
    other = world.user(UserRole.NURSE)
    client, url = sign_in(other), address(VACCINATION, "change", dose.pk)
    assert client.post(url, {**form_on(client, url), "lot_number": "L2"}).status_code == 302
    dose.refresh_from_db()
    assert (dose.created_by, dose.updated_by, dose.lot_number) == (nurse.pk, other.pk, "L2")


def test_empty_texts_stay_null(world: World, sign_in: SignIn) -> None:
    sign_in(world.user(UserRole.NURSE)).post(address(VACCINATION, "add"), vaccination(world, cvx_code="", notes="new"))
    dose = Vaccination.objects.get(notes="new")
    assert (dose.cvx_code, dose.facility, dose.reactions) == (None, None, None)


def test_another_schools_student_is_refused(world: World, sign_in: SignIn) -> None:
    client = sign_in(world.user(UserRole.NURSE))
    response = client.post(address(VACCINATION, "add"), vaccination(world, student=str(world.near.student.pk)))
    assert "valid choice" in errors_on(response)
    assert "Brien" not in errors_on(response)
    dose = world.here.rows[VACCINATION]
    url = address(VACCINATION, "change", dose.pk)
    assert "student" not in form_on(client, url)
    client.post(url, {**form_on(client, url), "student": str(world.near.student.pk)})
    dose.refresh_from_db()
    assert dose.student == world.here.student  # type: ignore[attr-defined]


def test_another_schools_staff_is_refused(world: World, sign_in: SignIn) -> None:
    client = sign_in(world.user(UserRole.NURSE))
    url = address("health_records.Appointment", "change", world.here.rows["health_records.Appointment"].pk)
    response = client.post(url, {**form_on(client, url), "nurse": str(world.near.nurse.pk)})
    assert "valid choice" in errors_on(response)


def test_an_address_cannot_prefill_another_schools_student(world: World, sign_in: SignIn) -> None:
    client = sign_in(world.user(UserRole.NURSE))
    page = client.get(address(VACCINATION, "add"), {"student": str(world.near.student.pk)}).content.decode()
    assert "Brien" not in page
    page = client.get(address(VACCINATION, "add"), {"student": str(world.here.student.pk)}).content.decode()
    assert "O&#x27;Brien, Zoë" in page


def test_a_nurse_who_has_left_stays_on_the_records_that_name_her(world: World, sign_in: SignIn) -> None:
    appointment = world.here.rows["health_records.Appointment"]
    User.objects.filter(pk=world.here.nurse.pk).update(school=world.far.school)
    client = sign_in(world.user(UserRole.NURSE))
    url = address("health_records.Appointment", "change", appointment.pk)
    assert world.here.nurse.email not in client.get(url).content.decode()
    assert client.post(url, {**form_on(client, url), "reason": "Later"}).status_code == 302
    page = sign_in(world.user(UserRole.VIEWER)).get(url).content.decode()
    assert world.here.nurse.email not in page
    assert str(world.here.nurse.pk) not in page


def test_a_deleted_record_is_no_label_for_those_who_may_not_open_it(world: World, sign_in: SignIn) -> None:
    record = world.here.rows["health_records.HealthRecord"]
    screening = world.here.rows["health_records.Screening"]
    type(screening)._base_manager.filter(pk=screening.pk).update(health_record=record)
    record.delete()
    page = sign_in(world.user(UserRole.VIEWER)).get(address("health_records.Screening", "change", screening.pk))
    assert str(record.pk) not in page.content.decode()
    assert "Checkup" not in page.content.decode()


def test_a_student_cannot_be_saved_out_of_ones_school(world: World, sign_in: SignIn) -> None:
    client = sign_in(world.user(UserRole.NURSE))
    url = address("core.Student", "change", world.here.student.pk)
    response = client.post(url, {**form_on(client, url), "school": "", "district": str(world.here.district.pk)})
    assert "leave your school" in errors_on(response)
    response = client.post(url, {**form_on(client, url), "school": str(world.near.school.pk)})
    assert "valid choice" in errors_on(response)
    world.here.student.refresh_from_db()
    assert world.here.student.school == world.here.school
    assert not LogEntry.objects.exists()


def test_a_constraints_sentence_stands_on_the_form(world: World, sign_in: SignIn) -> None:
    client = sign_in(world.user(UserRole.NURSE))
    response = client.post(address(VACCINATION, "add"), vaccination(world, dose_number="3", total_doses="2"))
    assert "Dose number: not more than the total doses of the series." in errors_on(response)
    assert b'role="alert"' in response.content


def new_student(world: World, **values: Any) -> dict[str, Any]:
    return {
        "last_name": "New",
        "first_name": "Student",
        "date_of_birth": "2015-01-01",
        "gender": "FEMALE",
        "grade": "4",
        "student_number": "NEW1",
        "school": str(world.here.school.pk),
        "enrollment_date_0": "2026-01-01",
        "enrollment_date_1": "08:00:00",
        **values,
    }


def test_a_race_for_a_number_ends_in_a_sentence(world: World, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whoever comes first is saved between this form's validation and its INSERT.
    monkeypatch.setattr(Student, "validate_constraints", lambda *args, **kwargs: None)
    monkeypatch.setattr(Student, "clean", lambda *args: None)
    make_student(school=world.near.school, student_number="NEW1")
    response = sign_in(world.user(UserRole.NURSE)).post(address("core.Student", "add"), new_student(world))
    assert "Another record, perhaps a deleted one, has this student number." in errors_on(response)
    assert "NEW1" not in errors_on(response)


def test_a_deleted_students_number_is_refused_in_words(world: World, sign_in: SignIn) -> None:
    make_student(school=world.here.school, student_number="NEW1").delete()
    response = sign_in(world.user(UserRole.NURSE)).post(address("core.Student", "add"), new_student(world))
    assert "A deleted student has this number" in errors_on(response)


def test_a_school_of_another_district_is_refused_past_the_model(
    world: World, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Student, "clean", lambda *args: None)
    data = new_student(world, district=str(world.far.district.pk))
    response = sign_in(world.user(UserRole.ADMIN)).post(address("core.Student", "add"), data)
    assert "belongs to that school's district" in errors_on(response).replace("&#x27;", "'")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [("MAX_LOGIN_ATTEMPTS", "50", "maximum"), ("SUPPORT_EMAIL", "nobody", "is not an email address")],
)
def test_a_setting_that_the_database_refuses_is_a_sentence(
    world: World, sign_in: SignIn, key: str, value: str, words: str
) -> None:
    setting = SystemConfiguration.objects.get(key=key)
    client = sign_in(world.user(UserRole.ADMIN))
    url = address("configuration.SystemConfiguration", "change", setting.pk)
    response = client.post(url, {**form_on(client, url), "value": value})
    assert words in errors_on(response)


def test_a_setting_says_who_changed_it(world: World, sign_in: SignIn) -> None:
    admin = world.user(UserRole.ADMIN)
    setting = SystemConfiguration.objects.get(key="MAX_LOGIN_ATTEMPTS")
    client = sign_in(admin)
    url = address("configuration.SystemConfiguration", "change", setting.pk)
    asked = client.post(url, {**form_on(client, url), "value": "4", "reason": "Fewer"})
    assert client.post(url, confirmed(asked)).status_code == 302
    setting.refresh_from_db()
    assert (setting.value, setting.last_modified_by) == ("4", admin)
    assert setting.history.latest().history_user_id == admin.pk


@pytest.mark.parametrize("value", ["{", "[1,", "pollen"])
def test_json_that_is_none_gets_a_readable_error(world: World, sign_in: SignIn, value: str) -> None:
    client = sign_in(world.user(UserRole.NURSE))
    response = client.post(address(VACCINATION, "add"), vaccination(world, adverse_events=value))
    assert "This is not JSON." in errors_on(response)


def test_what_postgresql_cannot_keep_is_a_sentence(world: World, sign_in: SignIn) -> None:
    client = sign_in(world.user(UserRole.NURSE))
    response = client.post(address(VACCINATION, "add"), vaccination(world, adverse_events='{"a": "\\u0000"}'))
    assert "The database cannot keep one of these values" in errors_on(response)


def test_a_list_of_texts_keeps_its_commas(world: World, sign_in: SignIn) -> None:
    condition = world.here.rows["health_records.ChronicCondition"]
    client = sign_in(world.user(UserRole.NURSE))
    url = address("health_records.ChronicCondition", "change", condition.pk)
    assert client.post(url, {**form_on(client, url), "triggers": "cold, dry air\ndust"}).status_code == 302
    assert ChronicCondition.objects.get(pk=condition.pk).triggers == ["cold, dry air", "dust"]
    assert form_on(client, url)["triggers"].splitlines() == ["cold, dry air", "dust"]


def test_microseconds_of_a_time_survive_a_change_elsewhere(world: World, sign_in: SignIn) -> None:
    exact = dt.datetime(2026, 3, 2, 12, 0, 5, 123456, tzinfo=dt.UTC)
    record = make_health_record(student=world.here.student, record_date=exact)
    client = sign_in(world.user(UserRole.NURSE))
    url = address("health_records.HealthRecord", "change", record.pk)
    assert client.post(url, {**form_on(client, url), "title": "New"}).status_code == 302
    assert HealthRecord.objects.get(pk=record.pk).record_date == exact


def test_nothing_is_chosen_for_the_nurse(world: World, sign_in: SignIn) -> None:
    form = form_on(sign_in(world.user(UserRole.NURSE)), address("core.Student", "add"))
    assert form.get("gender", "") == ""
    assert form["school"] == str(world.here.school.pk)


def test_the_admins_log_names_nobody(world: World, sign_in: SignIn) -> None:
    client = sign_in(world.user(UserRole.ADMIN))
    for label, row in world.here.rows.items():
        if label == "configuration.ConfigurationHistory" or label not in BY_LABEL:
            continue
        url = address(label, "change", row.pk)
        form = form_on(client, url)
        field = next(name for name in ("last_name", "name", "notes", "description", "reason") if name in form)
        why = {"reason": "Why"} if label == "configuration.SystemConfiguration" else {}
        assert client.post(url, {**form, **why, field: "Secretname"}).status_code == 302, label
    client.post(address(VACCINATION, "delete", world.here.rows[VACCINATION].pk), {"post": "yes"})
    entries = list(LogEntry.objects.all())
    assert len(entries) >= len(BY_LABEL)
    for entry in entries:
        text = entry.object_repr + entry.change_message
        assert not any(word in text for word in ("Brien", "Secretname", "@", "Peanut", "Zo")), text


def test_messages_and_titles_name_nobody(world: World, sign_in: SignIn) -> None:
    client = sign_in(world.user(UserRole.NURSE))
    url = address("core.Student", "change", world.here.student.pk)
    assert client.post(url, {**form_on(client, url), "grade": "6"}).status_code == 302
    assert "Brien" not in str(client.cookies)
    page = client.get(url).content.decode()
    assert "Brien" not in page[page.index("<title>") : page.index("</title>")]
    assert "O&#x27;Brien, Zoë" in page


def test_read_only_pages_call_records_by_name(world: World, sign_in: SignIn) -> None:
    client = sign_in(world.user(UserRole.VIEWER))
    page = client.get(address(VACCINATION, "change", world.here.rows[VACCINATION].pk)).content.decode()
    assert "O&#x27;Brien, Zoë (N" in page
    assert "Mar 2, 2026, 12:00 UTC" in page
    assert 'name="_save"' not in page


def test_a_confidential_record_is_not_named_to_those_who_may_not_see_it(world: World, sign_in: SignIn) -> None:
    secret = make_health_record(student=world.here.student, is_confidential=True, record_type="MENTAL_HEALTH")
    screening = world.here.rows["health_records.Screening"]
    type(screening)._base_manager.filter(pk=screening.pk).update(health_record=secret)
    page = sign_in(world.user(UserRole.COUNSELOR)).get(address("health_records.Screening", "change", screening.pk))
    assert page.status_code == 302
    page = sign_in(world.user(UserRole.NURSE)).get(address("health_records.Screening", "change", screening.pk))
    assert "Mental health" in page.content.decode()


def test_deleting_marks_and_restoring_takes_the_mark_away(world: World, sign_in: SignIn) -> None:
    dose = world.here.rows[VACCINATION]
    client = sign_in(world.user(UserRole.NURSE))
    url = address(VACCINATION, "delete", dose.pk)
    assert "can be restored" in client.get(url).content.decode()
    assert client.post(url, {"post": "yes"}).status_code == 302
    assert Vaccination.all_objects.get(pk=dose.pk).deleted_at
    assert dose not in client.get(address(VACCINATION, "changelist")).context["cl"].result_list
    deleted = client.get(address(VACCINATION, "changelist"), {"deleted": "yes"})
    assert list(deleted.context["cl"].result_list) == [dose]
    assert not client.get(address(VACCINATION, "change", dose.pk)).context["adminform"].form.fields


def test_a_district_with_schools_is_kept_and_says_why(world: World, sign_in: SignIn) -> None:
    client = sign_in(world.user(UserRole.ADMIN))
    for label in ("core.District", "core.School", "core.User", "health_records.Medication"):
        row = world.here.rows[label]
        if label == "health_records.Medication":
            row = world.here.rows["health_records.StudentMedication"].medication  # type: ignore[attr-defined]
        page = client.post(address(label, "delete", row.pk), {"post": "yes"})
        assert "refer to it" in page.content.decode(), label
        assert type(row)._base_manager.filter(pk=row.pk).exists()


def test_an_action_that_the_database_refuses_does_nothing_and_says_why(
    world: World, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Somebody's order comes between the look at what depends on the medication and its removal.
    monkeypatch.setattr("core.admin.record_admin.RecordAdmin._what_depends_on", lambda *args: [])
    used = world.here.rows["health_records.StudentMedication"].medication  # type: ignore[attr-defined]
    free = world.here.rows["health_records.Medication"]
    url = address("health_records.Medication", "changelist")
    data = {"action": "delete_selected", "_selected_action": [str(free.pk), str(used.pk)], "post": "yes"}
    page = sign_in(world.user(UserRole.ADMIN)).post(url, data, follow=True)
    assert "this one is still in use" in page.content.decode()
    assert type(free)._base_manager.filter(pk__in=[free.pk, used.pk]).count() == 2
    assert not LogEntry.objects.exists()


def test_every_field_is_on_its_page_or_hidden_on_purpose() -> None:
    from django.contrib.admin.utils import flatten_fieldsets

    from core.admin import site

    for model, model_admin in site._registry.items():
        if not model_admin.fieldsets:
            continue
        shown = {*flatten_fieldsets(model_admin.fieldsets), *model_admin.bookkeeping, *model_admin.hidden, "id"}
        assert {field.name for field in model._meta.fields} <= shown, model


__all__ = ["make_user"]
