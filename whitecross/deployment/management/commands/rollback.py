"""rollback: go back to an earlier state of the schema, knowing what is lost, with a backup and a proof."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import Error, connections, transaction

from whitecross.deployment.again import again
from whitecross.deployment.failures import sentence
from whitecross.deployment.procedure_command import ProcedureCommand

LOCK_WAIT_MS = 5000
HELD_STATE = "55P03"  # a lock was not to be had
HELD = "python manage.py doctor --check D16 --check D17 --check D18 --check D19 --minutes 0"

EXAMPLES = """\
examples:
  python manage.py rollback health_records.0003 --plan   what would be reversed, and what that loses; changes nothing
  python manage.py rollback health_records.0003          back to where that migration was the last one applied
  python manage.py rollback --to-run 7                   back to the end of run 7 of python manage.py migration_log
  python manage.py rollback core.0003 --yes --json       for a script

Everything that was applied after the migration is reversed, the newest first, whatever app it belongs to. A backup is
made before. The schema is compared afterwards with one that the remaining migrations make in a scratch database.

exit codes: 0 back there, or already there; 1 refused or stopped, with one sentence that says how the database stands;
130 interrupted
"""


class Command(ProcedureCommand):
    """Parses, counts what is lost, asks, backs up, reverses, verifies."""

    examples = EXAMPLES
    help = "Reverse the migrations after a given one: says first what is lost, makes a backup, verifies."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to, and how."""
        super().add_arguments(parser)
        parser.add_argument("migration", nargs="?", metavar="MIGRATION", help="app.name, or a beginning of the name")
        parser.add_argument("--to-run", type=int, metavar="N", help="back to the end of run N instead")

    def handle(self, *args: Any, **options: Any) -> None:
        """Carry it out. Raises CommandError."""
        from whitecross.deployment.procedure import Procedure
        from whitecross.deployment.rolling_back import GoingBackError, to_migration, to_run

        if (options["migration"] is None) == (options["to_run"] is None):
            raise CommandError("Name a migration (app.name) or a run (--to-run N), one of the two.")
        self._json, self._again = options["json"], again("rollback", options)
        connection = connections[options["database"]]
        try:
            with transaction.atomic(using=connection.alias):
                with connection.cursor() as cursor:
                    # Tables are counted, which waits for nobody for long, and takes as long as it takes.
                    cursor.execute(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}; SET LOCAL statement_timeout = 0")
                way = (
                    to_migration(connection, options["migration"])
                    if options["migration"]
                    else to_run(connection, options["to_run"])
                )
        except GoingBackError as error:
            self._stop({}, f"{error} Nothing was changed.", error)
        except Error as error:
            is_held = getattr(error.__cause__, "sqlstate", None) == HELD_STATE
            then = f"Next: {HELD}" if is_held else f"Next, when that is mended: {self._again}"
            self._stop(
                {}, f"What would be lost cannot be counted: {sentence(error)} Nothing was changed. {then}", error
            )
        except KeyboardInterrupt as interrupt:
            self._stop({}, "It was interrupted at the keyboard. Nothing was changed.", interrupt)
        result: dict[str, Any] = {
            "target": way.target,
            "reversed": [f"{migration.app_label}.{migration.name}" for migration in way.migrations],
            "losses": [loss.as_json() for loss in way.losses],
            "changesRows": way.changing_rows,
        }
        if not way.migrations:
            self._say(f"Nothing was applied after {way.target}: there is nothing to reverse.")
            self._finish(result)
            return
        self._tell(way)
        if options["plan"]:
            self._finish(result)
            return
        number = len(way.migrations)
        self._ask(f"Reverse {number} migration{'s' if number != 1 else ''}?", result, yes=options["yes"])
        procedure = Procedure("rollback", options["database"], self._say, self._again)
        with self._sentences(result):
            result |= procedure.roll_back(
                way,
                patience_s=options["patience"],
                allows_long_locks=options["allow_long_locks"],
                backs_up=not options["no_backup"],
                folder=options["backup_folder"],
            )
        self._finish(result)

    def _tell(self, way: Any) -> None:
        number = len(way.migrations)
        self._say(f"To go back to {way.target}, {number} migration{'s are' if number != 1 else ' is'} reversed:")
        for name, said in way.sentences:
            self._say(f"  {name}{f': {said}' if said else ''}")
        if way.losses:
            self._say("What is lost for good, but for the backup:")
            for loss in way.losses:
                self._say(f"  {loss}")
        if way.changing_rows:
            self._say(f"Rows of tables that stay are changed, as is said above, by: {', '.join(way.changing_rows)}.")
        elif not way.losses:
            self._say("No row and no value is lost.")
