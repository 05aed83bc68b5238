"""Places in the write-ahead log, and how a browser carries the place of its last write.

A row is on a standby once the standby has replayed the log up to where the log was after the row's commit. So after
each request that may have written, the browser gets that place as a cookie, and is answered by a standby only when that
has come so far.

Each place is a cookie of its own, named after it, and a browser that knows a higher one is told to forget the lower
ones. One cookie that is overwritten would not do: the answers to two writes may arrive in the other order.
"""

import secrets
from collections.abc import Iterable
from typing import NamedTuple

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.http import HttpRequest, HttpResponseBase

COOKIE = "whitecross_position_"
SPARE = 60  # seconds for which a browser keeps a place beyond the time that it matters
# Seconds by which the clocks of two web servers may differ at least: the one that reads a place measures its age by a
# moment of the other's. An old place does no harm, so there is no reason to be close.
CLOCKS_APART = 3600

_signer = TimestampSigner(salt="whitecross.replica")


class Position(NamedTuple):
    """A place in the log. Places compare only on one timeline: a promoted standby begins another."""

    timeline: int
    lsn: int

    def __str__(self) -> str:
        """As in the cookie."""
        return f"{self.timeline:X}-{self.lsn:X}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Read what __str__ writes. Raises ValueError."""
        timeline, lsn = text.split("-")
        return cls(int(timeline, 16), int(lsn, 16))


# Of no timeline: whoever brings it reads from the primary. Its cookie has a number by chance, for two of them are two.
UNKNOWN = Position(0, 0)


def lifetime() -> int:
    """Seconds for which a browser keeps a place. Every page shows what was committed REPLICA_MAX_LAG seconds ago."""
    return int(settings.REPLICA_MAX_LAG) + SPARE


def carried(request: HttpRequest) -> list[Position]:
    """The places that the browser brings. What it cannot have from us counts as UNKNOWN."""
    found = []
    for name, value in request.COOKIES.items():
        if name.startswith(COOKIE):
            try:
                found.append(Position.parse(_signer.unsign(value, max_age=lifetime() + CLOCKS_APART)))
            except SignatureExpired:
                continue
            except (BadSignature, ValueError):
                found.append(UNKNOWN)
    return found


def give(response: HttpResponseBase, position: Position) -> None:
    """Let the browser carry a place for as long as it matters."""
    name = position if position != UNKNOWN else Position(0, secrets.randbits(32))
    response.set_cookie(
        f"{COOKIE}{name}",
        _signer.sign(str(position)),
        max_age=lifetime(),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite=settings.SESSION_COOKIE_SAMESITE,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
    )


def take_lower(
    request: HttpRequest, response: HttpResponseBase, brought: Iterable[Position], given: Position | None
) -> None:
    """Let the browser forget the places below the highest that it knows: of those it brought and what it is given now.

    What is UNKNOWN may be above all that it brought: only a place that is `given` now, after it, is above it.
    """
    highest = max((*brought, given or UNKNOWN))
    for name in request.COOKIES:
        if not name.startswith(COOKIE):
            continue
        try:
            named = Position.parse(name.removeprefix(COOKIE))
        except ValueError:
            named = UNKNOWN
        if named < highest and (named.timeline != UNKNOWN.timeline or given not in (None, UNKNOWN)):
            response.delete_cookie(
                name,
                path=settings.SESSION_COOKIE_PATH,
                domain=settings.SESSION_COOKIE_DOMAIN,
                samesite=settings.SESSION_COOKIE_SAMESITE,
            )
