"""What a database holds at one moment: its catalog, and of each table the number of rows and a checksum over them.

The checksum is that of `whitecross.adoption.proving`: eight bytes of the SHA-256 of each row as PostgreSQL writes it,
summed. It is the same in any order of rows and on any version, and another one where a row is missing, doubled or
changed.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from core.schema.actual import NoSchemaError, read_catalog
from core.schema.catalog import Catalog
from core.schema.expected import dump
from whitecross.adoption.sql import quoted, within

_NOT_OURS = """
    n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)' AND NOT EXISTS (
        SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e'
    )
"""
# Every table that has rows of its own, in whatever schema: those of the predecessor too.
TABLES = f"""
SELECT n.nspname, c.relname,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
       greatest(c.reltuples, 0)::bigint
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND {_NOT_OURS}
ORDER BY 1, 2
"""  # noqa: S608 - a constant
SEQUENCES = f"""
SELECT n.nspname || '.' || c.relname, pg_sequence_last_value(c.oid), q.seqincrement
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_sequence q ON q.seqrelid = c.oid
WHERE c.relkind = 'S' AND {_NOT_OURS}
"""  # noqa: S608 - a constant
ANYTHING = f"""
SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_NOT_OURS})
"""  # noqa: S608 - a constant
# Of the database: whose, the name, the value. An operator may have put a password there.
SETTINGS = """
SELECT CASE WHEN s.setrole <> 0 THEN pg_get_userbyid(s.setrole) END, split_part(one, '=', 1),
       substr(one, strpos(one, '=') + 1)
FROM pg_db_role_setting s, unnest(s.setconfig) AS one
WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY 1 NULLS FIRST, 2
"""
Told = Callable[[int, str], None]


@dataclass(frozen=True)
class Table:
    """A table, its columns in order, and about how many rows it has."""

    schema: str
    name: str
    columns: tuple[str, ...]
    about: int

    @property
    def label(self) -> str:
        """As a manifest names it."""
        return f"{self.schema}.{self.name}"

    @property
    def sql(self) -> str:
        """As a statement names it."""
        return within(self.schema, self.name)


@dataclass
class Contents:
    """Rows and checksum of each table; how far each sequence is, and whether it counts upward.

    `settings`: those of the database, here since nobody reads this without the key; None where a backup of before has
    them in its manifest.
    """

    tables: dict[str, tuple[int, str]] = field(default_factory=dict)
    sequences: dict[str, tuple[int | None, bool]] = field(default_factory=dict)
    settings: list[list[Any]] | None = None

    @property
    def rows(self) -> int:
        """In all tables."""
        return sum(rows for rows, _ in self.tables.values())

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return {
            "tables": {name: {"rows": rows, "checksum": checksum} for name, (rows, checksum) in self.tables.items()},
            "sequences": {name: {"last": last, "up": up} for name, (last, up) in self.sequences.items()},
            "settings": self.settings,
        }

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> "Contents":
        """Raises KeyError, TypeError, AttributeError where that is none."""
        return cls(
            {name: (int(one["rows"]), str(one["checksum"])) for name, one in facts["tables"].items()},
            {name: (one["last"], bool(one["up"])) for name, one in facts["sequences"].items()},
            facts.get("settings"),
        )


def tables(cursor: CursorWrapper) -> list[Table]:
    """The tables, as this transaction sees them."""
    cursor.execute(TABLES)
    return [Table(schema, name, tuple(columns), about) for schema, name, columns, about in cursor.fetchall()]


def settings_of(cursor: CursorWrapper) -> list[list[Any]]:
    """What ALTER DATABASE ... SET and ALTER ROLE ... IN DATABASE ... SET have set here."""
    cursor.execute(SETTINGS)
    return [list(row) for row in cursor.fetchall()]


def is_empty(cursor: CursorWrapper) -> bool:
    """Whether nobody has put anything into this database."""
    cursor.execute(ANYTHING)
    return not cursor.fetchone()[0]


def rows_of(cursor: CursorWrapper, wanted: Iterable[Table]) -> dict[str, int]:
    """How many rows each table has; counted."""
    found = {}
    for table in wanted:
        cursor.execute(f"SELECT count(*) FROM ONLY {table.sql}")  # noqa: S608 - names are quoted
        found[table.label] = int(cursor.fetchone()[0])
    return found


def measure(cursor: CursorWrapper, told: Told = lambda number, what: None) -> Contents:
    """Rows and checksum of every table. Reads every row of them."""
    found = Contents()
    cursor.execute(SEQUENCES)
    found.sequences = {name: (last, increment > 0) for name, last, increment in cursor.fetchall()}
    for table in tables(cursor):
        row = f"ROW({', '.join(map(quoted, table.columns))})::text"
        bits = f"('x' || encode(substr(sha256(convert_to({row}, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint"
        cursor.execute(f"SELECT count(*), coalesce(sum({bits}), 0)::text FROM ONLY {table.sql}")  # noqa: S608
        rows, total = cursor.fetchone()
        found.tables[table.label] = (int(rows), f"{int(total) % 2**64:016x}")
        told(1, table.name)
    return found


def catalog_of(connection: BaseDatabaseWrapper) -> Catalog:
    """The schema, the same on any version of PostgreSQL: of what verify_schema compares, what a dump carries too."""
    try:
        return _as_dumped(read_catalog(connection))
    except NoSchemaError:
        return {}


def _as_dumped(catalog: Catalog) -> Catalog:
    """A catalog without what no dump carries, which no restore could ever bring back.

    That is an index that a broken CREATE INDEX CONCURRENTLY has left, and that the internal triggers of a foreign key
    are switched off.
    """
    for table in catalog["tables"].values():
        indexes = table.get("indexes", {})
        for name in [name for name, facts in indexes.items() if facts.get("invalid")]:
            del indexes[name]
        if not indexes:
            table.pop("indexes", None)
        for facts in table.get("constraints", {}).values():
            facts.pop("triggers_off", None)
    return catalog


def catalog_hash(connection: BaseDatabaseWrapper) -> str:
    """A SHA-256 of the schema."""
    return hash_of(catalog_of(connection))


def hash_of(catalog: Catalog) -> str:
    """A SHA-256 of a catalog."""
    return hashlib.sha256(dump(catalog).encode()).hexdigest()


def differences(wanted: Contents, found: Contents) -> list[str]:
    """What is not in a restored database as it was; table by table."""
    said = []
    for name in sorted(wanted.tables.keys() | found.tables.keys()):
        here, there = found.tables.get(name), wanted.tables.get(name)
        if here is None or there is None:
            said.append(f"table {name} is {'missing' if here is None else 'there and should not be'}")
        elif here[0] != there[0]:
            said.append(f"table {name} has {here[0]:,} rows instead of {there[0]:,}")
        elif here != there:
            said.append(f"table {name} has other values in its {here[0]:,} rows")
    for name in sorted(wanted.sequences.keys() | found.sequences.keys()):
        if name not in found.sequences or name not in wanted.sequences:
            said.append(f"sequence {name} is {'there and should not be' if name in found.sequences else 'missing'}")
        elif _is_behind(found.sequences[name][0], *wanted.sequences[name]):
            said.append(f"sequence {name} is behind")
    return said


def _is_behind(found: int | None, wanted: int | None, up: bool) -> bool:
    """A sequence knows no snapshot: between the manifest and the dump it may have gone on, and never back."""
    if wanted is None:
        return False
    return found is None or (found < wanted if up else found > wanted)
