#!/usr/bin/env python
"""The command line of White Cross."""

import os
import sys


def main() -> None:
    """Run the management command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "whitecross.settings")
    from django.core.management import execute_from_command_line

    from whitecross.postgres.errors import in_one_sentence

    with in_one_sentence(sys.argv):
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
