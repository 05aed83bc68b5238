"""Backups and restores for people: tables on a terminal, lines in a pipe."""

from collections.abc import Iterable
from datetime import UTC, datetime

from rich.console import Console

from whitecross.adoption.reporting import duration, print_table, say, size
from whitecross.deployment.backups.folder import Entry
from whitecross.deployment.backups.making import Backup
from whitecross.deployment.backups.rehearsing import Rehearsal
from whitecross.deployment.backups.restoring import Restored
from whitecross.deployment.backups.retention import Pruned
from whitecross.deployment.backups.swapping import Comparison

PHASES = {"verify": "read", "rows": "rows", "indexes": "indexes", "analyze": "statistics", "compare": "compared"}


def age(moment: datetime) -> str:
    """How long ago, for people."""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    return f"{seconds / 86400:.0f} days" if seconds > 2 * 86400 else duration(max(seconds, 0))


def when(moment: datetime) -> str:
    """A moment, for people and machines."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def show_backup(console: Console, backup: Backup) -> None:
    """What was made."""
    sealed = "encrypted" if backup.encrypted else "NOT encrypted (WHITECROSS_BACKUP_RECIPIENTS is not set)"
    say(
        console,
        f"Backed up: {backup.rows:,} rows of {backup.tables} tables of {backup.database}, as of "
        f"{when(backup.created)}, {sealed}, {size(backup.bytes)}, in {duration(backup.seconds)}.",
        style="bold green",
    )
    say(console, f"{backup.path}")
    for note in backup.notes:
        say(console, f"warning of pg_dump: {note}", style="bold yellow")


def show_entries(console: Console, found: Iterable[Entry]) -> None:
    """What is in the folder."""
    print_table(
        console,
        ("backup", "made", "ago", "database", "rows", "size", "PostgreSQL", "encrypted"),
        (
            (
                entry.path.name,
                when(entry.manifest.created),
                age(entry.manifest.created),
                entry.manifest.database,
                f"{entry.manifest.rows:,}",
                size(entry.bytes),
                str(entry.manifest.major),
                "yes" if entry.manifest.encrypted else "no",
            )
            if entry.manifest
            else (entry.path.name, entry.error, "", "", "", size(entry.bytes), "", "")
            for entry in found
        ),
        numbers=(2, 4, 5),
        whole=(0,),
    )


def show_pruned(console: Console, pruned: Pruned, *, dry_run: bool) -> None:
    """What went and what stayed."""
    for path, why in pruned.kept.items():
        say(console, f"kept     {path.name} ({why})")
    for path in pruned.deleted:
        say(console, f"{'would go' if dry_run else 'deleted '} {path.name}")
    for path, why in pruned.left.items():
        say(console, f"left     {path.name}: {why}", style="bold red")
    verb = "would be deleted" if dry_run else "deleted"
    say(console, f"{len(pruned.kept)} kept, {len(pruned.deleted)} {verb}, {size(pruned.freed)}.")


def show_restored(console: Console, restored: Restored) -> None:
    """What is there now, and that it is what was backed up."""
    spent = ", ".join(f"{PHASES[phase]} {duration(seconds)}" for phase, seconds in restored.seconds.items())
    say(
        console,
        f"Restored into {restored.database}: {restored.rows:,} rows of {restored.manifest.tables} tables, as of "
        f"{when(restored.manifest.created)}, each table and the schema compared ({spent}).",
        style="bold green",
    )
    for note in restored.notes:
        say(console, f"note: {note}")


def show_rehearsal(console: Console, rehearsal: Rehearsal) -> None:
    """That it can be restored, and how long that takes."""
    show_restored(console, rehearsal.restored)
    say(console, f"Rehearsed: {rehearsal.restored.path.name} can be restored, in {duration(rehearsal.seconds)}.")


def show_comparison(console: Console, comparison: Comparison, current: str, incoming: str) -> None:
    """Tables whose numbers of rows differ."""
    if not comparison.rows:
        say(console, f"Every table of {current} and {incoming} has the same number of rows.")
        return
    print_table(
        console,
        ("table", f"rows in {current}", f"rows in {incoming}"),
        ((name, f"{here:,}", f"{there:,}") for name, (here, there) in comparison.rows.items()),
        numbers=(1, 2),
    )
