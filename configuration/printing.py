"""How the command prints: tables on a terminal, one line a row with tabs between its columns where it is piped."""

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, TextIO, cast

from configuration.importing import Plan
from configuration.models.history import PREDECESSOR
from configuration.recounting import Changed
from configuration.reporting import Decided, Listed, Settings
from configuration.wording import moment, on_one_line

# How a change was made, by the database role that it carries.
HOW = {None: "", PREDECESSOR: " (in the predecessor)"}


class Printer:
    """Prints to a stream of Django's commands."""

    def __init__(self, stream: Any, *, color: bool = True) -> None:
        self.stream, self.color = stream, color

    @property
    def is_terminal(self) -> bool:
        """Whether people look at it."""
        return bool(self.stream.isatty())

    def say(self, *sentences: str) -> None:
        """A sentence a line."""
        for sentence in sentences:
            self.stream.write(f"{sentence}\n", ending="")

    def json(self, what: Any) -> None:
        """For a machine."""
        self.say(json.dumps(what, ensure_ascii=False, indent=2))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
        """Rows of texts. Where it is piped, neither title nor headings."""
        if not self.is_terminal:
            self.say(*("\t".join(map(on_one_line, row)) for row in rows))
            return
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        heading = Text(on_one_line(title), "bold") if title else None
        table = Table(title=heading, title_justify="left", box=box.SIMPLE_HEAD, expand=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text(on_one_line(text)) for text in row))
        console = Console(file=cast(TextIO, _Bare(self.stream)), force_terminal=self.color, no_color=not self.color)
        console.print(table)


class _Bare:
    """A stream of Django's commands that ends no line by itself, as rich expects."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        self.stream.write(text, ending="")
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def print_list(printer: Printer, lines: Sequence[Listed]) -> None:
    """The settings, by category."""
    if not printer.is_terminal:
        printer.table((), [(line.category, *_columns(line)) for line in lines])
        return
    for category, of_it in groupby(lines, key=lambda line: line.category):
        printer.table(("Setting", "Value", "From", "Worth knowing"), [_columns(line) for line in of_it], str(category))
    if not lines:
        printer.say("No setting is like that.")


def _columns(line: Listed) -> tuple[str, str, str, str]:
    return line.decided.key, str(line.decided.shown), line.decided.by, "; ".join(line.marks)


def print_explanation(printer: Printer, settings: Settings, decided: Decided, place: str) -> None:
    """Who decides a value, what is hidden, and what does not count."""
    rows = [
        (
            " ".join(filter(None, (one.source, settings.name(one)))),
            str(settings.show(decided.key, one)),
            "decides" if one is decided.deciding else f"does not count: {one.why_not}" if one.why_not else "hidden",
        )
        for one in decided.candidates
    ]
    printer.table(("Where", "Value", "What becomes of it"), rows, f"{decided.key}, asked for {place}")


def print_history(printer: Printer, changes: Sequence[Changed]) -> None:
    """The changes of a setting, the newest first: on a terminal a few lines for each, as their texts are long."""
    rows = [
        (
            moment(change.at),
            " ".join(filter(None, (change.scope, change.of))),
            change.kind,
            change.what,
            change.who + HOW.get(change.past_the_application, " (past the application)"),
            change.why or "-",
            ", ".join(filter(None, (change.address, change.agent))) or "-",
            str(change.id),
        )
        for change in changes
    ]
    if not printer.is_terminal:
        printer.table((), rows)
        return
    for row in rows:
        at, whose, kind, what, who, why, origin, version = map(on_one_line, row)
        printer.say(f"{at}  {whose}  {kind}  {what}", f"    by {who}" + f", from {origin}" * (origin != "-"))
        printer.say(*[f"    why: {why}"] * (why != "-"), f"    version {version}", "")


def print_plan(printer: Printer, plan: Plan) -> None:
    """What an import would do, a line for each fact that changes."""
    rows = [
        (step.deed, step.key, step.who, name, str(old), str(new))
        for step in plan.to_do
        for name, (old, new) in step.facts.items()
    ]
    if rows:
        printer.table(("Deed", "Setting", "Whose", "What", "Is", "Becomes"), rows)
    printer.say(plan.summary())
