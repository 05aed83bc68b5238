"""The value of a secret is in no answer."""

from typing import Any

import pytest

from configuration.models import ConfigurationHistory, SystemConfiguration
from tests.api.client import SETTINGS, ApiClient, problem
from tests.factories import make_school

WHY = "It was guessed"
OLD, NEW, DEFAULT = "first-password-of-all", "second-password-of-all", "third-password-of-all"


def test_no_answer_holds_a_secret(committed_db: str) -> None:
    from tests.api.conftest import client_of
    from tests.factories import make_user

    api, answers = client_of(make_user("ADMIN")), []

    def ask(method: str, path: str, body: Any = None) -> Any:
        response = api.send(method, path, body)
        answers.append(response.content.decode())
        return response

    school = make_school()
    facts = {"key": "GATEWAY_PASSWORD", "tags": ["secret"], "defaultValue": DEFAULT, "reason": WHY}
    made = ask("post", SETTINGS, {**facts, "value": OLD}).json()
    assert (made["value"], made["defaultValue"], made["secret"]) == (None, None, True)
    place = {"scope": "SCHOOL", "scopeId": str(school.pk), "tags": []}
    override = ask("post", SETTINGS, {**facts, **place, "value": NEW}).json()
    assert (override["value"], override["secret"]) == (None, True)
    path = f"{SETTINGS}/{made['id']}"
    ask("patch", path, {"value": NEW, "reason": WHY})
    ask("patch", path, {"valueType": "NUMBER", "reason": WHY})
    ask("patch", path, {"valueType": "EMAIL", "reason": WHY})
    ask("patch", path, {"value": OLD, "validValues": ["x"], "reason": WHY})
    ask("get", path)
    ask("get", SETTINGS)
    ask("get", f"{SETTINGS}?search={NEW}")
    history = ask("get", f"{SETTINGS}/GATEWAY_PASSWORD/history").json()
    assert history["count"] == 3
    effective = ask("get", f"{SETTINGS}/effective?school={school.pk}").json()["results"]
    (mine,) = [one for one in effective if one["key"] == "GATEWAY_PASSWORD"]
    assert (mine["source"], mine["value"], mine["secret"]) == ("SCHOOL", None, True)
    version = history["results"][-1]["id"]
    ask("post", f"{path}/restore", {"version": version, "reason": WHY})
    change = {"action": "update", "id": made["id"], "value": OLD, "validValues": ["x"]}
    ask("post", f"{SETTINGS}/bulk", {"reason": WHY, "changes": [change]})
    ask("delete", path, {"reason": WHY})
    ask("get", f"{SETTINGS}/GATEWAY_PASSWORD/history")
    for answer in answers:
        for secret in (OLD, NEW, DEFAULT):
            assert secret not in answer


def test_a_masked_answer_that_is_sent_back_does_not_overwrite_the_secret(api: ApiClient) -> None:
    facts: dict[str, Any] = {"key": "TOKEN", "tags": ["secret"], "defaultValue": {"a": 1}, "valueType": "JSON"}
    made = api.send("post", SETTINGS, {**facts, "value": {"b": 2}, "reason": WHY}).json()
    path = f"{SETTINGS}/{made['id']}"
    sent = {"value": None, "valueType": "JSON", "defaultValue": None, "tags": ["secret"], "reason": WHY}
    assert api.send("put", path, sent).status_code == 422
    assert api.send("put", path, {**sent, "value": {"c": 3}}).status_code == 200
    stored = SystemConfiguration.objects.get(key="TOKEN")
    assert (stored.value, stored.default_value) == ('{"c": 3}', '{"a": 1}')


def test_a_secret_does_not_lose_its_tag_without_losing_its_value(api: ApiClient) -> None:
    facts = {"key": "TOKEN", "tags": ["secret"], "defaultValue": DEFAULT, "value": OLD, "reason": WHY}
    path = f"{SETTINGS}/{api.send('post', SETTINGS, facts).json()['id']}"
    bulk = {"action": "update", "key": "TOKEN", "tags": []}
    for asked in (
        api.send("patch", path, {"tags": [], "reason": WHY}),
        api.send("patch", path, {"tags": [], "value": OLD, "defaultValue": NEW, "reason": WHY}),
        api.send("patch", path, {"tags": [], "value": NEW, "reason": WHY}),
        api.send("post", f"{SETTINGS}/bulk", {"changes": [bulk], "reason": WHY}),
    ):
        assert "tags" in problem(asked, 422)["errors"][0]["pointer"]
    put = {"value": NEW, "valueType": "STRING", "reason": WHY}
    problem(api.send("put", path, put), 422)  # its default value would stay
    made = api.send("patch", path, {"tags": [], "value": NEW, "defaultValue": None, "reason": WHY})
    assert (made.status_code, made.json()["value"], made.json()["secret"]) == (200, NEW, False)


def test_what_became_secret_later_is_not_brought_back_in_the_open(api: ApiClient) -> None:
    made = api.send("post", SETTINGS, {"key": "TOKEN", "value": OLD, "reason": WHY}).json()
    path = f"{SETTINGS}/{made['id']}"
    assert api.send("patch", path, {"tags": ["secret"], "reason": WHY}).status_code == 200
    assert api.send("patch", path, {"value": NEW, "reason": WHY}).status_code == 200
    first = api.read(f"{SETTINGS}/TOKEN/history")["results"][-1]["id"]
    restored = api.send("post", f"{path}/restore", {"version": first, "reason": WHY})
    assert restored.status_code == 200
    assert OLD not in restored.content.decode()
    assert SystemConfiguration.objects.get(key="TOKEN").value == OLD
    api.send("delete", path, {"reason": WHY})
    restored = api.send("post", f"{path}/restore", {"version": first, "reason": WHY})
    assert (restored.status_code, restored.json()["secret"]) == (200, True)


@pytest.mark.parametrize("how", ["deleted", "opened", "deleted in bulk", "undone"])
@pytest.mark.parametrize("tagged", ["SYSTEM", "SCHOOL"])
def test_what_a_tag_has_hidden_of_other_rows_stays_hidden_without_it(api: ApiClient, tagged: str, how: str) -> None:
    rows = {}
    for scope in ("SYSTEM", "SCHOOL"):
        facts = {"key": "TOKEN", "value": OLD, "tags": ["secret"] if scope == tagged else [], "reason": WHY}
        place: dict[str, Any] = {"scope": scope, "scopeId": str(make_school().pk)} if scope == "SCHOOL" else {}
        rows[scope] = api.send("post", SETTINGS, {**facts, **place}).json()["id"]
    gone, left = (f"{SETTINGS}/{rows[scope]}" for scope in sorted(rows, key=lambda scope: scope != tagged))
    first = ConfigurationHistory.objects.get(id=rows[tagged]).pk
    asked: dict[str, tuple[str, str, dict[str, Any]]] = {
        "deleted": ("delete", gone, {}),
        "opened": ("patch", gone, {"tags": [], "value": NEW}),
        "deleted in bulk": ("post", f"{SETTINGS}/bulk", {"changes": [{"action": "delete", "id": rows[tagged]}]}),
        "undone": ("post", f"{gone}/restore", {"version": str(first), "before": True}),
    }
    method, path, body = asked[how]
    assert api.send(method, path, {**body, "reason": WHY}).status_code in (200, 204)
    assert (api.read(left)["value"], api.read(left)["secret"]) == (None, True)
    change = api.read(f"{SETTINGS}/TOKEN/history")["results"]
    assert [one["reason"] for one in change if one["changedFields"] == ["tags"]] == [WHY]
