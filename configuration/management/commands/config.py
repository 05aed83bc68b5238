"""config: settings that change while the system runs, for the command line."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser, OutputWrapper
from django.db import Error as DatabaseError

from configuration.management.arguments import EXAMPLES, MOST_PROBLEMS, add_subcommands
from core.acting import Origin, acting_as
from core.management.examples import WithExamples
from core.management.streams import print_no_more

USAGE = 2
SEE_HISTORY = "Whether anything was changed, config history tells."


class Command(WithExamples):
    """Parses, asks configuration, prints."""

    examples = EXAMPLES["config"]
    help = "Show, change, explain, restore, export and import settings."
    # A setting is put right also when the code around it has something to complain about.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """One of nine deeds."""
        add_subcommands(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Carry the deed out. Raises CommandError with a sentence: exit code 1, or 2 for a wrong request."""
        from configuration.printing import Printer

        deed: Callable[[dict[str, Any]], None] = getattr(self, f"_{options['deed']}")
        if sys.stdout is None and self.stdout._out is None:  # whoever started it has closed it
            self.stdout = OutputWrapper(io.StringIO())
        self.print = Printer(self.stdout, color=not options["no_color"])
        with self._sentences(options.get("key")):
            _refuse_strange_texts(options)
            with self._in_the_name_of(options.get("as_user")):
                deed(options)
                self.stdout.flush()

    @contextmanager
    def _sentences(self, key: str | None) -> Iterator[None]:
        from configuration.editing import EditError, ReasonError
        from configuration.places import PlaceError
        from configuration.resolution import NoValueError, UnknownSettingError
        from configuration.transfer import TransferError
        from configuration.wording import on_one_line

        try:
            yield
        except ReasonError:
            raise CommandError('Say why, with --reason "...": it stays in the history.', returncode=USAGE) from None
        except TransferError as error:
            for problem in error.problems[:MOST_PROBLEMS] if len(error.problems) > 1 else ():
                self.stderr.write(on_one_line(problem))
            number = len(error.problems)
            more = f" The first {MOST_PROBLEMS} are above." if number > MOST_PROBLEMS else ""
            text = f"{number} things are wrong; nothing was done.{more}" if number > 1 else str(error)
            raise CommandError(on_one_line(text)) from None
        except EditError as error:
            # A sentence about a field names no key.
            about = f"{key}: " if key and "" not in error.errors else ""
            raise CommandError(on_one_line(about + " ".join(str(error).split()))) from None
        except (PlaceError, UnknownSettingError, NoValueError) as error:
            raise CommandError(on_one_line(str(error))) from None
        except BrokenPipeError:
            # Whoever reads, such as head, has read enough. Python would complain when it closes the stream.
            _print_no_more()
            sys.exit(0)
        except KeyboardInterrupt:
            raise CommandError(f"Interrupted. {SEE_HISTORY}", returncode=130) from None
        except OSError as error:
            _print_no_more()
            raise CommandError(f"The answer cannot be printed: {error.strerror}. {SEE_HISTORY}") from None
        except DatabaseError as error:
            if getattr(error.__cause__, "sqlstate", None) != "42P01":
                raise
            raise CommandError("The settings have no table yet. Run manage.py migrate first.") from None

    @contextmanager
    def _in_the_name_of(self, name: str | None) -> Iterator[None]:
        """Let changes be recorded as those of a user who may make them, together with who runs the command."""
        if name is None:
            yield
            return
        from configuration.changing import who_runs_this
        from configuration.models import SystemConfiguration
        from configuration.places import find_user
        from core.access import rights

        user = find_user(name)
        if "change" not in rights(user, SystemConfiguration):
            raise CommandError(f"{user.email} may not change settings, so nothing was changed. Name an administrator.")
        with acting_as(user, origin=Origin(None, f"run by {who_runs_this()}")):
            yield

    def _list(self, options: dict[str, Any]) -> None:
        from configuration.printing import print_list
        from configuration.reporting import listed, read_now

        settings = read_now()
        words = (options["search"] or "").casefold().split()
        lines = [
            line
            for line in listed(settings, _place(options))
            if options["category"] in (None, line.category)
            and (not options["changed"] or line.changed)
            and _matches(settings, line, options, words)
        ]
        if options["json"]:
            self.print.json([line.as_json() for line in lines])
        else:
            print_list(self.print, lines)

    def _get(self, options: dict[str, Any]) -> None:
        from configuration.reporting import decided_json, read_now
        from configuration.resolution import NoValueError
        from configuration.wording import Shown, on_one_line

        decided = read_now().decided(options["key"], _place(options))
        shown = decided.shown
        if shown.text is None:
            raise NoValueError(options["key"])
        if shown.secret and not options["show_secret"]:
            raise CommandError(f"{decided.key} is secret: --show-secret prints it.")
        if options["json"]:
            open_ = Shown(shown.text, shown.value_type)
            self.print.json({**decided_json(decided), "value": open_.json})
        else:
            self.print.say(on_one_line(shown.text) if self.print.is_terminal else shown.text)

    def _set(self, options: dict[str, Any]) -> None:
        from configuration import editing, outcomes

        editing.require_reason(options["reason"])
        key, place = options["key"], _place(options)
        text = _standard_input() if options["value"] == "-" else options["value"]
        facts = {name: options[name] for name in ("value_type", "category", "description", "secret")}
        if options["new"]:
            if options["value_type"] is None:
                raise CommandError("A new key needs its type: --type NUMBER, for instance.", returncode=USAGE)
            facts["tags"] = ["secret"] if facts.pop("secret") else []
            facts["category"] = facts["category"] or "GENERAL"
            self._tell(outcomes.create(key, text, place, reason=options["reason"], **facts), options)
        elif any(facts.values()):
            raise CommandError("--type, --category, --description and --secret go with --new.", returncode=USAGE)
        else:
            self._tell(outcomes.set_text(key, text, place, reason=options["reason"]), options)

    def _unset(self, options: dict[str, Any]) -> None:
        from configuration import editing, outcomes

        editing.require_reason(options["reason"])
        self._tell(outcomes.unset(options["key"], _place(options), reason=options["reason"]), options)

    def _restore(self, options: dict[str, Any]) -> None:
        from configuration import editing, outcomes

        editing.require_reason(options["reason"])
        outcome = outcomes.restore(options["version_id"], before=options["before"], reason=options["reason"])
        self._tell(outcome, options)

    def _tell(self, outcome: Any, options: dict[str, Any]) -> None:
        from configuration.wording import on_one_line

        if options["json"]:
            self.print.json(outcome.as_json())
        else:
            self.print.say(*map(on_one_line, outcome.sentences()))

    def _explain(self, options: dict[str, Any]) -> None:
        from configuration.printing import print_explanation
        from configuration.reporting import explanation_json, read_at, read_now
        from configuration.resolution import NoValueError

        settings, place = read_at(options["at"]) if options["at"] else read_now(), _place(options)
        decided = settings.decided(options["key"], place)
        if not decided.candidates:
            raise NoValueError(decided.key)
        if options["json"]:
            self.print.json({"for": str(place), **explanation_json(settings, decided)})
        else:
            print_explanation(self.print, settings, decided, str(place))

    def _history(self, options: dict[str, Any]) -> None:
        from configuration.printing import print_history
        from configuration.recounting import history

        place = _place(options)
        asked = place if place.id or options["system"] else None
        changes = history(options["key"], asked, options["limit"])
        if options["json"]:
            self.print.json([change.as_json() for change in changes])
        elif changes or not self.print.is_terminal:
            print_history(self.print, changes)
        else:
            self.print.say("No change of it is recorded.")

    def _export(self, options: dict[str, Any]) -> None:
        from configuration.transfer import exported, write

        text, left_out = exported(with_secrets=options["with_secrets"])
        if options["file"] == "-":
            self.stdout.write(text, ending="")
        else:
            write(Path(options["file"]), text, replace=options["force"], private=options["with_secrets"])
        if options["with_secrets"]:
            self.stderr.write("The file holds secrets in plain text: keep it where nobody else reads it.")
        elif left_out:
            self.stderr.write(f"{left_out} secret{'s' * (left_out != 1)} left without value.")

    def _import(self, options: dict[str, Any]) -> None:
        from configuration import editing, importing
        from configuration.printing import print_plan
        from configuration.transfer import LARGEST_MB, entries_of, read

        only_plan, from_pipe = options["plan"], options["file"] == "-"
        if not only_plan:
            editing.require_reason(options["reason"])
            if not options["yes"] and (from_pipe or options["json"] or not _somebody_types()):
                raise CommandError("Nobody is there to ask: say --yes to import, or --plan to look.", returncode=USAGE)
        content = _piped(LARGEST_MB * 2**20 + 1) if from_pipe else read(Path(options["file"]))
        plan = importing.plan_of(entries_of(content), delete_missing=options["delete_missing"])
        if not options["json"]:
            print_plan(self.print, plan)
        applied = not only_plan and bool(plan.to_do) and (options["yes"] or self._agreed())
        if applied:
            importing.apply(plan, reason=options["reason"])
        if options["json"]:
            steps = [step.as_json() for step in plan.to_do]
            self.print.json({"applied": applied, "unchanged": plan.count(importing.UNCHANGED), "steps": steps})
        elif applied:
            self.print.say("Imported.")
        else:
            self.print.say("Nothing to import." if not plan.to_do else "Nothing was imported.")

    def _agreed(self) -> bool:
        self.stdout.flush()
        try:
            return input("Import this? [y/N] ").strip().lower() in ("y", "yes")
        except EOFError:
            return False


