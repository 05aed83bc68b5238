"""A second opinion on the SQL: squawk, a judge of PostgreSQL migrations that many projects use.

It is a development dependency; where it is not installed, its opinion is not asked for.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from whitecross.deployment.law.effects import Collected
from whitecross.deployment.law.rules import ROOT, Finding
from whitecross.deployment.law.source import Source

CONFIGURATION = ROOT / ".squawk.toml"


class SquawkError(Exception):
    """It cannot be asked. The message is a sentence for people."""


@dataclass(frozen=True)
class Opinion:
    """What it says, of which line of the SQL."""

    rule: str
    line: int
    message: str


def executable() -> str | None:
    """Where it is: beside the Python that runs, or on the path."""
    beside = Path(sys.executable).with_name("squawk")
    return str(beside) if beside.exists() else shutil.which("squawk")


def opinions(sql: str, *, in_transaction: bool) -> list[Opinion]:
    """What it says of the SQL of one migration. Raises SquawkError."""
    program = executable()
    if program is None:
        raise SquawkError("squawk is not installed: make setup-dev installs it.")
    command = [program, "--reporter", "json", "--config", str(CONFIGURATION), "--stdin-filepath", "migration.sql"]
    command.append("--assume-in-transaction" if in_transaction else "--no-assume-in-transaction")
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            command, input=sql, capture_output=True, text=True, check=False, timeout=60
        )
        found = json.loads(done.stdout or "[]")
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise SquawkError(f"squawk does not answer ({type(error).__name__}): run it by hand with {program}.") from None
    if done.returncode and not found:
        raise SquawkError(f"squawk does not understand its settings: see what {program} --help says of .squawk.toml.")
    return [Opinion(one["rule_name"], one["line"], one["message"]) for one in found]


def judge_sql(source: Source, collected: Collected, *, in_transaction: bool) -> Iterator[Finding]:
    """Its opinions as findings, where the operation stands."""
    lines = [(line, source.line_of(step.place)) for step in collected.steps for line in step.sql.splitlines() or [""]]
    for one in opinions("\n".join(line for line, _ in lines), in_transaction=in_transaction):
        said, place = lines[min(one.line, len(lines) - 1)]
        yield source.find("M17", place, f"{one.rule}: {one.message.rstrip('.')} ({said.strip()[:80]})")
