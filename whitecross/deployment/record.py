"""Writes down what is done to the schema, in `migration_runs` and `migration_run_steps`.

A run is written before its first step, and each step before it begins: what was killed is found as RUNNING. The end of
a step is written in the transaction that carries it out. Where the tables are not there yet, as in the first
deployment before its first migration, it is kept in memory until they are.

Columns that a later release adds are not there yet when that release migrates, so only those are written that are.
"""

import datetime as dt
import getpass
import hashlib
import json
import socket
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.migrations import Migration

from whitecross.deployment.enums import MigrationRunStatus as Status
from whitecross.deployment.models import MigrationRun, MigrationRunStep
from whitecross.deployment.version import code_version

RUNS, STEPS = MigrationRun._meta.db_table, MigrationRunStep._meta.db_table
WITHOUT_A_WORD = "It ended without a word: its process, its machine or its connection was gone."

Plan = Sequence[tuple[Migration, bool]]


def plan_names(plan: Plan) -> list[str]:
    """The migrations of a plan as app.name, those to be reversed with a minus."""
    return [f"{'-' if backwards else ''}{migration.app_label}.{migration.name}" for migration, backwards in plan]


def plan_hash(names: Sequence[str]) -> str:
    """SHA-256 of the names, a line each."""
    return hashlib.sha256("".join(f"{name}\n" for name in names).encode()).hexdigest()


def now(not_before: dt.datetime | None = None) -> dt.datetime:
    """This moment, by the clock of this machine, which may have been set back since another."""
    moment = dt.datetime.now(dt.UTC)
    return moment if not_before is None else max(moment, not_before)


