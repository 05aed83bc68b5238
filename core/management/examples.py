"""Commands whose --help ends with examples."""

import argparse
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
