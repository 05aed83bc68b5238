"""upgrade: look, back up, migrate, verify, try, record: the whole procedure of a deployment in one."""

from typing import Any

from django.core.management.base import CommandParser

from whitecross.deployment.again import again
from whitecross.deployment.checking import Finding, Outcome, ended, refusals
from whitecross.deployment.procedure_command import ProcedureCommand

EXAMPLES = """\
examples:
  python manage.py upgrade --plan                look at everything; change nothing
  python manage.py upgrade                       the same, then ask, back up, migrate, verify, try, record
  python manage.py upgrade --yes                 for a script: ask nothing
  python manage.py upgrade --yes --patience 2h   for a database full of reports

exit codes: 0 done, or (with --plan) nothing stands in the way; 1 refused or stopped, with one sentence that says how
the database stands and the command to type next; 130 interrupted
"""


class Command(ProcedureCommand):
    """Parses, looks, asks, has it carried out, prints."""

    examples = EXAMPLES
    help = "Bring a database up to this code: preflight, backup, migrate, verify, smoke test, record."

    def add_arguments(self, parser: CommandParser) -> None:
        """How far, and how."""
        super().add_arguments(parser)
        parser.add_argument("--allow-drift", action="store_true", help="go on where the schema is not as it should be")

    def handle(self, *args: Any, **options: Any) -> None:
        """Carry it out. Raises CommandError."""
        from whitecross.deployment.preflight import Preflight
        from whitecross.deployment.procedure import Procedure

        self._json, self._again = options["json"], again("upgrade", options)
        preflight = Preflight(
            options["database"],
            options["backup_folder"],
            backs_up=not options["no_backup"],
            allows_drift=options["allow_drift"],
        )
        self._say("Looking:")
        try:
            preflight.look(self._tell)
        except KeyboardInterrupt as interrupt:
            self._stop({}, "It was interrupted at the keyboard. Nothing was changed.", interrupt)
        result: dict[str, Any] = {
            "preflight": [finding.as_json() for finding in preflight.findings],
            "plan": preflight.plan_as_json(),
            "planHash": preflight.hash,
        }
        self._tell_plan(result["plan"])
        if refused := refusals(preflight.findings):
            self._stop(
                result,
                f"{refused[0].name}: {ended(refused[0].sentence)} Nothing was changed. Next, when that is mended: "
                f"{self._again}",
            )
        if options["plan"]:
            self._finish(result)
            return
        number = len(preflight.plan)
        question = f"Apply {number} migration{'s' if number != 1 else ''}?" if number else "Nothing to migrate; go on?"
        self._ask(question, result, yes=options["yes"])
        with self._sentences(result):
            result |= Procedure("upgrade", options["database"], self._say, self._again).upgrade(
                preflight,
                self._beside,
                patience_s=options["patience"],
                allows_long_locks=options["allow_long_locks"],
                folder=options["backup_folder"],
                backs_up=not options["no_backup"],
            )
        self._finish(result)

    def _tell(self, finding: Finding) -> None:
        style = {Outcome.OK: self.style.SUCCESS, Outcome.WARNING: self.style.WARNING, Outcome.REFUSED: self.style.ERROR}
        if not self._json:
            word = style[finding.outcome](f"{finding.outcome.value:<8}")
            self.stdout.write(f"  {word} {finding.name}: {finding.sentence}")
            self.stdout.flush()

    def _tell_plan(self, plan: list[dict[str, Any]]) -> None:
        if plan:
            self._say("To be applied:")
        for one in plan:
            self._say(f"  {one['migration']}")
            for lock in one["locks"]:
                how = "while it works through the table" if lock["long"] else "for moments"
                self._say(f"    lock: {lock['mode']} on {lock['table'] or 'some table'}, {how} ({lock['why']})")
            if not one["foreseen"]:
                self._say("    lock: cannot be told before it runs")
            if not one["reversible"]:
                self._say("    way back: none but a backup")
            elif one["reverseLoses"]:
                self._say(f"    way back: {one['reverseLoses']}")
