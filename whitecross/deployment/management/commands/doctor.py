"""doctor: what is wrong with this database, and what mends it?"""

import io
import json
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser, OutputWrapper
from django.db import Error as DatabaseError

from core.management.databases import takes_database
from core.management.examples import WithExamples
from core.management.streams import OutlivesReader, print_no_more

USAGE, INTERRUPTED = 2, 130
EXAMPLES = """\
examples:
  python manage.py doctor                          the database of DATABASE_URL, in seconds
  python manage.py doctor --deep                   also what has to be read from the disk: rows behind every foreign
                                                   key, free space in large tables
  python manage.py doctor --check D16 --check D18  who holds others up just now
  python manage.py doctor --minutes 30             a transaction may take half an hour, as while a report runs
  python manage.py doctor --json | jq .findings    for a monitor
  python manage.py doctor --fail-on broken         for a timer that calls somebody: a warning can wait, and exits with 0
  python manage.py doctor --list                   every check

It only reads, waits for no lock longer than a fifth of a second, and holds none that the application would wait for; a
standby and a role that may only read will do. Each finding comes with the commands that mend it: SQL for
manage.py dbshell, anything else for a shell. docs/doctor.md explains each check.
Exit codes: 0 nothing found, or notes alone; 1 something is to be mended (with --fail-on broken: something is broken);
2 wrong arguments, no database, or nothing found but not every question answered; 130 interrupted."""


class Command(OutlivesReader, WithExamples):
    """Parses, asks whitecross.deployment.doctor, prints."""

    examples = EXAMPLES
    help = "Say what is wrong with the database, each with the command that mends it; exit 1 where something is."
    # A database is looked at also when the code around it has something to complain about.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """What to look at, how closely, and how to say it."""
        parser.add_argument("--check", metavar="ID", action="append", help="make this check alone; may be repeated")
        parser.add_argument("--deep", action="store_true", help="also what has to be read from the disk")
        parser.add_argument(
            "--minutes", type=_minutes, default=5, metavar="N", help="how long a transaction may take (default: 5)"
        )
        parser.add_argument(
            "--timeout", type=_seconds, default=30, metavar="SECONDS", help="longest that one question may take"
        )
        parser.add_argument(
            "--fail-on",
            choices=("broken", "warning"),
            default="warning",
            help="how bad the worst has to be for exit code 1 (default: warning)",
        )
        parser.add_argument("--list", action="store_true", help="list the checks")
        parser.add_argument("--json", action="store_true", help="print for a machine")
        takes_database(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Look and print. Exits with 1 where something is to be mended; raises CommandError with a sentence."""
        from rich.console import Console

        if sys.stdout is None and self.stdout._out is None:  # whoever started it has closed it
            self.stdout = OutputWrapper(io.StringIO())
        self.stdout.ending = ""  # rich ends its own lines
        terminal = self.stdout.isatty()
        self.console = Console(
            file=self.stdout,  # type: ignore[arg-type]
            force_terminal=terminal,  # whatever FORCE_COLOR says: a pipe gets lines
            soft_wrap=not terminal,
            highlight=False,
            no_color=options["no_color"],
        )
        try:
            code = self._list(options) if options["list"] else self._examine(options)
            self.stdout.flush()
        except KeyboardInterrupt:
            raise CommandError("Interrupted. Nothing was changed.", returncode=INTERRUPTED) from None
        except OSError as error:
            print_no_more(sys.stdout)
            raise CommandError(f"The answer cannot be printed ({error.strerror}).", returncode=USAGE) from None
        if code:
            sys.exit(code)

    def _checks(self, ids: list[str] | None) -> Any:
        from whitecross.deployment.doctor.checks import all_checks

        known = {check.id: check for check in all_checks()}
        if ids is None:
            return list(known.values())
        unknown = [id_ for id_ in ids if id_.upper() not in known]
        if unknown:
            raise CommandError(f"There is no check {unknown[0]}: --list names them.", returncode=USAGE)
        wanted = {id_.upper() for id_ in ids}
        return [check for id_, check in known.items() if id_ in wanted]

    def _list(self, options: dict[str, Any]) -> int:
        from whitecross.deployment.doctor.reporting import show_list

        checks = self._checks(options["check"])
        if options["json"]:
            self._print_json([{"id": one.id, "severity": one.severity, "question": one.question} for one in checks])
        else:
            show_list(self.console, checks)
        return 0

    def _examine(self, options: dict[str, Any]) -> int:
        from whitecross.adoption.progress import BarProgress, Progress
        from whitecross.deployment.doctor.examining import examine
        from whitecross.deployment.doctor.finding import Severity
        from whitecross.deployment.doctor.look import Choices
        from whitecross.deployment.doctor.reasons import reason_of
        from whitecross.deployment.doctor.reporting import show_report
        from whitecross.postgres.errors import sentence

        checks = self._checks(options["check"])
        choices = Choices(deep=options["deep"], minutes=options["minutes"], seconds=options["timeout"])
        quiet = options["json"] or not self.console.is_terminal
        try:
            report = examine(options["database"], choices, checks, Progress() if quiet else BarProgress(self.console))
        except DatabaseError as error:
            said = sentence(error) or f"The database cannot be looked at: {reason_of(error, choices)}."
            raise CommandError(said, returncode=USAGE) from None
        if options["json"]:
            self._print_json(report.as_json())
        else:
            show_report(self.console, report)
        return report.exit_code_for(Severity(options["fail_on"]))

    def _print_json(self, what: Any) -> None:
        self.stdout.write(json.dumps(what, ensure_ascii=False, indent=2) + "\n")


def _minutes(text: str) -> float:
    """A time from none to a day."""
    value = float(text)
    if not 0 <= value <= 24 * 60:
        raise ValueError
    return value


_minutes.__name__ = "number of minutes from 0 to 1440"


def _seconds(text: str) -> int:
    """A time that PostgreSQL takes as statement_timeout, where 0 would mean no end."""
    value = int(text)
    if not 1 <= value <= 24 * 60 * 60:
        raise ValueError
    return value


_seconds.__name__ = "whole number of seconds from 1 to 86400"
