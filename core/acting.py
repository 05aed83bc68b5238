"""Who is acting, and from where: the user whose id lands in `createdBy` and `updatedBy`, and the origin of a request.

The middleware names the user of a request; commands and tests say `with acting_as(user): ...`.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

Actor = uuid.UUID | Callable[[], uuid.UUID | None] | None


@dataclass(frozen=True)
class Origin:
    """Where a request comes from: the address of the client, and the program that it says it is."""

    address: str | None
    user_agent: str | None


_actor: ContextVar[Actor] = ContextVar("whitecross_actor", default=None)
_origin: ContextVar[Origin | None] = ContextVar("whitecross_origin", default=None)


def acting_user_id() -> uuid.UUID | None:
    """The id of the user who is acting, or None where nobody is named (a command, a migration)."""
    actor = _actor.get()
    return actor() if callable(actor) else actor


def origin() -> Origin | None:
    """Where the request that is being answered comes from; None outside of requests."""
    return _origin.get()


@contextmanager
def acting_as(user: Any, *, origin: Origin | None = None) -> Iterator[None]:
    """Within the block, records are written in the name of `user`: a User, a function that returns an id, or None.

    `origin` says from where; without it, what is around the block goes on to hold.
    """
    actor_before = _actor.set(user if callable(user) else getattr(user, "pk", None))
    origin_before = _origin.set(origin or _origin.get())
    try:
        yield
    finally:
        _origin.reset(origin_before)
        _actor.reset(actor_before)
