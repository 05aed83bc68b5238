"""A second opinion on the SQL: squawk, a judge of PostgreSQL migrations that many projects use.

It is a development dependency; where it is not installed, its opinion is not asked for.
"""

import json
import shutil
import subprocess
import sys
from bisect import bisect_left
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from whitecross.deployment.law.errors import LawError
from whitecross.deployment.law.release import Release
from whitecross.deployment.law.rules import ROOT, Finding
from whitecross.deployment.law.source import Source
from whitecross.deployment.law.steps import Collected
from whitecross.deployment.locks import Statement, locks_of, statements
from whitecross.deployment.locks.words import Words

CONFIGURATION = ROOT / ".squawk.toml"
OF_TASTE = ("prefer-", "ban-char-field", "identifier-too-long")  # of how a table is made, not of who uses it


class SquawkError(LawError):
    """It cannot be asked."""


@dataclass(frozen=True)
class Opinion:
    """What it says, of which line of the SQL."""

    rule: str
    line: int
    column: int
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
    return [Opinion(one["rule_name"], one["line"], one["column"], one["message"]) for one in found]


def judge_sql(source: Source, collected: Collected, release: Release) -> Iterator[Finding]:
    """Its opinions as findings, where the operation stands: not those on what nobody would notice."""
    lines = [(line, source.line_of(step.place)) for step in collected.steps for line in step.sql.split("\n")]
    sql = "\n".join(line for line, _ in lines)
    found = statements(sql)
    ends = [statement.tokens[-1].end for statement in found]
    starts = list(accumulate((len(line) + 1 for line, _ in lines), initial=0))
    for one in opinions(sql, in_transaction=collected.atomic):
        said, place = lines[min(one.line, len(lines) - 1)]
        at = bisect_left(ends, starts[min(one.line, len(lines) - 1)] + one.column + 1)
        if at < len(found) and _goes_unnoticed(one, found[at], release.created):
            continue
        yield source.find("M17", place, f"{one.rule}: {one.message.rstrip('.')} ({said.strip()[:80]})")


def _goes_unnoticed(opinion: Opinion, statement: Statement, created: Collection[str]) -> bool:
    """Of a table of this release nobody waits for the locks or misses what goes. No query says the name of an index."""
    words = Words(statement.tokens)
    if opinion.rule == "renaming-object" and words.at("alter index"):
        return True  # M08 knows the one that has a constraint
    if opinion.rule.startswith(OF_TASTE) or words.at("create table"):
        return False
    locks = locks_of(statement.text)
    return bool(locks) and locks[0].table in created
