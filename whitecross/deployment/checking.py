"""What was looked at, and what was found: the lines of a preflight and of a smoke test."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from whitecross.deployment.failures import sentence


class Outcome(StrEnum):
    """Whether it may go on: yes; yes, but somebody should know; no."""

    OK = "ok"
    WARNING = "warning"
    REFUSED = "refused"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `sentence` says what was found and, unless it is well, what to do."""

    name: str
    outcome: Outcome
    sentence: str

    def as_json(self) -> dict[str, Any]:
        """For machines, and for the record."""
        return asdict(self)


def found(name: str, sentence: str = "", outcome: Outcome = Outcome.OK) -> Finding:
    """A finding; well unless said otherwise."""
    return Finding(name, outcome, sentence)


Look = Callable[[], Finding | Iterable[Finding]]
Told = Callable[[Finding], None]


def look_at(
    looks: dict[str, Look], *, told: Told = lambda finding: None, why: Callable[[Exception], str] = sentence
) -> list[Finding]:
    """Look at each thing in turn, and tell what is found. What cannot be looked at is refused; `why`: in a sentence."""
    findings: list[Finding] = []
    for name, look in looks.items():
        try:
            seen = look()
            now = [seen] if isinstance(seen, Finding) else list(seen)
        except Exception as error:
            now = [Finding(name, Outcome.REFUSED, why(error))]
        for finding in now:
            told(finding)
        findings += now
    return findings


def ended(text: str) -> str:
    """With a full stop, so that what follows is not taken for a part of the command at its end."""
    return text if text.endswith((".", ";", "!", "?")) else f"{text}."


def refusals(findings: Iterable[Finding]) -> list[Finding]:
    """Those that forbid going on."""
    return [finding for finding in findings if finding.outcome is Outcome.REFUSED]
