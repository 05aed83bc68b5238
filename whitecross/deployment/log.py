"""The log of a run that the runbook asks operators to keep, from the record: as Markdown, and as facts."""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connections, models

from whitecross.deployment.durations import said
from whitecross.deployment.enums import MigrationRunStatus as Status
from whitecross.deployment.models import MigrationRun, MigrationRunStep
from whitecross.deployment.watch import AT_WORK

Row = TypeVar("Row", bound=models.Model)
BLANK = "______________________________"


@dataclass(frozen=True)
class Logged:
    """A run as it is on record, with its steps. `is_at_work`: some run is, so this one may be, if it is RUNNING."""

    run: MigrationRun
    steps: list[MigrationRunStep]
    is_at_work: bool

    def status(self, of: MigrationRun | MigrationRunStep) -> str:
        """In words. The next run writes down of one that was killed that it failed; until then it is seen here."""
        if of.status == Status.RUNNING and not self.is_at_work:
            return "Ended without a word"
        return str(Status(of.status).label)


def logged(alias: str, number: int | None = None) -> list[Logged]:
    """All runs, or this one, the newest first.

    Read without the columns that are not there: those that a later release adds, as long as it has not migrated yet.
    """
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT EXISTS ({AT_WORK})")
        (is_at_work,) = cursor.fetchone()
    steps: dict[int, list[MigrationRunStep]] = {}
    for step in _all(MigrationRunStep, "SELECT * FROM migration_run_steps ORDER BY position", alias):
        steps.setdefault(step.run_id, []).append(step)
    runs = _all(MigrationRun, "SELECT * FROM migration_runs ORDER BY id DESC", alias)
    return [Logged(run, steps.get(run.pk, []), is_at_work) for run in runs if number is None or run.pk == number]


def _all(model: type[Row], query: str, alias: str) -> Iterator[Row]:
    for row in model._default_manager.raw(query, using=alias):
        for name in row.get_deferred_fields():
            setattr(row, name, model._meta.get_field(name).get_default())  # type: ignore[union-attr]
        yield row


def facts(log: Logged) -> dict[str, Any]:
    """A run and its steps, for machines."""
    run = log.run
    return {
        "run": run.pk,
        "command": run.command,
        "status": str(run.status),
        "atWork": run.status == Status.RUNNING and log.is_at_work,
        "startedAt": run.started_at.isoformat(),
        "endedAt": run.ended_at.isoformat() if run.ended_at else None,
        "executor": run.executor,
        "databaseRole": run.database_role,
        "host": run.host,
        "environment": run.environment,
        "codeVersion": run.code_version,
        "postgresqlVersion": run.postgresql_version,
        "plan": run.plan,
        "planHash": run.plan_hash,
        "preflight": run.preflight,
        "backupFile": run.backup_file,
        "backupSha256": run.backup_sha256,
        "migrations": [
            {
                "position": step.position,
                "migration": str(step),
                "reversal": step.is_reversal,
                "status": str(step.status),
                "startedAt": step.started_at.isoformat(),
                "seconds": round(step.duration.total_seconds(), 3) if step.duration is not None else None,
                "attempts": step.attempts,
                "lockWaits": step.lock_waits,
                "notes": step.notes,
            }
            for step in log.steps
        ],
        "verification": run.verification,
        "smokeTest": run.smoke_test,
        "issues": run.issues,
    }


def markdown(log: Logged) -> Iterator[str]:
    """The log as lines of Markdown, with lines to sign."""
    run = log.run
    yield f"# Migration run {run.pk}: {run.command}"
    yield ""
    yield from _table(
        ("", ""),
        [
            ("Date", _moment(run.started_at)),
            ("Executor", f"{run.executor} on {run.host}, as {run.database_role}"),
            ("Environment", run.environment),
            ("Code", run.code_version),
            ("PostgreSQL", run.postgresql_version),
            ("Plan", f"{len(run.plan)} migration{'s' * (len(run.plan) != 1)}, SHA-256 {run.plan_hash}"),
        ],
    )
    yield "## Before"
    yield ""
    yield from _before(run)
    yield "## Migrations"
    yield ""
    yield from _steps(log)
    yield "## After"
    yield ""
    yield f"- Schema verified: {_verification(run.verification)}"
    yield f"- Smoke test: {_findings(run.smoke_test)}"
    yield ""
    yield "## Issues"
    yield ""
    noted = [f"{step}: {step.notes}" for step in log.steps if step.notes and step.notes not in run.issues]
    yield from [f"- {_plain(issue)}" for issue in [*run.issues, *noted]] or ["None."]
    yield ""
    yield "## Final status"
    yield ""
    took = f" after {said(run.duration.total_seconds())}" if run.duration is not None else ""
    yield f"{log.status(run)}{took}."
    yield ""
    yield "## Sign-off"
    yield ""
    yield f"Executor: {BLANK} Date: ______________"
    yield ""
    yield f"Reviewer: {BLANK} Date: ______________"


def _before(run: MigrationRun) -> Iterator[str]:
    yield f"- Backup: {_plain(run.backup_file) if run.backup_file else 'none was made by this run'}"
    if run.backup_sha256:
        yield f"- SHA-256 of the backup: {run.backup_sha256}"
    drift = next((one for one in run.preflight or [] if one["name"] == "drift"), None)
    yield f"- Schema verified: {_drift(drift)}"
    yield f"- Preflight: {_findings(run.preflight)}"
    yield ""


def _drift(found: dict[str, Any] | None) -> str:
    if found is None:
        return "not by this run"
    if found["outcome"] != "ok":
        return f"no: {_plain(found['sentence'])}"
    # As it is said while it is looked for: "none: ...".
    return _plain(found["sentence"].replace("none:", "yes:", 1))


def _steps(log: Logged) -> Iterator[str]:
    rows = [
        (
            str(step.position),
            f"{step}{' (reversed)' if step.is_reversal else ''}",
            log.status(step),
            said(step.duration.total_seconds()) if step.duration is not None else "",
            " ".join(
                filter(
                    None, [f"Stepped back {_times(step.lock_waits)} for others." * bool(step.lock_waits), step.notes]
                )
            ),
        )
        for step in log.steps
    ]
    if not rows:
        yield "None."
        yield ""
        return
    yield from _table(("#", "Migration", "Status", "Duration", "Notes"), rows)


def _verification(found: dict[str, Any] | None) -> str:
    if found is None:
        return "not by this run"
    if found.get("ok") is None:
        return _plain(str(found.get("reason", "no")))
    if found["ok"]:
        counts = ", ".join(f"{number} {noun}" for noun, number in (found.get("counts") or {}).items())
        return f"yes{f' ({counts})' if counts else ''}"
    return _plain(f"no: {'; '.join(found['differences'])}")


def _findings(found: list[dict[str, Any]] | None) -> str:
    if found is None:
        return "not by this run"
    bad = [_plain(f"{one['name']}: {one['sentence']}") for one in found if one["outcome"] != "ok"]
    return "; ".join(bad) or f"all well ({', '.join(dict.fromkeys(one['name'] for one in found))})"


def _table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|{' --- |' * len(headings)}"
    for row in rows:
        yield f"| {' | '.join(_plain(cell) for cell in row)} |"
    yield ""


def _plain(text: str) -> str:
    """A text in one line in which nothing is a mark of Markdown: a note may quote a statement with `*`, `|` or `<`."""
    return re.sub(r"([\\`*<>|\[\]])", r"\\\1", " ".join(text.split()))


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _moment(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
