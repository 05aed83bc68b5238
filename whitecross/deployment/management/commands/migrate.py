"""migrate: on a database in use, nobody waits long for it, and whatever happens, running it again finishes."""

import contextlib
import time
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate as django_migrate
from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.exceptions import InconsistentMigrationHistory

from core.db.autodetector import EnumAutodetector
from core.management.examples import WithExamples
from core.management.streams import OutlivesReader
from core.schema import expected
from core.schema.verify import verify
from whitecross.deployment.again import PATIENCE_S, again
from whitecross.deployment.durations import said, seconds
from whitecross.deployment.enums import MigrationRunStatus as Status
from whitecross.deployment.executor import DeploymentExecutor
from whitecross.deployment.failures import sentence
from whitecross.deployment.holders import Holder
from whitecross.deployment.planning import PlannedMigration, planned
from whitecross.deployment.record import Run, current_run, end_abandoned
from whitecross.deployment.trying import Governance, MigrationStoppedError
from whitecross.deployment.watch import OthersError, Watch
from whitecross.postgres.connecting import connect_anew

LEGACY = """The database {name!r} was left by the predecessor of White Cross: it has the table "SequelizeMeta". \
Nothing was changed, as migrating here would mix two schemas. To bring its records over: manage.py adopt --plan, which \
changes nothing either, then manage.py adopt; docs/adoption.md has the whole procedure."""

INCONSISTENT = """{error} No migration can be planned. Somebody has taken a row out of the table django_migrations, or \
put one in: python manage.py migration_log --list says what was done, python manage.py verify_schema what is there."""

EXAMPLES = """\
examples:
  python manage.py migrate                       bring the database up to this code
  python manage.py migrate --plan                what that would do, and which locks it takes; changes nothing
  python manage.py migrate --patience 2h         try for two hours to get the locks, on a database full of reports
  python manage.py migrate --allow-long-locks    with the application stopped: do not step back for those who wait

No query of the application waits more than 150 ms: a lock that is not free is tried again, and work under a lock is
ended where somebody waits for it. Two runs at once take turns. Each migration is done or is not; after a failure, a
kill or a lost connection, run it again. Each run is kept: python manage.py migration_log

exit codes: 0 done, or nothing to do; 1 stopped, with one sentence that says how the database stands; 130 interrupted
"""


