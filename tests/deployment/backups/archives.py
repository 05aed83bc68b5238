"""Archives without a database behind them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from whitecross.deployment.backups.archive import Archive, ArchiveWriter
from whitecross.deployment.backups.contents import Contents
from whitecross.deployment.backups.manifest import Manifest

MOMENT = datetime(2020, 11, 26, 1, 30, tzinfo=UTC)  # long ago by any clock: what is to come is treated otherwise


def manifest(**given: Any) -> Manifest:
    """One that says little."""
    facts: dict[str, Any] = {
        "created": MOMENT,
        "database": "whitecross",
        "server": "17.10",
        "server_number": 170010,
        "pg_dump": "17.10",
        "recipients": [],
        "catalog_hash": "0" * 64,
        "migrations": [],
        "rows": 0,
        "tables": 0,
        "dump_bytes": 5,
    }
    return Manifest(**{**facts, **given})


def write_archive(path: Path, dump: bytes = b"PGDMP", said: Manifest | None = None) -> Path:
    """An archive that holds a dump, whatever is in it."""
    with path.open("w+b") as file:
        writer = ArchiveWriter(file, MOMENT.timestamp())
        writer.add("database.dump", dump)
        writer.add("contents.json", json.dumps(Contents().as_json()).encode())
        writer.add("manifest.json", (said or manifest()).as_bytes())
        writer.close()
    return path


def rewritten(path: Path, to: Path, name: str, change: Callable[[dict[str, Any]], Any]) -> Path:
    """A copy of a backup whose manifest or contents say something else, with checksums that hold."""
    with Archive(path) as archive, to.open("w+b") as file:
        writer = ArchiveWriter(file, MOMENT.timestamp())
        for member in list(archive.members.values())[:3]:
            data = archive.read(member)
            if member.name == name:
                facts = json.loads(data)
                change(facts)
                data = json.dumps(facts).encode()
            writer.add(member.name, data)
        writer.close()
    return to
