"""adopt: bring the records of a database that the predecessor left over to White Cross."""

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser, OutputWrapper
from django.db import Error as DatabaseError
from django.db import connections
from rich.console import Console

from core.management.databases import takes_database
from core.management.examples import WithExamples
from core.management.streams import print_no_more

USAGE, INTERRUPTED = 2, 130
NO_SUCH_TABLE = "42P01"
OF_REJECTS = ("rejects", "retry")
EXAMPLES = """\
examples:
  python manage.py adopt --plan              what would be done, and which rows do not fit; changes nothing
  python manage.py adopt --plan --json       the same for a machine; exit code 1 where something is in the way
  python manage.py adopt                     do it, within the database of DATABASE_URL, after asking
  python manage.py adopt --source postgresql://reader@old.example.org/whitecross
                                             from another database, which is only read; .pgpass keeps the password
  python manage.py adopt --set-aside --yes   keep rows that do not fit in adoption_rejects; ask nothing
  python manage.py adopt --rejects           what was set aside, and why
  python manage.py adopt --retry             bring over what was set aside and has been mended
  python manage.py adopt --undo              back to exactly what was there
  python manage.py adopt --finish            drop the predecessor's tables: the only step that removes anything

Interrupted or killed, it is run again with the same words, and goes on. docs/adoption.md is the whole procedure.
Exit codes: 0 done, 1 refused or failed, 2 wrong arguments, 130 interrupted."""


