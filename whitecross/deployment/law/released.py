"""Which migrations are released, and what they held on that day."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from whitecross.deployment.law.errors import LawError, said
from whitecross.deployment.law.rules import Finding
from whitecross.deployment.law.source import Source

RECORD = Path(__file__).with_name("released.json")

Key = tuple[str, str]


def content_hash(path: Path) -> str:
    """The hash of a file's text, whatever its line ends and the blanks at the ends of lines."""
    text = path.read_text(encoding="utf-8-sig")
    lines = "\n".join(line.rstrip() for line in text.splitlines()).strip()
    return hashlib.sha256(lines.encode()).hexdigest()


def read(record: Path = RECORD) -> dict[Key, str]:
    """The recorded hashes. Raises LawError where there are none: without them, every table would be nobody's."""
    remedy = f"put it back (git log -p {record.name})"
    try:
        kept = json.loads(record.read_text(encoding="utf-8"))
        found = {(app, name): str(known) for app, names in kept.items() for name, known in names.items()}
    except FileNotFoundError:
        raise LawError(f"{record.name}, the record of what is released, is missing: {remedy}.") from None
    except (OSError, ValueError, AttributeError) as error:
        raise LawError(
            f"{record.name}, the record of what is released, cannot be read ({said(error)}): {remedy}."
        ) from None
    if not found:
        raise LawError(f"{record.name} says that nothing was ever released: {remedy}.")
    return found


def write(released: Mapping[Key, str], record: Path = RECORD) -> None:
    """Record the hashes: a line for each migration, in order, so that two branches merge."""
    kept: dict[str, dict[str, str]] = {}
    for (app, name), known in sorted(released.items()):
        kept.setdefault(app, {})[name] = known
    record.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def compare(sources: Mapping[Key, Source], released: Mapping[Key, str]) -> Iterator[Finding]:
    """Released migrations that were edited, and those that are missing."""
    for (app, name), known in released.items():
        source = sources.get((app, name))
        if source is None:
            yield Finding("M07", f"{app}.{name}", None, 0, f"{app}.{name} is released, and its file is not there")
        elif content_hash(source.path) != known:
            yield Finding("M06", source.label, source.path, 1, "the file is not as it was released")
