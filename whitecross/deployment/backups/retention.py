"""Which backups stay: the newest few, and the newest of each of the last days, weeks and months that have one.

What is deleted has the name and the manifest of a backup of this very database of this very server; nothing else is
touched. Before anything goes, the newest that stays is read to its end, and so is each that stays for a day, week or
month of which others go.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from whitecross.adoption.progress import Progress
from whitecross.deployment.backups.archive import Archive
from whitecross.deployment.backups.errors import BackupError
from whitecross.deployment.backups.folder import OURS, Entry, entries, is_to_come

PERIODS: dict[str, Callable[[datetime], tuple[int, ...]]] = {
    "daily": lambda moment: (moment.year, moment.month, moment.day),
    "weekly": lambda moment: moment.isocalendar()[:2],
    "monthly": lambda moment: (moment.year, moment.month),
}

TO_COME = (
    "it is dated in the future, so it counts for no period; look at the clock of this machine and of its server, and "
    "move the file elsewhere if its date was wrong."
)


@dataclass(frozen=True)
class Keep:
    """How many to keep: of the newest, and of days, weeks (from Monday) and months."""

    last: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0


@dataclass
class Pruned:
    """What was deleted, what was kept and why, and what was left alone as it is unsound or of the future, or stays.

    `freed`: bytes. `others`: of a database of that name on another server, left alone too.
    """

    deleted: list[Path] = field(default_factory=list)
    kept: dict[Path, str] = field(default_factory=dict)
    left: dict[Path, str] = field(default_factory=dict)
    freed: int = 0
    others: list[Path] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "deleted": list(map(str, self.deleted)),
            "kept": {str(path): why for path, why in self.kept.items()},
            "left": {str(path): why for path, why in self.left.items()},
            "freed": self.freed,
            "others": list(map(str, self.others)),
        }


def reasons(moments: Sequence[datetime], keep: Keep, zone: tzinfo) -> list[str]:
    """Why each moment's backup is kept, "" where it is not. The newest always is."""
    order = sorted(range(len(moments)), key=lambda place: moments[place], reverse=True)
    said: list[list[str]] = [[] for _ in moments]
    for place in order[: max(keep.last, 1)]:
        said[place].append("newest" if place == order[0] else "last")
    for name, period in PERIODS.items():
        seen: set[tuple[int, ...]] = set()
        for place in order:
            of = period(moments[place].astimezone(zone))
            if of not in seen and len(seen) < getattr(keep, name):
                seen.add(of)
                said[place].append(name)
    return [", ".join(words) for words in said]


def prune(
    folder: Path,
    database: str,
    keep: Keep,
    zone: tzinfo,
    *,
    server_id: str | None = None,
    just_made: Path | None = None,
    now: datetime | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Pruned:
    """Delete the backups of a database that need not be kept. `dry_run`: only say which. Raises BackupError.

    `server_id`: the server of the database. A backup that names another one is not touched; where this is not known
    (None), none that names any. `just_made`: stays in any case. `now`: one dated later counts for no period and stays.
    """
    pruned, candidates, now = Pruned(), [], now or datetime.now(UTC)
    for entry in entries(folder):
        if not OURS.fullmatch(entry.path.name) or entry.path.is_symlink():
            continue
        if entry.manifest is None:
            pruned.left[entry.path] = entry.error
        elif entry.manifest.database != database:
            continue
        elif entry.manifest.server_id not in (None, server_id):
            pruned.others.append(entry.path)
        elif is_to_come(entry.manifest, now):
            pruned.left[entry.path] = TO_COME
        else:
            candidates.append(entry)

    def why_each() -> list[str]:
        said = reasons(_moments(candidates), keep, zone)
        made = [just_made is not None and entry.path.absolute() == just_made.absolute() for entry in candidates]
        return [why or "just made" * just for why, just in zip(said, made, strict=True)]

    sound: set[Path] = set()
    while unread := [one for one in _relied_upon(candidates, why_each(), zone) if one.path not in sound]:
        if error := _unsound(unread[0], progress or Progress()):
            pruned.left[unread[0].path] = error
            candidates.remove(unread[0])
        else:
            sound.add(unread[0].path)
    for entry, why in zip(candidates, why_each(), strict=True):
        if why:
            pruned.kept[entry.path] = why
            continue
        try:
            if not dry_run:
                entry.path.unlink(missing_ok=True)
        except OSError as refused:  # as one that somebody protects: the others go all the same
            pruned.left[entry.path] = f"it cannot be deleted ({(refused.strerror or str(refused)).lower()})."
            continue
        pruned.deleted.append(entry.path)
        pruned.freed += entry.bytes
    return pruned


def _moments(candidates: Sequence[Entry]) -> list[datetime]:
    return [entry.manifest.created for entry in candidates if entry.manifest]


def _relied_upon(candidates: Sequence[Entry], why: Sequence[str], zone: tzinfo) -> list[Entry]:
    """What has to be sound before others go: the newest, and each that stands for a period in which others would go."""
    moments = [moment.astimezone(zone) for moment in _moments(candidates)]
    going = [moment for moment, said in zip(moments, why, strict=True) if not said]
    emptied = {name: {period(moment) for moment in going} for name, period in PERIODS.items()}
    return [
        entry
        for place, (entry, moment, said) in enumerate(zip(candidates, moments, why, strict=True))
        if place == 0 or any(name in said and PERIODS[name](moment) in emptied[name] for name in PERIODS)
    ]


def _unsound(entry: Entry, progress: Progress) -> str:
    try:
        with Archive(entry.path) as archive, progress.step(f"Bytes of {entry.path.name} read", archive.bytes):
            archive.check(progress.advance)
    except BackupError as error:
        return str(error)
    return ""
