"""What the commands backup and restore have in common: how they speak, ask and end."""

import argparse
import io
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, OutputWrapper
from django.db import Error as DatabaseError
from rich.console import Console

from core.management.databases import takes_database
from core.management.examples import WithExamples
from core.management.streams import print_no_more

USAGE, INTERRUPTED, TERMINATED = 2, 130, 143


class BackupCommand(WithExamples):
    """Parses, asks whitecross.deployment.backups, prints."""

    # A backup is made, and restored, also when the code around it has something to complain about.
    requires_system_checks: list[str] = []

    def add_common(self, parser: argparse.ArgumentParser, *, above: bool = True) -> None:
        """The options of every deed. `above`: of the command itself; a deed's own say nothing unless they are given."""
        unset: Any = argparse.SUPPRESS
        parser.add_argument(
            "--folder",
            type=Path,
            default=None if above else unset,
            help="the folder of backups (default: WHITECROSS_BACKUP_DIR)",
        )
        parser.add_argument(
            "--json", action="store_true", default=False if above else unset, help="print for a machine"
        )
        takes_database(parser, has_been_asked=not above)

    def begin(self, options: dict[str, Any]) -> None:
        """Set up how to speak."""
        self.options, self.alias = options, options["database"]
        if sys.stdout is None and self.stdout._out is None:  # whoever started it has closed it
            self.stdout = OutputWrapper(io.StringIO())
        self.stdout.ending = ""  # rich ends its own lines
        self.console = Console(
            file=self.stdout,  # type: ignore[arg-type]
            force_terminal=self.stdout.isatty(),  # whatever FORCE_COLOR says: a pipe gets lines
            soft_wrap=not self.stdout.isatty(),
            highlight=False,
            no_color=options["no_color"],
        )

    @contextmanager
    def sentences(self, left: str | Callable[[], str]) -> Iterator[None]:
        """Say what went wrong in a sentence, and what an interruption has `left`, as it is then."""
        from whitecross.adoption.roads import reason_of
        from whitecross.deployment.backups import BackupError
        from whitecross.postgres.errors import sentence

        def stands() -> str:
            return left if isinstance(left, str) else left()

        try:
            with _ending_in_order():
                yield
                self.stdout.flush()
        except BackupError as error:
            raise CommandError(str(error)) from None
        except ImproperlyConfigured as error:
            raise CommandError(str(error), returncode=USAGE) from None
        except KeyboardInterrupt:
            raise CommandError(f"Interrupted. {stands()}", returncode=INTERRUPTED) from None
        except _TerminatedError:
            raise CommandError(f"Told to end. {stands()}", returncode=TERMINATED) from None
        except BrokenPipeError:
            print_no_more(sys.stdout)
            raise CommandError(f"The answer cannot be printed: its reader has gone. {stands()}") from None
        except OSError as error:  # as where the disk of the log is full
            prints = self.stdout._out is sys.stdout
            if prints:
                print_no_more(sys.stdout)
            said = (error.strerror or str(error)).lower()
            raise CommandError(f"The operating system refuses to go on ({said}). {stands()}") from None
        except DatabaseError as error:
            said = sentence(error) or f"PostgreSQL refuses to go on ({reason_of(error)})."
            raise CommandError(f"{said} {stands()}") from None

    def progress(self) -> Any:
        """For whoever watches."""
        from whitecross.adoption.progress import BarProgress, Progress

        return BarProgress(self.console) if self.console.is_terminal and not self.options["json"] else Progress()

    def print_json(self, what: Any) -> None:
        """For whoever reads by machine."""
        self.stdout.write(json.dumps(what, ensure_ascii=False, indent=2) + "\n")

    def refuse_if_nobody_answers(self) -> None:
        """Not after an hour of work. Raises CommandError."""
        if not self.options["yes"] and (self.options["json"] or sys.stdin is None or not sys.stdin.isatty()):
            raise CommandError("A swap asks first, and there is nobody to ask: say --yes.", returncode=USAGE)

    def confirm(self, question: str) -> bool:
        """Ask, unless --yes was said."""
        if self.options["yes"]:
            return True
        try:
            return input(f"{question} [yes/no] ").strip().lower() == "yes"
        except EOFError:
            self.stdout.write("\n")
            return False


class _TerminatedError(BaseException):
    """SIGTERM: as from systemd or kill."""


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Let SIGTERM end this as Ctrl-C does, so that what is unfinished is removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise _TerminatedError
