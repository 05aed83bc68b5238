"""Lists cost the same few queries however long they are, and none of them counts."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from core import access
from core.admin import site
from core.enums import UserRole
from tests.access.worlds import MAKERS, World
from tests.admin.conftest import SignIn
from tests.admin.pages import BY_LABEL, address
from tests.factories import make_student

MOST_QUERIES = 12


@pytest.fixture
def long_lists(world: World) -> World:
    """Sixty rows more of every kind here: one page and a part of the next."""
    here = world.here
    for number in range(60):
        student = make_student(school=here.school, last_name=f"Row{number:02}")
        for label, make in MAKERS.items():
            if label not in ("core.District", "core.School", "core.User", "core.Student"):
                make(student, here.nurse)
    return world


@pytest.mark.parametrize("role", [UserRole.ADMIN, UserRole.DISTRICT_ADMIN, UserRole.NURSE])
def test_a_list_page_takes_few_queries_and_counts_nothing(long_lists: World, sign_in: SignIn, role: str) -> None:
    client = sign_in(long_lists.user(role))
    for label in BY_LABEL:
        for query in ({}, {"p": 2}, {"q": "Row"}, {"deleted": "yes"}, {"period": "year"}):
            with CaptureQueriesContext(
                connection,
            ) as queries:
                response = client.get(address(label, "changelist"), query)
            assert response.status_code in (200, 302, 400, 403), (label, query)
            assert len(queries) <= MOST_QUERIES, (label, query, len(queries))
            for sql in queries.captured_queries:
                assert "COUNT(" not in sql["sql"].upper(), (label, query)
                assert "SELECT DISTINCT" not in sql["sql"].upper(), (label, query)


def test_pages_follow_each_other_without_a_gap(long_lists: World, sign_in: SignIn) -> None:
    client = sign_in(long_lists.user(UserRole.NURSE))
    first = client.get(address("core.Student", "changelist"))
    second = client.get(address("core.Student", "changelist"), {"p": 2})
    rows = [*first.context["cl"].result_list, *second.context["cl"].result_list]
    assert len(rows) == len(set(rows)) == 61
    assert [row.last_name for row in rows] == sorted(row.last_name for row in rows)
    assert b"1 to 50" in first.content
    assert b'rel="next"' in first.content
    assert b"51 to 61 (the end)" in second.content
    assert b'rel="next"' not in second.content


def test_a_page_that_is_not_there_leads_back(long_lists: World, sign_in: SignIn) -> None:
    client = sign_in(long_lists.user(UserRole.NURSE))
    for page in ("0", "-1", "3", "1000000", "last", "x"):
        assert client.get(address("core.Student", "changelist"), {"p": page}).status_code in (200, 302), page


def test_a_list_leafs_to_its_last_page_and_says_what_to_do(
    long_lists: World, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.admin.paginator.LAST_PAGE", 1)
    page = sign_in(long_lists.user(UserRole.NURSE)).get(address("core.Student", "changelist")).content
    assert b"There are more: search or filter" in page


def test_completion_pages_do_not_count(long_lists: World, sign_in: SignIn) -> None:
    client = sign_in(long_lists.user(UserRole.ADMIN))
    query = {"app_label": "health_records", "model_name": "vaccination", "field_name": "student", "term": "Row"}
    with CaptureQueriesContext(connection) as queries:
        answer = client.get("/admin/autocomplete/", query).json()
    assert len(answer["results"]) == 20
    assert answer["pagination"]["more"]
    assert answer["results"][0]["text"].startswith("Row00, Ada (N")
    assert "COUNT(" not in "".join(sql["sql"] for sql in queries.captured_queries).upper()


def test_every_relation_is_completed_never_listed() -> None:
    for model, model_admin in site._registry.items():
        relations = {field.name for field in model._meta.fields if field.is_relation}
        assert relations == set(model_admin.get_autocomplete_fields(None)), model


def test_inlines_would_need_a_scope_of_their_own() -> None:
    assert not any(model_admin.inlines for model_admin in site._registry.values())


@pytest.mark.parametrize("text", ["obri", "O'Brien", "zoe", "ZOË O'B", "Brien Nobody", "%", "_", "' OR 1=1 --"])
def test_a_search_takes_what_people_type(world: World, sign_in: SignIn, text: str) -> None:
    response = sign_in(world.user(UserRole.NURSE)).get(address("core.Student", "changelist"), {"q": text})
    found = world.here.student in response.context["cl"].result_list
    assert found == (text in ("obri", "O'Brien", "zoe", "ZOË O'B"))


def test_a_search_for_nul_is_an_error_in_words(world: World, sign_in: SignIn) -> None:
    response = sign_in(world.user(UserRole.NURSE)).get(address("core.Student", "changelist"), {"q": "\x00"})
    assert b"Null characters are not allowed" in response.content


def test_a_number_finds_its_student(world: World, sign_in: SignIn) -> None:
    number = world.here.student.student_number
    response = sign_in(world.user(UserRole.NURSE)).get(address("core.Student", "changelist"), {"q": number})
    assert list(response.context["cl"].result_list) == [world.here.student]


@pytest.mark.parametrize(
    ("label", "query"),
    [
        ("core.User", {"password__startswith": "argon2"}),
        ("core.User", {"two_factor_secret__isnull": "0"}),
        ("core.User", {"password_reset_token": "x"}),
        ("core.Student", {"nurse__password__startswith": "argon2"}),
        ("health_records.HealthRecord", {"notes__icontains": "x"}),
        ("health_records.HealthRecord", {"student__last_name__startswith": "x"}),
        ("health_records.Medication", {"orders__student__last_name": "x"}),
    ],
)
def test_addresses_ask_only_what_the_filters_ask(
    world: World, sign_in: SignIn, label: str, query: dict[str, Any]
) -> None:
    assert sign_in(world.user(UserRole.ADMIN)).get(address(label, "changelist"), query).status_code == 400


def test_a_filter_on_another_schools_student_shows_nothing(world: World, sign_in: SignIn) -> None:
    response = sign_in(world.user(UserRole.NURSE)).get(
        address("health_records.Vaccination", "changelist"), {"student__id__exact": str(world.near.student.pk)}
    )
    assert not response.context["cl"].result_list
    assert b"Brien" not in response.content


def test_times_are_shown_with_their_zone(world: World, sign_in: SignIn, settings: Any) -> None:
    settings.TIME_ZONE = "America/Chicago"
    page = sign_in(world.user(UserRole.NURSE)).get(address("health_records.Vaccination", "changelist"))
    assert "Mar 2, 2026, 06:00 CST" in page.content.decode()


def test_the_period_filter_is_bounded_on_both_sides(world: World, sign_in: SignIn) -> None:
    from django.utils import timezone

    record = world.here.rows["health_records.Appointment"]
    type(record)._base_manager.filter(pk=record.pk).update(scheduled_at=timezone.now())
    client = sign_in(world.user(UserRole.NURSE))
    url = address("health_records.Appointment", "changelist")
    assert list(client.get(url, {"period": "today"}).context["cl"].result_list) == [record]
    type(record)._base_manager.filter(pk=record.pk).update(scheduled_at=timezone.now() + dt.timedelta(days=2))
    assert not client.get(url, {"period": "year"}).context["cl"].result_list


@pytest.mark.parametrize("value", ["no", "", "YES"])
def test_deleted_records_are_listed_only_where_asked_for(world: World, sign_in: SignIn, value: str) -> None:
    dose = world.here.rows["health_records.Vaccination"]
    dose.delete()
    url = address("health_records.Vaccination", "changelist")
    response = sign_in(world.here.nurse).get(url, {"deleted": value})
    assert dose not in getattr(response.context and response.context["cl"], "result_list", [])


@pytest.mark.parametrize("query", [{}, {"q": "O'Brien"}, {"deleted": "yes"}])
def test_a_deleted_students_records_leave_lists_searches_and_pages(
    world: World, sign_in: SignIn, query: dict[str, str]
) -> None:
    world.here.student.delete()
    client = sign_in(world.here.nurse)
    for label, row in world.here.rows.items():
        if access.students_relation(type(row)) and "view" in access.LINES[label].rights[UserRole.NURSE]:
            response = client.get(address(label, "changelist"), query)
            assert row not in response.context["cl"].result_list, label
            assert client.post(address(label, "change", row.pk), {"notes": "x"}).status_code in (302, 403), label


def test_nobody_changes_a_deleted_students_records(world: World, sign_in: SignIn) -> None:
    world.here.student.delete()
    client = sign_in(world.user(UserRole.ADMIN))
    for label, row in world.here.rows.items():
        if access.students_relation(type(row)):
            url = address(label, "change", row.pk)
            assert not client.get(url).context["adminform"].form.fields, label
            assert client.post(url, {"notes": "x"}).status_code == 403, label


def test_a_deleted_students_appointment_leaves_the_front_page(world: World, sign_in: SignIn) -> None:
    from django.utils import timezone

    row = world.here.rows["health_records.Appointment"]
    type(row)._base_manager.filter(pk=row.pk).update(scheduled_at=timezone.now())
    client = sign_in(world.here.nurse)
    assert b"Brien" in client.get("/admin/").content
    world.here.student.delete()
    assert b"Brien" not in client.get("/admin/").content


def test_only_columns_with_an_index_sort(world: World, rf: RequestFactory) -> None:
    for label, model in BY_LABEL.items():
        model_admin = site._registry[model]

        def order(query: dict[str, str], model_admin: Any = model_admin) -> list[Any]:
            request = rf.get("/", query)
            request.user = world.user(UserRole.ADMIN)
            return [*dict.fromkeys(model_admin.get_changelist_instance(request).queryset.query.order_by)]

        for number, name in enumerate(model_admin.get_list_display(None), 1):
            if name not in (model_admin.sortable_by or ()):
                assert order({"o": f"-{number}"}) == order({}), (label, name)