def _refuse_strange_texts(options: dict[str, Any]) -> None:
    for name, given in options.items():
        if isinstance(given, str):
            try:
                given.encode()
            except UnicodeEncodeError:
                raise CommandError(f"What is said as {name} is not UTF-8 text.", returncode=USAGE) from None
            if "\x00" in given:
                raise CommandError(f"What is said as {name} holds a NUL character.", returncode=USAGE)


def _place(options: dict[str, Any]) -> Any:
    from configuration.places import SYSTEM, find_place

    for scope in ("school", "district", "user"):
        if options.get(scope) is not None:
            return find_place(scope.upper(), options[scope])
    return SYSTEM


def _matches(settings: Any, line: Any, options: dict[str, Any], words: list[str]) -> bool:
    rows = settings.by_key[line.decided.key]
    if options["tag"] and not any(options["tag"] in (row.tags or ()) for row in rows):
        return False
    if options["scope"] and not any(row.scope == options["scope"] for row in rows):
        return False
    told = [line.decided.key, line.label, *(row.description or "" for row in rows)]
    text = " ".join(told).casefold()
    return all(word in text for word in words)


def _print_no_more() -> None:
    if sys.stdout is not None:
        print_no_more(sys.stdout)


def _somebody_types() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _piped(most: int) -> bytes:
    try:
        return sys.stdin.buffer.read(most)
    except (AttributeError, OSError):  # without a standard input Python has None
        raise CommandError("The standard input cannot be read.") from None


def _standard_input() -> str:
    from configuration.values import LONGEST

    try:
        text = _piped(LONGEST * 4 + 2).decode()
    except UnicodeDecodeError:
        raise CommandError("What stands on the standard input is not UTF-8 text.") from None
    return text.removesuffix("\n").removesuffix("\r")
