"""Brings about, in a database of its own, each situation of docs/runbook.md; yields what is seen at first, if anything.

The key is the section's title. `before` is the template: a database as the release before left it, an empty one, or one
that is up to date.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.docs.night import Night
from tests.docs.roles import IMPORT
from tests.waiting import until

Symptom = Iterator[str | None]


@dataclass(frozen=True)
class Situation:
    """How it comes about, and on which database."""

    brought_about: Callable[[Night], AbstractContextManager[str | None]]
    on: str


@contextmanager
def killed_in_the_middle(night: Night) -> Symptom:
    """The process that migrates is killed after the first of its migrations."""
    with night.connected("the one that waits") as other:
        # The second makes this table too, so it has to wait, and is killed meanwhile.
        other.execute("BEGIN")
        other.execute("CREATE TABLE configuration_announcements ()")
        process = night.manage("migrate")
        with night.connected("onlooker") as onlooker:
            until(
                lambda: onlooker.execute(
                    "SELECT 1 FROM migration_run_steps WHERE name LIKE '0007%' AND status = 'RUNNING'"
                ).fetchone()
            )
        process.kill()
        process.communicate()
        other.execute("ROLLBACK")
    with night.connected("onlooker") as onlooker:
        until(
            lambda: (
                onlooker.execute(
                    "SELECT 1 FROM pg_stat_activity WHERE application_name = 'whitecross migrate'"
                    " AND datname = current_database()"
                ).fetchone()
                is None
            )
        )
    yield None


@contextmanager
def a_release_to_deploy(night: Night) -> Symptom:
    """The new code is there; the site runs."""
    with night.serving():
        yield None


@contextmanager
def nothing_yet(night: Night) -> Symptom:
    """An empty database. The processes, started at the end, are there from the beginning, and cannot serve yet."""
    with night.serving():
        yield None


@contextmanager
def the_predecessors_tables(night: Night) -> Symptom:
    """A database of the predecessor's, as far as anybody looks here."""
    with night.connected() as server:
        server.execute('CREATE TABLE "SequelizeMeta" (name varchar PRIMARY KEY)')
    yield night.printed("upgrade", "--yes")


@contextmanager
def a_lock_is_held(night: Night) -> Symptom:
    """Somebody has written, and has forgotten to end his transaction."""
    with night.connected(kind=IMPORT) as server:
        server.execute("BEGIN")
        server.execute("UPDATE system_configurations SET description = 'A school district' WHERE key = 'SYSTEM_NAME'")
        night.names["4711"] = str(server.info.backend_pid)
        # Not the ten minutes of the page.
        yield night.printed("migrate", "--patience", "1s").replace(" --patience 1s", "")
        server.close()


@contextmanager
def drift(night: Night) -> Symptom:
    """Somebody has helped himself, by hand."""
    with night.connected() as server:
        server.execute("ALTER TABLE students DISABLE TRIGGER students_refuse_delete")
        server.execute("DROP INDEX students_school_idx")
        server.execute("ALTER TABLE students ADD COLUMN nickname text")
    yield night.printed("upgrade", "--yes")


@contextmanager
def a_broken_index(night: Night) -> Symptom:
    """Its build was killed while it waited for an older transaction."""
    with night.connected() as server, night.connected("an old transaction") as old:
        server.execute('DROP INDEX "students_nurseId_idx"')
        old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT count(*) FROM students")
        old.execute("LOCK TABLE students IN ROW EXCLUSIVE MODE")
        server.execute("SET statement_timeout = '300ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            server.execute('CREATE INDEX CONCURRENTLY "students_nurseId_idx" ON students ("nurseId")')
        old.execute("ROLLBACK")
    yield None


@contextmanager
def a_release_to_take_back(night: Night) -> Symptom:
    """A run has brought the database up to a release with which something is wrong."""
    assert "migrations in" in night.printed("migrate")
    with night.connected() as server:
        (run,) = server.execute("SELECT max(id) FROM migration_runs").fetchone() or (0,)
    night.names["--to-run 2"] = f"--to-run {run - 1}"
    yield None


@contextmanager
def rows_are_gone(night: Night) -> Symptom:
    """There is a backup of the night; in the morning a script empties tables."""
    assert "whitecross-" in night.printed("backup")
    with night.connected() as server:
        server.execute("DELETE FROM auth_permission WHERE codename LIKE '%student%'")
    yield None


def fill(ballast: Path) -> None:
    """Write a file until its disk is full."""
    with pytest.raises(OSError, match="No space left"):
        write_without_end(ballast)


def write_without_end(path: Path) -> None:
    """Until it raises OSError."""
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


@contextmanager
def a_full_disk(night: Night) -> Symptom:
    """The disk of the database's own is full, among others of what a restore has kept."""
    fill(night.folder / "disk" / "ballast")
    yield night.printed("migrate")


SITUATIONS = {
    "It failed in the middle": Situation(killed_in_the_middle, "the release before"),
    "Deploying a release": Situation(a_release_to_deploy, "the release before"),
    "The first deployment": Situation(nothing_yet, "empty"),
    "The predecessor's tables are there": Situation(the_predecessors_tables, "empty"),
    "A lock is held": Situation(a_lock_is_held, "the release before"),
    "The schema is not as it should be": Situation(drift, "up to date"),
    "An index is broken": Situation(a_broken_index, "up to date"),
    "Going back": Situation(a_release_to_take_back, "the release before"),
    "Restoring": Situation(rows_are_gone, "up to date"),
    "A disk is full": Situation(a_full_disk, "the release before, on a full disk"),
}
