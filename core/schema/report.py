"""How a report reads: a table on a terminal, one line a difference where it is piped."""

from typing import TextIO

from core.schema.compare import Difference
from core.schema.verify import Report

DOCS = "docs/verify-schema.md says what each kind means."


def summary(report: Report) -> str:
    """Two or three lines: whether all is well, and what was counted."""
    counted = ", ".join(f"{number} {noun}" for noun, number in report.counts.items())
    database = f"{report.database} (PostgreSQL {report.server})"
    if report.ok:
        return f"The schema of {database} is as the models and migrations say.\nVerified: {counted}."
    number = len(report.differences)
    plural = "" if number == 1 else "s"
    return f"{number} difference{plural} in the schema of {database}. {DOCS}\nFound: {counted}."


def lines(report: Report) -> list[str]:
    """The whole report as lines of plain text."""
    return [
        *map(one_line, report.differences),
        *(f"note: {note}" for note in report.notes),
        *summary(report).splitlines(),
    ]


def one_line(difference: Difference) -> str:
    """A difference in one line, whatever its definitions hold."""
    return " ".join(str(difference).split())


def draw(report: Report, stream: TextIO, *, color: bool, width: int | None = None) -> None:
    """The report for eyes: a table of the differences, then notes and summary."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=stream, force_terminal=color, width=width, highlight=False)
    table = Table(show_lines=True, expand=True)
    for heading, ratio in (("What", 3), ("Expected", 3), ("Found", 3), ("To do", 5)):
        table.add_column(heading, ratio=ratio, overflow="fold")
    for found in report.differences:
        what = Text.assemble((found.kind, "bold red"), "\n", found.object)
        table.add_row(what, Text(found.expected), Text(found.found), Text(found.advice))
    if report.differences:
        console.print(table)
    for note in report.notes:
        console.print(Text(f"note: {note}", "dim"))
    console.print(Text(summary(report), "green" if report.ok else "bold"))
