"""Making the checks of a database, one after the other, whatever becomes of any."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import Error as DatabaseError
from django.db import connections

from whitecross.adoption.progress import Progress
from whitecross.deployment.doctor.checks import Check
from whitecross.deployment.doctor.finding import Finding, Severity
from whitecross.deployment.doctor.look import Choices, Look
from whitecross.deployment.doctor.reasons import reason_of

SOUND, FOUND, UNANSWERED = 0, 1, 2


@dataclass
class Report:
    """What was found. `unseen` is what the role may not see, `unanswered` what was asked in vain: sentences."""

    database: str
    server: str
    checks: Sequence[Check]
    found: list[tuple[Check, Finding]] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)

    def of(self, severity: Severity) -> list[tuple[Check, Finding]]:
        """The findings of a severity, in the order of the checks."""
        return [(check, finding) for check, finding in self.found if finding.severity == severity]

    @property
    def exit_code(self) -> int:
        """0: nothing above a note. 1: something is to be mended. 2: nothing found, but not all was answered."""
        return self.exit_code_for(Severity.WARNING)

    def exit_code_for(self, least: Severity) -> int:
        """The same, where only what is at least so bad makes it 1."""
        bad = [one for one in Severity if list(Severity).index(one) <= list(Severity).index(least)]
        if any(finding.severity in bad for _, finding in self.found):
            return FOUND
        return UNANSWERED if self.unanswered else SOUND

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "ok": self.exit_code == SOUND,
            "database": self.database,
            "server": self.server,
            "checks": [check.id for check in self.checks],
            "findings": [{"check": check.id, **finding.as_json()} for check, finding in self.found],
            "unseen": self.unseen,
            "unanswered": self.unanswered,
        }


def examine(alias: str, choices: Choices, checks: Sequence[Check], progress: Progress | None = None) -> Report:
    """Make the checks. Raises Django's database errors where the database cannot be reached at first."""
    progress = progress or Progress()
    look = Look(alias, choices, told=lambda what: progress.advance(0, what))
    report = Report(look.database, look.server, checks, unseen=look.unseen, unanswered=look.unanswered)
    with progress.step("Checks", len(checks)):
        for check in checks:
            progress.advance(0, f"{check.id} {check.question}")
            try:
                # As they come: what was found before an error was found.
                for finding in check.ask(look):
                    report.found.append((check, finding))
            except DatabaseError as error:
                look.gave_up(f"{check.id} {check.question} {reason_of(error, choices)}")
                connections[alias].close_if_unusable_or_obsolete()
            progress.advance(1)
    return report