class Command(OutlivesReader, WithExamples, django_migrate.Command):
    """Django's command with bounded effects and a record; refuses a database with the predecessor's tables."""

    examples = EXAMPLES
    autodetector = EnumAutodetector
    stealth_options = ("watch",)  # upgrade holds the lock on migrations already

    def add_arguments(self, parser: CommandParser) -> None:
        """Django's, and how to behave among others."""
        super().add_arguments(parser)
        parser.add_argument(
            "--patience",
            type=seconds,
            default=PATIENCE_S,
            metavar="TIME",
            help="how long to try to get locks: 90s, 10m, 2h (default: 10m)",
        )
        parser.add_argument(
            "--allow-long-locks",
            action="store_true",
            help="let others wait as long as it takes: for a time in which nobody works",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Look for the predecessor's own record of migrations, take the lock, migrate, verify. Raises CommandError."""
        connection = connections[options["database"]]
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('\"SequelizeMeta\"') IS NOT NULL")
            if cursor.fetchone()[0]:
                raise CommandError(LEGACY.format(name=connection.settings_dict["NAME"]))
        if options["plan"] or options["check_unapplied"] or options["prune"]:
            self._django(None, *args, **options)
            return
        watch, is_ours = options.get("watch"), options.get("watch") is None
        if watch is None:
            watch = Watch(options["database"])
        try:
            if is_ours:
                self._wait(watch, options)
                connect_anew(connection)
                end_abandoned(connection)
            governance = Governance(
                watch, options["patience"], self._told, allows_long_locks=options["allow_long_locks"]
            )
            self._migrate(connection, governance, *args, **options)
        finally:
            if is_ours:
                watch.release()

    def _wait(self, watch: Watch, options: dict[str, Any]) -> None:
        def waits(others: list[Holder]) -> None:
            if options["verbosity"]:
                named = "; ".join(map(str, others)) or "which has just ended"
                self.stdout.write(f"Waiting for another run on this database: {named}.")
                self.stdout.flush()

        try:
            if watch.acquire(options["patience"], waits) and options["verbosity"]:
                self.stdout.write("The other run has ended.")
        except OthersError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError(f"{_said(error)} Nothing was changed.", returncode=130) from error

    def _migrate(self, connection: BaseDatabaseWrapper, governance: Governance, *args: Any, **options: Any) -> None:
        self._total, self._number, self._tells = 0, 0, options["verbosity"] >= 1
        self._again = again("migrate", options)
        outer, is_nested = current_run.get(), connection.in_atomic_block
        try:
            self._django(governance, *args, **options)
            self._end(connection, outer, options)
        except BaseException as error:
            run = current_run.get()
            if is_nested:
                raise  # whoever opened the transaction says what became of it
            if run is not None and outer is None:
                with contextlib.suppress(Error):
                    if connection.connection is not None and not connection.is_usable():
                        connection.close()
                    run.fail(_said(error))
            # Without a run, anything else is Django's word on a wrong request, or an error of the program.
            if run is None and not isinstance(error, Error | MigrationStoppedError | KeyboardInterrupt):
                raise
            interrupted = isinstance(error, KeyboardInterrupt)
            raise CommandError(self._stands(error, run), returncode=130 if interrupted else 1) from error
        finally:
            if outer is None:
                current_run.set(None)

    def _django(self, governance: Governance | None, *args: Any, **options: Any) -> None:
        """Django's own course. It names its executor, and offers no other way to name another."""
        command = self

        class Executor(DeploymentExecutor):
            def __init__(self, connection: BaseDatabaseWrapper, progress_callback: Any = None) -> None:
                super().__init__(connection, progress_callback, governance)

            def migrate(self, targets: Any, plan: Any = None, *args: Any, **kwargs: Any) -> Any:
                command._total = len(plan or [])
                return super().migrate(targets, plan, *args, **kwargs)

            def migration_plan(self, targets: Any, clean_start: bool = False) -> Any:
                plan = super().migration_plan(targets, clean_start)
                if not clean_start:
                    command._plan = plan
                return plan

        known = vars(django_migrate)["MigrationExecutor"]
        vars(django_migrate)["MigrationExecutor"] = Executor
        try:
            super().handle(*args, **options)
        except InconsistentMigrationHistory as error:
            raise CommandError(INCONSISTENT.format(error=error)) from error
        finally:
            vars(django_migrate)["MigrationExecutor"] = known
        if options["plan"] and self._plan:
            self._tell_locks(planned(connections[options["database"]], self._plan))

    def migration_progress_callback(self, action: str, migration: Migration | None = None, fake: bool = False) -> None:
        """A line a migration: its place in the plan, its name, its time."""
        if migration is None or not self._tells:
            return
        if action in ("apply_start", "unapply_start"):
            self._number += 1
            self._began = time.monotonic()
            deed = "Applying" if action == "apply_start" else "Reversing"
            place = f"[{self._number:>{len(str(self._total))}}/{self._total}]"
            self.stdout.write(f"  {place} {deed} {migration}...", ending="")
            self.stdout.flush()
            self._midline = True
        elif action in ("apply_success", "unapply_success"):
            how = " faked" if fake else f" OK ({said(time.monotonic() - self._began)})"
            self.stdout.write(self.style.SUCCESS(how if self._midline else f"    {how.strip()}"))
            self._midline = False

    def _told(self, sentence: str) -> None:
        if self._tells:
            self.stdout.write(f"\n    {sentence}" if self._midline else f"    {sentence}")
            self.stdout.flush()
            self._midline = False

    def _end(self, connection: BaseDatabaseWrapper, outer: Run | None, options: dict[str, Any]) -> None:
        run = current_run.get()
        if run is None or outer is not None:
            return
        if not connection.in_atomic_block and not options["app_label"] and expected.SNAPSHOT.exists():
            report = verify(options["database"])
            run.facts["verification"] = {
                "ok": report.ok,
                "counts": report.counts,
                "differences": [f"{one.kind}: {one.object}" for one in report.differences],
            }
            if not report.ok and self._tells:
                self.stdout.write(
                    self.style.WARNING(
                        f"The schema differs from what it should be in {len(report.differences)} places: "
                        "python manage.py verify_schema"
                    )
                )
        run.end(Status.SUCCEEDED)
        if self._tells and run.id is not None:
            number = len(run.steps)
            self.stdout.write(
                f"{number} migration{'s' if number != 1 else ''} in {said(run.seconds)}; "
                f"the log: python manage.py migration_log {run.id}"
            )

    def _stands(self, error: BaseException, run: Run | None) -> str:
        """What happened, how the database stands, and what to type next."""
        if self._midline:
            self.stdout.write(self.style.ERROR(" stopped"))
        text = _said(error)
        # The same words, as others may lead elsewhere: forward instead of back. Within upgrade, those of that.
        then = self._again if run is None or run.facts["command"] == "migrate" else run.again
        if run is None or not run.steps:
            return f"{text} Nothing was changed. Next: {then}"
        last = run.steps[-1]
        if last.is_done and len(run.steps) == len(run.facts["plan"]):
            deed = "reversed" if last.backwards else "applied"
            return f"Every migration of this run is {deed}, but what follows failed: {text} Next: {then}"
        name = f"{last.migration.app_label}.{last.migration.name}"
        if not text.startswith(name):
            of_it = "Nothing of it was done." if last.migration.atomic else "Running it again goes on with it."
            text = f"{name} failed: {text} {of_it}"
        done = sum(step.is_done for step in run.steps)
        stand = "are reversed" if last.backwards else "stand"
        return f"{text} {done} of {len(run.facts['plan'])} migrations of this run {stand}. Next: {then}"

    def _tell_locks(self, migrations: list[PlannedMigration]) -> None:
        self.stdout.write("Locks on tables in use:", self.style.MIGRATE_LABEL)
        for one in migrations:
            for lock in one.locks:
                how = "while it works through the table" if lock.is_long else "for moments"
                line = f"    {one.name}: {lock.mode.value} on {lock.table or 'some table'}, {how}: {lock.why}"
                self.stdout.write(line, self.style.WARNING if lock.is_long else None)
            if not one.is_foreseen:
                self.stdout.write(f"    {one.name}: cannot be told before it runs", self.style.WARNING)
        if not any(one.locks or not one.is_foreseen for one in migrations):
            self.stdout.write("    none that stops a reader or a writer")
        elif any(one.is_long for one in migrations):
            self.stdout.write(
                "  Where others wait for such work, it is ended and tried again; for large tables take a quiet hour, "
                "or stop the application and use --allow-long-locks.",
                self.style.WARNING,
            )

    _total, _number, _began = 0, 0, 0.0
    _tells, _midline, _again = True, False, ""
    _plan: Any = ()


def _said(error: BaseException) -> str:
    if isinstance(error, MigrationStoppedError | CommandError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "It was interrupted at the keyboard."
    return sentence(error)
