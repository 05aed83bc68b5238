"""backup: make backups, list them, verify them, delete old ones."""

import argparse
import os
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import Error as DatabaseError
from django.db import connections

from whitecross.deployment.backups.command import USAGE, BackupCommand

PERIODS = ("last", "daily", "weekly", "monthly")
LEFT = "Some files in the folder are not sound, dated in the future or cannot be deleted: see which were left, and why."
EXAMPLES = """\
examples:
  python manage.py backup                    one file in WHITECROSS_BACKUP_DIR, read again before it bears its name
  python manage.py backup --keep-daily 7 --keep-weekly 5 --keep-monthly 12
                                             the same, and then delete what need not be kept: for a timer or cron
  python manage.py backup list               what there is, the newest first; --json for a monitor
  python manage.py backup verify latest      read every byte; with a key, also decrypt
  python manage.py backup verify latest --younger-than 26
                                             the same, and exit 1 if it is older than 26 hours: for a timer
  python manage.py backup verify --all
  python manage.py backup prune --keep-daily 7 --dry-run
                                             say what would be deleted
  python manage.py backup key whitecross-backup.key
                                             a new pair of keys: the secret one to a file, the public one printed

Only reads the database, in one snapshot; a standby will do. docs/backups.md is the whole procedure; manage.py restore
brings a backup back. Killed, it leaves a file *.partial, which the next backup removes.
Exit codes: 0 done, 1 refused, failed or not sound, 2 wrong arguments, 130 interrupted, 143 told to end."""


def count(text: str) -> int:
    """A number of backups."""
    if not text.isdecimal() or len(text) > 6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of backups")
    return int(text)


def hours(text: str) -> float:
    """A time from none to ten years. Raises ArgumentTypeError."""
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 < value <= 87_600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of hours")
    return value


