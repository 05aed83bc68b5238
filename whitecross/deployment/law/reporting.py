"""What a check has found, for people: a table on a terminal, lines in a pipe."""

from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from whitecross.deployment.law.checking import Checked
from whitecross.deployment.law.rules import RULES, Finding


def lines(checked: Checked) -> Iterator[str]:
    """A line for each finding, as compilers write them, then what to do; at the end the sum."""
    for finding in checked.findings:
        rule = RULES[finding.rule]
        level = "warning" if rule.warns else "error"
        yield f"{finding.place}: {level} {finding.rule}: {rule.title}: {finding.what}."
        yield f"    {rule.reason} {rule.remedy}"
    yield summary(checked)


def draw(checked: Checked, console: Console) -> None:
    """The same on a terminal."""
    table = Table(box=None, pad_edge=False, show_lines=False)
    for column in ("id", "where", "what", "what to do"):
        table.add_column(column, overflow="fold")
    for finding in checked.findings:
        table.add_row(_colored(finding), escape(finding.place), escape(_what(finding)), RULES[finding.rule].remedy)
    if checked.findings:
        console.print(table)
    console.print(escape(summary(checked)), highlight=False)


def _colored(finding: Finding) -> str:
    color = "yellow" if finding.warns else "red"
    return f"[{color}]{finding.rule}[/{color}]"


def _what(finding: Finding) -> str:
    return f"{RULES[finding.rule].title}: {finding.what}"


def summary(checked: Checked) -> str:
    """How many migrations were looked at, and with what result."""
    released = len(checked.sources) - len(checked.unreleased)
    warnings = len(checked.findings) - len(checked.refusals)
    looked = (
        f"{len(checked.unreleased)} new {_migrations(len(checked.unreleased))} judged, {released} released compared"
    )
    if not checked.findings:
        return f"{looked}: all is well."
    return f"{looked}: {len(checked.refusals)} refused, {warnings} warned of. docs/migrations.md explains the ids."


def _migrations(number: int) -> str:
    return "migration" if number == 1 else "migrations"
