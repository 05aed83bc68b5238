"""seed_demo: fill the database with a synthetic district set."""

import datetime as dt
import time
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import IntegrityError
from django.db.utils import ProgrammingError
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from core.management.examples import WithExamples
from health_records.synthetic.district_set import Plan
from health_records.synthetic.loading import HoldsStudentsError, SeedTakenError, load

MOST_STUDENTS = 1_000_000
Report = Callable[[int, int], None]

EXAMPLES = """\
examples:
  manage.py seed_demo --students 2000                      a district set to look at
  manage.py seed_demo --students 50 --today 2026-03-02     the smallest that shows every label, the same each time
  manage.py seed_demo --students 100000 --seed 7           about 3.5 million rows: 2 GB, a few minutes
  manage.py seed_demo --students 500 --seed 8 --add        beside the students who are there already

The same --students, --seed, --today and time zone make the same rows with the same ids. Nobody in them exists.
All rows are added in one transaction: stopped halfway, the command has added nothing.
Exit codes: 0 done, 1 refused or failed, 2 wrong arguments, 130 interrupted."""


class Command(WithExamples):
    """Parse, load, print."""

    examples = EXAMPLES
    help = "Fill the database with synthetic districts, schools, staff, students and their health records."

    def add_arguments(self, parser: CommandParser) -> None:
        """--students, --seed, --today, --add."""
        parser.add_argument("--students", type=_students, required=True, metavar="N", help="how many, 1 to 1,000,000")
        parser.add_argument(
            "--seed", type=_seed, default=1, metavar="S", help="another seed, other people (default: 1)"
        )
        parser.add_argument(
            "--today",
            type=_day,
            metavar="YYYY-MM-DD",
            help="the day up to which records reach (default: the current date)",
        )
        parser.add_argument("--add", action="store_true", help="add to a database that holds students already")

    def handle(self, *args: Any, **options: Any) -> None:
        """Load the set and say what was added. Raises CommandError."""
        today = options["today"] or timezone.localdate()
        plan = Plan(options["students"], options["seed"], today, timezone.get_default_timezone())
        self.stdout.ending = ""  # rich ends its own lines
        console = Console(file=self.stdout, soft_wrap=True, highlight=False)  # type: ignore[arg-type]
        console.print(f"Making {plan.students:,} students with --seed {plan.seed} --today {today}.")
        started = time.perf_counter()
        try:
            with _progress(console, plan.students) as report:
                counts = load(plan, report, beside_others=options["add"])
        except HoldsStudentsError:
            raise CommandError(
                "This database holds students already; nothing was added. Seed an empty one, or say --add."
            ) from None
        except SeedTakenError:
            raise CommandError(
                f"This database holds the set of --seed {plan.seed} already; nothing was added. Choose another --seed."
            ) from None
        except IntegrityError as error:
            constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "a constraint")
            raise CommandError(
                f"A row was refused by {constraint}; nothing was added. Choose another --seed."
            ) from None
        except ProgrammingError as error:
            if getattr(error.__cause__, "sqlstate", None) != "42P01":
                raise
            raise CommandError("A table is missing; nothing was added. Run manage.py migrate first.") from None
        except KeyboardInterrupt:
            raise CommandError("Interrupted; nothing was added.", returncode=130) from None
        seconds = time.perf_counter() - started
        _print_counts(console, counts)
        total = sum(counts.values())
        console.print(f"Added {total:,} rows in {seconds:.1f} s ({total / seconds:,.0f} rows a second).")


def _students(text: str) -> int:
    number = _whole(text)
    if not 1 <= number <= MOST_STUDENTS:
        raise ArgumentTypeError(f"from 1 to {MOST_STUDENTS:,}, not {number:,}")
    return number


def _seed(text: str) -> int:
    number = _whole(text)
    if not 0 <= number < 10**9:
        raise ArgumentTypeError("from 0 to 999,999,999")
    return number


def _whole(text: str) -> int:
    try:
        return int(text.replace(",", "").replace("_", ""))
    except ValueError:
        raise ArgumentTypeError(f"a whole number, not {text!r}") from None


def _day(text: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"a date such as 2026-03-02, not {text!r}") from None
    if not 2020 <= day.year <= 2100:
        raise ArgumentTypeError("from 2020 to 2100")
    return day


@contextmanager
def _progress(console: Console, students: int) -> Iterator[Report]:
    """A bar on a terminal; elsewhere a line for each tenth."""
    if not console.is_terminal:
        told = 0

        def tell(done: int, rows: int) -> None:
            nonlocal told
            if done * 10 // students > told:
                told = done * 10 // students
                console.print(f"{done:,} of {students:,} students, {rows:,} rows")

        yield tell
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("students, {task.fields[rows]:,} rows"))
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task("", total=students, rows=0)
        yield lambda done, rows: bar.update(task, completed=done, rows=rows)


def _print_counts(console: Console, counts: dict[str, int]) -> None:
    table = Table("table", box=None)
    table.add_column("rows", justify="right")
    for name, number in counts.items():
        table.add_row(name, f"{number:,}")
    console.print(table)
