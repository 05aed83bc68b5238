"""What the operations of a migration are: with a reverse or without, for tables in use or not, of a known kind."""

from collections.abc import Iterator

from django.db.migrations import Migration, RunPython, RunSQL, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation

from core.db import CreateFunction, DropFunction, ReplaceFunction, online
from whitecross.deployment.law.rules import Finding
from whitecross.deployment.law.source import Source
from whitecross.deployment.locks import statements
from whitecross.deployment.locks.words import Words

ONLINE = tuple(getattr(online, name) for name in online.__all__)
KNOWN = ("django.db.migrations.", "django.contrib.postgres.", "core.db.")
OF_FUNCTIONS = (CreateFunction, DropFunction, ReplaceFunction)


def judge_operations(source: Source, migration: Migration) -> Iterator[Finding]:
    """The rules that need no more than the operations."""
    for place, operation in enumerate(migration.operations):
        line = source.line_of(place)
        for one in flattened(operation):
            if not one.reversible:
                yield source.find("M05", line, f"{name_of(one)} has no reverse")
            if isinstance(one, ONLINE) and migration.atomic:
                yield source.find("M12", line, f"{name_of(one)} stands in a migration that is one transaction")
            if not migration.atomic and not _can_be_repeated(one):
                yield source.find("M11", line, f"{name_of(one)} stands in a migration with atomic = False")
            if not _is_known(one):
                yield source.find("M16", line, f"{name_of(one)} is an operation that nobody knows")


def flattened(operation: Operation) -> list[Operation]:
    """Itself, or what it holds that touches the database."""
    if isinstance(operation, SeparateDatabaseAndState):
        return [inner for one in operation.database_operations for inner in flattened(one)]
    return [operation]


def name_of(operation: Operation) -> str:
    """The operation in a word."""
    return type(operation).__name__


def sql_of(operation: RunSQL, *, reverse: bool = False) -> str:
    """The statements of a RunSQL as one text."""
    given = operation.reverse_sql if reverse else operation.sql
    if given is None or isinstance(given, str):
        return given or ""
    parts = (one if isinstance(one, str) else one[0] for one in given)
    return ";\n".join(part.rstrip().rstrip(";") for part in parts)


def _is_known(operation: Operation) -> bool:
    """Whether its SQL is collected, or it is RunPython, whose functions are read in the file."""
    is_ours = type(operation).__module__.startswith(KNOWN)
    return is_ours and (operation.reduces_to_sql or type(operation) is RunPython)


def _can_be_repeated(operation: Operation) -> bool:
    if isinstance(operation, RunSQL):
        # Not CREATE ... IF NOT EXISTS, which is content with what a build that broke has left.
        drops = (Words(one.tokens).at("drop index concurrently if exists") for one in statements(sql_of(operation)))
        return all(drops)
    return isinstance(operation, ONLINE)
