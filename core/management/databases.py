"""Which of the databases a command is about, said once for all commands."""

from argparse import SUPPRESS, ArgumentParser

from django.db import DEFAULT_DB_ALIAS, connections


def takes_database(parser: ArgumentParser, *, has_been_asked: bool = False) -> None:
    """Add ``--database``, an alias in DATABASES; another word is refused with those that there are.

    ``has_been_asked``: the parser is of a subcommand, whose command takes it too.
    """
    parser.add_argument(
        "--database",
        default=SUPPRESS if has_been_asked else DEFAULT_DB_ALIAS,
        choices=tuple(connections),
        help="alias in DATABASES (default: default)",
    )
