"""Settings over HTTP: read, made, changed, deleted, restored."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from configuration.models import ConfigurationHistory, SystemConfiguration
from tests.api.client import SETTINGS, ApiClient, problem
from tests.api.conftest import client_of
from tests.factories import make_school, make_user

WHY = "The board wants it"
KEY = "SESSION_TIMEOUT_MINUTES"


def test_a_list_is_paged_in_a_stable_order(api: ApiClient) -> None:
    first = api.read(page_size=5)
    assert (first["count"], first["pages"], first["page"], first["previous"]) == (12, 3, 1, None)
    second = api.read(first["next"])
    third = api.read(second["next"])
    assert third["next"] is None
    keys = [row["key"] for page in (first, second, third) for row in page["results"]]
    assert len(set(keys)) == 12
    assert api.read(third["previous"])["results"] == second["results"]
    problem(api.get(SETTINGS, {"page": 4, "page_size": 5}), 404)


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ({"category": "NOTIFICATION"}, {"EMAIL_NOTIFICATION_ENABLED", "SMS_NOTIFICATION_ENABLED"}),
        ({"key": KEY}, {KEY}),
        ({"search": "timeout session"}, {KEY}),
        ({"scope": "SCHOOL"}, set()),
        ({"tag": "no such tag"}, set()),
        ({"search": "100%"}, set()),
    ],
)
def test_a_list_is_filtered(api: ApiClient, query: dict[str, str], keys: set[str]) -> None:
    found = {row["key"] for row in api.read(**query)["results"]}
    assert found == keys


@pytest.mark.parametrize(
    "query",
    [
        "page=0", "page=-1", "page=x", "page_size=1000000000", "page_size=0", "page=1e2", "page=1&page=2", "nonsense=1",
        "category=NONE", "scope=", "search=%00", "tag=%00", "page=99999999999999999999",
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_understood_is_refused(api: ApiClient, query: str) -> None:
    found = problem(api.get(f"{SETTINGS}?{query}"), 400)
    assert found["errors"][0]["parameter"] == query.partition("=")[0]


def test_lists_take_as_many_queries_whatever_their_length(
    api: ApiClient, django_assert_num_queries: Any, timeout: SystemConfiguration
) -> None:
    for value in (20, 30, 40):
        api.send("patch", f"{SETTINGS}/{timeout.pk}", {"value": value, "reason": WHY})
    for path, queries in ((f"{SETTINGS}?page_size=2", 4), (SETTINGS, 4), (f"{SETTINGS}/{KEY}/history", 4)):
        with django_assert_num_queries(queries):
            assert api.get(path).status_code == 200
    with django_assert_num_queries(2):
        assert api.get(f"{SETTINGS}/effective").status_code == 200


def test_a_change_is_recorded_with_who_why_and_from_where(
    api: ApiClient, administrator: Any, timeout: SystemConfiguration
) -> None:
    response = api.send("patch", f"{SETTINGS}/{timeout.pk}", {"value": 20, "reason": WHY}, User_Agent="a program")
    assert response.status_code == 200
    assert response.json()["value"] == 20
    latest = api.read(f"{SETTINGS}/{KEY}/history")["results"][0]
    assert (latest["oldValue"], latest["newValue"], latest["reason"]) == (60, 20, WHY)
    assert latest["changedBy"] == str(administrator.pk)
    assert latest["changedByName"] == administrator.get_full_name()
    assert (latest["ipAddress"], latest["userAgent"]) == ("127.0.0.1", "a program")
    assert latest["changedFields"] == ["value"]
    assert latest["databaseRole"] is None
    assert SystemConfiguration.objects.get(pk=timeout.pk).last_modified_by == administrator


@pytest.mark.parametrize("reason", [None, "", "  ", 7, "\x00"])
def test_nothing_changes_without_a_reason(api: ApiClient, timeout: SystemConfiguration, reason: Any) -> None:
    body = {"value": 20} if reason is None else {"value": 20, "reason": reason}
    changes = ConfigurationHistory.objects.count()
    for method, path, sent in (
        ("patch", f"{SETTINGS}/{timeout.pk}", body),
        ("put", f"{SETTINGS}/{timeout.pk}", {**body, "valueType": "NUMBER"}),
        ("post", SETTINGS, {**body, "key": "NEW_KEY"}),
        ("delete", f"{SETTINGS}/{timeout.pk}", {name: fact for name, fact in body.items() if name == "reason"}),
    ):
        assert api.send(method, path, sent).status_code in (400, 422)
    assert api.delete(f"{SETTINGS}/{timeout.pk}").status_code == 400
    assert ConfigurationHistory.objects.count() == changes


@pytest.mark.parametrize("by", ["query", "body"])
def test_a_deletion_says_why_in_the_query_or_in_the_body(api: ApiClient, timeout: SystemConfiguration, by: str) -> None:
    path = f"{SETTINGS}/{timeout.pk}"
    response = api.delete(f"{path}?reason={WHY}") if by == "query" else api.send("delete", path, {"reason": WHY})
    assert response.status_code == 204
    assert not SystemConfiguration.objects.filter(key=KEY).exists()
    latest = api.read(f"{SETTINGS}/{KEY}/history")["results"][0]
    assert (latest["change"], latest["oldValue"], latest["newValue"], latest["reason"]) == ("deleted", 60, None, WHY)
    problem(api.get(path), 404)


def test_a_school_gets_a_value_of_its_own_with_the_facts_of_the_systems_row(api: ApiClient) -> None:
    school = make_school()
    response = api.send(
        "post", SETTINGS, {"key": KEY, "scope": "SCHOOL", "scopeId": str(school.pk), "value": 15, "reason": WHY}
    )
    assert response.status_code == 201
    made = response.json()
    assert response["Location"] == f"{SETTINGS}/{made['id']}"
    assert response["ETag"] == f'"{made["version"]}"'
    assert (made["value"], made["valueType"], made["category"], made["scopeId"]) == (
        15, "NUMBER", SystemConfiguration.objects.of_the_system().get(key=KEY).category, str(school.pk),
    )  # fmt: skip
    again = {"key": KEY, "scope": "SCHOOL", "scopeId": str(school.pk), "value": 16, "reason": WHY}
    problem(api.send("post", SETTINGS, again), 422)
    nobodys = problem(api.send("post", SETTINGS, {**again, "scopeId": str(uuid.uuid4())}), 422)
    assert nobodys["errors"][0]["pointer"] == "#/scopeId"


@pytest.mark.parametrize(
    ("value_type", "value", "shown"),
    [
        ("STRING", " a text ", " a text "),
        ("NUMBER", 12, 12),
        ("NUMBER", -0.5, -0.5),
        ("NUMBER", "1.00000000000000000001", "1.00000000000000000001"),
        ("NUMBER", 10**300, 10**300),
        ("BOOLEAN", False, False),
        ("BOOLEAN", "true", True),
        ("JSON", {"a": [1, None, "é"]}, {"a": [1, None, "é"]}),
        ("JSON", "a string", "a string"),
        ("JSON", None, None),
        ("ARRAY", [1, "b"], [1, "b"]),
        ("DATE", "2026-08-31", "2026-08-31"),
        ("TIME", "14:30:00", "14:30:00"),
        ("DATETIME", "2026-08-31T14:30:00+00:00", "2026-08-31T14:30:00+00:00"),
        ("EMAIL", "help@example.org", "help@example.org"),
        ("COLOR", "#00ff00", "#00ff00"),
    ],
)
def test_values_are_typed_both_ways(api: ApiClient, value_type: str, value: Any, shown: Any) -> None:
    body = {"key": "MINE", "valueType": value_type, "value": value, "reason": WHY}
    response = api.send("post", SETTINGS, body)
    assert response.status_code == 201, response.content
    made = response.json()
    assert made["value"] == shown
    assert type(made["value"]) is type(shown)
    assert made["tags"] == ["custom"]
    again = api.send(
        "put", f"{SETTINGS}/{made['id']}", {"value": made["value"], "valueType": value_type, "reason": WHY}
    )
    assert again.json()["value"] == shown


def test_a_fraction_that_no_double_holds_is_not_rounded(api: ApiClient) -> None:
    body = b'{"key": "MINE", "valueType": "NUMBER", "value": 0.1000000000000000000001, "reason": "exact"}'
    assert api.post(SETTINGS, body, content_type="application/json").status_code == 201
    assert SystemConfiguration.objects.get(key="MINE").typed_value == Decimal("0.1000000000000000000001")


@pytest.mark.parametrize(
    "body",
    [
        {"value": 1e300}, {"value": "many"}, {"value": None}, {"value": []}, {"value": True},
        {"value": -1}, {"minValue": 100, "maxValue": 1}, {"validationRules": {"nonsense": 1}}, {"minValue": 1000},
    ],
)  # fmt: skip
def test_what_a_rule_refuses_is_named_and_nothing_changes(
    api: ApiClient, timeout: SystemConfiguration, body: dict[str, Any]
) -> None:
    found = problem(api.send("patch", f"{SETTINGS}/{timeout.pk}", {**body, "reason": WHY}), 422)
    assert found["errors"]
    assert all(error["pointer"].startswith("#") for error in found["errors"])
    after = SystemConfiguration.objects.get(pk=timeout.pk)
    assert (after.value, after.updated_at) == (timeout.value, timeout.updated_at)


@pytest.mark.parametrize(
    "body",
    [
        {"vlaue": 20}, {"id": str(uuid.uuid4())}, {"key": "OTHER"}, {"version": "x"}, {"secret": False},
        {"isActive": 1}, {"isActive": "yes"}, {"sortOrder": "1"}, {"sortOrder": 2**40}, {"minValue": "1"},
        {"tags": "a"}, {"tags": [1]},
        {"category": "NONE"}, {"category": ["GENERAL"]}, {"validationRules": []}, {"displayName": "x" * 201},
        {"valueType": None}, {"isActive": None}, {"minValue": 10**400 - 1},
    ],
)  # fmt: skip
def test_a_body_of_another_shape_is_refused_and_nothing_changes(
    api: ApiClient, timeout: SystemConfiguration, body: dict[str, Any]
) -> None:
    found = problem(api.send("patch", f"{SETTINGS}/{timeout.pk}", {**body, "reason": WHY}), 400)
    assert found["errors"][0]["pointer"].startswith(f"#/{next(iter(body))}") if found.get("errors") else found["detail"]
    assert SystemConfiguration.objects.get(pk=timeout.pk).updated_at == timeout.updated_at


def test_what_is_read_only_for_people_stays(api: ApiClient, timeout: SystemConfiguration) -> None:
    SystemConfiguration.objects.filter(pk=timeout.pk).update(is_editable=False)
    path = f"{SETTINGS}/{timeout.pk}"
    problem(api.send("patch", path, {"value": 20, "reason": WHY}), 409)
    problem(api.delete(f"{path}?reason={WHY}"), 409)


def test_put_replaces_everything_and_patch_only_what_is_given(api: ApiClient, timeout: SystemConfiguration) -> None:
    path = f"{SETTINGS}/{timeout.pk}"
    patched = api.send("patch", path, {"description": "Short", "reason": WHY}).json()
    assert (patched["description"], patched["value"]) == ("Short", 60)
    replaced = api.send("put", path, {"value": 30, "valueType": "NUMBER", "reason": WHY}).json()
    assert (replaced["value"], replaced["description"], replaced["defaultValue"]) == (30, None, None)
    assert (replaced["key"], replaced["category"]) == (KEY, "GENERAL")


def test_any_version_is_restored_as_a_new_change(api: ApiClient, timeout: SystemConfiguration) -> None:
    path = f"{SETTINGS}/{timeout.pk}"
    api.send("patch", path, {"value": 20, "reason": WHY})
    api.send("patch", path, {"value": 30, "reason": WHY})
    latest, earlier, *_ = api.read(f"{SETTINGS}/{KEY}/history")["results"]
    back = api.send("post", f"{path}/restore", {"version": earlier["id"], "reason": "Better"})
    assert (back.status_code, back.json()["value"]) == (200, 20)
    before = api.send("post", f"{path}/restore", {"version": earlier["id"], "before": True, "reason": "Best"})
    assert before.json()["value"] == 60
    assert api.read(f"{SETTINGS}/{KEY}/history")["results"][0]["reason"] == "Best"
    api.delete(f"{path}?reason={WHY}")
    assert api.send("post", f"{path}/restore", {"version": latest["id"], "reason": "Again"}).json()["value"] == 30
    problem(api.send("post", f"{path}/restore", {"version": str(uuid.uuid4()), "reason": WHY}), 404)
    problem(api.send("post", f"{SETTINGS}/{uuid.uuid4()}/restore", {"version": latest["id"], "reason": WHY}), 404)


def test_restoring_what_was_before_a_setting_deletes_it(api: ApiClient) -> None:
    made = api.send("post", SETTINGS, {"key": "MINE", "value": "x", "reason": WHY}).json()
    (created,) = api.read(f"{SETTINGS}/MINE/history")["results"]
    gone = api.send(
        "post", f"{SETTINGS}/{made['id']}/restore", {"version": created["id"], "before": True, "reason": WHY}
    )
    assert gone.status_code == 204
    assert not SystemConfiguration.objects.filter(key="MINE").exists()


def test_the_history_of_an_unknown_key_names_near_ones(api: ApiClient) -> None:
    found = problem(api.get(f"{SETTINGS}/SESSION_TIMEOUT_MINUTE/history"), 404)
    assert "Did you mean SESSION_TIMEOUT_MINUTES" in found["detail"]
    problem(api.get(f"{SETTINGS}/a%00b/history"), 404)


def test_the_history_of_a_key_has_all_its_scopes(api: ApiClient) -> None:
    school = make_school()
    api.send("post", SETTINGS, {"key": KEY, "scope": "SCHOOL", "scopeId": str(school.pk), "value": 15, "reason": WHY})
    assert api.read(f"{SETTINGS}/{KEY}/history", scope="SCHOOL")["count"] == 1
    assert (
        api.read(f"{SETTINGS}/{KEY}/history")["count"] > 1
        or not api.read(f"{SETTINGS}/{KEY}/history", scope="SYSTEM")["count"]
    )
    assert api.read(f"{SETTINGS}/{KEY}/history", scope="USER")["results"] == []


@pytest.mark.parametrize("role", ["DISTRICT_ADMIN", "SCHOOL_ADMIN", "NURSE", "COUNSELOR", "VIEWER", None])
def test_nobody_but_administrators_comes_in(role: str | None, nobody: ApiClient, timeout: SystemConfiguration) -> None:
    client = client_of(make_user(role)) if role else nobody
    one = f"{SETTINGS}/{timeout.pk}"
    for method, path in (
        ("get", SETTINGS), ("post", SETTINGS), ("get", one), ("put", one), ("patch", one), ("delete", one),
        ("post", f"{one}/restore"), ("get", f"{SETTINGS}/{KEY}/history"), ("get", f"{SETTINGS}/effective"),
        ("post", f"{SETTINGS}/bulk"),
    ):  # fmt: skip
        response = client.get(path) if method == "get" else client.send(method, path, {"reason": WHY})
        problem(response, 403 if role else 401)
        assert role or response["WWW-Authenticate"] == "Bearer"
    assert SystemConfiguration.objects.get(pk=timeout.pk).updated_at == timeout.updated_at
