"""rollback: go back to an earlier state of the schema, knowing what is lost, with a backup and a proof."""

import json
from pathlib import Path
from typing import Any, TextIO, cast

from django.core.management.base import CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections

from core.management.examples import WithExamples
from whitecross.deployment.asking import confirm
from whitecross.deployment.durations import seconds

EXAMPLES = """\
examples:
  python manage.py rollback health_records.0003 --plan   what would be reversed, and what that loses; changes nothing
  python manage.py rollback health_records.0003          back to where that migration was the last one applied
  python manage.py rollback --to-run 7                   back to the end of run 7 of python manage.py migration_log
  python manage.py rollback core.0003 --yes --json       for a script

Everything that was applied after the migration is reversed, the newest first, whatever app it belongs to. A backup is
made before. The schema is compared afterwards with one that the remaining migrations make in a scratch database.

exit codes: 0 back there, or already there; 1 refused or stopped, with one sentence that says how the database stands
"""


class Command(WithExamples):
    """Parses, counts what is lost, asks, backs up, reverses, verifies."""

    examples = EXAMPLES
    help = "Reverse the migrations after a given one: says first what is lost, makes a backup, verifies."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to, and how."""
        parser.add_argument("migration", nargs="?", metavar="MIGRATION", help="app.name, or a beginning of the name")
        parser.add_argument("--to-run", type=int, metavar="N", help="back to the end of run N instead")
        parser.add_argument("--plan", action="store_true", help="say what would be done and lost; change nothing")
        parser.add_argument("--yes", action="store_true", help="ask nothing")
        parser.add_argument("--json", action="store_true", help="print the plan or the result as JSON")
        parser.add_argument("--no-backup", action="store_true", help="make no backup first: what is lost is lost")
        parser.add_argument("--backup-folder", type=Path, metavar="FOLDER", help="instead of WHITECROSS_BACKUP_DIR")
        parser.add_argument("--patience", type=seconds, default=600.0, metavar="TIME", help="for locks (default: 10m)")
        parser.add_argument("--allow-long-locks", action="store_true", help="let others wait as long as it takes")
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="alias in DATABASES (default: default)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Carry it out. Raises CommandError."""
        from whitecross.deployment.procedure import Procedure, StoppedError
        from whitecross.deployment.rolling_back import GoingBackError, to_migration, to_run

        if (options["migration"] is None) == (options["to_run"] is None):
            raise CommandError("Name a migration (app.name) or a run (--to-run N), one of the two.")
        connection = connections[options["database"]]
        try:
            way = (
                to_migration(connection, options["migration"])
                if options["migration"]
                else to_run(connection, options["to_run"])
            )
        except GoingBackError as error:
            raise CommandError(f"{error} Nothing was changed.") from error
        self._json, self._result = (
            options["json"],
            {
                "target": way.target,
                "reversed": [f"{migration.app_label}.{migration.name}" for migration in way.migrations],
                "losses": [loss.as_json() for loss in way.losses],
            },
        )
        if not way.migrations:
            self._say(f"Nothing was applied after {way.target}: there is nothing to reverse.")
            self._finish()
            return
        self._tell(way)
        if options["plan"]:
            self._finish()
            return
        number = len(way.migrations)
        confirm(
            f"Reverse {number} migration{'s' if number != 1 else ''}?",
            cast(TextIO, self.stderr if self._json else self.stdout),
            yes=options["yes"],
        )
        procedure = Procedure("rollback", options["database"], self._say)
        try:
            self._result |= procedure.roll_back(
                way,
                patience_s=options["patience"],
                allows_long_locks=options["allow_long_locks"],
                backs_up=not options["no_backup"],
                folder=options["backup_folder"],
            )
        except StoppedError as error:
            self._result["stopped"] = str(error)
            self._finish()
            raise CommandError(str(error)) from error
        self._finish()

    def _say(self, line: str) -> None:
        if not self._json:
            self.stdout.write(line)
            self.stdout.flush()

    def _finish(self) -> None:
        if self._json:
            self.stdout.write(json.dumps(self._result, indent=1, ensure_ascii=False))

    def _tell(self, way: Any) -> None:
        number = len(way.migrations)
        self._say(f"To go back to {way.target}, {number} migration{'s are' if number != 1 else ' is'} reversed:")
        for name, sentence in way.sentences:
            self._say(f"  {name}{f': {sentence}' if sentence else ''}")
        if way.losses:
            self._say("What is lost for good, but for the backup:")
            for loss in way.losses:
                self._say(f"  {loss}")
        else:
            self._say("No row and no value is lost.")

    _json = False
    _result: dict[str, Any]
