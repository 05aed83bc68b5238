"""JSON bodies, read strictly: what is ambiguous or cannot be kept is refused first."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, BinaryIO

from django.conf import settings
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from core.api.problems import Problem

DEEPEST = 120  # levels
LONGEST_NUMBER = 400  # characters


class StrictJSONParser(BaseParser):
    """JSON (RFC 8259) in UTF-8, up to DATA_UPLOAD_MAX_MEMORY_SIZE bytes.

    Refused are names that stand twice in an object, NaN and Infinity, NUL, halves of surrogate pairs, and depth. A
    fraction that no float holds exactly is a Decimal.
    """

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """What the body holds. Raises ParseError, UnsupportedMediaType, or Problem for one that is too large."""
        charset = (parser_context or {}).get("encoding") or "utf-8"
        if str(charset).lower().replace("_", "-") not in ("utf-8", "utf8"):
            raise UnsupportedMediaType(media_type or "")
        request = (parser_context or {}).get("request")
        headers = request._request.headers if request is not None else {}
        if headers.get("Content-Encoding", "identity").lower() != "identity":
            raise UnsupportedMediaType(media_type or "")
        return read(_all_of(stream))


def read(body: bytes) -> Any:
    """The JSON in these bytes. Raises ParseError."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise ParseError("The body is not UTF-8.") from None
    try:
        found = json.loads(
            text, parse_float=_fraction, parse_int=_whole, parse_constant=_refuse, object_pairs_hook=_object
        )
    except json.JSONDecodeError as error:
        raise ParseError(f"The body is not JSON: line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise ParseError("The body is nested too deeply.") from None
    _refuse_strange(found, 0)
    return found


def _all_of(stream: BinaryIO) -> bytes:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if limit is None:
        return stream.read()
    body = stream.read(limit + 1)
    if len(body) > limit:
        raise Problem(413, f"The body is too large: it may have up to {limit} bytes.")
    return body


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ParseError("A name stands twice in an object of the body: it would be unclear which value counts.")
    return found


def _refuse(constant: str) -> None:
    raise ParseError(f"The body holds {constant}, which is not JSON.")


def _fraction(text: str) -> float | Decimal:
    if len(text) > LONGEST_NUMBER:
        raise ParseError("The body holds a number that is too long.")
    exact, binary = Decimal(text), float(text)
    if exact.adjusted() > 1000 or exact.adjusted() < -1000:
        raise ParseError("The body holds a number that is too large or too small.")
    return binary if Decimal(repr(binary)) == exact else exact


def _whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ParseError("The body holds a number that is too long.")
    return int(text)


def _refuse_strange(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise ParseError("The body is nested too deeply.")
    if isinstance(value, str):
        if any(character == "\x00" or "\ud800" <= character <= "\udfff" for character in value):
            raise ParseError("The body holds a character that cannot be kept: NUL, or half a surrogate pair.")
    elif isinstance(value, list | dict):
        for member in [*value, *value.values()] if isinstance(value, dict) else value:
            _refuse_strange(member, depth + 1)
