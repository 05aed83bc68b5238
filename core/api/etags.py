"""ETags (RFC 9110): what a client has seen is still so, or not."""

import re

from django.http import HttpRequest

TAG = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')
LIST = re.compile(rf"[ \t]*{TAG.pattern}([ \t]*,[ \t]*{TAG.pattern})*[ \t]*")


def etag(version: str) -> str:
    """The header's value for a version."""
    return f'"{version}"'


def expected(request: HttpRequest) -> frozenset[str] | None:
    """The versions of which one has to hold, by If-Match; None where any may.

    A weak tag, and what is no tag, matches nothing.
    """
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    return frozenset(version for weak, version in _tags(header) if not weak)


def expects_something(request: HttpRequest) -> bool:
    """Whether If-Match is refused where there is nothing; as `*` is."""
    return "If-Match" in request.headers


def is_known(request: HttpRequest, version: str) -> bool:
    """Whether the client has this version already, by If-None-Match."""
    header = request.headers.get("If-None-Match", "")
    return header.strip() == "*" or version in (known for _, known in _tags(header))


def _tags(header: str) -> list[tuple[str, str]]:
    return TAG.findall(header) if LIST.fullmatch(header) else []
