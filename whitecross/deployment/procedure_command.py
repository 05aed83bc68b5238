"""What the commands upgrade and rollback have in common: options, and how they speak, ask and stop."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TextIO, cast

from django.core.management.base import CommandError, CommandParser
from django.db import Error

from core.management.databases import takes_database
from core.management.examples import WithExamples
from core.management.streams import OutlivesReader
from whitecross.deployment.again import PATIENCE_S
from whitecross.deployment.asking import confirm
from whitecross.deployment.durations import seconds
from whitecross.deployment.failures import sentence

INTERRUPTED = 130  # the exit code


class ProcedureCommand(OutlivesReader, WithExamples):
    """Says lines to people, or one JSON object to a machine."""

    def add_arguments(self, parser: CommandParser) -> None:
        """The options of both."""
        parser.add_argument("--plan", action="store_true", help="say what would be done and lost; change nothing")
        parser.add_argument("--yes", action="store_true", help="ask nothing")
        parser.add_argument("--json", action="store_true", help="print what was found and done as JSON")
        parser.add_argument("--no-backup", action="store_true", help="make no backup first: what is lost is lost")
        parser.add_argument("--backup-folder", type=Path, metavar="FOLDER", help="instead of WHITECROSS_BACKUP_DIR")
        parser.add_argument(
            "--patience", type=seconds, default=PATIENCE_S, metavar="TIME", help="for locks (default: 10m)"
        )
        parser.add_argument("--allow-long-locks", action="store_true", help="let others wait as long as it takes")
        takes_database(parser)

    @property
    def _beside(self) -> TextIO:
        """Where people are spoken to who also read JSON."""
        return cast(TextIO, self.stderr if self._json else self.stdout)

    def _ask(self, question: str, result: dict[str, Any], *, yes: bool) -> None:
        try:
            confirm(question, self._beside, yes=yes)
        except CommandError as error:
            self._stop(result, str(error), error)

    def _say(self, line: str) -> None:
        if not self._json:
            self.stdout.write(line)
            self.stdout.flush()

    def _finish(self, result: dict[str, Any]) -> None:
        if self._json:
            self.stdout.write(json.dumps(result, indent=1, ensure_ascii=False, default=str))

    def _stop(self, result: dict[str, Any], why: str, error: BaseException | None = None) -> NoReturn:
        self._finish(result | {"stopped": why})
        cause, returncode = error, 1
        while cause is not None:
            returncode = INTERRUPTED if isinstance(cause, KeyboardInterrupt) else returncode
            cause = cause.__cause__
        raise CommandError(why, returncode=returncode) from error

    @contextmanager
    def _sentences(self, result: dict[str, Any]) -> Iterator[None]:
        """Whatever ends the procedure is a sentence. Raises CommandError."""
        from whitecross.deployment.procedure import StoppedError

        look = "How far it is: python manage.py migration_log"
        try:
            yield
        except StoppedError as error:
            self._stop(result, str(error), error)
        except Error as error:
            self._stop(result, f"{sentence(error)} {look}", error)
        except KeyboardInterrupt as error:
            self._stop(result, f"It was interrupted at the keyboard. {look}", error)

    _json, _again = False, ""
