"""What a check is, and the list of them all."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module

from whitecross.deployment.doctor.finding import Finding, Severity
from whitecross.deployment.doctor.look import Look

Ask = Callable[[Look], Iterable[Finding]]

# Each module declares the checks of a group.
GROUPS = (
    "orphans",
    "rules",
    "schema",
    "indexes",
    "tables",
    "partitions",
    "sequences",
    "sessions",
    "statements",
    "server",
    "unfinished",
)


@dataclass(frozen=True)
class Check:
    """A question to a database. `severity` is that of the worst that it finds."""

    id: str
    question: str
    severity: Severity
    ask: Ask


_declared: dict[str, Check] = {}


def check(id_: str, severity: Severity, question: str) -> Callable[[Ask], Ask]:
    """Declare a check."""

    def declare(ask: Ask) -> Ask:
        if id_ in _declared:
            raise ValueError(f"{id_} is declared twice")
        _declared[id_] = Check(id_, question, severity, ask)
        return ask

    return declare


def all_checks() -> list[Check]:
    """Every check, by id."""
    for group in GROUPS:
        import_module(f"whitecross.deployment.doctor.{group}")
    return sorted(_declared.values(), key=lambda one: one.id)
