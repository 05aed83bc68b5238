"""verify_schema: is this database as the models and migrations say?"""

import json
import sys
from typing import Any, TextIO, cast

from django.core.management.base import CommandError, CommandParser

from core.management.databases import takes_database
from core.management.examples import WithExamples

EXAMPLES = """\
examples:
  python manage.py verify_schema                   the database of DATABASE_URL; exit code 0 if all is well, else 1
  python manage.py verify_schema --json | jq .ok   for a monitor
  python manage.py verify_schema --definition 'set_updated_at()' | python manage.py dbshell
                                                   put a function back as it was
  python manage.py verify_schema --write-expected  after a new migration: write core/schema/expected.json again

Reads only, in one transaction, so that a standby and a role that may only read will do. Each difference is one line:
what, expected, found, what to do; docs/verify-schema.md explains them.
"""


class Command(WithExamples):
    """Parses, asks core.schema, prints."""

    examples = EXAMPLES
    help = "Compare the live schema with what the models and migrations say; exit 1 where they differ."
    # A database is looked at also when the code around it has something to complain about.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """One of three deeds; to verify is the usual one."""
        takes_database(parser)
        deed = parser.add_mutually_exclusive_group()
        deed.add_argument("--json", action="store_true", help="print the report as JSON")
        deed.add_argument("--definition", metavar="FUNCTION", help="print the SQL that makes a function as expected")
        deed.add_argument(
            "--write-expected",
            action="store_true",
            help="migrate a scratch database and write its catalog to core/schema/expected.json",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Carry the deed out. Exits with 1 where there is a difference; raises CommandError for a wrong request."""
        if options["write_expected"]:
            self._write_expected(options["database"])
        elif options["definition"]:
            self._print_definition(options["definition"])
        else:
            self._verify(options)

    def _verify(self, options: dict[str, Any]) -> None:
        from core.schema.report import draw, lines
        from core.schema.verify import verify

        report = verify(options["database"])
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), ensure_ascii=False, indent=1))
        elif self.stdout.isatty() and (report.differences or report.notes):
            draw(report, cast(TextIO, self.stdout), color=not options["no_color"])
        else:
            for line in lines(report):
                self.stdout.write(line, self.style.SUCCESS if report.ok else None)
        if not report.ok:
            sys.exit(1)

    def _print_definition(self, name: str) -> None:
        from core.schema.expected import load_expected

        functions = load_expected()["functions"]
        if name not in functions:
            raise CommandError(f"No function {name}. The expected ones are: {', '.join(sorted(functions))}.")
        self.stdout.write("\n".join(functions[name]) + ";")

    def _write_expected(self, alias: str) -> None:
        from core.schema.expected import SNAPSHOT, BuiltInError, write_expected

        try:
            changed = write_expected(alias)
        except BuiltInError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{SNAPSHOT.name} {'written' if changed else 'is current'}.")
