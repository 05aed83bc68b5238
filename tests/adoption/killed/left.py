"""What a killed adoption has left."""

from collections.abc import Callable

import psycopg
from django.db import connection

from tests.adoption.conftest import url_of
from tests.adoption.test_roads import is_as_a_fresh_migrate_leaves_it
from whitecross.adoption import moving
from whitecross.adoption.mapping import ORDER, SETTINGS

Dump = Callable[[str], bytes]
Run = Callable[..., str]
Kill = Callable[[], None]
Begun = Callable[[], str]
# What the command says of what it leaves behind.
NOTHING, BEGUN, DONE = "Nothing was changed.", "No row is lost, none is here yet", "All rows are here"
SOMEBODY_WAITS = """EXISTS (
    SELECT FROM pg_locks JOIN pg_database d ON d.oid = database WHERE datname = ANY(%s) AND NOT granted
)"""


def rows_by_table(schema: str = "public", url: str | None = None) -> dict[str, int]:
    """Rows of each of the predecessor's tables that has some; settings aside, of which some are seeded here."""
    rows = {}
    with psycopg.connect(url or url_of(str(connection.settings_dict["NAME"]))) as looking:
        for table in ORDER:
            name = f'{schema}."{table}"'
            is_there = looking.execute("SELECT to_regclass(%s) IS NOT NULL", [name]).fetchone() == (True,)
            if is_there and table != SETTINGS:
                ((rows[table],),) = looking.execute(f"SELECT count(*) FROM {name}").fetchall()
    return {table: number for table, number in rows.items() if number}


def nothing_is_here() -> bool:
    """Whether no row has come."""
    return not rows_by_table()


def all_is_here(there: dict[str, int]) -> bool:
    """Whether an adoption has come to its end: every row, each once, proven, in the schema of a fresh migrate."""
    record = moving.read_record(connection)
    assert record is not None
    assert record.report is not None
    return (
        rows_by_table() == there
        and all(table["holds"] and table["rowsThere"] == table["rowsHere"] > 0 for table in record.report["tables"])
        and is_as_a_fresh_migrate_leaves_it()
    )