class Command(WithExamples):
    """Parses, asks whitecross.adoption, prints."""

    examples = EXAMPLES
    help = "Bring over the records of a database that the predecessor left, with proof and a way back."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """One of seven deeds; to adopt is the usual one."""
        deed = parser.add_mutually_exclusive_group()
        for name, help_ in (
            ("plan", "say what would be done; change nothing"),
            ("undo", "put the database back to what it was before"),
            ("finish", "drop what the predecessor left; there is no way back after it"),
            ("rejects", "list what was set aside"),
            ("retry", "bring over what was set aside and has been mended"),
            ("status", "say how far an adoption is"),
        ):
            deed.add_argument(f"--{name}", action="store_const", const=name, dest="deed", help=help_)
        parser.set_defaults(deed="adopt")
        parser.add_argument("--source", metavar="URL", help="the predecessor's database, where it is another one")
        parser.add_argument("--set-aside", action="store_true", help="keep what does not fit in adoption_rejects")
        parser.add_argument(
            "--round", action="store_true", help="round numbers with more decimals than there is room for"
        )
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--json", action="store_true", help="print for a machine")
        parser.add_argument(
            "--report", metavar="FOLDER", type=Path, default=Path(), help="where the report goes (default: here)"
        )
        takes_database(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Carry the deed out. Raises CommandError with a sentence: exit code 1, or 2 for a wrong request."""
        self.alias, self.options = options["database"], options
        if sys.stdout is None and self.stdout._out is None:  # whoever started it has closed it
            self.stdout = OutputWrapper(io.StringIO())
        self.stdout.ending = ""  # rich ends its own lines
        color = not options["no_color"]
        self.console = Console(
            file=self.stdout,  # type: ignore[arg-type]
            force_terminal=self.stdout.isatty(),  # whatever FORCE_COLOR says: a pipe gets lines
            soft_wrap=not self.stdout.isatty(),
            highlight=False,
            no_color=not color,
        )
        self._refuse_idle_options()
        deed: Callable[[], None] = getattr(self, f"_{options['deed']}")
        with self._sentences():
            deed()
            self.stdout.flush()

    def _refuse_idle_options(self) -> None:
        """An option that a deed would not heed is a mistake, and here a mistake is dear."""
        deed = self.options["deed"]
        heeded = {
            "adopt": {"source", "set_aside", "round", "yes", "json", "report"},
            "plan": {"source", "set_aside", "round", "json"},
            "undo": {"yes"},
            "finish": {"yes"},
            "rejects": {"json"},
            "retry": {"json"},
            "status": {"json"},
        }[deed]
        idle = {"source": None, "report": Path()}
        for name in ("source", "set_aside", "round", "yes", "json", "report"):
            if self.options[name] != idle.get(name, False) and name not in heeded:
                word = "--" + name.replace("_", "-")
                raise CommandError(f"{word} says nothing to --{deed}: leave it out.", returncode=USAGE)
        if deed == "adopt" and not (self.options["report"].is_dir() and os.access(self.options["report"], os.W_OK)):
            raise CommandError(
                f"--report {self.options['report']}: no folder that can be written to. Nothing was done.",
                returncode=USAGE,
            )

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        from whitecross.adoption import adopting, fitting, inspecting, loading, moving, roads, undoing
        from whitecross.postgres.errors import sentence

        try:
            yield
        except (
            adopting.StateError,
            adopting.ProofError,
            fitting.TooManyError,
            inspecting.NoPredecessorError,
            loading.LoadError,
            moving.BusyError,
            undoing.UndoError,
        ) as error:
            raise CommandError(str(error)) from None
        except adopting.RefusedError as error:
            from whitecross.adoption.reporting import show_plan

            if self.options["json"]:
                self._print_json(error.plan.as_json())
            else:
                show_plan(self.console, error.plan)
            raise CommandError("Nothing was adopted: see what is in the way.") from None
        except adopting.DeclinedError:
            raise CommandError("Nothing was changed.") from None
        except KeyboardInterrupt:
            raise CommandError(f"Interrupted. {self._where_it_stands()}", returncode=INTERRUPTED) from None
        except OSError as error:
            print_no_more(sys.stdout)
            raise CommandError(f"The answer cannot be printed ({error.strerror}). {self._where_it_stands()}") from None
        except roads.SourceError as error:
            said = roads.sentence_of_source(error, self.options["source"])
            raise CommandError(f"{said} {self._where_it_stands()}") from None
        except DatabaseError as error:
            if getattr(error.__cause__, "sqlstate", None) == NO_SUCH_TABLE and self.options["deed"] in OF_REJECTS:
                raise CommandError("White Cross has no tables in this database, so nothing is set aside.") from None
            said = sentence(error) or f"PostgreSQL refuses to go on ({roads.reason_of(error)})."
            raise CommandError(f"{said} {self._where_it_stands()}") from None
        finally:
            roads.leave_source()

    def _where_it_stands(self) -> str:
        """What an interruption leaves, and the next thing to type. Asks on a new connection."""
        from whitecross.adoption import moving

        try:
            connections[self.alias].close()
            connections[self.alias].connect()  # also where an error has left it within a transaction
            record = moving.read_record(connections[self.alias])
        except DatabaseError:
            return "manage.py adopt --status says how far it is."
        if record is None:
            return "Nothing was changed."
        if record.adopted:
            return "All rows are here; manage.py adopt --status says what is left to do."
        source = "" if record.in_place else " --source URL"
        return (
            f"No row is lost, none is here yet: manage.py adopt{source} goes on, manage.py adopt --undo brings back "
            "what was there."
        )

    def _road(self) -> Any:
        from whitecross.adoption.roads import Road, RoadFromElsewhere

        if self.options["source"] is None:
            return Road(self.alias)
        try:
            return RoadFromElsewhere(self.alias, self.options["source"])
        except ImproperlyConfigured as error:
            raise CommandError(str(error).replace("DATABASE_URL", "--source"), returncode=USAGE) from None

    def _choices(self) -> Any:
        from whitecross.adoption.planning import Choices

        return Choices(set_aside=self.options["set_aside"], rounding=self.options["round"])

    def _progress(self) -> Any:
        from whitecross.adoption.progress import BarProgress, LinesProgress, Progress

        if self.options["json"]:
            return Progress()
        return BarProgress(self.console) if self.console.is_terminal else LinesProgress(self.console)

    def _print_json(self, what: Any) -> None:
        self.stdout.write(json.dumps(what, ensure_ascii=False, indent=2) + "\n")

    def _plan(self) -> None:
        from whitecross.adoption.adopting import plan_only
        from whitecross.adoption.reporting import show_plan

        plan = plan_only(self._road(), self._choices(), self._progress())
        if self.options["json"]:
            self._print_json(plan.as_json())
        else:
            show_plan(self.console, plan)
        if plan.refusals():
            raise CommandError("This plan cannot be carried out as it is. Nothing was changed.")

    def _adopt(self) -> None:
        from whitecross.adoption.adopting import adopt, refuse_another_source
        from whitecross.adoption.moving import read_record
        from whitecross.adoption.reporting import say, show_report, write_report

        road = self._road()
        record = read_record(connections[self.alias])
        report = record.report if record is not None and record.in_place == road.is_in_place else None
        if report and record and not road.is_in_place:
            with road.look():
                refuse_another_source(road, record)
        if not report:
            report = adopt(road, self._choices(), self._progress(), self._asked, waits=not self.options["yes"])
        elif not self.options["json"]:
            say(self.console, "Adopted already. The report, once more:")
        try:
            written = write_report(self.options["report"], report)
        except OSError as error:
            raise CommandError(
                f"All rows are here, but the report cannot be written to {self.options['report']} ({error.strerror}): "
                "run this again, with another --report FOLDER."
            ) from None
        if self.options["json"]:
            self._print_json(report)
            return
        show_report(self.console, report)
        say(self.console, f"The report to keep: {' and '.join(map(str, written))}.")
        if report["rows"]["setAside"] or report["columnsSetAside"]:
            say(self.console, "What was set aside: manage.py adopt --rejects.")
        say(self.console, "The way back, until manage.py adopt --finish: manage.py adopt --undo.")

    def _asked(self, plan: Any) -> bool:
        from whitecross.adoption.reporting import show_plan

        if not self.options["json"]:
            show_plan(self.console, plan)
        how = (
            "The predecessor's tables move to the schema whitecross_legacy, where they stay: stop its processes first."
            if plan.in_place
            else "The other database is only read."
        )
        return self._confirm(f"{how} Adopt?", "yes")

    def _confirm(self, question: str, word: str) -> bool:
        if self.options["yes"]:
            return True
        if self.options["json"] or sys.stdin is None or not sys.stdin.isatty():
            raise CommandError(f"{question} There is nobody to ask: say --yes. Nothing was changed.", returncode=USAGE)
        try:
            return input(f"{question} [{word}/no] ").strip().lower() == word.lower()
        except EOFError:
            self.stdout.write("\n")
            return False

    def _undo(self) -> None:
        from whitecross.adoption import moving, undoing
        from whitecross.adoption.reporting import say, show_lost

        connection = connections[self.alias]
        with moving.the_only_one(connection):
            record = self._record()
            lost = undoing.changed_since(connection, record)
            show_lost(self.console, lost)
            back = "the predecessor's tables" if record.in_place else "what was here before"
            if not self._confirm(f"Remove what White Cross has here, and put back {back}?", "yes"):
                raise CommandError("Nothing was changed.")
            undoing.undo(connection, record, lost)
        say(self.console, f"Undone: {connection.settings_dict['NAME']} is as it was before the adoption.")

    def _finish(self) -> None:
        from whitecross.adoption import moving, undoing
        from whitecross.adoption.models import Reject
        from whitecross.adoption.reporting import say

        connection = connections[self.alias]
        with moving.the_only_one(connection):
            record = self._record()
            if record.adopted is not None:
                aside = Reject.objects.using(self.alias).count()
                if aside:
                    say(self.console, f"{aside:,} rows are still set aside; they stay in adoption_rejects.")
                name = str(connection.settings_dict["NAME"])
                what = "drops the predecessor's tables for good" if record.in_place else "ends the way back"
                if not self._confirm(f"This {what}. To go on, type the database's name.", name):
                    raise CommandError("Nothing was changed.")
            undoing.finish(connection, record)
        say(self.console, "Finished: the adoption cannot be undone any more. Keep its report.")

    def _record(self) -> Any:
        from whitecross.adoption import moving

        record = moving.read_record(connections[self.alias])
        if record is None:
            raise CommandError("No adoption of this database has begun, or it is finished. Nothing was changed.")
        return record

    def _rejects(self) -> None:
        from whitecross.adoption.rejects import as_text, kept
        from whitecross.adoption.reporting import say, show_rejects

        rows = kept(self.alias)
        if self.options["json"]:
            self._print_json([row.as_json() for row in rows])
        elif rows:
            show_rejects(self.console, [(row.table, row.row, row.id, as_text(row.reasons)) for row in rows])
            say(self.console, f"{len(rows):,} set aside. docs/adoption.md says how to mend one; then adopt --retry.")
        else:
            say(self.console, "Nothing is set aside.")

    def _retry(self) -> None:
        from whitecross.adoption.rejects import as_text, retry
        from whitecross.adoption.reporting import say, show_rejects

        brought, remaining = retry(self.alias, self._progress())
        if self.options["json"]:
            self._print_json({"broughtOver": brought, "remaining": [row.as_json() for row in remaining]})
            return
        show_rejects(self.console, [(row.table, row.row, row.id, as_text(row.reasons)) for row in remaining])
        say(self.console, f"Brought over: {brought.total():,}. Still set aside: {len(remaining):,}.")

    def _status(self) -> None:
        from whitecross.adoption import moving
        from whitecross.adoption.adopting import adopted_already
        from whitecross.adoption.reporting import say

        record = moving.read_record(connections[self.alias])
        if self.options["json"]:
            state = None if record is None else "adopted" if record.adopted else "begun"
            facts = {"source": record.source, "inPlace": record.in_place, **record.choices} if record else {}
            self._print_json({"state": state, **facts})
        elif record is None:
            say(self.console, "No adoption of this database has begun, or it is finished.")
        elif record.adopted:
            say(self.console, adopted_already(record))
        else:
            say(self.console, f"The adoption of {record.source} has begun. {self._where_it_stands()}")
