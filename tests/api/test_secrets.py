"""The value of a secret is in no answer."""

from typing import Any

from configuration.models import SystemConfiguration
from tests.api.client import SETTINGS, ApiClient
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
