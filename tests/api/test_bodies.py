"""What cannot be understood is refused, in one shape, and changes nothing."""

from typing import Any

import pytest

from configuration.models import SystemConfiguration
from core.api.views import ApiView
from tests.api.client import SETTINGS, ApiClient, problem


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"\xff", b"[]", b"null", b"1", b'"x"', b'{"value": NaN, "reason": "x"}', b"[" * 100_000,
        b'{"reason": "x", "value": ' + b"[" * 200 + b"]" * 200 + b"}",
        b'{"reason": "x", "value": "\\u0000"}', b'{"reason": "x", "value": "\\ud800"}',
        b'{"\\ud800": 1, "reason": "x"}',
        b'{"reason": "x", "reason": "y", "value": 20}', b'{"reason": "x", "value": 1e999999999}',
        b'{"reason": "x", "value": ' + b"9" * 5000 + b"}", b'\xef\xbb\xbf{"reason": "x"}',
    ],
)  # fmt: skip
def test_a_strange_body_is_400(api: ApiClient, timeout: SystemConfiguration, body: bytes) -> None:
    path = f"{SETTINGS}/{timeout.pk}"
    for send, address in ((api.patch, path), (api.put, path), (api.post, SETTINGS), (api.post, f"{SETTINGS}/bulk")):
        problem(send(address, body, content_type="application/json"), 400)
    assert SystemConfiguration.objects.get(pk=timeout.pk).updated_at == timeout.updated_at


def test_every_refusal_is_a_problem_document(api: ApiClient, timeout: SystemConfiguration, settings: Any) -> None:
    path = f"{SETTINGS}/{timeout.pk}"
    problem(api.get("/api/nothing"), 404)
    problem(api.get(f"{SETTINGS}/"), 404)
    problem(api.get(f"{SETTINGS}/not-an-id"), 404)
    refused = api.post(path, {}, content_type="application/json")
    problem(refused, 405)
    assert refused["Allow"] == "GET, PUT, PATCH, DELETE, HEAD"
    problem(api.get(SETTINGS, headers={"Accept": "text/html"}), 406)
    problem(api.patch(path, "a=b", content_type="application/x-www-form-urlencoded"), 415)
    problem(api.patch(path, "{}", content_type="application/json; charset=latin-1"), 415)
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    problem(api.patch(path, b" " * 101, content_type="application/json"), 413)


def test_a_body_that_is_compressed_or_does_not_say_its_length_is_refused_with_a_sentence(
    api: ApiClient, timeout: SystemConfiguration
) -> None:
    path = f"{SETTINGS}/{timeout.pk}"
    found = problem(api.send("patch", path, {"value": 20, "reason": "x"}, Content_Encoding="gzip"), 415)
    assert "not compressed" in found["detail"]
    found = problem(api.generic("PATCH", path, headers={"Transfer-Encoding": "chunked"}), 400)
    assert "Content-Length" in found["detail"]


@pytest.mark.parametrize("key", [" ", "A\n", "\tA", "A\u2028B", "A\x7f"])
def test_a_key_that_people_could_not_read_is_refused(api: ApiClient, key: str) -> None:
    found = problem(api.send("post", SETTINGS, {"key": key, "value": "x", "reason": "x"}), 422)
    assert found["errors"][0]["pointer"] == "#/key"


def test_a_text_may_be_empty_unless_a_rule_says_otherwise(api: ApiClient, timeout: SystemConfiguration) -> None:
    made = api.send("post", SETTINGS, {"key": "NOTE", "value": "", "reason": "x"})
    assert (made.status_code, made.json()["value"]) == (201, "")
    path = f"{SETTINGS}/{made.json()['id']}"
    for method, body in (("patch", {"value": ""}), ("put", {"value": "", "valueType": "STRING", "defaultValue": ""})):
        assert api.send("patch", path, {"value": "x", "reason": "x"}).json()["value"] == "x"
        assert api.send(method, path, {**body, "reason": "x"}).json()["value"] == ""
    problem(api.send("patch", path, {"validationRules": {"minLength": 1}, "reason": "x"}), 422)
    problem(api.send("patch", f"{SETTINGS}/{timeout.pk}", {"value": "", "reason": "x"}), 422)
    name = SystemConfiguration.objects.get(key="SYSTEM_NAME")
    found = problem(api.send("patch", f"{SETTINGS}/{name.pk}", {"value": "", "reason": "x"}), 422)
    assert found["errors"][0]["pointer"] == "#/value"


def test_what_nobody_expected_says_nothing_of_itself(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(ApiView, "check_permissions", fail)
    response = api.get(SETTINGS)
    problem(response, 500)
    assert b"secret" not in response.content
