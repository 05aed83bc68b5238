"""What PostgreSQL itself says of a statement: the locks that it took, and whether it worked on a whole table."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection

from whitecross.deployment.locks import UNNAMED, Lock, LockMode

TABLES = """
SELECT oid, relname FROM pg_class WHERE relkind IN ('r', 'p', 'm') AND relnamespace = current_schema()::regnamespace
"""
HELD = "SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND granted AND relation IS NOT NULL"
# What PostgreSQL tells at the level DEBUG1 when it looks at each row of a table.
WORK = re.compile(r'(rewriting|verifying) table "|building index ".*?" on table "(?!pg_toast)|validating foreign key')

Held = set[tuple[str, LockMode]]


@dataclass
class Verdict:
    """The locks of SHARE UPDATE EXCLUSIVE and stronger, and whether a whole table was gone through."""

    held: Held
    is_long: bool


def tables() -> dict[int, str]:
    """The names of the tables there are."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        return dict(cursor.fetchall())


def held(names: dict[int, str]) -> Held:
    """What this session holds now on these tables."""
    with connection.cursor() as cursor:
        cursor.execute(HELD)
        modes = [(names[table], LockMode.from_catalog(mode)) for table, mode in cursor.fetchall() if table in names]
    return {(table, mode) for table, mode in modes if mode.strength >= LockMode.SHARE_UPDATE_EXCLUSIVE.strength}


@contextmanager
def listening() -> Iterator[list[str]]:
    """What PostgreSQL says of its work meanwhile. Within a transaction."""
    told: list[str] = []

    def hear(diagnostic: Any) -> None:
        if WORK.search(diagnostic.message_primary or ""):
            told.append(diagnostic.message_primary)

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL client_min_messages = debug1")
        connection.connection.add_notice_handler(hear)
        try:
            yield told
        finally:
            connection.connection.remove_notice_handler(hear)
            cursor.execute("SET LOCAL client_min_messages = notice")


def judge(statement: str) -> Verdict:
    """Run a statement within a transaction that holds nothing yet."""
    before = tables()
    with listening() as told, connection.cursor() as cursor:
        cursor.execute(statement)
    return Verdict(held({**tables(), **before}), bool(told))


def missing(taken: Held, foretold: list[Lock]) -> Held:
    """What was taken and not foretold. A stronger lock covers a weaker one on the same table; one on a table that the
    text does not name covers any."""
    return {
        (table, mode)
        for table, mode in taken
        if not any(
            lock.table in (table, UNNAMED) and (lock.mode is mode or lock.mode.strength > mode.strength)
            for lock in foretold
        )
    }
