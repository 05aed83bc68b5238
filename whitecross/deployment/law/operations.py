"""What the operations of a migration are: of schema or data, with a reverse or without, for tables in use or not."""

from collections.abc import Iterator

from django.db.migrations import Migration, RunPython, RunSQL, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation

from core.db import online
from whitecross.deployment.law.rules import Finding
from whitecross.deployment.law.source import Source
from whitecross.deployment.locks import statements
from whitecross.deployment.locks.words import Words

ONLINE = tuple(getattr(online, name) for name in online.__all__)
OF_ROWS = ("insert", "update", "delete", "merge", "with", "select", "copy", "truncate")


def judge_operations(source: Source, migration: Migration) -> Iterator[Finding]:
    """The rules that need no more than the operations."""
    kinds: dict[str, int] = {}
    for place, operation in enumerate(migration.operations):
        line = source.line_of(place)
        for one in flattened(operation):
            for kind in _kinds(one):
                kinds.setdefault(kind, line)
            if not one.reversible:
                yield source.find("M05", line, f"{name_of(one)} has no reverse")
            if isinstance(one, ONLINE) and migration.atomic:
                yield source.find("M12", line, f"{name_of(one)} stands in a migration that is one transaction")
            if not migration.atomic and not _can_be_repeated(one):
                yield source.find("M11", line, f"{name_of(one)} stands in a migration with atomic = False")
    if len(kinds) > 1:
        yield source.find("M02", max(kinds.values()), "it changes the schema and writes rows")


def flattened(operation: Operation) -> list[Operation]:
    """Itself, or what it holds that touches the database."""
    if isinstance(operation, SeparateDatabaseAndState):
        return [inner for one in operation.database_operations for inner in flattened(one)]
    return [operation]


def name_of(operation: Operation) -> str:
    """The operation in a word."""
    return type(operation).__name__


def sql_of(operation: RunSQL) -> str:
    """The statements of a RunSQL as one text."""
    if isinstance(operation.sql, str):
        return operation.sql
    parts = (one if isinstance(one, str) else one[0] for one in operation.sql)
    return ";\n".join(part.rstrip().rstrip(";") for part in parts)


def _kinds(operation: Operation) -> set[str]:
    if isinstance(operation, RunPython | online.RunInBatches):
        return {"data"}
    if isinstance(operation, RunSQL):
        found = statements(sql_of(operation))
        return {"data" if one.tokens[0].is_word(*OF_ROWS) else "schema" for one in found}
    return {"schema"}


def _can_be_repeated(operation: Operation) -> bool:
    if isinstance(operation, RunSQL):
        # Not CREATE ... IF NOT EXISTS, which is content with what a build that broke has left.
        drops = (Words(one.tokens).at("drop index concurrently if exists") for one in statements(sql_of(operation)))
        return all(drops)
    return isinstance(operation, ONLINE)
