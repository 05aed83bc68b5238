"""Commands whose --help ends with examples, and which heed NO_COLOR."""

import argparse
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandParser


class WithExamples(BaseCommand):
    """Shows `examples` below the options, as written."""

    examples = ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """As Django's, with the examples."""
        parser = super().create_parser(prog_name, subcommand, epilog=self.examples, **kwargs)
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        """As Django does, which does not know NO_COLOR (https://no-color.org)."""
        if os.environ.get("NO_COLOR") and not options.get("force_color"):
            options["no_color"] = True
        return super().execute(*args, **options)
