"""check_migrations: do the migrations that are not released keep the law?"""

import json
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError

from core.management.databases import takes_database
from core.management.examples import WithExamples

EXAMPLES = """\
examples:
  python manage.py check_migrations               judge the migrations that are not released yet
  python manage.py check_migrations --json        for a machine
  python manage.py check_migrations --record      at a release: from now on these files stay as they are

Judged are the files, the operations and the SQL. The database is asked for its version, and for what single operations
look up there; it may be empty, and is not changed. docs/migrations.md explains each id (M01 ...), with an example of
the right way. squawk is asked too where it is installed.

exit codes: 0 all is well, or warnings only; 1 something is refused; 2 it cannot be checked.
"""
UNABLE = 2


class Command(WithExamples):
    """Parses, asks whitecross.deployment.law, prints."""

    examples = EXAMPLES
    help = "Refuse migrations that would stop a database in use, or that cannot be taken back."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """One deed, and how to print."""
        deed = parser.add_mutually_exclusive_group()
        deed.add_argument("--json", action="store_true", help="print for a machine")
        deed.add_argument("--record", action="store_true", help="record the hashes of migrations that are released now")
        parser.add_argument("--no-squawk", action="store_true", help="do not ask squawk")
        takes_database(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Check. Exits with 1 where something is refused, with 2 where nothing can be said (without --json by raising
        CommandError)."""
        try:
            checked = self._check(options)
        except CommandError as error:
            if not options["json"]:
                raise
            self._dump({"ok": False, "error": str(error), "squawk": False, "unreleased": [], "findings": []})
            sys.exit(error.returncode)
        if options["json"]:
            self._dump(
                {
                    "ok": not checked.refusals,
                    "error": None,
                    "squawk": checked.asks_squawk,
                    "unreleased": [".".join(key) for key in checked.unreleased],
                    "findings": [finding.as_json() for finding in checked.findings],
                }
            )
        else:
            self._print(checked, options)
        if checked.refusals:
            sys.exit(1)
        if options["record"]:
            self._record(checked)

    def _dump(self, found: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(found, ensure_ascii=False, indent=1))

    def _check(self, options: dict[str, Any]) -> Any:
        from whitecross.deployment.law import LawError, check
        from whitecross.postgres.errors import sentence

        try:
            return check(alias=options["database"], asks_squawk=not options["no_squawk"])
        except LawError as error:
            raise CommandError(str(error), returncode=UNABLE) from error
        except DatabaseError as error:
            said = sentence(error) or "The database cannot be asked for its version; see DATABASE_URL."
            raise CommandError(said, returncode=UNABLE) from None

    def _print(self, checked: Any, options: dict[str, Any]) -> None:
        from rich.console import Console

        from whitecross.deployment.law.reporting import draw, lines

        if self.stdout.isatty():
            color = not options["no_color"]
            draw(checked, Console(file=sys.stdout, no_color=not color, highlight=False))
            return
        for line in lines(checked):
            self.stdout.write(line)

    def _record(self, checked: Any) -> None:
        from whitecross.deployment.law import released

        hashes = released.read()
        hashes |= {key: released.content_hash(checked.sources[key].path) for key in checked.unreleased}
        released.write(hashes)
        self.stdout.write(f"{len(checked.unreleased)} recorded in {released.RECORD.name}: they are released now.")
