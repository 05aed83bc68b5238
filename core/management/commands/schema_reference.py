"""schema_reference: the schema for people to read."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    """Prints docs/schema.md, or writes it."""

    help = "Print the schema as Markdown: tables, columns, constraints, indexes, triggers and enum types."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Where it goes."""
        parser.add_argument("--write", action="store_true", help="write docs/schema.md instead of printing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Needs no database."""
        from core.schema.expected import load_expected
        from core.schema.reference import PAGE, page

        text = page(load_expected())
        if options["write"]:
            PAGE.write_text(text, encoding="utf-8")
            self.stdout.write(f"{PAGE.name} written.")
        else:
            self.stdout.write(text, ending="")
