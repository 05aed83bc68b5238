"""Indexes and keys, taken down for a load and put up after it: whole at once, which is many times faster.

Within one transaction, so that nobody ever sees the tables without them, and nothing is left half built. What is put up
is what stood there: definitions and comments are the catalog's own.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.backends.utils import CursorWrapper

from whitecross.adoption.sql import literal, quoted

FOREIGN_KEYS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), obj_description(oid, 'pg_constraint')
FROM pg_constraint
WHERE contype = 'f' AND (conrelid = ANY(%(tables)s::regclass[]) OR confrelid = ANY(%(tables)s::regclass[]))
ORDER BY 1, 2
"""
CONSTRAINTS = """
SELECT k.conrelid::regclass::text, k.conname, pg_get_constraintdef(k.oid), obj_description(k.oid, 'pg_constraint'),
       obj_description(k.conindid, 'pg_class')
FROM pg_constraint k
WHERE k.contype IN ('p', 'u', 'x') AND k.conrelid = ANY(%(tables)s::regclass[])
ORDER BY k.contype, 1, 2
"""
INDEXES = """
SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid), obj_description(i.indexrelid, 'pg_class')
FROM pg_index i
WHERE i.indrelid = ANY(%(tables)s::regclass[])
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
ORDER BY 1
"""
# Half of the default would do for most; a build in memory is what makes it fast.
MEMORY = "SET LOCAL maintenance_work_mem = '256MB'"


@dataclass
class Scaffold:
    """What was taken down: statements that put it up again, in order, each with what it builds."""

    indexes: list[tuple[str, tuple[str, ...]]]
    foreign_keys: list[tuple[str, tuple[str, ...]]]

    def put_up(self, cursor: CursorWrapper, told: Callable[[str], None]) -> None:
        """Build everything again; foreign keys are validated. Raises IntegrityError where rows do not allow it."""
        cursor.execute(MEMORY)
        for name, statements in [*self.indexes, *self.foreign_keys]:
            for statement in statements:
                cursor.execute(statement)
            told(name)


def take_down(cursor: CursorWrapper, indexed: list[str], keyed: list[str]) -> Scaffold:
    """Drop the indexes of some tables, and the foreign keys from and to some, within the caller's transaction."""
    scaffold = Scaffold([], [])
    drops = []
    cursor.execute(FOREIGN_KEYS, {"tables": list(map(quoted, keyed))})
    for table, name, definition, comment in cursor.fetchall():
        drops.append(f"ALTER TABLE {table} DROP CONSTRAINT {quoted(name)}")
        add = f"ALTER TABLE {table} ADD CONSTRAINT {quoted(name)} {definition}"
        scaffold.foreign_keys.append((name, (add, *_comment(f"CONSTRAINT {quoted(name)} ON {table}", comment))))
    cursor.execute(CONSTRAINTS, {"tables": list(map(quoted, indexed))})
    for table, name, definition, comment, of_index in cursor.fetchall():
        drops.append(f"ALTER TABLE {table} DROP CONSTRAINT {quoted(name)}")
        add = f"ALTER TABLE {table} ADD CONSTRAINT {quoted(name)} {definition}"
        comments = (
            *_comment(f"CONSTRAINT {quoted(name)} ON {table}", comment),
            *_comment(f"INDEX {quoted(name)}", of_index),
        )
        scaffold.indexes.append((name, (add, *comments)))
    cursor.execute(INDEXES, {"tables": list(map(quoted, indexed))})
    for name, definition, comment in cursor.fetchall():
        drops.append(f"DROP INDEX {name}")
        scaffold.indexes.append((name, (definition, *_comment(f"INDEX {name}", comment))))
    for statement in drops:
        cursor.execute(statement)
    return scaffold


def _comment(subject: str, comment: str | None) -> tuple[str, ...]:
    return (f"COMMENT ON {subject} IS {literal(comment)}",) if comment else ()


MODES = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA", "D": "DISABLE"}


def silence(cursor: CursorWrapper, triggers: dict[str, tuple[str, ...]]) -> list[str]:
    """Switch off triggers of tables, within the caller's transaction. Returns what switches them on as they were."""
    statements = []
    for table, names in triggers.items():
        for name in names:
            cursor.execute(
                "SELECT tgenabled::text FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname = %s",
                [quoted(table), name],
            )
            mode = MODES[cursor.fetchone()[0]]
            statements.append(f"ALTER TABLE {quoted(table)} {mode} TRIGGER {quoted(name)}")
            cursor.execute(f"ALTER TABLE {quoted(table)} DISABLE TRIGGER {quoted(name)}")
    return statements
