"""A migrated database with a row in use, others who use it, and migrate beside them."""

import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test.utils import override_settings

from tests import factories
from tests.adoption.conftest import url_of
from tests.waiting import until
from whitecross.postgres.connecting import connect

SAMPLE = "tests.deployment.migrating.sample"
OUTSIDE_TRANSACTIONS = pytest.mark.direct(
    "an index that is built concurrently runs in no transaction, as a pooler needs"
)


@pytest.fixture
def in_use(committed_db: str) -> Iterator[str]:
    """A database with an allergy on record, to which the sample app's migrations can be applied."""
    student = factories.make_student()
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO allergies ("studentId", allergen, severity) VALUES (%s, %s, %s)',
            [student.pk, "Peanut", "SEVERE"],
        )
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, SAMPLE]):
        yield committed_db


@pytest.fixture
def other(in_use: str) -> Iterator[psycopg.Connection[Any]]:
    """Somebody else's connection, in autocommit."""
    with connect("default", application_name="nightly report") as server:
        yield server


# One row or another, as people do. Who writes all of them without a pause lets nobody else write any.
WRITES = "UPDATE allergies SET notes = 'seen' WHERE id = (SELECT id FROM allergies ORDER BY random() LIMIT 1)"


class Application:
    """Reads and writes the table all the time, as the application does. `failures`: what went wrong."""

    def __init__(self) -> None:
        self.queries, self.failures, self.longest = 0, [], 0.0  # type: ignore[var-annotated]
        self._ended = threading.Event()

    def run(self) -> None:
        """Until told to end."""
        with connect("default", application_name="whitecross") as server:
            while not self._ended.is_set():
                started = time.monotonic()
                try:
                    server.execute("SELECT count(allergen) FROM allergies")
                    server.execute(WRITES)
                except psycopg.Error as error:
                    self.failures.append(error)
                self.longest = max(self.longest, time.monotonic() - started)
                self.queries += 2
                time.sleep(0.002)

    def end(self) -> None:
        """No more."""
        self._ended.set()


@contextmanager
def application() -> Iterator[Application]:
    """The application at work beside the block."""
    app = Application()
    thread = threading.Thread(target=app.run)
    thread.start()
    try:
        yield app
    finally:
        app.end()
        thread.join()


def migrate(*arguments: str, out: io.StringIO | None = None, **options: Any) -> str:
    """Run the command here; what it printed, which can be read from `out` meanwhile."""
    out = out or io.StringIO()
    call_command("migrate", *arguments, stdout=out, interactive=False, **options)
    return out.getvalue()


@contextmanager
def beside(deed: Callable[[], object]) -> Iterator[None]:
    """Do something in a thread while the block runs."""
    thread = threading.Thread(target=deed)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def started(name: str, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """manage.py in a process of its own, with the sample app, on a database of the tests' server."""
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        env={
            **os.environ,
            "DATABASE_URL": url_of(name),
            "DJANGO_SETTINGS_MODULE": "tests.deployment.migrating.sample_settings",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def steps() -> list[dict[str, Any]]:
    """What is on record of the last run's migrations."""
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT to_jsonb(s)::text FROM migration_run_steps s WHERE "runId" = (SELECT max(id) FROM migration_runs)'
            " ORDER BY position"
        )
        return [json.loads(row) for (row,) in cursor.fetchall()]


def last_run() -> dict[str, Any]:
    """What is on record of the last run."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(r)::text FROM migration_runs r ORDER BY id DESC LIMIT 1")
        row: dict[str, Any] = json.loads(cursor.fetchone()[0])
        return row


def somebody_waits_in(query: str) -> None:
    """Wait until a statement that begins so waits for a lock."""
    with connect("default", application_name="onlooker") as server:
        until(
            lambda: server.execute(
                "SELECT pid FROM pg_stat_activity"
                " WHERE query LIKE %s AND wait_event_type = 'Lock' AND datname = current_database()",
                [f"{query}%"],
            ).fetchone()
        )
