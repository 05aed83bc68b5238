"""Whom the SQL of a migration makes wait: each statement's own locks, and those that it works under."""

from collections.abc import Iterator

from django.db.migrations import RunPython, RunSQL
from django.db.migrations.state import ProjectState

from core.db import RemoveEnumLabel
from whitecross.deployment.law.operations import OF_FUNCTIONS, flattened, name_of, sql_of
from whitecross.deployment.law.release import Release
from whitecross.deployment.law.rows import changed_at_large
from whitecross.deployment.law.rules import Finding
from whitecross.deployment.law.running import Running, table_of
from whitecross.deployment.law.source import Source
from whitecross.deployment.law.steps import Collected, Step
from whitecross.deployment.law.widening import widened
from whitecross.deployment.locks import UNNAMED, Lock, Reading, Statement, statements


def judge_locks(source: Source, collected: Collected, release: Release) -> Iterator[Finding]:
    """M01, M16 and M18, statement by statement, then of what puts RunSQL back."""
    held: Lock | None = None
    for step in collected.steps:
        line = source.line_of(step.place)
        release.reading.known.widened = widened(step)
        for statement in step.statements:
            locks = release.reading.locks(statement)
            said = list(_of_statement(source, line, step, locks, release.now))
            yield from said
            if held and not said and _takes_its_time(locks, release.now):
                what = f"{held.mode.value} on {held.table}: {held.why}; what follows takes its time meanwhile"
                yield source.find("M01", line, f"{what} ({_beginning(statement)})")
            if collected.atomic and held is None:
                held = next((lock for lock in locks if _stops(lock, release.now)), None)
        yield from _of_operations(source, line, step, release)


def _of_statement(source: Source, line: int, step: Step, locks: list[Lock], now: Running) -> Iterator[Finding]:
    for lock in locks:
        if not lock.stops_the_application:
            continue
        if lock.table in now.tables:
            yield source.find("M01", line, f"{lock.mode.value} on {lock.table}: {lock.why}")
        elif lock.table == UNNAMED and not _is_of_functions(step):
            yield source.find("M16", line, f"{name_of(step.operation)}: {lock.why}")


def _is_of_functions(step: Step) -> bool:
    """The DO that drops a function, which is known to lock no table."""
    return all(type(one) in OF_FUNCTIONS for one in flattened(step.operation))


def _stops(lock: Lock, now: Running) -> bool:
    return lock.mode.blocks_writes and lock.table in now.tables


def _takes_its_time(locks: list[Lock], now: Running) -> bool:
    return any((lock.is_long or lock.is_of_rows) and lock.table in now.tables for lock in locks)


def _beginning(statement: Statement) -> str:
    text = " ".join(statement.text.split())
    return text if len(text) <= 60 else f"{text[:59]}…"


def _of_operations(source: Source, line: int, step: Step, release: Release) -> Iterator[Finding]:
    now, inner = release.now, flattened(step.operation)
    for one in inner:
        if isinstance(one, RemoveEnumLabel):
            for table in sorted(_tables_of_enum(step.before, one.name) & now.tables):
                yield source.find("M01", line, f"ACCESS EXCLUSIVE on {table}: writes every row anew for the type")
        elif step.doubt and not isinstance(one, RunPython):
            yield source.find("M16", line, f"{name_of(one)} cannot be written out beforehand ({step.doubt})")
        if isinstance(one, RunSQL):
            yield from _at_large(source, line, sql_of(one), now, "")
            yield from _of_reverse(source, line, one, now)


def _of_reverse(source: Source, line: int, one: RunSQL, now: Running) -> Iterator[Finding]:
    """Whoever takes a release back has others working on it too."""
    text, reading = sql_of(one, reverse=True), Reading(now.tables)
    for statement in statements(text):
        for lock in reading.locks(statement):
            if lock.stops_the_application and lock.table in now.tables:
                yield source.find("M01", line, f"the reverse takes {lock.mode.value} on {lock.table}: {lock.why}")
            elif lock.stops_the_application and lock.table == UNNAMED:
                yield source.find("M16", line, f"the reverse: {lock.why}")
    yield from _at_large(source, line, text, now, "the reverse: ")


def _at_large(source: Source, line: int, text: str, now: Running, before: str) -> Iterator[Finding]:
    for statement in statements(text):
        for table in sorted(changed_at_large(statement, now)):
            yield source.find("M18", line, f"{before}rows of {table} that no key names ({_beginning(statement)})")


def _tables_of_enum(state: ProjectState, enum: str) -> set[str]:
    return {
        table_of(model)
        for model in state.models.values()
        if any(getattr(one, "type_name", None) == enum for one in model.fields.values())
    }
