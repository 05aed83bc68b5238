"""ETags: whoever looked too long is told, and nothing is lost."""

import threading
from typing import Any

import pytest
from django.db import connection
from knox.models import AuthToken

from configuration.models import ConfigurationHistory, SystemConfiguration
from tests.api.client import SETTINGS, ApiClient, problem
from tests.api.conftest import client_of
from tests.factories import make_user

WHY = "The board wants it"


def test_what_a_client_has_already_is_not_sent_again(api: ApiClient, timeout: SystemConfiguration) -> None:
    path = f"{SETTINGS}/{timeout.pk}"
    tag = api.get(path)["ETag"]
    again = api.send("get", path, If_None_Match=f'"other", {tag}')
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    assert api.send("get", path, If_None_Match='"other"').status_code == 200


@pytest.mark.parametrize("method", ["put", "patch", "delete", "restore"])
def test_whoever_saw_another_version_is_refused(api: ApiClient, timeout: SystemConfiguration, method: str) -> None:
    path = f"{SETTINGS}/{timeout.pk}"
    seen = api.get(path)["ETag"]
    # Within a transaction time stands still, so the other change is of an earlier moment.
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE system_configurations DISABLE TRIGGER system_configurations_set_updated_at")
        cursor.execute(
            """UPDATE system_configurations SET value = '30', "updatedAt" = now() + interval '1 s' WHERE id = %s""",
            [timeout.pk],
        )
        cursor.execute("ALTER TABLE system_configurations ENABLE TRIGGER system_configurations_set_updated_at")
    latest = ConfigurationHistory.objects.filter(id=timeout.pk).latest("history_date")
    changes = ConfigurationHistory.objects.count()
    bodies: dict[str, Any] = {
        "put": {"value": 20, "valueType": "NUMBER", "reason": WHY},
        "patch": {"value": 20, "reason": WHY},
        "delete": {"reason": WHY},
        "restore": {"version": str(latest.history_id), "before": True, "reason": WHY},
    }
    asked = ("post", f"{path}/restore") if method == "restore" else (method, path)
    for tag in (seen, f"W/{api.get(path)['ETag']}", "nonsense", '""'):
        problem(api.send(*asked, bodies[method], If_Match=tag), 412)
    assert ConfigurationHistory.objects.count() == changes
    assert api.send(*asked, bodies[method], If_Match=f'"x", {api.get(path)["ETag"]}').status_code in (200, 204)


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_of_many_at_once_who_saw_the_same_version_one_wins(committed_db: str, method: str) -> None:
    setting = SystemConfiguration.objects.get(key="SESSION_TIMEOUT_MINUTES")
    path = f"{SETTINGS}/{setting.pk}"
    _, token = AuthToken.objects.create(make_user("ADMIN"))
    tag = ApiClient(headers={"Authorization": f"Bearer {token}"}).get(path)["ETag"]
    changes = ConfigurationHistory.objects.count()
    together, statuses = threading.Barrier(6), []

    def change(number: int) -> None:
        client = ApiClient(headers={"Authorization": f"Bearer {token}"})
        together.wait()
        body = {"reason": WHY} if method == "delete" else {"value": 20 + number, "reason": WHY}
        statuses.append(client.send(method, path, body, If_Match=tag).status_code)
        connection.close()

    threads = [threading.Thread(target=change, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lost = [404, 412] if method == "delete" else [412]
    assert len(statuses) == 6
    assert sum(status < 300 for status in statuses) == 1
    assert all(status in lost for status in statuses if status >= 300)
    assert ConfigurationHistory.objects.count() == changes + 1


def test_changes_of_other_facts_at_once_are_both_kept(committed_db: str) -> None:
    setting = SystemConfiguration.objects.get(key="SESSION_TIMEOUT_MINUTES")
    user = make_user("ADMIN")
    bodies: list[dict[str, Any]] = [{"value": 20}, {"description": "Short"}, {"sortOrder": 7}, {"subCategory": "Idle"}]
    together = threading.Barrier(len(bodies))

    def change(body: dict[str, Any]) -> None:
        client = client_of(user)
        together.wait()
        client.send("patch", f"{SETTINGS}/{setting.pk}", {**body, "reason": WHY})
        connection.close()

    threads = [threading.Thread(target=change, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    setting.refresh_from_db()
    assert (setting.value, setting.description, setting.sort_order, setting.sub_category) == ("20", "Short", 7, "Idle")


@pytest.mark.parametrize("tag", ['W/"{}"', "{}", "'{}'", '"{}', '{}"', 'x"{}"', '"{}" *', '*, "{}"', '"x" "{}"', ""])
def test_what_is_no_list_of_strong_tags_matches_nothing(api: ApiClient, timeout: SystemConfiguration, tag: str) -> None:
    path = f"{SETTINGS}/{timeout.pk}"
    now = api.get(path)["ETag"].strip('"')
    problem(api.send("patch", path, {"value": 20, "reason": WHY}, If_Match=tag.format(now)), 412)
    assert api.send("patch", path, {"value": 20, "reason": WHY}, If_Match=f'"x" , "{now}"').status_code == 200


@pytest.mark.parametrize("tag", ["*", '"x"'])
def test_a_setting_that_is_gone_matches_nothing(api: ApiClient, timeout: SystemConfiguration, tag: str) -> None:
    path = f"{SETTINGS}/{timeout.pk}"
    assert api.send("delete", path, {"reason": WHY}).status_code == 204
    wanted = {"version": str(ConfigurationHistory.objects.filter(id=timeout.pk).latest().pk), "reason": WHY}
    problem(api.send("post", f"{path}/restore", wanted, If_Match=tag), 412)
    assert api.send("post", f"{path}/restore", wanted).status_code == 200
