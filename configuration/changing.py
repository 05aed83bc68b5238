"""Who changes settings, why and from where: said to the database, which writes it into the history of each change.

    with changing(reason="The state asks for it", user=administrator):
        SystemConfiguration.objects.filter(category="SECURITY").update(is_editable=False)

Every write through the model says who is acting by itself, and `_change_reason` on an instance says why, as everywhere
with simple-history. The block is for a reason that several writes share, and for raw SQL.
"""

import getpass
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.dispatch import Signal

from core.acting import acting_user_id, origin

# Sent after the commit of what this process has written, once it has read its settings again.
settings_written = Signal()

LONGEST_AGENT = 500  # characters of a user agent that are kept


@dataclass(frozen=True)
class Said:
    """What a block has said: the reason, and the id of a user other than the one who is acting."""

    reason: str | None = None
    user_id: Any = None


NOTHING = Said()
_said: ContextVar[Said] = ContextVar("whitecross_change_said", default=NOTHING)


@contextmanager
def changing(*, reason: str | None = None, user: Any = None, using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """A transaction in which changes of settings are recorded with this reason, and in this user's name.

    What is not given holds as around the block: by default in the name of whoever is acting (`core.acting`). After the
    commit, this process reads its settings again before it goes on.
    """
    said = _said.get()
    if reason is not None:
        said = replace(said, reason=reason.replace("\x00", ""))
    if user is not None:
        said = replace(said, user_id=user.pk)
    token = _said.set(said)
    try:
        with transaction.atomic(using=using):
            before = _tell(using, json.dumps(_what_is_known(said)))
            yield
            # After an error the rollback does this.
            _tell(using, before)
            if not before:  # once, however many writes the outermost block holds
                transaction.on_commit(_read_again, using=using)
    finally:
        _said.reset(token)


def _what_is_known(said: Said) -> dict[str, str]:
    author = said.user_id or acting_user_id()
    place = origin()
    known = {
        "by": str(author) if author else None,
        "name": None if author else who_runs_this(),
        "reason": said.reason or None,
        "ip": place.address if place else None,
        "agent": place.user_agent.replace("\x00", "")[:LONGEST_AGENT] if place and place.user_agent else None,
    }
    return {name: fact for name, fact in known.items() if fact is not None}


def who_runs_this() -> str:
    """Who acts where nobody is signed in: the account and the program."""
    if origin():
        return "somebody who is not signed in"
    try:
        account = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, in a container
        account = "an unnamed account"
    return f"{account} ({Path(sys.argv[0]).name or 'python'})"


def _tell(using: str, what: str) -> str:
    """Set what the transaction says of its changes. Returns what it said before."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT said, set_config('whitecross.change', %s, true)"
            " FROM (SELECT coalesce(current_setting('whitecross.change', true), '') AS said OFFSET 0) AS earlier",
            [what],
        )
        before, _ = cursor.fetchone()
    return str(before)


def _read_again() -> None:
    from configuration import config

    config.refresh()
    settings_written.send_robust(sender=changing)
