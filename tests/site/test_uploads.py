"""MAX_FILE_UPLOAD_SIZE_MB: larger uploads are refused early, with a sentence."""

import http.client
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections
from django.http import HttpRequest, JsonResponse
from django.test import Client, RequestFactory
from django.test.testcases import LiveServerThread
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from configuration import config
from configuration.editing import set_value
from tests.factories import make_school, make_user
from whitecross import uploads, urls

MB = uploads.MB
reached: list[str] = []


def take(request: HttpRequest) -> JsonResponse:
    """Reads an upload as a view does."""
    reached.append("view")
    file: Any = request.FILES["file"]
    return JsonResponse({"size": file.size, "said": request.POST.get("said")})


urlpatterns = [path("take/", take), path("api/take/", csrf_exempt(take)), *urls.urlpatterns]
handler400, handler403, handler404, handler500 = urls.handler400, urls.handler403, urls.handler404, urls.handler500

pytestmark = pytest.mark.urls(__name__)


@pytest.fixture(autouse=True)
def _nothing_reached() -> None:
    reached.clear()


def send(size: int, *, to: str = "/take/", client: Client | None = None, said: str = "x", **headers: str) -> Any:
    browser = client or Client()
    file = SimpleUploadedFile("file.bin", b"x" * size)
    return browser.post(to, {"file": file, "said": said}, headers=headers)


def test_a_file_of_the_largest_size_arrives(db: None) -> None:
    with config.override(MAX_FILE_UPLOAD_SIZE_MB=1):
        assert send(MB).json() == {"size": MB, "said": "x"}
        assert send(MB, said="x" * 60_000).status_code == 200


@pytest.mark.parametrize("size", [MB + 1, MB + 50_000, MB + 100_000, 3 * MB])
def test_a_larger_file_is_refused_with_a_sentence(size: int, db: None) -> None:
    with config.override(MAX_FILE_UPLOAD_SIZE_MB=1, SUPPORT_EMAIL="help@example.org"):
        response = send(size)
    assert response.status_code == 413
    page = response.content.decode()
    assert "a file may be up to 1 MB" in page
    assert "mailto:help@example.org" in page
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("size", [MB + 1, 3 * MB])
def test_programs_get_a_problem_document(size: int, db: None) -> None:
    with config.override(MAX_FILE_UPLOAD_SIZE_MB=1):
        for response in (send(size, to="/api/take/"), send(size, Accept="application/json")):
            assert response.status_code == 413
            assert response["Content-Type"] == "application/problem+json"
            assert "up to 1 MB" in response.json()["detail"]


def test_it_is_refused_before_the_token_against_forgery_is_looked_for(db: None) -> None:
    with config.override(MAX_FILE_UPLOAD_SIZE_MB=1):
        browser = Client(enforce_csrf_checks=True)
        browser.get("/admin/login/")  # sets the cookie
        assert send(3 * MB, client=browser).status_code == 413
        # The form is read to find the token: the handler stops it.
        assert send(MB + 1, client=browser).status_code == 413
        assert send(1, client=browser).status_code == 403
    assert reached == []


def test_what_says_that_it_is_too_large_is_refused_unread(db: None) -> None:
    class Untouchable:
        def read(self, *size: int) -> bytes:
            raise AssertionError("The body was read.")

        readline = read

    with config.override(MAX_FILE_UPLOAD_SIZE_MB=1):
        environ = RequestFactory().post("/take/", content_type="multipart/form-data; boundary=b").environ
        environ.update({"CONTENT_LENGTH": str(5 * MB), "wsgi.input": Untouchable()})
        response = Client().request(**environ)
    assert response.status_code == 413


def test_the_users_own_school_decides(committed_db: str) -> None:
    user = make_user(school=make_school())
    set_value("MAX_FILE_UPLOAD_SIZE_MB", 2, scope="SCHOOL", scope_id=user.school_id, reason="Scans")
    set_value("MAX_FILE_UPLOAD_SIZE_MB", 1, reason="A small disk")
    browser = Client()
    browser.force_login(user)
    assert send(2 * MB, client=browser).status_code == 200
    assert "up to 2 MB" in send(3 * MB, client=browser).content.decode()
    assert "up to 1 MB" in send(2 * MB).content.decode()


def test_other_requests_are_not_measured(db: None) -> None:
    with config.override(MAX_FILE_UPLOAD_SIZE_MB=1):
        response = Client().post("/api/nothing", b"[]", content_type="application/json")
    assert response.status_code == 404


HEAD = "POST /take/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n"


@pytest.fixture
def server(committed_db: str) -> Iterator[tuple[str, int]]:
    """Host and port of the site on Django's own server."""
    thread = LiveServerThread("127.0.0.1", StaticFilesHandler)
    thread.daemon = True
    connection.close()
    thread.start()
    thread.is_ready.wait()
    if thread.error:
        raise thread.error
    yield thread.host, thread.port
    thread.terminate()
    connections.close_all()


def test_a_server_refuses_after_the_headers_alone(server: tuple[str, int]) -> None:
    with socket.create_connection(server, timeout=30) as client:
        client.sendall(f"{HEAD}Content-Length: {50 * MB}\r\n\r\n--b".encode())
        assert b" 413 " in client.recv(100)
    assert reached == []


def test_an_upload_in_chunks_without_its_length_is_refused(server: tuple[str, int]) -> None:
    client = http.client.HTTPConnection(*server, timeout=30)
    client.request(
        "POST",
        "/take/",
        body=iter([b"--b\r\n"]),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
        encode_chunked=True,
    )
    response = client.getresponse()
    assert response.status == 411
    assert b"Send the length" in response.read()
    client.close()
    assert reached == []
