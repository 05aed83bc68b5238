"""What the SQL of a migration does to a database in use: its locks, and what it takes from the running release."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import ProgrammingError, connections, transaction
from django.db.migrations import Migration
from django.db.migrations.operations import AlterField, RemoveField, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import NOT_PROVIDED

from core.db import CreateFunction, RemoveEnumLabel, RenameEnumLabel
from whitecross.deployment.law.changes import Change, changes_of
from whitecross.deployment.law.operations import flattened, name_of
from whitecross.deployment.law.rules import Finding
from whitecross.deployment.law.running import Running, column_of, has_default_in_database, table_of
from whitecross.deployment.law.source import Source
from whitecross.deployment.locks import UNNAMED, Lock, locks_of, tables_created


@dataclass
class Step:
    """An operation of a migration and its SQL; `is_known` is False where that cannot be said beforehand."""

    app_label: str
    place: int
    operation: Operation
    before: ProjectState
    after: ProjectState
    sql: str = ""
    is_known: bool = True


@dataclass
class Collected:
    """The operations of a migration with their SQL, and the state after them."""

    steps: list[Step] = field(default_factory=list)
    after: ProjectState = field(default_factory=ProjectState)

    @property
    def sql(self) -> str:
        """All of it."""
        return "\n".join(step.sql for step in self.steps)


def collect(migration: Migration, state: ProjectState, alias: str) -> Collected:
    """The SQL of each operation, as `sqlmigrate` would show it. Reads nothing from the database but its version."""
    found = Collected()
    connections[alias].ensure_connection()
    # Not in a transaction: whether the operations may stand in one is for M12 to say.
    with connections[alias].schema_editor(collect_sql=True, atomic=False) as editor:
        for place, operation in enumerate(migration.operations):
            after = state.clone()
            operation.state_forwards(migration.app_label, after)
            step = Step(migration.app_label, place, operation, state, after)
            found.steps.append(step)
            told, deferred = len(editor.collected_sql), len(editor.deferred_sql)
            if operation.reduces_to_sql:
                try:
                    with transaction.atomic(using=alias):
                        operation.database_forwards(migration.app_label, editor, state, after)
                except ProgrammingError:  # it asks for what is not there yet
                    step.is_known = False
            later = [f"{statement};" for statement in editor.deferred_sql[deferred:]]
            step.sql = "\n".join([*editor.collected_sql[told:], *later])
            state = after
        editor.deferred_sql.clear()
    found.after = state
    return found


def judge_effects(source: Source, collected: Collected, now: Running) -> Iterator[Finding]:
    """The rules about what the running release would notice."""
    yield from _judge_locks(source, collected, now)
    yield from _judge_changes(source, collected, now)
    yield from _judge_insertions(source, collected, now)


def _judge_locks(source: Source, collected: Collected, now: Running) -> Iterator[Finding]:
    text, created = "", set[str]()
    for step in collected.steps:
        line = source.line_of(step.place)
        created |= tables_created(step.sql)
        before, text = set(locks_of(text)), f"{text}\n{step.sql}"
        for lock in locks_of(text):
            if lock in before or not lock.stops_the_application or _is_excused(step, lock):
                continue
            if lock.table == UNNAMED:
                yield source.find("M16", line, f"{name_of(step.operation)}: {lock.why}")
            elif lock.table in now.tables - created:
                yield source.find("M01", line, f"{lock.mode.value} on {lock.table}: {lock.why}")
        for one in flattened(step.operation):
            if isinstance(one, RemoveEnumLabel):
                for table in _tables_of_enum(step.before, one.name) & now.tables:
                    yield source.find("M01", line, f"ACCESS EXCLUSIVE on {table}: writes every row anew for the type")
            elif not step.is_known:
                yield source.find("M16", line, f"{name_of(one)} asks the database for what is not there yet")


def _is_excused(step: Step, lock: Lock) -> bool:
    """A type that only widens rewrites nothing; the functions' own reverse and DO are known to lock no table."""
    if lock.table == UNNAMED:
        return all(isinstance(one, CreateFunction) for one in flattened(step.operation))
    return _only_widens(step)


