"""What one request reads from: the primary, or a standby that shows enough of it."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

from whitecross.replica import primary
from whitecross.replica.configured import is_standby
from whitecross.replica.positions import Position
from whitecross.replica.standby import Standby

_turns = itertools.count()
_marks = primary.Marks()


@cache
def standbys() -> tuple[Standby, ...]:
    """The standbys of the settings."""
    return tuple(Standby(alias) for alias in connections.databases if is_standby(alias))


class Reading:
    """What is being read in one go: once it has begun on one server, it goes on there.

    `seen` are the places of the log that the reader has seen. A `strict` one reads everything that has been committed.
    """

    def __init__(self, seen: Iterable[Position] = (), *, strict: bool = False) -> None:
        self._seen, self._strict = tuple(seen), strict
        self._chosen: str | None = None
        #: Tells more of what the reader has seen, when it matters.
        self.recalls: Callable[[], Iterable[Position]] = tuple
        self.wrote = False

    def alias(self) -> str:
        """The alias to read from now."""
        if self.wrote or is_in_transaction():
            return DEFAULT_DB_ALIAS
        if self._chosen is None:
            self._chosen = self._choose()
        return self._chosen

    def leave_standby(self) -> None:
        """Read from the primary from now on."""
        self._chosen = DEFAULT_DB_ALIAS

    def notice_write(self) -> None:
        """Something may have been written: whoever reads it again must find it."""
        self.wrote = True

    def _choose(self) -> str:
        known = standbys()
        turn = next(_turns)
        for standby in (*known[turn % len(known) :], *known[: turn % len(known)]):
            if standby.may_be_asked():
                needed = self._needed()
                if needed is None:
                    break
                if standby.has(needed, _marks):
                    return standby.alias
        return DEFAULT_DB_ALIAS

    def _needed(self) -> primary.Place | None:
        """How far a standby has to be; None where that cannot be known."""
        seen = (*self._seen, *self.recalls())
        is_strict = self._strict or not settings.REPLICA_MAX_LAG
        place = _marks.now() if is_strict else _marks.oldest(settings.REPLICA_MAX_LAG, seen)
        if place is None or any(position.timeline != place.position.timeline for position in seen):
            return None
        return place._replace(position=max(place.position, *seen) if seen else place.position)


def place() -> primary.Place | None:
    """Where the log of the primary stands now. One query."""
    return _marks.now()


_now: ContextVar[Reading | None] = ContextVar("whitecross_reading", default=None)


def now() -> Reading | None:
    """What is being read in this thread or task; None where everything is read from the primary."""
    return _now.get()


@contextmanager
def reading(seen: Iterable[Position] = (), *, strict: bool = True) -> Iterator[Reading]:
    """Within the block, health records are read from a standby where that shows no less. For pages and reports."""
    here = Reading(seen, strict=strict)
    before = _now.set(here)
    try:
        yield here
    finally:
        _now.reset(before)
        outer = _now.get()
        if here.wrote and outer is not None:
            outer.notice_write()


def is_in_transaction() -> bool:
    """Whether this thread is in a transaction on the primary, which may hold what no standby has."""
    connection: Any = connections[DEFAULT_DB_ALIAS]
    return bool(connection.in_atomic_block or (connection.connection is not None and not connection.autocommit))


def notice_writes(execute: Any, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """An execute wrapper of the primary's connections: tells the reading of a statement that may write."""
    here = _now.get()
    if here is not None and not here.wrote and not (isinstance(sql, str) and primary.only_reads(sql)):
        here.notice_write()
    return execute(sql, params, many, context)


class NotWrapped:
    """What a cursor does past Django's execute wrappers: it counts as a write."""

    def copy(self, *arguments: Any, **named: Any) -> Any:
        """As psycopg's."""
        _notice_write()
        return super().copy(*arguments, **named)  # type: ignore[misc]

    def stream(self, *arguments: Any, **named: Any) -> Any:
        """As psycopg's."""
        _notice_write()
        return super().stream(*arguments, **named)  # type: ignore[misc]

    def callproc(self, *arguments: Any, **named: Any) -> Any:
        """As Django's."""
        _notice_write()
        return super().callproc(*arguments, **named)  # type: ignore[misc]


def _notice_write() -> None:
    if (here := _now.get()) is not None:
        here.notice_write()


@cache
def _noticing(factory: type) -> type:
    return factory if issubclass(factory, NotWrapped) else type("NoticingCursor", (NotWrapped, factory), {})


def watch(connection: Any, **about: Any) -> None:
    """Receiver of connection_created: let a connection of the primary's notice writes."""
    if connection.alias != DEFAULT_DB_ALIAS:
        return
    connection.connection.cursor_factory = _noticing(connection.connection.cursor_factory)
    if notice_writes not in connection.execute_wrappers:
        # Not at the end: from there a block `with connection.execute_wrapper()` around us takes its own away.
        connection.execute_wrappers.insert(0, notice_writes)
