"""restore: bring a backup back, beside what is there, and swap it in on request; or only prove that it can be."""

import argparse
import os
import shlex
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import connections

from whitecross.deployment.backups.command import USAGE, BackupCommand

EXAMPLES = """\
examples:
  python manage.py restore latest            into a new database beside the one in use, compared row by row
  python manage.py restore whitecross-20261126T013000Z.backup.tar --identity whitecross-backup.key
  python manage.py restore latest --into whitecross_look
                                             into a database that does not exist yet, or is empty
  python manage.py restore latest --swap     the same, then put it in the place of the one in use, after asking
  python manage.py restore latest --swap --disconnect --yes
                                             end the connections of others; ask nothing
  python manage.py restore --swap-in whitecross_before_20261126t020000
                                             put a database in the place of the one in use: the way back
  python manage.py restore --rehearse        into a scratch database, compared, timed, dropped: for a timer
  python manage.py restore --rehearse --json | jq .secondsInAll

No database is ever written over or dropped: what was in use is kept as NAME_before_TIME until you drop it. Killed, it
is run again: what was half restored is dropped then, and a swap is done whole or not at all. docs/backups.md is the
whole procedure.
Exit codes: 0 done and proven, 1 refused, failed or different, 2 wrong arguments, 130 interrupted, 143 told to end."""


def jobs(text: str) -> int:
    """How many build at once."""
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 64")
    return int(text)


