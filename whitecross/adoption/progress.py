"""How far an adoption is, for whoever watches: a bar on a terminal, a line a step where it is piped."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar


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
        rate = f", {total / max(seconds, 0.001):,.0f} a second" if total > 1000 else ""
        self._console.print(f"{name}: {total:,} in {seconds:.1f} s{rate}")


class BarProgress(Progress):
    """A bar a step, with units a second and the time left."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Bar | None = None
        self._task: Any = None
        self._done, self._started = 0, 0.0

    @contextmanager
    def step(self, name: str, total: int) -> Iterator[None]:
        """As Progress.step."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[what]}", style="dim"),
        )
        self._done, self._started = 0, time.perf_counter()
        with Bar(*columns, console=self._console) as self._bar:
            self._task = self._bar.add_task(name, total=max(total, 1), rate="", what="")
            yield
            self._bar.update(self._task, completed=max(total, 1), what="")

    def advance(self, number: int = 1, what: str = "") -> None:
        """As Progress.advance."""
        if self._bar is None:
            return
        self._done += number
        rate = self._done / max(time.perf_counter() - self._started, 0.001)
        self._bar.update(self._task, advance=number, what=what, rate=f"{rate:,.0f}/s")
