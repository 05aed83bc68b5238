"""Whether this process could serve now: its database answers, is migrated, and its settings can be read.

It asks on a connection of its own, in a bounded time, and learns nothing that would tell a stranger anything.
"""

import functools
import importlib.util
import logging
import pkgutil
import threading
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import psycopg
from django.apps import apps
from django.db.migrations.loader import MigrationLoader
from psycopg.abc import PQGen

from configuration.live import parameters, read

logger = logging.getLogger(__name__)

PATIENCE: float = 2  # seconds for all of it
KEPT = 1.0  # seconds: however many ask, the database is asked once in so many
PULSE = 0.1  # seconds between two looks for an interruption
T = TypeVar("T")

Migrations = set[tuple[str, str]]


@dataclass(frozen=True)
class Readiness:
    """What was found, in a word each.

    `migrations`: behind, where the code has some that are not applied; ahead, where a later release has migrated
    already, which this one goes on to work with.
    """

    database: str = "unreachable"
    migrations: str = "unknown"
    configuration: str = "unknown"

    @property
    def is_ready(self) -> bool:
        """Whether requests may come."""
        return self.database == self.configuration == "ok" and self.migrations in ("ok", "ahead")

    def as_json(self) -> dict[str, str]:
        """For machines."""
        return {"status": "ok" if self.is_ready else "failing", **asdict(self)}


class Asker:
    """Asks, and keeps the answer for a moment. For all threads of a process."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._at_work: threading.Thread | None = None
        self._found, self._asked_at = Readiness(), float("-inf")
        self._was_ready = True

    def ask(self) -> Readiness:
        """The answer, within PATIENCE seconds once it is this thread's turn."""
        with self._mutex:
            if time.monotonic() - self._asked_at < KEPT:
                return self._found
            self._found = Readiness()
            # Looking up a name and trying all of its addresses is nothing that could be given up: it is left behind
            # where it takes too long, and not begun again before it has ended.
            if self._at_work is None or not self._at_work.is_alive():
                self._at_work = threading.Thread(target=self._look, name="readiness", daemon=True)
                self._at_work.start()
            self._at_work.join(PATIENCE)
            self._asked_at = time.monotonic()
            self._log()
            return self._found

    def _log(self) -> None:
        """Once when it changes, however often somebody asks."""
        is_ready, self._was_ready, was_ready = self._found.is_ready, self._found.is_ready, self._was_ready
        if was_ready and not is_ready:
            logger.error("Not ready: %s.", ", ".join(f"{part} {found}" for part, found in asdict(self._found).items()))
        elif is_ready and not was_ready:
            logger.warning("Ready again.")

    def _look(self) -> None:
        found = look()
        if threading.current_thread() is self._at_work:
            self._found = found


class _Bounded(psycopg.Connection[Any]):
    """A connection that waits for nothing after `until`, also where the server takes everything and says nothing."""

    until = 0.0

    def wait(self, gen: PQGen[T], interval: float = PULSE, timeout: float | None = None) -> T:
        """As psycopg's, but for no longer than there is time."""
        return super().wait(gen, interval, max(0.0, self.until - time.monotonic()))


def look() -> Readiness:
    """Look once. Raises nothing: whatever goes wrong is an answer."""
    until = time.monotonic() + PATIENCE
    try:
        how = {**parameters(), "connect_timeout": PATIENCE, "application_name": "whitecross health"}
        with closing(_Bounded.connect(**how, autocommit=True)) as server:
            server.until = until
            server.execute("SELECT 1")
            return Readiness("ok", _migrations(server), _configuration(server))
    except Exception:
        return Readiness()


def _migrations(server: _Bounded) -> str:
    try:
        applied = {(app, name) for app, name in server.execute("SELECT app, name FROM django_migrations").fetchall()}
    except psycopg.errors.UndefinedTable:
        return "behind"
    except Exception:
        return "unknown"
    if not_applied(applied):
        return "behind"
    return "ahead" if applied - of_this_code() else "ok"


def _configuration(server: _Bounded) -> str:
    try:
        with server.cursor() as cursor:
            read(cursor)
    except Exception:
        return "failing"
    return "ok"


@functools.cache
def of_this_code() -> frozenset[tuple[str, str]]:
    """The migrations that this code has, as (app, name). Read from the names of the files, once in a process."""
    found = set()
    for app in apps.get_app_configs():
        module, _ = MigrationLoader.migrations_module(app.label)
        spec = importlib.util.find_spec(module) if module else None
        folders = spec.submodule_search_locations if spec else None
        found |= {
            (app.label, file.name)
            for file in pkgutil.iter_modules(folders or ())
            if not file.ispkg and file.name[0] not in "_~"
        }
    return frozenset(found)


def not_applied(applied: Migrations) -> Migrations:
    """Those of this code that are not on record, themselves or all that they stand for."""
    missing = of_this_code() - applied
    if not missing:
        return set()
    files = _files()
    return {key for key in missing if not files[key] or not files[key] <= applied}


@functools.cache
def _files() -> dict[tuple[str, str], Migrations]:
    """(app, name) -> the migrations that this one replaces. Imports every migration."""
    return {key: set(migration.replaces) for key, migration in MigrationLoader(None).disk_migrations.items()}
