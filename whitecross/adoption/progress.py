"""How far an adoption is, for whoever watches: a bar on a terminal, a line a step where it is piped."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Column
from rich.text import Text

from whitecross.adoption.reporting import duration

MANY = 1000  # units from which on it is worth saying how many a second


class Progress:
    """Hears what is being done. This one is silent."""

    @contextmanager
    def step(self, name: str, total: int) -> Iterator[None]:
        """A step of so many units."""
        yield

    def advance(self, number: int = 1, what: str = "") -> None:
        """So many units of the step are done; `what` is at work."""


class LinesProgress(Progress):
    """A line a step, when it has ended."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, name: str, total: int) -> Iterator[None]:
        """As Progress.step."""
        started = time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        rate = f", {total / max(seconds, 0.001):,.0f} a second" if total > MANY else ""
        self._console.print(f"{name}: {total:,} in {seconds:.1f} s{rate}")


class _Time(ProgressColumn):
    """How long it will take, or took."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        """As ProgressColumn.render."""
        if task.finished:
            return Text(f"{task.finished_time or 0:.1f} s")
        return Text("" if task.time_remaining is None else f"{duration(task.time_remaining)} left")


class BarProgress(Progress):
    """A bar a step, with the time left, and units a second where there are many."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Bar | None = None
        self._task: Any = None
        self._done, self._total, self._started = 0, 0, 0.0

    @contextmanager
    def step(self, name: str, total: int) -> Iterator[None]:
        """As Progress.step."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            _Time(),
            TextColumn("{task.fields[rate]}"),
            # What is left of the line, so that a long name of an index moves nothing.
            TextColumn("{task.fields[what]}", style="dim", table_column=Column(ratio=1, no_wrap=True)),
        )
        self._done, self._total, self._started = 0, total, time.perf_counter()
        with Bar(*columns, console=self._console, expand=True) as self._bar:
            # Of a step in one piece, nobody knows how far it is.
            self._task = self._bar.add_task(name, total=total if total > 1 else None, rate="", what="")
            yield
            self._bar.update(self._task, total=max(total, 1), completed=max(total, 1), what="")

    def advance(self, number: int = 1, what: str = "") -> None:
        """As Progress.advance."""
        if self._bar is None:
            return
        self._done += number
        rate = self._done / max(time.perf_counter() - self._started, 0.001)
        said = f"{rate:,.0f}/s" if self._total > MANY else ""
        self._bar.update(self._task, advance=number, what=what, rate=said)