def _widens(step: Step, operation: AlterField) -> bool:
    """Whether every value stays as it is stored: a text may be longer, a number have more digits before the point."""
    key = step.app_label, operation.model_name_lower
    old: Any = step.before.models[key].fields[operation.name]
    new: Any = step.after.models[key].fields[operation.name]
    if old.null != new.null or old.unique != new.unique or bool(old.db_index) != bool(new.db_index):
        return False
    kinds = (old.get_internal_type(), new.get_internal_type())
    if kinds == ("CharField", "TextField"):
        return True
    if kinds == ("CharField", "CharField"):
        return new.max_length is None or (old.max_length is not None and old.max_length <= new.max_length)
    if kinds == ("DecimalField", "DecimalField"):
        return bool(old.decimal_places == new.decimal_places and old.max_digits <= new.max_digits)
    return False


def _tables_of_enum(state: ProjectState, enum: str) -> set[str]:
    return {
        table_of(model)
        for model in state.models.values()
        if any(getattr(one, "type_name", None) == enum for one in model.fields.values())
    }


def _judge_changes(source: Source, collected: Collected, now: Running) -> Iterator[Finding]:
    created = set[str]()
    for step in collected.steps:
        line = source.line_of(step.place)
        created |= tables_created(step.sql)
        for change in changes_of(step.sql):
            if change.table not in created:
                for rule, what in _noticed(step, change, now):
                    yield source.find(rule, line, what)
        for one in flattened(step.operation):
            if isinstance(one, RemoveEnumLabel) and one.name in now.enums:
                yield source.find("M08", line, f"the label {one.label} of the enum type {one.name}")
            elif isinstance(one, RenameEnumLabel) and one.name in now.enums:
                yield source.find("M08", line, f"the label {one.old} of the enum type {one.name}")


def _noticed(step: Step, change: Change, now: Running) -> Iterator[tuple[str, str]]:
    columns, place = now.columns.get(change.table, {}), f'{change.table}."{change.name}"'
    match change.kind:
        case "drop table" if change.table in now.tables:
            yield "M08", f"the table {change.table}"
        case "drop column" if change.name in columns:
            yield "M08", f"the column {place}"
        case "drop type" if change.name in now.enums:
            yield "M08", f"the enum type {change.name}"
        case "drop constraint" | "drop index" if change.name in now.unique:
            yield "M08", f"the unique constraint {change.name}, by which rows may be merged (ON CONFLICT)"
        case "drop index" if change.name in now.indexes:
            yield "M14", f"the index {change.name}"
        case "alter type" if change.name in columns and not _only_widens(step):
            yield "M10", f"the column {place} gets another type"
        case "drop default" if change.name in columns:
            one = columns[change.name]
            if not one.null and one.db_default is not NOT_PROVIDED:
                yield "M09", f"the running release leaves {place} to the default that goes"
        case "set not null" | "add rule" | "add unique" | "add trigger" if change.table in now.tables:
            what = {"set not null": f"{place} becomes NOT NULL"}
            yield "M13", what.get(change.kind, f"{change.name or 'a constraint'} on {change.table}")


def _only_widens(step: Step) -> bool:
    ones = flattened(step.operation)
    return all(isinstance(one, AlterField) and _widens(step, one) for one in ones)


def _judge_insertions(source: Source, collected: Collected, now: Running) -> Iterator[Finding]:
    """Columns that an INSERT has to name: new ones, for the running release; those that this one forgets, for this."""
    required, filled = dict[tuple[str, str], Step](), set[tuple[str, str]]()
    for step in collected.steps:
        for change in changes_of(step.sql):
            key = change.table, change.name
            if change.kind == "add filled column":
                filled.add(key)
            elif change.kind == "add required column" or (change.kind == "drop default" and key in filled):
                required[key] = step
        for table, column in _forgotten(step, now):
            line = source.line_of(step.place)
            yield source.find("M09", line, f'this release leaves {table}."{column}" out, which has no default')
    for (table, column), step in required.items():
        if table in now.tables:
            line = source.line_of(step.place)
            yield source.find("M09", line, f'the running release does not fill {table}."{column}"')


def _forgotten(step: Step, now: Running) -> Iterator[tuple[str, str]]:
    """Columns that only the models lose, and that every row needs."""
    if not isinstance(step.operation, SeparateDatabaseAndState) or step.operation.database_operations:
        return
    for one in step.operation.state_operations:
        if isinstance(one, RemoveField):
            model = step.before.models[step.app_label, one.model_name_lower]
            column = column_of(one.name, model.fields[one.name])
            if table_of(model) in now.tables and not has_default_in_database(model.fields[one.name]):
                yield table_of(model), column
