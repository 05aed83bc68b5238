"""What a check says: something is wrong, how badly, and what mends it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How badly. In the order in which to mend."""

    BROKEN = "broken"  # rows are wrong, or soon will be
    WARNING = "warning"  # nothing is wrong yet, or only slow
    NOTE = "note"  # worth knowing


@dataclass(frozen=True)
class Step:
    """A command as it is typed: SQL into `manage.py dbshell`, anything else into a shell. `say` stands before it."""

    run: str
    say: str = ""

    @property
    def is_sql(self) -> bool:
        """Whether it goes into dbshell."""
        return self.run.endswith(";")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. `object` is its name, `sentence` says the rest and no value of a row."""

    severity: Severity
    object: str
    sentence: str
    steps: tuple[Step, ...]

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "severity": str(self.severity),
            "object": self.object,
            "sentence": self.sentence,
            "mend": [{"say": step.say, "run": step.run} for step in self.steps],
        }


def broken(object_: str, sentence: str, *steps: Step) -> Finding:
    """A finding that cannot wait."""
    return Finding(Severity.BROKEN, object_.removeprefix("public."), sentence, steps)


def warning(object_: str, sentence: str, *steps: Step) -> Finding:
    """A finding that can wait for a quiet hour."""
    return Finding(Severity.WARNING, object_.removeprefix("public."), sentence, steps)


def note(object_: str, sentence: str, *steps: Step) -> Finding:
    """A finding that may be left as it is."""
    return Finding(Severity.NOTE, object_.removeprefix("public."), sentence, steps)
