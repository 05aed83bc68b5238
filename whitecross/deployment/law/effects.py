"""What the SQL of a migration takes from the running release, or lays down for it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.db.migrations import RunPython, RunSQL
from django.db.migrations.operations import AlterField, AlterUniqueTogether
from django.db.models import NOT_PROVIDED

from core.db import DropFunction, RemoveEnumLabel, RunInBatches
from whitecross.deployment.law.changes import Change, changes_of
from whitecross.deployment.law.columns import Key
from whitecross.deployment.law.locking import judge_locks
from whitecross.deployment.law.operations import flattened
from whitecross.deployment.law.release import Release
from whitecross.deployment.law.rules import Finding
from whitecross.deployment.law.running import Running, columns_of, table_of
from whitecross.deployment.law.source import Source
from whitecross.deployment.law.steps import Collected, Step
from whitecross.deployment.law.widening import widened

OF_ROWS = ("insert", "update", "delete", "merge", "with", "select", "copy", "truncate")


def judge_effects(source: Source, collected: Collected, release: Release) -> Iterator[Finding]:
    """The rules about what the running release would notice."""
    yield from _judge_kinds(source, collected)
    yield from judge_locks(source, collected, release)
    yield from _judge_changes(source, collected, release)
    yield from _judge_insertions(source, collected, release)


def _judge_kinds(source: Source, collected: Collected) -> Iterator[Finding]:
    """M02. An operation without SQL, as AlterModelOptions, is of neither kind."""
    kinds: dict[str, int] = {}
    for step in collected.steps:
        for one in flattened(step.operation):
            for kind in _kinds(one, step):
                kinds.setdefault(kind, source.line_of(step.place))
    if len(kinds) > 1:
        yield source.find("M02", max(kinds.values()), "it changes the schema and writes rows")


def _kinds(operation: Any, step: Step) -> set[str]:
    if isinstance(operation, RunPython | RunInBatches):
        return {"data"}
    if isinstance(operation, RunSQL):
        return {"data" if one.tokens[0].is_word(*OF_ROWS) else "schema" for one in step.statements}
    return {"schema"} if step.statements or step.doubt else set()


def _judge_changes(source: Source, collected: Collected, release: Release) -> Iterator[Finding]:
    release.triggers |= {change for change in changes_of(collected.sql) if change.kind == "add trigger"}
    for step in collected.steps:
        line = source.line_of(step.place)
        for change in changes_of(step.sql):
            if change.kind == "drop trigger" and replace(change, kind="add trigger") in release.triggers:
                continue  # it is replaced, which is said of its successor; or it is of this release
            if change.table not in release.created:
                for rule, what in _noticed(step, change, release):
                    yield source.find(rule, line, what)
            if change.kind == "create function":
                release.functions.add(change.name)
        for rule, what in _by_operations(step, release):
            yield source.find(rule, line, what)


def _by_operations(step: Step, release: Release) -> Iterator[tuple[str, str]]:
    """What the SQL does not say, as its names are asked of a database that need not be there."""
    for one in flattened(step.operation):
        if isinstance(one, RemoveEnumLabel) and one.name in release.now.enums:
            yield "M08", f"the label {one.label} of the enum type {one.name}"
        elif isinstance(one, DropFunction) and one.signature.partition("(")[0] not in release.functions:
            yield "M13", f"the function {one.signature} goes, which the running release may call"
        elif isinstance(one, AlterField | AlterUniqueTogether):
            yield from _indexes_lost(step, one, release.now)


def _indexes_lost(step: Step, one: AlterField | AlterUniqueTogether, now: Running) -> Iterator[tuple[str, str]]:
    name = one.model_name_lower if isinstance(one, AlterField) else one.name_lower
    model = step.before.models.get((step.app_label, name))
    if model is None or table_of(model) not in now.tables:
        return
    table = table_of(model)
    if isinstance(one, AlterUniqueTogether):
        kept = {tuple(fields) for fields in one.option_value or ()}
        for fields in {tuple(fields) for fields in model.options.get("unique_together") or ()} - kept:
            yield "M08", f"the unique constraint of {table} on {', '.join(fields)}"
        return
    old: Any = model.fields.get(one.name)
    new: Any = one.field
    if old is not None:
        if old.unique and not new.unique:
            yield "M08", f'the unique constraint of {table}."{one.name}"'
        if old.db_index and not (new.db_index or new.unique):
            yield "M14", f'the index of {table}."{one.name}"'


def _noticed(step: Step, change: Change, release: Release) -> Iterator[tuple[str, str]]:
    now = release.now
    columns, place = now.columns.get(change.table, {}), f'{change.table}."{change.name}"'
    match change.kind:
        case "drop table" | "empty table" if change.table in now.tables:
            yield "M08", f"the table {change.table}" if change.kind == "drop table" else f"the rows of {change.table}"
        case "drop schema" | "drop owned":
            yield "M08", f"all that stands in {change.name}, or belongs to it"
        case "drop column" if change.name in columns:
            yield "M08", f"the column {place}"
        case "drop type" if change.name in now.enums:
            yield "M08", f"the enum type {change.name}"
        case "drop label" if change.name in now.enums and not any(
            isinstance(one, RemoveEnumLabel) for one in flattened(step.operation)
        ):
            yield "M08", f"a label of the enum type {change.name}"
        case "drop trigger" if change.table in now.tables:
            yield "M08", f"the trigger {change.name} on {change.table}"
        case "drop constraint" | "drop index" | "rename index" if change.name in now.unique:
            yield "M08", f"the unique constraint {change.name}, by which rows may be merged (ON CONFLICT)"
        case "drop index" if change.name in now.indexes:
            yield "M14", f"the index {change.name}"
        case "alter type" if change.name in columns and (change.table, change.name) not in widened(step):
            yield "M10", f"the column {place} gets another type"
        case "drop default" if change.name in columns:
            one = columns[change.name]
            if not one.null and one.db_default is not NOT_PROVIDED:
                yield "M09", f"the running release leaves {place} to the default that goes"
        case "set not null" if change.name in columns:
            yield "M13", f"{place} becomes NOT NULL"
        case "add rule" | "add unique" | "add trigger" if change.table in now.tables:
            yield "M13", f"{change.name or 'a constraint'} on {change.table}"
        case "revoke" if change.table in now.tables or not (change.table or change.name in release.functions):
            what = change.table or change.name or "what the running release may use"
            yield "M13", f"a right on {what} is taken back"
        case "drop function" if change.name not in release.functions:
            yield "M13", f"the function {change.name} goes, which the running release may call"
        case "replace function" if change.name not in release.functions:
            yield "M13", f"the function {change.name} does something else"


def _judge_insertions(source: Source, collected: Collected, release: Release) -> Iterator[Finding]:
    """Columns that an INSERT has to name: new ones, for the running release; those that this one forgets, for this."""
    touched = dict[Key, int]()
    for step in collected.steps:
        line = source.line_of(step.place)
        for change in changes_of(step.sql):
            release.columns.take_in(change)
            touched[change.table, change.name] = line
        for key in _forgotten(step) - touched.keys():
            if key[1] in release.now.columns.get(key[0], {}):
                release.forgotten.setdefault(key, (source, line))
    for (table, column), line in touched.items():
        columns = release.now.columns.get(table)
        is_new = columns is not None and column not in columns and (table, column) not in release.unfilled
        if is_new and release.columns.must_be_named((table, column)):
            release.unfilled.add((table, column))
            yield source.find("M09", line, f'the running release does not fill {table}."{column}"')


def _forgotten(step: Step) -> set[Key]:
    """Columns that the models lose in this step, of tables that they keep."""
    before, after = columns_of(step.before), columns_of(step.after)
    kept = before.keys() & after.keys()
    return {(table, name) for table in kept for name in before[table].keys() - after[table].keys()}
