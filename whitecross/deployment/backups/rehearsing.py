"""Proves that a backup can be restored: restores it beside the database in use, compares every row, and drops it."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whitecross.adoption.progress import Progress
from whitecross.deployment.backups.databases import database_of, drop
from whitecross.deployment.backups.restoring import Choices, Restored, restore


@dataclass(frozen=True)
class Rehearsal:
    """A backup that was restored and compared; `seconds` is what a restore would take."""

    restored: Restored
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {"ok": True, **self.restored.as_json(), "secondsInAll": round(self.seconds, 3)}


def rehearse(
    alias: str, path: Path, keys: list[Any], *, choices: Choices | None = None, progress: Progress | None = None
) -> Rehearsal:
    """Restore a backup into a scratch database, which is dropped however it ends. Raises BackupError, DatabaseError."""
    started = time.perf_counter()
    restored = restore(alias, path, keys, into=database_of(alias), scratch=True, choices=choices, progress=progress)
    seconds = time.perf_counter() - started
    drop(alias, restored.database)
    return Rehearsal(restored, seconds)
