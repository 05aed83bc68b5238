"""The report for people: what is wrong, by how badly, each with the commands that mend it, ready to be copied."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from configuration.wording import on_one_line
from whitecross.deployment.doctor.checks import Check
from whitecross.deployment.doctor.examining import Report
from whitecross.deployment.doctor.finding import Finding, Severity

DOCS = "docs/doctor.md says what each check looks for."
STYLES = {Severity.BROKEN: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold blue"}


def show_report(console: Console, report: Report) -> None:
    """A paragraph a finding. A command stands on a line of its own, which no terminal's width breaks."""
    for severity in Severity:
        for check, finding in report.of(severity):
            _show(console, check, finding)
    for sentence in report.unseen:
        _line(console, f"not seen: {sentence}", "dim")
    for sentence in report.unanswered:
        _line(console, f"not answered: {sentence}", "bold")
    _line(console, summary(report), "green" if report.exit_code == 0 else "bold")


def _show(console: Console, check: Check, finding: Finding) -> None:
    head = Text.assemble(
        (str(finding.severity), STYLES[finding.severity]),
        f" {check.id} ",
        (on_one_line(finding.object), "bold"),
        f": {on_one_line(finding.sentence)}.",
    )
    console.print(head, soft_wrap=True)
    for step in finding.steps:
        if step.say:
            _line(console, f"  {step.say}:", "dim")
        _line(console, f"    {step.run}", "cyan")


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(Text(on_one_line(text), style), soft_wrap=True)


def summary(report: Report) -> str:
    """How many of what."""
    numbers = {severity: len(report.of(severity)) for severity in Severity}
    named = ", ".join(
        f"{number} {severity if severity == Severity.BROKEN or number == 1 else f'{severity}s'}"
        for severity, number in numbers.items()
        if number
    )
    database = f"{report.database} (PostgreSQL {report.server})"
    checks = f"{len(report.checks)} check{'' if len(report.checks) == 1 else 's'} of {database}"
    in_vain = f" {len(report.unanswered)} not answered." if report.unanswered else ""
    return f"{checks}: {f'{named}. {DOCS}' if named else 'nothing found.'}{in_vain}"


def show_list(console: Console, checks: Iterable[Check]) -> None:
    """Every check: id, severity, question."""
    rows: list[Sequence[str]] = [(check.id, str(check.severity), check.question) for check in checks]
    if not console.is_terminal:
        for row in rows:
            console.file.write("\t".join(row) + "\n")  # rich would make blanks of the tabs
        return
    table = Table("check", "at worst", "question", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(text) for text in row))
    console.print(table)
