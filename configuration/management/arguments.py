"""What the command `config` can be told, and the examples that its help shows."""

import argparse
import datetime as dt
from contextlib import suppress
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from configuration.enums import ConfigCategory, ConfigScope, ConfigValueType

MOST_PROBLEMS = 50

EXAMPLES = {
    "config": """\
examples:
  manage.py config list                                    all settings, by category
  manage.py config get SESSION_TIMEOUT_MINUTES --school S1
  manage.py config set SESSION_TIMEOUT_MINUTES 30 --school S1 --reason "Shared computers"
  manage.py config history SESSION_TIMEOUT_MINUTES
  manage.py config set --help                              more about one of them

Piped, the tables are one line a row with tabs between the columns; --json is for programs.
Exit codes: 0 done, 1 no such thing or refused (one sentence says why), 2 wrong arguments, 130 interrupted.
docs/config-command.md says it all.""",
    "list": """\
examples:
  manage.py config list --category SECURITY
  manage.py config list --changed                          what is not as it comes
  manage.py config list --school S1 --search password      as school S1 has them
  manage.py config list --scope SCHOOL                     what schools have set for themselves
  manage.py config list --json | jq '.[] | select(.doesNotCount != [])'""",
    "get": """\
examples:
  manage.py config get SYSTEM_NAME
  manage.py config get SESSION_TIMEOUT_MINUTES --user nurse@example.org
  manage.py config get MAINTENANCE_MODE --json | jq .value""",
    "set": """\
examples:
  manage.py config set MAX_LOGIN_ATTEMPTS 3 --reason "Audit of May"
  manage.py config set SESSION_TIMEOUT_MINUTES 30 --school S1 --reason "Shared computers"
  manage.py config set BUS_LINES '["1", "7"]' --new --type ARRAY --reason "For the office"
  read -rs KEY; printf %s "$KEY" | manage.py config set SMS_KEY - --new --type STRING --secret --reason "New contract"
                                                           a secret, past the shell's history""",
    "unset": """\
examples:
  manage.py config unset SESSION_TIMEOUT_MINUTES --school S1 --reason "As everybody"
  manage.py config unset BUS_LINES --reason "Not used any more"

Without a district, school or user, the system's row goes: a declared key falls to its default, another is gone.""",
    "explain": """\
examples:
  manage.py config explain SESSION_TIMEOUT_MINUTES --user nurse@example.org
  manage.py config explain MAINTENANCE_MODE --at 2026-05-04T08:00""",
    "history": """\
examples:
  manage.py config history SESSION_TIMEOUT_MINUTES          for whomever it changed
  manage.py config history SESSION_TIMEOUT_MINUTES --school S1 --limit 5
  manage.py config history MAX_LOGIN_ATTEMPTS --json | jq -r '.[0].version'""",
    "restore": """\
examples:
  manage.py config restore 019ab0e2-7c1d-7b3e-9a51-0d5c3f1e2a44 --reason "As it was in May"
  manage.py config restore 019ab0e2-7c1d-7b3e-9a51-0d5c3f1e2a44 --before --reason "Taken back"

The version ids stand in: manage.py config history KEY""",
    "export": """\
examples:
  manage.py config export settings.json
  manage.py config export - | diff settings.json -         what has changed since""",
    "import": """\
examples:
  manage.py config import settings.json --plan              only shows what it would do
  manage.py config import settings.json --reason "From the test system"
  manage.py config import settings.json --reason "Nightly" --yes""",
}


