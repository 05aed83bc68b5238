"""A client that speaks JSON."""

from http import HTTPStatus
from typing import Any

from django.test import Client

SETTINGS = "/api/configurations"


class ApiClient(Client):
    """As Django's, with bodies in JSON; what goes wrong in the API is an answer and no exception."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(raise_request_exception=False, **kwargs)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The answer. Headers are named with underscores: If_Match."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return getattr(self, method.lower())(
            path, body if body is not None else "", content_type="application/json", headers=named
        )

    def read(self, path: str = SETTINGS, **parameters: Any) -> Any:
        """The JSON that GET answers."""
        response = self.get(path, parameters)
        assert response.status_code == 200, response.content
        return response.json()


def problem(response: Any, status: int) -> Any:
    """The problem document, which the answer has to be."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    found = response.json()
    assert found["status"] == status
    assert found["type"] == "about:blank"
    assert found["title"] == HTTPStatus(status).phrase
    assert found["detail"]
    return found