def who() -> str:
    """The account that typed the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in a container
        return "unknown"


class Step:
    """One migration of a run, as far as it is."""

    def __init__(self, run: "Run", position: int, migration: Migration, *, backwards: bool) -> None:
        self._run = run
        self.migration, self.backwards = migration, backwards
        self.facts: dict[str, Any] = {
            "position": position,
            "app": migration.app_label,
            "name": migration.name,
            "isReversal": backwards,
            "status": Status.RUNNING,
            "startedAt": now(),
            "endedAt": None,
            "attempts": 1,
            "lockWaits": 0,
            "notes": "",
        }
        self.id: int | None = None
        self.is_done = False  # and its transaction committed

    @property
    def seconds(self) -> float:
        """How long it took, or takes so far."""
        return float(((self.facts["endedAt"] or now()) - self.facts["startedAt"]).total_seconds())

    def end(self, status: Status, notes: str = "") -> None:
        """Write down how it ended, in the transaction that is open."""
        self.facts.update(status=status, endedAt=now(self.facts["startedAt"]))
        if notes:
            self.facts["notes"] = notes
        self._run.save()
        if status == Status.SUCCEEDED and self.backwards:
            self._run.mark_rolled_back(self.migration)

    def note(self, sentence: str) -> None:
        """Add a sentence."""
        self.facts["notes"] = f"{self.facts['notes']} {sentence}".strip()


class Run:
    """A run as it is written down. Between migrations; `connection` is the one that migrates."""

    def __init__(self, connection: BaseDatabaseWrapper, command: str, plan: Plan, **facts: Any) -> None:
        names = plan_names(plan)
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user, current_setting('server_version')")
            role, server = cursor.fetchone()
        self._connection = connection
        self.id: int | None = None
        self.steps: list[Step] = []
        self.again = f"python manage.py {command}"  # what to type to go on
        self.facts: dict[str, Any] = {
            "command": command,
            "status": Status.RUNNING,
            "startedAt": now(),
            "endedAt": None,
            "executor": who(),
            "databaseRole": role,
            "host": socket.gethostname(),
            "environment": settings.ENVIRONMENT,
            "codeVersion": code_version(),
            "postgresqlVersion": server.split()[0],
            "plan": names,
            "planHash": plan_hash(names),
            "issues": [],
            **facts,
        }

    @property
    def seconds(self) -> float:
        """How long it took, or takes so far."""
        return float(((self.facts["endedAt"] or now()) - self.facts["startedAt"]).total_seconds())

    def begin(self) -> None:
        """Write the run down, and end those that were left RUNNING: whoever begins holds the lock on migrations."""
        end_abandoned(self._connection)
        self.save()

    def step(self, migration: Migration, *, backwards: bool) -> Step:
        """A migration begins."""
        step = Step(self, len(self.steps) + 1, migration, backwards=backwards)
        self.steps.append(step)
        self.save()
        return step

    def note(self, **facts: Any) -> None:
        """Write facts of the run down: a backup, a verification."""
        self.facts.update(facts)
        self.save()

    def end(self, status: Status, *issues: str) -> None:
        """Write down how the run ended."""
        self.facts["issues"] += issues
        self.facts.update(status=status, endedAt=now(self.facts["startedAt"]))
        self.save()

    def fail(self, *issues: str) -> None:
        """Write down that the run failed, and with it the step that was at work."""
        if self.steps and not self.steps[-1].is_done:
            step = self.steps[-1]
            step.facts.update(status=Status.FAILED, endedAt=now(step.facts["startedAt"]))
            step.note(" ".join(issues))
        self.end(Status.FAILED, *issues)

    def save(self) -> None:
        """Bring the rows up to what is known, if the tables are there."""
        with transaction.atomic(using=self._connection.alias), self._connection.cursor() as cursor:
            columns = _columns(cursor, RUNS)
            if not columns:
                # The migration that drops the tables takes the rows along.
                self.id = None
                for step in self.steps:
                    step.id = None
                return
            self.id = _write(cursor, RUNS, columns, self.facts, self.id)
            columns = _columns(cursor, STEPS)
            for step in self.steps:
                if step.id is None or step is self.steps[-1]:
                    step.id = _write(cursor, STEPS, columns, {**step.facts, "runId": self.id}, step.id)

    def mark_rolled_back(self, migration: Migration) -> None:
        """Say of the step that applied a migration that it was reversed; and of its run, if nothing of it is left."""
        with self._connection.cursor() as cursor:
            if not _columns(cursor, STEPS):
                return
            cursor.execute(
                f"UPDATE {STEPS} SET status = %s WHERE id = (SELECT max(id) FROM {STEPS} WHERE app = %s AND name = %s"  # noqa: S608
                ' AND NOT "isReversal" AND status = %s) RETURNING "runId"',
                [Status.ROLLED_BACK, migration.app_label, migration.name, Status.SUCCEEDED],
            )
            for (run,) in cursor.fetchall():
                cursor.execute(
                    f'UPDATE {RUNS} SET status = %s WHERE id = %s AND "endedAt" IS NOT NULL AND NOT EXISTS ('  # noqa: S608
                    f'SELECT FROM {STEPS} WHERE "runId" = %s AND status = %s)',
                    [Status.ROLLED_BACK, run, run, Status.SUCCEEDED],
                )


# The run of the command at work: upgrade begins one, and migrate within it goes on with it.
current_run: ContextVar[Run | None] = ContextVar("current_run", default=None)


def _columns(cursor: CursorWrapper, table: str) -> set[str]:
    cursor.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped", [table]
    )
    return {name for (name,) in cursor.fetchall()}


def end_abandoned(connection: BaseDatabaseWrapper) -> None:
    """Write down of every run that is RUNNING that it is not. The caller holds the lock on migrations."""
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        if _columns(cursor, RUNS):
            _end_abandoned(cursor)


def _end_abandoned(cursor: CursorWrapper) -> None:
    cursor.execute(
        f'UPDATE {STEPS} SET status = %s, "endedAt" = greatest(now(), "startedAt"), notes = %s WHERE status = %s',  # noqa: S608
        [Status.FAILED, WITHOUT_A_WORD, Status.RUNNING],
    )
    cursor.execute(
        f'UPDATE {RUNS} SET status = %s, "endedAt" = greatest(now(), "startedAt"), issues = issues || %s::jsonb'  # noqa: S608
        " WHERE status = %s",
        [Status.FAILED, json.dumps([WITHOUT_A_WORD]), Status.RUNNING],
    )


def _write(cursor: CursorWrapper, table: str, columns: set[str], facts: dict[str, Any], id_: int | None) -> int:
    values = {
        name: json.dumps(value) if isinstance(value, list | dict) else value
        for name, value in facts.items()
        if name in columns
    }
    quoted = [f'"{name}"' for name in values]
    if id_ is None:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(quoted)}) VALUES ({', '.join(['%s'] * len(values))}) RETURNING id",  # noqa: S608
            [*values.values()],
        )
        return int(cursor.fetchone()[0])
    cursor.execute(
        f"UPDATE {table} SET {', '.join(f'{name} = %s' for name in quoted)} WHERE id = %s",  # noqa: S608
        [*values.values(), id_],
    )
    # A row that was written in a transaction that came to nothing is written anew.
    return id_ if cursor.rowcount else _write(cursor, table, columns, facts, None)