class Command(BackupCommand):
    """Parses, asks whitecross.deployment.backups, prints."""

    help = "Back up the database into one file, encrypted if keys are set; list, verify and prune such files."
    examples = EXAMPLES

    def add_arguments(self, parser: CommandParser) -> None:
        """A deed; to make a backup is the usual one."""
        self.add_common(parser)
        self._add_keep(parser)
        deeds = parser.add_subparsers(dest="deed", metavar="list | verify | prune | key")
        parser.set_defaults(deed=None)
        self.add_common(deeds.add_parser("list", help="what there is"), above=False)
        verify = deeds.add_parser("verify", help="read a backup through and through")
        self.add_common(verify, above=False)
        verify.add_argument("file", nargs="?", help="a file, or: latest")
        verify.add_argument("--all", action="store_true", help="every backup in the folder")
        verify.add_argument(
            "--younger-than", type=hours, metavar="HOURS", help="fail if the backup was made longer ago than that"
        )
        verify.add_argument("--identity", type=Path, help="the file with the key to decrypt")
        prune = deeds.add_parser("prune", help="delete what need not be kept")
        self.add_common(prune, above=False)
        self._add_keep(prune)
        prune.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
        key = deeds.add_parser("key", help="make a pair of keys")
        key.add_argument("file", type=Path, help="where the secret key goes")

    def _add_keep(self, parser: argparse.ArgumentParser) -> None:
        for period in PERIODS:
            of = "newest" if period == "last" else {"daily": "days", "weekly": "weeks", "monthly": "months"}[period]
            what = "so many of the newest" if period == "last" else f"the newest of each of so many {of}"
            parser.add_argument(
                f"--keep-{period}", type=count, metavar="N", default=argparse.SUPPRESS, help=f"keep {what}"
            )

    def handle(self, *args: Any, **options: Any) -> None:
        """Carry the deed out. Raises CommandError with a sentence: exit code 1, or 2 for a wrong request."""
        self.begin(options)
        self._left = "No backup was made or changed; run it again."
        with self.sentences(lambda: self._left):
            getattr(self, f"_{options['deed'] or 'make'}")()

    def _make(self) -> None:
        from whitecross.deployment.backups import make_backup
        from whitecross.deployment.backups.connecting import connected
        from whitecross.deployment.backups.contents import is_empty
        from whitecross.deployment.backups.databases import database_of
        from whitecross.deployment.backups.reporting import show_backup

        keep = self._keep()
        # A session of its own: one that stays, and does nothing for as long as a backup takes, may be ended meanwhile.
        with connected(self.alias) as connection, connection.cursor() as cursor:
            if is_empty(cursor):
                # Night after night, backups of nothing would take the places of those that hold something.
                name = database_of(self.alias)
                raise CommandError(f"The database {name} is empty: there is nothing to back up. Look at DATABASE_URL.")
        backup = make_backup(self.alias, self.options["folder"], progress=self.progress())
        self._left = f"The backup is made: {backup.path}."
        if not self.options["json"]:
            show_backup(self.console, backup)
        pruned = self._prune_by(keep, backup.path) if keep else None
        if self.options["json"]:
            self.print_json({**backup.as_json(), **({"pruned": pruned.as_json()} if pruned else {})})
        if pruned and pruned.left:
            raise CommandError(LEFT)

    def _list(self) -> None:
        from whitecross.adoption.reporting import say
        from whitecross.deployment.backups.folder import entries, folder_of
        from whitecross.deployment.backups.reporting import show_entries

        folder = folder_of(self.options["folder"])
        found = entries(folder)
        if self.options["json"]:
            self.print_json(
                [
                    {
                        "path": str(entry.path),
                        "bytes": entry.bytes,
                        "error": entry.error or None,
                        "manifest": entry.manifest.as_json() if entry.manifest else None,
                    }
                    for entry in found
                ]
            )
        elif found:
            show_entries(self.console, found)
        else:
            say(self.console, f"There is no backup in {folder}. To make one: python manage.py backup")

    def _verify(self) -> None:
        from whitecross.adoption.reporting import say, size
        from whitecross.deployment.backups import BackupError
        from whitecross.deployment.backups.databases import database_of
        from whitecross.deployment.backups.folder import entries, folder_of, named_file, server_ids
        from whitecross.deployment.backups.reporting import when
        from whitecross.deployment.backups.sealing import identities
        from whitecross.deployment.backups.verifying import too_old, verify

        if bool(self.options["file"]) == self.options["all"]:
            raise CommandError("Name one backup, or latest, or --all.", returncode=USAGE)
        if self.options["all"] and self.options["younger_than"]:
            raise CommandError("--younger-than is for one backup, as latest, not for --all.", returncode=USAGE)
        folder = folder_of(self.options["folder"])
        if self.options["all"]:
            paths = [entry.path for entry in entries(folder)]
        else:
            word, database = self.options["file"], database_of(self.alias)
            # Verifying needs no server, but to say whose is the latest; and none is started for it.
            of = server_ids(folder, database) if word == "latest" else set()
            asked = len(of) > 1 or (of and not connections[self.alias].settings_dict.get("EMBEDDED"))
            paths = [named_file(folder, word, database, self._server_id_if_there() if asked else None)]
        keys, report, failed, old = identities(self.options["identity"]), [], 0, ""
        for path in paths:
            try:
                sound = verify(path, keys, progress=self.progress())
            except BackupError as error:
                if self.options["all"] and not os.path.lexists(path):
                    continue  # deleted meanwhile, as it need not be kept
                failed += 1
                report.append({"path": str(path), "ok": False, "error": str(error)})
                if not self.options["json"]:
                    say(self.console, str(error), style="bold red")
                continue
            if self.options["younger_than"]:
                old = too_old(sound, self.options["younger_than"])
            report.append({**sound.as_json(), **({"ok": False, "error": old} if old else {})})
            if not self.options["json"]:
                closed = ", not decrypted as no key was given" if sound.contents is None else ""
                opened = ", decrypted" if sound.manifest.encrypted and sound.contents is not None else ""
                say(
                    self.console,
                    f"{path.name} is sound{opened}{closed}: {sound.manifest.rows:,} rows of "
                    f"{sound.manifest.database} as of {when(sound.manifest.created)}, {size(sound.bytes)}, SHA-256 "
                    f"{sound.sha256}",
                )
        if self.options["json"]:
            self.print_json(report)
        if failed:
            raise CommandError(f"{failed} of {len(paths)} cannot be relied upon.")
        if old:
            raise CommandError(old)
        if not paths:
            raise CommandError(f"There is no backup in {folder}. To make one: python manage.py backup")

    def _prune(self) -> None:
        keep = self._keep()
        if not keep:
            raise CommandError("Say how many to keep, as in --keep-daily 7 --keep-weekly 5.", returncode=USAGE)
        pruned = self._prune_by(keep)
        if self.options["json"]:
            self.print_json(pruned.as_json())
        if pruned.left:
            raise CommandError(LEFT)

    def _keep(self) -> dict[str, int]:
        keep = {period: self.options[name] for period in PERIODS if (name := f"keep_{period}") in self.options}
        if keep and not any(keep.values()):
            # An empty variable in a line of cron reads so, and all but the newest would go.
            raise CommandError(
                "Every number to keep is 0, which would delete all but the newest backup; say how many to keep, as in "
                "--keep-daily 7, or --keep-last 1 if you mean it.",
                returncode=USAGE,
            )
        return keep

    def _server_id(self) -> str | None:
        from whitecross.deployment.backups.connecting import connected
        from whitecross.deployment.backups.manifest import server_id_of

        with connected(self.alias) as connection, connection.cursor() as cursor:
            return server_id_of(cursor)

    def _server_id_if_there(self) -> str | None:
        try:
            return self._server_id()
        except DatabaseError:
            return None

    def _prune_by(self, keep: dict[str, int], just_made: Path | None = None) -> Any:
        from whitecross.adoption.reporting import say
        from whitecross.deployment.backups.databases import database_of
        from whitecross.deployment.backups.folder import folder_of
        from whitecross.deployment.backups.reporting import show_pruned
        from whitecross.deployment.backups.retention import Keep, prune

        dry_run = self.options.get("dry_run", False)
        if not dry_run:
            made = f"{self._left} " if just_made else ""
            self._left = (
                f"{made}Older ones may be left to delete: manage.py backup prune, with the same --keep options."
            )
        pruned = prune(
            folder_of(self.options["folder"]),
            database_of(self.alias),
            Keep(**keep),
            ZoneInfo(settings.TIME_ZONE),
            server_id=self._server_id(),
            just_made=just_made,
            dry_run=dry_run,
            progress=self.progress(),
        )
        if not self.options["json"]:
            show_pruned(self.console, pruned, dry_run=dry_run)
            if pruned.others:
                say(self.console, f"Not touched, as they are of another server: {len(pruned.others)} of this name.")
        return pruned

    def _key(self) -> None:
        from whitecross.adoption.reporting import say
        from whitecross.deployment.backups.sealing import new_identity

        path: Path = self.options["file"]
        secret, public = new_identity()
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "w") as file:
                    file.write(f"# public key: {public}\n{secret}\n")
                    file.flush()
                    os.fsync(file.fileno())
            except OSError:  # half a key opens nothing, and stands in the way of the next
                path.unlink()
                raise
        except OSError as error:
            raise CommandError(
                f"The key cannot be written to {path} ({(error.strerror or str(error)).lower()}); name a new file in a "
                "folder of yours."
            ) from None
        self._left = f"The key is made: {path}. Its first line has the public key."
        say(self.console, f"WHITECROSS_BACKUP_RECIPIENTS={public}")
        self.stderr.write(
            f"The line above goes into .env. {path} is the only way to open what will be encrypted: keep copies of it "
            "in two places that are not this server."
        )
