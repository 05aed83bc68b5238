"""Who is acting: the user whose id lands in `createdBy` and `updatedBy`.

The middleware names the user of a request; commands and tests say `with acting_as(user): ...`.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Actor = uuid.UUID | Callable[[], uuid.UUID | None] | None

_actor: ContextVar[Actor] = ContextVar("whitecross_actor", default=None)


def acting_user_id() -> uuid.UUID | None:
    """The id of the user who is acting, or None where nobody is named (a command, a migration)."""
    actor = _actor.get()
    return actor() if callable(actor) else actor


@contextmanager
def acting_as(user: Any) -> Iterator[None]:
    """Within the block, records are written in the name of `user`: a User, a function that returns an id, or None."""
    token = _actor.set(user if callable(user) else getattr(user, "pk", None))
    try:
        yield
    finally:
        _actor.reset(token)
