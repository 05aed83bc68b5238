"""migration_log: what was done to the schema, by whom, and how it ended."""

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, TextIO, cast

from django.core.management.base import CommandError, CommandParser
from django.db import connections

from core.management.databases import takes_database
from core.management.examples import WithExamples
from core.management.streams import OutlivesReader

if TYPE_CHECKING:
    from whitecross.deployment.log import Logged

ROOMY = 120  # columns of a terminal

EXAMPLES = """\
examples:
  python manage.py migration_log                   the newest run
  python manage.py migration_log 7 --markdown      run 7 as the runbook asks you to keep it, with lines to sign
  python manage.py migration_log 7 --json          the same for a machine
  python manage.py migration_log --list            all runs, the newest first

exit codes: 0 printed; 1 there is no such run
"""


class Command(OutlivesReader, WithExamples):
    """Parses, reads the record, prints."""

    examples = EXAMPLES
    help = "Print the execution log of a run of migrate, upgrade or rollback."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Which run, and for whom."""
        parser.add_argument("run", nargs="?", type=int, metavar="RUN", help="number of a run (default: the newest)")
        parser.add_argument("--list", action="store_true", help="list all runs")
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--markdown", action="store_true", help="as a page to keep and sign")
        form.add_argument("--json", action="store_true", help="as JSON")
        takes_database(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a run, or all. Raises CommandError."""
        from whitecross.deployment.log import facts, logged, markdown

        with connections[options["database"]].cursor() as cursor:
            cursor.execute("SELECT to_regclass('migration_runs') IS NOT NULL")
            if not cursor.fetchone()[0]:
                raise CommandError("No run is recorded here yet. Next: python manage.py upgrade")
        found = logged(options["database"], None if options["list"] else options["run"])
        if options["list"]:
            self._list(found, as_json=options["json"])
            return
        if not found:
            named = f"run {options['run']}" if options["run"] is not None else "run"
            raise CommandError(f"No {named} is recorded here; python manage.py migration_log --list shows all.")
        newest = found[0]
        if options["json"]:
            self.stdout.write(json.dumps(facts(newest), indent=1, ensure_ascii=False))
        elif options["markdown"] or not self.stdout.isatty():
            self.stdout.write("\n".join(markdown(newest)))
        else:
            from rich.console import Console
            from rich.markdown import Markdown

            Console(file=cast(TextIO, self.stdout._out)).print(Markdown("\n".join(markdown(newest))))

    def _list(self, runs: "list[Logged]", *, as_json: bool) -> None:
        rows = [
            (
                str(log.run.pk),
                f"{log.run.started_at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC",
                log.run.command,
                str(len(log.steps)),
                log.status(log.run),
                " ".join(log.run.executor.split()),
                log.run.code_version,
            )
            for log in runs
        ]
        headings = ("run", "started", "command", "migrations", "status", "executor", "code")
        if as_json:
            self.stdout.write(json.dumps([dict(zip(headings, row, strict=True)) for row in rows], indent=1))
            return
        if self.stdout.isatty():
            from rich.console import Console
            from rich.table import Table

            console = Console(file=cast(TextIO, self.stdout._out))
            # A narrow terminal has no room for the last two; the page of a run has them.
            columns = len(headings) if console.width >= ROOMY else -2
            table = Table(*headings[:columns])
            for row in rows:
                table.add_row(*row[:columns])
            console.print(table)
            return
        self.stdout.write("\t".join(headings))
        for row in rows:
            self.stdout.write("\t".join(row))
