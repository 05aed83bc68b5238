"""Carries migrations out on a database in use: nobody waits long for them, and nothing is ever done by half.

- A migration, its deferred SQL and the record that it is applied are one transaction, so that whatever dies at whatever
  moment, it is done or it is not. (Django records it in another.)
- What cannot be had or done in time is rolled back and tried again until the patience is over: a lock that others hold,
  or work under a lock while others wait.
- A migration that runs in no transaction (CONCURRENTLY) is begun anew as a whole: its operations, those of
  `core.db.online`, see what they did already.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

from django.db import Error, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.state import ProjectState

from core.db import RunInBatches
from core.executor import Executor
from whitecross.deployment.enums import MigrationRunStatus as Status
from whitecross.deployment.governing import Governor, LostLockError
from whitecross.deployment.record import RUNS, Plan, Run, Step, current_run
from whitecross.deployment.trying import BUSY, Governance, MigrationStoppedError, Trial
from whitecross.deployment.watch import TELL_EACH_S
from whitecross.postgres.connecting import is_pooled

RECORD = ("deployment", "0001_migration_runs")


class DeploymentExecutor(Executor):
    """Django's executor, for databases in use. Without `governance` it bounds nothing, but is as whole and recorded."""

    def __init__(
        self,
        connection: BaseDatabaseWrapper,
        progress_callback: Callable[..., None] | None = None,
        governance: Governance | None = None,
    ) -> None:
        super().__init__(connection, progress_callback)
        self._governance = governance
        self._pid = 0  # of the session that carries out, once that has begun
        # Called in the transaction of each reverse, before it, with the migration and the state that it leaves.
        self.before_reverse: Callable[[Migration, ProjectState], None] = lambda migration, state: None

    def migration_plan(self, targets: Any, clean_start: bool = False) -> Plan:  # type: ignore[override]
        """As Django's; the migration that makes the record comes before all others, whatever the targets."""
        plan = super().migration_plan(targets, clean_start)
        if any(backwards for _, backwards in plan):
            return plan
        first = [(migration, False) for migration, _ in plan if (migration.app_label, migration.name) == RECORD]
        if plan and not first and not clean_start and RECORD not in self.loader.applied_migrations:
            first = [(self.loader.graph.nodes[RECORD], False)]
        return [*first, *(pair for pair in plan if pair not in first)]

    def migrate(
        self,
        targets: Any,
        plan: Plan | None = None,
        state: ProjectState | None = None,
        fake: bool = False,
        fake_initial: bool = False,
    ) -> ProjectState:
        """As Django's; a run begins, if there is something to do and none is at work. Whoever governs ends it."""
        if plan is None:
            plan = self.migration_plan(targets)
        if plan and self._governance and current_run.get() is None:
            run = Run(self.connection, self._governance.command, plan)
            run.begin()
            current_run.set(run)
        return super().migrate(targets, plan, state, fake, fake_initial)

    def apply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        """Carry one out, or note that it is applied (`fake`). Raises MigrationStoppedError and LostLockError."""
        if fake_initial and not fake:
            fake, state = self.detect_soft_applied(state, migration)
        if fake and (migration.app_label, migration.name) == RECORD:
            # Only noted, it would never be made, and no run could be written down.
            fake = self.connection.introspection.table_names().count(RUNS) > 0

        def deed() -> ProjectState:
            with self.connection.schema_editor(atomic=migration.atomic) as editor:
                return migration.apply(state.clone(), editor)

        return self._carry_out(migration, state, fake=fake, backwards=False, deed=deed)

    def unapply_migration(self, state: ProjectState, migration: Migration, fake: bool = False) -> ProjectState:
        """Reverse one, or note that it is not applied (`fake`). Raises as apply_migration."""

        def deed() -> ProjectState:
            if not fake:
                self.before_reverse(migration, state)
            with self.connection.schema_editor(atomic=migration.atomic) as editor:
                return migration.unapply(state, editor)

        return self._carry_out(migration, state, fake=fake, backwards=True, deed=deed)

    def _carry_out(
        self,
        migration: Migration,
        state: ProjectState,
        *,
        fake: bool,
        backwards: bool,
        deed: Callable[[], ProjectState],
    ) -> ProjectState:
        said = "unapply" if backwards else "apply"
        if self.progress_callback:
            self.progress_callback(f"{said}_start", migration, fake)
        run = current_run.get()
        step = run.step(migration, backwards=backwards) if run else None
        if fake:
            if step:
                step.note("Only noted, as --fake says.")
            with transaction.atomic(using=self.connection.alias):
                self._note(migration, step, backwards=backwards)
        else:
            state = self._persist(migration, state, step, deed, backwards=backwards)
        if step:
            step.is_done = True
        if self.progress_callback:
            self.progress_callback(f"{said}_success", migration, fake)
        return state

    def _persist(
        self,
        migration: Migration,
        state: ProjectState,
        step: Step | None,
        deed: Callable[[], ProjectState],
        *,
        backwards: bool,
    ) -> ProjectState:
        governance = self._governance
        # Within somebody's transaction (adopt's), it is for them to take locks and to try again.
        if governance is None or self.connection.in_atomic_block:
            return self._once(migration, step, deed, backwards=backwards)
        governor = Governor(self.connection, governance.watch, governance.patience_s)
        trial = Trial(migration, step, governance, governor, self.connection)
        _let_tell(migration, governance.told)
        while True:
            self._pid = 0
            try:
                return self._governed(migration, deed, step, governance, governor, trial, backwards=backwards)
            except (Error, LostLockError) as error:
                if migration.atomic and self._was_committed(error, migration, governance, backwards=backwards):
                    return state if backwards else migration.mutate_state(state)
                trial.judge(error)
            except KeyboardInterrupt:
                # It may have come while the COMMIT was under way.
                if step and migration.atomic and self._is_done(migration, governance, backwards=backwards):
                    step.is_done = True
                raise
            trial.pause()

    def _was_committed(
        self, error: Exception, migration: Migration, governance: Governance, *, backwards: bool
    ) -> bool:
        """Whether it is done all the same: an answer to COMMIT may be lost on the way, with the connection."""
        if not self._pid or getattr(error.__cause__, "sqlstate", None) in BUSY:
            return False
        if self.connection.connection is not None and self.connection.is_usable():
            return False
        self.connection.close()
        governance.watch.wait_for_end_of(self._pid)
        return self._is_applied(migration) != backwards

    def _is_done(self, migration: Migration, governance: Governance, *, backwards: bool) -> bool:
        with suppress(Error):
            if self.connection.connection is not None and not self.connection.is_usable():
                self.connection.close()
                governance.watch.wait_for_end_of(self._pid)
            return self._is_applied(migration) != backwards
        return False

    def _governed(
        self,
        migration: Migration,
        deed: Callable[[], ProjectState],
        step: Step | None,
        governance: Governance,
        governor: Governor,
        trial: Trial,
        *,
        backwards: bool,
    ) -> ProjectState:
        watch = governance.watch
        watch.patience_s, watch.told = governance.patience_s, governance.told
        if not migration.atomic:
            self._refuse_pooler(migration)
            with governor.outside_transactions(), self._watched(governance), self.connection.execute_wrapper(governor):
                state = deed()
            with transaction.atomic(using=self.connection.alias):
                self._note(migration, step, backwards=backwards)
            return state
        with transaction.atomic(using=self.connection.alias):
            with self._watched(governance), self.connection.execute_wrapper(governor):
                governor.begin(trial.held_by_server)
                if self._is_applied(migration) != backwards:
                    # Whoever lost the lock unnoticed must not do what another has done since.
                    raise LostLockError
                state = deed()
                self._note(migration, step, backwards=backwards)
            return state

    def _watched(self, governance: Governance) -> AbstractContextManager[None]:
        # Not the driver's number: a pooler tells one of its own.
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            self._pid = int(cursor.fetchone()[0])
        return governance.watch.over(self._pid, lets_wait=governance.allows_long_locks)

    def _refuse_pooler(self, migration: Migration) -> None:
        """Behind a pooler in transaction mode, each statement may come to another session, and none can be watched."""
        if is_pooled(self.connection):
            raise MigrationStoppedError(
                f"{migration.app_label}.{migration.name} runs outside of transactions, which the pooler before the "
                "server does not allow for. Nothing of it was done. For this command, point DATABASE_URL to the "
                "server itself."
            )

    def _once(
        self, migration: Migration, step: Step | None, deed: Callable[[], ProjectState], *, backwards: bool
    ) -> ProjectState:
        if not migration.atomic:
            state = deed()
            with transaction.atomic(using=self.connection.alias):
                self._note(migration, step, backwards=backwards)
            return state
        with transaction.atomic(using=self.connection.alias):
            state = deed()
            self._note(migration, step, backwards=backwards)
        return state

    def _note(self, migration: Migration, step: Step | None, *, backwards: bool) -> None:
        own = (migration.app_label, migration.name)
        if backwards:
            for app, name in [*migration.replaces, own]:
                self.recorder.record_unapplied(app, name)
        else:
            for app, name in migration.replaces or [own]:
                self.recorder.record_applied(app, name)
        if step:
            step.end(Status.SUCCEEDED)

    def _is_applied(self, migration: Migration) -> bool:
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM django_migrations WHERE app = %s AND name = %s",
                [migration.app_label, migration.name],
            )
            return bool(cursor.fetchone()[0])


def _let_tell(migration: Migration, told: Callable[[str], None]) -> None:
    """Let what goes by batches say how far it is, every few seconds."""
    said_at = time.monotonic()

    def progress(passed: int, total: int) -> None:
        nonlocal said_at
        if time.monotonic() - said_at >= TELL_EACH_S:
            said_at = time.monotonic()
            told(f"{passed:,} of about {max(total, passed):,} rows")

    for operation in migration.operations:
        if isinstance(operation, RunInBatches):
            operation.progress = progress
