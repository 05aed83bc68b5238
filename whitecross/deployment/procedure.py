"""The whole procedures: an upgrade, and a way back. Each step is said, written down, and where it fails it is told how
the database stands and what to type next.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import psycopg
from django.core.management import CommandError, call_command
from django.db import Error, connections

from core.schema.verify import verify
from whitecross.adoption.reporting import size
from whitecross.deployment.backups import Backup, BackupError, make_backup
from whitecross.deployment.checking import ended, refusals
from whitecross.deployment.durations import said
from whitecross.deployment.enums import MigrationRunStatus as Status
from whitecross.deployment.executor import DeploymentExecutor
from whitecross.deployment.failures import sentence
from whitecross.deployment.holders import Holder
from whitecross.deployment.losing import MoreToLoseError, dropped_by, refuse_more
from whitecross.deployment.preflight import Preflight
from whitecross.deployment.record import Plan, Run, current_run, plan_names
from whitecross.deployment.reference import NoScratchError, applied_in_order, drift
from whitecross.deployment.rolling_back import WayBack
from whitecross.deployment.smoke import smoke_test
from whitecross.deployment.trying import Governance, MigrationStoppedError
from whitecross.deployment.watch import OthersError, Watch
from whitecross.postgres.connecting import connect_anew

Say = Callable[[str], None]


class StoppedError(Exception):
    """A step failed. The message says how the database stands and the one command to type next."""


class Procedure:
    """Carries out an upgrade or a rollback of one database, and says each step to `say`."""

    def __init__(self, command: str, alias: str, say: Say, again: str) -> None:
        self.command, self.alias, self._say, self._again = command, alias, say, again
        self.connection = connections[alias]

    def upgrade(
        self,
        preflight: Preflight,
        out: TextIO,
        *,
        patience_s: float,
        allows_long_locks: bool,
        folder: Path | None,
        backs_up: bool,
    ) -> dict[str, Any]:
        """Back up, migrate, verify, try, record. Returns facts for machines. Raises StoppedError."""
        with self._alone(patience_s) as watch:
            with self._nothing_changed():
                self._look_again(preflight)
            run = self._run(preflight.plan, preflight=[finding.as_json() for finding in preflight.findings])
            with self._recorded(run, f"Nothing was changed. Next, when that is mended: {self._again}"):
                backup = self._back_up(run, folder) if backs_up else None
            if preflight.plan:
                with self._recorded(run, None):
                    self._say("Migrating:")
                    call_command(
                        "migrate",
                        database=self.alias,
                        patience=patience_s,
                        allow_long_locks=allows_long_locks,
                        watch=watch,
                        interactive=False,
                        stdout=getattr(out, "_out", out),  # whose wrapper would end each line
                    )
            else:
                self._say("Migrating: nothing to do.")
            with self._recorded(run, f"All migrations are applied. Next, when that is mended: {self._again}"):
                self._verify_newest(run, backup)
                self._try(run, backup)
                run.end(Status.SUCCEEDED)
        return self._facts(run, backup)

    def roll_back(
        self,
        way: WayBack,
        *,
        patience_s: float,
        allows_long_locks: bool,
        folder: Path | None,
        backs_up: bool,
    ) -> dict[str, Any]:
        """Back up, reverse, verify, record. Returns facts for machines. Raises StoppedError."""
        with self._alone(patience_s) as watch:
            applied = set(applied_in_order(self.connection))
            if applied == way.remaining:
                self._say(f"Another run has gone back to {way.target} meanwhile: there is nothing left to reverse.")
                return {}
            if applied != way.remaining | {(one.app_label, one.name) for one in way.migrations}:
                raise StoppedError(
                    f"Somebody has changed the schema since it was looked at. Nothing was changed. Next: {self._again}"
                )
            plan = [(migration, True) for migration in way.migrations]
            run = self._run(plan)
            with self._recorded(run, f"Nothing was changed. Next, when that is mended: {self._again}"):
                backup = self._back_up(run, folder) if backs_up else None
            governance = Governance(
                watch, patience_s, lambda text: self._say(f"    {text}"), self.command, allows_long_locks
            )
            with self._recorded(run, None):
                self._say("Reversing:")
                executor = DeploymentExecutor(self.connection, self._reversed(len(plan)), governance)
                executor.before_reverse = lambda migration, state: refuse_more(
                    self.connection, dropped_by(migration, state), way.losses
                )
                executor.migrate(None, plan)
            with self._recorded(run, f"All of it is reversed. Next: {_log(run)}"):
                self._verify_remaining(run, way, backup)
                run.end(Status.SUCCEEDED)
        return self._facts(run, backup)

    def _run(self, plan: Plan, **facts: Any) -> Run:
        run = Run(self.connection, self.command, plan, **facts)
        run.again = self._again
        return run

    @contextmanager
    def _alone(self, patience_s: float) -> Iterator[Watch]:
        with self._nothing_changed():
            watch = Watch(self.alias)

        def waits(others: list[Holder]) -> None:
            self._say(
                f"Waiting for another run on this database: {'; '.join(map(str, others)) or 'it has just ended'}."
            )

        try:
            try:
                with self._nothing_changed():
                    watch.acquire(patience_s, waits)
            except OthersError as error:
                raise StoppedError(f"{error} Next: {self._again}") from error
            connect_anew(self.connection)
            yield watch
        finally:
            watch.release()

    @contextmanager
    def _nothing_changed(self) -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt as error:
            raise StoppedError(f"{self._sentence(error)} Nothing was changed.") from error
        except (Error, psycopg.Error) as error:
            raise StoppedError(
                f"{self._sentence(error)} Nothing was changed. Next, when that is mended: {self._again}"
            ) from error

    @contextmanager
    def _recorded(self, run: Run, stands: str | None) -> Iterator[None]:
        """A part of the run. Where it fails, write that down and say how the database stands, and what to type."""
        before = current_run.set(run)
        try:
            if run.id is None and not run.steps:
                run.begin()
            yield
        except BaseException as error:
            text = self._sentence(error)
            with contextlib.suppress(Error):
                if self.connection.connection is not None and not self.connection.is_usable():
                    self.connection.close()
                run.fail(text)
            if isinstance(error, StoppedError | SystemExit):
                raise
            if isinstance(error, CommandError):  # migrate has said how the database stands
                raise StoppedError(text) from error
            raise StoppedError(f"{text} {stands or self._so_far(run)}") from error
        finally:
            current_run.reset(before)

    def _so_far(self, run: Run) -> str:
        done, total = sum(step.is_done for step in run.steps), len(run.facts["plan"])
        if self.command == "upgrade":
            return f"{done} of {total} migrations are applied, each whole. Next: {self._again}"
        return (
            f"{done} of {total} migrations are reversed, each whole. Next: {self._again} goes on; python manage.py "
            "upgrade goes forward again"
        )

    def _sentence(self, error: BaseException) -> str:
        if isinstance(error, StoppedError | CommandError | BackupError | MigrationStoppedError | MoreToLoseError):
            return str(error)
        if isinstance(error, KeyboardInterrupt):
            return "It was interrupted at the keyboard."
        return sentence(error)

    def _look_again(self, preflight: Preflight) -> None:
        """Now that nobody else migrates: go on with what another run may have left of the plan."""
        executor = DeploymentExecutor(self.connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        names = plan_names(plan)
        if not set(names) <= set(preflight.names):
            raise StoppedError(
                f"Somebody has changed the schema since this was planned. Nothing was changed. Next: {self._again}"
            )
        if names != preflight.names:
            self._say(f"Another run has migrated meanwhile: {len(plan)} of {len(preflight.plan)} migrations are left.")
        elif not preflight.is_unsure:
            return
        preflight.look_again(plan)
        if refused := refusals(preflight.findings):
            raise StoppedError(
                f"{refused[0].name}: {ended(refused[0].sentence)} Nothing was changed. Next, when that is mended: "
                f"{self._again}"
            )

    def _back_up(self, run: Run, folder: Path | None) -> Backup:
        backup = make_backup(self.alias, folder)
        connect_anew(self.connection)
        run.note(backupFile=str(backup.path), backupSha256=backup.sha256)
        self._say(
            f"Backup: {backup.path} ({size(backup.bytes)}, {backup.rows:,} rows, {said(backup.seconds)}"
            f"{', encrypted' if backup.encrypted else ', not encrypted'})"
        )
        for note in backup.notes:
            self._say(f"    pg_dump warned: {note}")
        return backup

    def _verify_newest(self, run: Run, backup: Backup | None) -> None:
        report = verify(self.alias)
        run.note(
            verification={
                "ok": report.ok,
                "counts": report.counts,
                "differences": [f"{one.kind}: {one.object}" for one in report.differences],
            }
        )
        if not report.ok:
            raise StoppedError(
                f"All migrations are applied, but the schema differs in {_places(report.differences)} from what "
                f"it should be.{_kept(backup)} Next: python manage.py verify_schema"
            )
        counts = ", ".join(f"{number} {noun}" for noun, number in report.counts.items())
        self._say(f"Verified: {counts}.")

    def _verify_remaining(self, run: Run, way: WayBack, backup: Backup | None) -> None:
        try:
            differences = drift(self.alias, way.remaining)
            connect_anew(self.connection)
        except NoScratchError as error:
            run.note(verification={"ok": None, "differences": [], "reason": str(error)})
            self._say(f"Not verified: {error}")
            return
        named = [f"{one.kind}: {one.object}" for one in differences]
        run.note(verification={"ok": not named, "differences": named})
        if named:
            raise StoppedError(
                f"All of it is reversed, but the schema differs in {_places(named)} from what the remaining "
                f"migrations make, the first: {named[0]}.{_kept(backup)} Next: {_log(run)}"
            )
        self._say("Verified: the schema is that of the remaining migrations.")

    def _try(self, run: Run, backup: Backup | None) -> None:
        findings = smoke_test(self.alias)
        run.note(smokeTest=[finding.as_json() for finding in findings])
        if failed := refusals(findings):
            raise StoppedError(
                f"The schema is right, but the smoke test failed ({failed[0].name}: {failed[0].sentence})."
                f"{_kept(backup)} Next, when that is mended: {self._again}"
            )
        self._say(f"Smoke test: {', '.join(finding.name for finding in findings)}: all well.")

    def _reversed(self, total: int) -> Callable[..., None]:
        began, number = time.monotonic(), 0

        def hear(action: str, migration: Any = None, fake: bool = False) -> None:
            nonlocal began, number
            if action == "unapply_start":
                began, number = time.monotonic(), number + 1
            elif action == "unapply_success":
                self._say(
                    f"  [{number:>{len(str(total))}}/{total}] {migration} reversed ({said(time.monotonic() - began)})"
                )

        return hear

    def _facts(self, run: Run, backup: Backup | None) -> dict[str, Any]:
        self._say(f"Done in {said(run.seconds)}.{f' The log: {_log(run)}' if run.id else ''}")
        return {
            "run": run.id,
            "status": str(run.facts["status"]),
            "seconds": round(run.seconds, 2),
            "backup": backup.as_json() if backup else None,
            "verification": run.facts.get("verification"),
            "smokeTest": run.facts.get("smokeTest"),
        }


def _log(run: Run) -> str:
    # The tables of the record may not be there, or not any more.
    return f"python manage.py migration_log {run.id or ''}".strip()


def _places(found: Sequence[object]) -> str:
    return f"{len(found)} place{'s' if len(found) != 1 else ''}"


def _kept(backup: Backup | None) -> str:
    return f" The backup from before is {backup.path}." if backup else ""