def add_subcommands(parser: CommandParser) -> None:
    """The nine deeds."""
    deeds = parser.add_subparsers(dest="deed", metavar="DEED", required=True, title="deeds")

    one = _deed(deeds, "list", "show the settings, by category", json=True, places=True)
    one.add_argument("--category", choices=ConfigCategory.values, type=str.upper, metavar="CATEGORY")
    one.add_argument("--tag", help="only those with this tag")
    one.add_argument("--search", metavar="WORDS", help="only those with these words in key, label or description")
    one.add_argument("--changed", action="store_true", help="only those overridden or other than their default")
    one.add_argument(
        "--scope",
        choices=ConfigScope.values,
        type=str.upper,
        metavar="SCOPE",
        help="only those with a row of this scope: SYSTEM, DISTRICT, SCHOOL or USER",
    )

    one = _deed(deeds, "get", "print a value", json=True, places=True, key=True)
    one.add_argument("--show-secret", action="store_true", help="print it also where it is secret")

    one = _deed(deeds, "set", "change a value", json=True, places=True, key=True, reason=True)
    one.add_argument(
        "value", metavar="VALUE", help="as the table holds it (30, true, 2026-08-31); - reads it from stdin"
    )
    one.add_argument("--new", action="store_true", help="make a key of your own, that no code declares")
    one.add_argument(
        "--type", dest="value_type", choices=ConfigValueType.values, type=str.upper, metavar="TYPE", help="with --new"
    )
    one.add_argument("--category", choices=ConfigCategory.values, type=str.upper, metavar="CATEGORY", help="with --new")
    one.add_argument("--description", metavar="TEXT", help="with --new")
    one.add_argument("--secret", action="store_true", help="with --new: show the value to nobody")

    _deed(deeds, "unset", "remove a value", json=True, places=True, key=True, reason=True)

    one = _deed(deeds, "explain", "say who decides a value, and what it hides", json=True, places=True, key=True)
    one.add_argument(
        "--at", type=_moment, metavar="MOMENT", help="as it was then, such as 2026-05-04T08:00 or 2026-05-04"
    )

    one = _deed(deeds, "history", "show how a setting changed", json=True, key=True)
    _add_places(one).add_argument("--system", action="store_true", help="only changes of the system's row")
    one.add_argument("--limit", type=_limit, default=20, metavar="N", help="the last N changes (default: 20)")

    one = _deed(deeds, "restore", "bring back what a setting was", json=True, reason=True)
    one.add_argument("version_id", metavar="VERSION", help="an id of its history")
    one.add_argument("--before", action="store_true", help="what it was before that change, not after it")

    one = _deed(deeds, "export", "write all settings to a file")
    one.add_argument("file", nargs="?", default="-", metavar="FILE", help="(default: -, the standard output)")
    one.add_argument("--force", action="store_true", help="replace a file that is there")
    one.add_argument("--with-secrets", action="store_true", help="with the values of secrets, in plain text")

    one = _deed(deeds, "import", "take settings over from a file, all or nothing", json=True, reason=True)
    one.add_argument("file", metavar="FILE", help="as export writes it; - is the standard input")
    one.add_argument("--plan", "--dry-run", action="store_true", help="only show what it would do")
    one.add_argument("--yes", action="store_true", help="do not ask")
    one.add_argument("--delete-missing", action="store_true", help="delete the rows that are not in the file")


def _deed(
    deeds: Any,
    name: str,
    what: str,
    *,
    json: bool = False,
    places: bool = False,
    key: bool = False,
    reason: bool = False,
) -> argparse.ArgumentParser:
    one: argparse.ArgumentParser = deeds.add_parser(
        name,
        help=what,
        description=what[0].upper() + what[1:] + ".",
        epilog=EXAMPLES[name],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if key:
        one.add_argument("key", metavar="KEY")
    if places:
        _add_places(one)
    if json:
        one.add_argument("--json", action="store_true", help="for programs")
    if reason:
        one.add_argument("--reason", metavar="TEXT", help="why; it stays in the history")
        one.add_argument("--as", dest="as_user", metavar="EMAIL", help="the administrator in whose name it is recorded")
    _add_options_of_every_command(one)
    return one


def _add_places(one: argparse.ArgumentParser) -> Any:
    place = one.add_mutually_exclusive_group()
    place.add_argument("--school", metavar="CODE", help="for a school, by its code or id")
    place.add_argument("--district", metavar="CODE", help="for a district, by its code or id")
    place.add_argument("--user", metavar="EMAIL", help="for a user, by email or id")
    return place


def _add_options_of_every_command(one: argparse.ArgumentParser) -> None:
    """Django's, so that they may also stand after the deed, where people write them."""
    for flag in ("--no-color", "--force-color", "--traceback", "--skip-checks"):
        one.add_argument(flag, action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    for option in ("--settings", "--pythonpath"):
        one.add_argument(option, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    one.add_argument("-v", "--verbosity", type=int, choices=range(4), default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def _limit(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= 100_000:
        raise argparse.ArgumentTypeError("is not a number from 1 to 100000")
    return number


def _moment(text: str) -> dt.datetime:
    with suppress(ValueError, OverflowError):
        day = parse_date(text)
        moment = dt.datetime.combine(day, dt.time()) if day else parse_datetime(text)
        if moment is not None:
            aware = timezone.make_aware(moment) if timezone.is_naive(moment) else moment
            aware.astimezone(dt.UTC)
            return aware
    raise argparse.ArgumentTypeError(f"{text!r} is no moment such as 2026-05-04T08:00 or 2026-05-04")
