"""Several changes: all of them, or none."""

from typing import Any

import psycopg
from django.db import connection

from configuration.models import ConfigurationHistory, SystemConfiguration
from tests.api.client import SETTINGS, ApiClient, problem
from tests.api.conftest import client_of
from tests.factories import make_user

WHY = "Rules of the district"
BULK = f"{SETTINGS}/bulk"


def test_all_are_made_with_one_reason_or_their_own(api: ApiClient, timeout: SystemConfiguration) -> None:
    changes: list[dict[str, Any]] = [
        {"action": "update", "id": str(timeout.pk), "value": 20},
        {"action": "create", "key": "MINE", "value": "x", "reason": "Mine"},
        {"action": "update", "key": "MINE", "value": "y"},
        {"action": "delete", "key": "SYSTEM_NAME"},
    ]
    response = api.send("post", BULK, {"reason": WHY, "changes": changes})
    assert response.status_code == 200, response.content
    first, _, mine, deleted = response.json()["results"]
    assert (first["value"], mine["value"], deleted) == (20, "y", None)
    made = ConfigurationHistory.objects.filter(key="MINE").values_list("history_type", "history_change_reason")
    assert set(made) == {("+", "Mine"), ("~", WHY)}
    assert not SystemConfiguration.objects.filter(key="SYSTEM_NAME").exists()


def test_one_refusal_refuses_all_and_every_refusal_is_named(api: ApiClient, timeout: SystemConfiguration) -> None:
    SystemConfiguration.objects.filter(key="SUPPORT_EMAIL").update(is_editable=False)
    before = dict(SystemConfiguration.objects.values_list("key", "value"))
    changes = ConfigurationHistory.objects.count()
    wanted: list[dict[str, Any]] = [
        {"action": "update", "key": "SESSION_TIMEOUT_MINUTES", "value": 20},
        {"action": "update", "key": "PASSWORD_MIN_LENGTH", "value": "none"},
        {"action": "update", "key": "NO_SUCH_KEY", "value": 1},
        {"action": "update", "key": "SUPPORT_EMAIL", "value": "a@example.org"},
        {"action": "update", "id": str(timeout.pk), "value": 20, "version": "another"},
        {"action": "create", "key": "MINE"},
        {"action": "delete"},
    ]
    found = problem(api.send("post", BULK, {"reason": WHY, "changes": wanted}), 422)
    assert [(error["index"], error["status"]) for error in found["errors"]] == [
        (1, 422), (2, 404), (3, 409), (4, 412), (5, 422), (6, 422),
    ]  # fmt: skip
    assert found["errors"][0]["pointer"] == "#/changes/1/value"
    assert dict(SystemConfiguration.objects.values_list("key", "value")) == before
    assert ConfigurationHistory.objects.count() == changes


def test_the_shape_of_each_change_is_judged_first(api: ApiClient) -> None:
    shapes: tuple[Any, ...] = (
        [],
        [1],
        [{"action": "drop"}],
        [{"action": "delete", "key": "A", "x": 1}],
        {},
        None,
        [{}] * 101,
    )
    for changes in shapes:
        problem(api.send("post", BULK, {"reason": WHY, "changes": changes}), 400)
    problem(api.send("post", BULK, [1]), 400)
    mixed = [{"action": "delete", "key": "SYSTEM_NAME"}, {"action": "update", "key": "SYSTEM_NAME", "isActive": 3}]
    found = problem(api.send("post", BULK, {"reason": WHY, "changes": mixed}), 400)
    assert found["errors"][0]["pointer"] == "#/changes/1/isActive"


def test_what_somebody_else_has_locked_is_409_after_a_while(committed_db: str) -> None:
    api = client_of(make_user("ADMIN"))
    connection.ensure_connection()
    known = connection.get_connection_params()
    whom = {name: known[name] for name in ("host", "port", "user", "password", "dbname") if known.get(name)}
    with psycopg.connect(**whom) as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended('whitecross settings in bulk', 0))")
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        changes = [{"action": "update", "key": "SYSTEM_NAME", "value": "Ours"}]
        refused = api.send("post", BULK, {"reason": WHY, "changes": changes})
    problem(refused, 409)
