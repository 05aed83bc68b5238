"""What a check has found, for people: laid out on a terminal, lines in a pipe."""

from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from whitecross.deployment.law.checking import Checked
from whitecross.deployment.law.rules import RULES


def lines(checked: Checked) -> Iterator[str]:
    """A line for each finding, as compilers write them, then what to do; at the end the sum."""
    for finding in checked.findings:
        rule = RULES[finding.rule]
        level = "warning" if rule.warns else "error"
        yield f"{finding.place}: {level} {finding.rule}: {rule.title}: {finding.what}."
        yield f"    {rule.reason} {rule.remedy}"
    yield summary(checked)


def draw(checked: Checked, console: Console) -> None:
    """The same on a terminal: of each finding the rule, where, what, why, and what to do."""
    for finding in checked.findings:
        rule = RULES[finding.rule]
        color = "yellow" if rule.warns else "red"
        console.print(f"[{color}]{finding.rule}[/{color}]  [bold]{escape(rule.title)}[/bold]")
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(min_width=7, justify="right", style="dim")
        grid.add_column(overflow="fold")
        told = {"where": finding.place, "what": finding.what, "why": rule.reason, "do": rule.remedy}
        for name, text in told.items():
            grid.add_row(name, escape(text))
        console.print(grid)
        console.print()
    console.print(escape(summary(checked)), highlight=False)


def summary(checked: Checked) -> str:
    """How many migrations were looked at, and with what result."""
    released = len(checked.sources) - len(checked.unreleased)
    warnings = len(checked.findings) - len(checked.refusals)
    looked = (
        f"{len(checked.unreleased)} new {_migrations(len(checked.unreleased))} judged, {released} released compared"
    )
    if checked.lacks_squawk:
        looked += ", without squawk, which is not installed (make setup-dev)"
    if not checked.findings:
        return f"{looked}: all is well."
    return f"{looked}: {len(checked.refusals)} refused, {warnings} warned of. docs/migrations.md explains the ids."


def _migrations(number: int) -> str:
    return "migration" if number == 1 else "migrations"
