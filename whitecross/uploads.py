"""MAX_FILE_UPLOAD_SIZE_MB: a larger upload is refused with a sentence, before its body is read.

The middleware looks at Content-Length. What that lets pass, because of the form's other fields, the upload handler
counts to the byte. An upload that does not say its length is refused, too: Django would read nothing of it.
"""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponseBase

from configuration.declared import MAX_FILE_UPLOAD_SIZE_MB
from whitecross import errors

MB = 1024 * 1024
FORM_FIELDS = 64 * 1024  # bytes that a request may have beside its files


class UploadTooLarge(RequestDataTooBig):
    """The files of a request are larger than they may be. `sentence` says so to people."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        super().__init__(sentence)


def limit_for(request: HttpRequest) -> int:
    """How large the files of a request may be together, in MB: as its user's settings say, where she is known."""
    user = getattr(request, "user", None)
    return MAX_FILE_UPLOAD_SIZE_MB.get(user=user if user is not None and user.is_authenticated else None)


def too_large(limit: int) -> str:
    """What is said to people."""
    return f"What you sent is too large: a file may be up to {limit} MB."


class UploadSizeMiddleware:
    """Answers 413 to what is too large by its own account, 411 to what gives none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, or pass on; the body is not touched."""
        if request.content_type != "multipart/form-data":
            return self.get_response(request)
        if "chunked" in request.headers.get("Transfer-Encoding", "").lower() and not request.headers.get(
            "Content-Length"
        ):
            return errors.answer(
                request, 411, template="413.html", sentence="Send the length of an upload (Content-Length) with it."
            )
        limit = limit_for(request)
        if _length(request) > limit * MB + FORM_FIELDS:
            return errors.answer(request, 413, sentence=too_large(limit))
        return self.get_response(request)


def _length(request: HttpRequest) -> int:
    text = request.headers.get("Content-Length") or "0"
    return int(text) if text.isascii() and text.isdecimal() else 0


class SizeLimitHandler(FileUploadHandler):
    """Counts what the files of a request hold, and stops at the limit; the handlers behind it keep them."""

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.received = 0
        self.limit = limit_for(request) if request is not None else MAX_FILE_UPLOAD_SIZE_MB.get()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Pass the chunk on. Raises UploadTooLarge."""
        self.received += len(raw_data)
        if self.received > self.limit * MB:
            raise UploadTooLarge(too_large(self.limit))
        return raw_data

    def file_complete(self, file_size: int) -> Any:
        """None: another handler keeps the file."""
        return None