class Command(BackupCommand):
    """Parses, asks whitecross.deployment.backups, prints."""

    help = "Restore a backup into a new database, proven against its manifest; swap it in on request; or rehearse it."
    examples = EXAMPLES

    def add_arguments(self, parser: CommandParser) -> None:
        """A backup, and what is to become of it."""
        parser.add_argument("file", nargs="?", help="a backup, or: latest")
        self.add_common(parser)
        parser.add_argument("--identity", type=Path, help="the file with the key to decrypt")
        parser.add_argument("--into", metavar="NAME", help="the database to restore into (default: NAME_restored_TIME)")
        deed = parser.add_mutually_exclusive_group()
        deed.add_argument("--rehearse", action="store_true", help="restore into a scratch database, compare, drop it")
        deed.add_argument("--swap", action="store_true", help="then put it in the place of the database in use")
        deed.add_argument("--swap-in", metavar="NAME", help="put a database in the place of the one in use")
        parser.add_argument("--disconnect", action="store_true", help="for a swap: end the connections of others")
        parser.add_argument("--yes", action="store_true", help="for a swap: do not ask")
        parser.add_argument(
            "--jobs",
            type=jobs,
            default=min(os.cpu_count() or 2, 8),
            metavar="N",
            help="so many build indexes at once (default: the processors here, at most 8)",
        )
        parser.add_argument("--no-owner", action="store_true", help="everything belongs to the role of DATABASE_URL")
        parser.add_argument("--no-privileges", action="store_true", help="leave grants out")

    def handle(self, *args: Any, **options: Any) -> None:
        """Carry the deed out. Raises CommandError with a sentence: exit code 1, or 2 for a wrong request."""
        self.begin(options)
        self._refuse_idle_options()
        self._left = "No database in use was changed."
        with self.sentences(lambda: self._left):
            if options["swap_in"]:
                self._swap_in(options["swap_in"], restored=None)
            elif options["rehearse"]:
                self._rehearse()
            else:
                self._restore()

    def _refuse_idle_options(self) -> None:
        """An option that would not be heeded is a mistake, and here a mistake is dear."""
        given = self.options
        swaps = given["swap"] or given["swap_in"]
        if given["swap_in"] and (given["file"] or given["into"]):
            raise CommandError(
                "--swap-in names a database that is there: leave the file and --into out.", returncode=USAGE
            )
        if given["rehearse"] and given["into"]:
            raise CommandError("--rehearse makes a scratch database of its own: leave --into out.", returncode=USAGE)
        if given["swap"] and given["into"] == connections[self.alias].settings_dict["NAME"]:
            raise CommandError(
                "--into names the database in whose place it is to be put: leave it out, or leave out --swap.",
                returncode=USAGE,
            )
        for name in ("disconnect", "yes"):
            if given[name] and not swaps:
                raise CommandError(f"--{name} is for a swap: leave it out, or say --swap.", returncode=USAGE)
        if swaps:
            self.refuse_if_nobody_answers()
        if not given["file"] and not given["swap_in"] and not given["rehearse"]:
            raise CommandError(
                "Name a backup, or: latest. manage.py backup list says which there are.", returncode=USAGE
            )

    def _arguments(self) -> dict[str, Any]:
        from whitecross.deployment.backups.connecting import maintenance
        from whitecross.deployment.backups.databases import database_of
        from whitecross.deployment.backups.folder import folder_of, named_file
        from whitecross.deployment.backups.manifest import server_id_of
        from whitecross.deployment.backups.restoring import Choices
        from whitecross.deployment.backups.sealing import identities

        given, word = self.options, self.options["file"] or "latest"
        server_id = None
        if word == "latest":
            with maintenance(self.alias) as server, server.cursor() as cursor:
                server_id = server_id_of(cursor)
        return {
            "alias": self.alias,
            "path": named_file(folder_of(given["folder"]), word, database_of(self.alias), server_id),
            "keys": identities(given["identity"]),
            "choices": Choices(given["jobs"], owner=not given["no_owner"], privileges=not given["no_privileges"]),
            "progress": self.progress(),
        }

    def _rehearse(self) -> None:
        from whitecross.deployment.backups import BackupError
        from whitecross.deployment.backups.rehearsing import rehearse
        from whitecross.deployment.backups.reporting import show_rehearsal

        try:
            rehearsal = rehearse(**self._arguments())
        except BackupError as error:
            if self.options["json"]:
                self.print_json({"ok": False, "error": str(error)})
            raise
        if self.options["json"]:
            self.print_json(rehearsal.as_json())
        else:
            show_rehearsal(self.console, rehearsal)

    def _restore(self) -> None:
        from whitecross.adoption.reporting import say
        from whitecross.deployment.backups.databases import database_of, named
        from whitecross.deployment.backups.reporting import show_restored
        from whitecross.deployment.backups.restoring import restore

        into = self.options["into"] or named(database_of(self.alias), "restored")
        restored = restore(**self._arguments(), into=into)
        if not self.options["json"]:
            show_restored(self.console, restored)
        if self.options["swap"]:
            self._swap_in(into, restored)
        elif self.options["json"]:
            self.print_json(restored.as_json())
        elif into != database_of(self.alias):
            say(
                self.console,
                f"To put it in the place of the one in use: manage.py restore --swap-in {shlex.quote(into)}",
            )

    def _swap_in(self, incoming: str, restored: Any) -> None:
        from whitecross.adoption.reporting import say
        from whitecross.deployment.backups.databases import database_of
        from whitecross.deployment.backups.reporting import age, show_comparison
        from whitecross.deployment.backups.swapping import compare, refuse_unfit, swap

        current = database_of(self.alias)
        refuse_unfit(self.alias, incoming)
        comparison = compare(self.alias, incoming)
        if not self.options["json"]:
            show_comparison(self.console, comparison, current, incoming)
        old = f"The backup is {age(restored.manifest.created)} old. " if restored else ""
        question = (
            f"{old}{current} has {comparison.more_here:,} rows more and {comparison.more_there:,} rows less than "
            f"{incoming}; changed rows are not counted. Put {incoming} in its place?"
        )
        if not self.confirm(question):
            raise CommandError(f"Nothing was swapped; {incoming} stays beside {current}.")
        swapped = swap(self.alias, incoming, disconnect=self.options["disconnect"])
        way_back = f" The way back: manage.py restore --swap-in {shlex.quote(swapped.aside)}" if swapped.aside else ""
        self._left = f"The swap is done: {swapped.database} is what was {incoming}.{way_back}"
        if self.options["json"]:
            report = {"database": swapped.database, "aside": swapped.aside, "rows": comparison.as_json()}
            self.print_json({**report, **({"restored": restored.as_json()} if restored else {})})
            return
        say(self.console, f"Swapped: {swapped.database} is what was {incoming}.", style="bold green")
        if swapped.aside:
            say(self.console, f"What was in use before is {swapped.aside}. The way back:")
            say(self.console, f"manage.py restore --swap-in {shlex.quote(swapped.aside)}")
