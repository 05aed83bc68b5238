"""The OpenAPI document, and what the API answers to requests made from it."""

import re
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.management import call_command
from django.test import Client
from hypothesis import HealthCheck
from knox.models import AuthToken
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks as openapi

from configuration import config
from configuration.models import ConfigurationHistory, SystemConfiguration
from tests.factories import make_user
from whitecross.wsgi import application

OPERATIONS = [
    ("get", "/api/configurations"),
    ("post", "/api/configurations"),
    ("post", "/api/configurations/bulk"),
    ("get", "/api/configurations/effective"),
    ("get", "/api/configurations/{id}"),
    ("put", "/api/configurations/{id}"),
    ("patch", "/api/configurations/{id}"),
    ("delete", "/api/configurations/{id}"),
    ("post", "/api/configurations/{id}/restore"),
    ("get", "/api/configurations/{key}/history"),
    ("post", "/api/auth/login"),
    ("post", "/api/auth/logout"),
    ("post", "/api/auth/logoutall"),
]
CHECKS = [
    schemathesis.checks.not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_headers_conformance,
    openapi.response_schema_conformance,
    openapi.negative_data_rejection,
]
ENOUGH = 8  # requests of each kind and operation


def document() -> Any:
    """The document as the API serves it."""
    response = Client().get("/api/schema")
    assert response.status_code == 200
    return response.json()


def test_the_document_is_valid_and_complete(tmp_path: Any) -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "api.yml"))


def test_the_document_names_every_operation(db: None) -> None:
    found = document()
    assert found["openapi"].startswith("3.1")
    assert {(verb, path) for path, verbs in found["paths"].items() for verb in verbs} == set(OPERATIONS)
    assert found["components"]["securitySchemes"].keys() == {"token", "cookieAuth"}
    one = found["paths"]["/api/configurations/{id}"]
    assert {"200", "400", "401", "403", "404", "409", "412", "415", "422", "429"} <= one["patch"]["responses"].keys()
    assert "ETag" in one["get"]["responses"]["200"]["headers"]
    assert "304" in one["get"]["responses"]
    assert "Retry-After" in one["get"]["responses"]["429"]["headers"]


def test_the_page_loads_nothing_from_outside(client: Client, db: None) -> None:
    page = client.get("/api/docs").content.decode()
    loaded = re.findall(r"(?:src|href)=\"([^\"]+)\"", page)
    assert len(loaded) >= 3
    for address in loaded:
        assert address.startswith("/static/drf_spectacular_sidecar/")
    assert "http://" not in page
    assert "https://" not in page


@pytest.fixture
def served(committed_db: str, settings: Any) -> Iterator[dict[str, str]]:
    """A system without limits of requests; yields the headers of an administrator."""
    settings.API_LOGINS_PER_MINUTE = 10**9
    user = make_user("ADMIN")
    _, token = AuthToken.objects.create(user)
    config.refresh()
    with config.override(API_REQUESTS_PER_MINUTE=10**9, MAINTENANCE_MODE=False, PASSWORD_EXPIRY_DAYS=0):
        yield {"Authorization": f"Bearer {token}"}


# Schemathesis' strategies use `random`, which Hypothesis does not like.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning")
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("who", ["administrator", "nobody"])
def test_no_request_gets_an_answer_that_the_document_does_not_know(
    served: dict[str, str], who: str, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_dict(document())
    schema.app = application
    setting = SystemConfiguration.objects.get(key="SESSION_TIMEOUT_MINUTES")
    asked = [
        # Whoever has signed out asks for nothing more.
        ask(
            schema[path][method.upper()],
            mode,
            served if who == "administrator" and "logout" not in path else {},
            setting,
        )
        for method, path in OPERATIONS
    ]
    assert all(asked)
    written = ConfigurationHistory.objects.filter(history_date__gt=setting.updated_at, database_role__isnull=True)
    assert not written.filter(history_change_reason__isnull=True).exists()


def ask(operation: Any, mode: GenerationMode, headers: dict[str, str], setting: SystemConfiguration) -> int:
    """Send requests that the document allows, or does not, and check the answers. Returns how many."""
    asked = 0

    def one(case: Any, real: bool) -> None:
        nonlocal asked
        asked += 1
        if real and mode == GenerationMode.POSITIVE and "id" in (case.path_parameters or {}):
            case.path_parameters["id"] = str(setting.pk)
        case.call_and_validate(headers=headers, checks=CHECKS)

    limits = hypothesis.settings(
        max_examples=ENOUGH,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    given = hypothesis.given(case=operation.as_strategy(generation_mode=mode), real=hypothesis.strategies.booleans())
    limits(given(one))()
    return asked
