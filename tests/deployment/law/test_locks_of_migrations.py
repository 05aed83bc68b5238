"""Every lock that a migration of the project takes was foretold from its statements: forward, and back for half."""

from typing import Any

from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader

from core.executor import Executor
from tests.deployment.law.judge import Held, held, missing, tables
from tests.migrations.steps import migrations
from whitecross.deployment.locks import locks_of


class Witness:
    """Looks at the locks after each statement of the migrations, which run in a transaction each."""

    def __init__(self) -> None:
        self.unforetold: list[str] = []
        self.counted = 0
        self.asking = False
        self._begin()

    def _begin(self) -> None:
        self.before: dict[int, str] = {}
        self.held: Held = set()
        self.texts: list[str] = []

    def told(self, action: Any, migration: Migration | None = None, fake: bool | None = False) -> None:
        """The progress of the executor."""
        if action in ("apply_start", "unapply_start"):
            self._begin()
            self.before = tables()
        elif action in ("apply_success", "unapply_success"):
            self.counted += len(self.held)
            if unforetold := missing(self.held, locks_of(";".join(self.texts))):
                self.unforetold.append(f"{migration}: {unforetold}")

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        if self.before and not self.asking and connection.in_atomic_block:
            self.asking = True
            now = held(self.before)
            self.asking = False
            if unforetold := missing(now - self.held, locks_of(sql)):
                self.unforetold.append(f"{sql[:200]}: {unforetold}")
            self.held |= now
            self.texts.append(sql)
        return answer


def test_every_lock_of_every_migration_was_foretold(empty_db: str) -> None:
    plan = migrations(MigrationLoader(None))
    witness = Witness()
    # Each step back renders all models again; the later half drops tables, columns, constraints, indexes and triggers.
    for backwards, steps in ((False, plan), (True, plan[: -len(plan) // 2 : -1])):
        executor = Executor(connection, witness.told)
        executor.recorder.ensure_schema()
        with connection.execute_wrapper(witness):
            executor.migrate(None, plan=[(one, backwards) for one in steps])
    assert not witness.unforetold
    assert witness.counted > 100
