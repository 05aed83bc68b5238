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

from core.schema.actual import SCHEMA, NoSchemaError, one_look, read_catalog
from core.schema.catalog import Catalog
from core.schema.expected import dump
from whitecross.adoption.sql import quoted, within
from whitecross.deployment.backups.objects import also

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
SELECT n.nspname, c.relname, q.seqincrement > 0
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


@dataclass(frozen=True)
class Sequence:
    """How far a sequence is. `last`: the number that was given last, None where none was; `begins`: the first then."""

    last: int | None
    up: bool
    begins: int | None = None

    @property
    def reached(self) -> int | None:
        """What it will not give again; None where an older backup does not say."""
        if self.last is not None or self.begins is None:
            return self.last
        return self.begins - (1 if self.up else -1)


@dataclass
class Contents:
    """Rows and checksum of each table, how far each sequence is, and what else there is. None: older backups say not.

    `settings`: those of the database, here since nobody reads this without the key, as `manifest.json` is read.
    `catalog`: of what verify_schema compares, in the schema of that name, as PostgreSQL quotes it.
    `also`: a number and a hash of each kind of object.
    """

    tables: dict[str, tuple[int, str]] = field(default_factory=dict)
    sequences: dict[str, Sequence] = field(default_factory=dict)
    settings: list[list[Any]] | None = None
    schema: str | None = None
    catalog: Catalog | None = None
    also: dict[str, str] | None = None

    @property
    def rows(self) -> int:
        """In all tables."""
        return sum(rows for rows, _ in self.tables.values())

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return {
            "tables": {name: {"rows": rows, "checksum": checksum} for name, (rows, checksum) in self.tables.items()},
            "sequences": {
                name: {"last": one.last, "up": one.up, "begins": one.begins} for name, one in self.sequences.items()
            },
            "settings": self.settings,
            "schema": self.schema,
            "catalog": self.catalog,
            "also": self.also,
        }

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> "Contents":
        """Raises KeyError, TypeError, AttributeError where that is none."""
        return cls(
            {name: (int(one["rows"]), str(one["checksum"])) for name, one in facts["tables"].items()},
            {
                name: Sequence(one["last"], bool(one["up"]), one.get("begins"))
                for name, one in facts["sequences"].items()
            },
            *(facts.get(name) for name in ("settings", "schema", "catalog", "also")),
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


def sequences(cursor: CursorWrapper) -> dict[str, Sequence]:
    """How far each is."""
    cursor.execute(SEQUENCES)
    found = {}
    for schema, name, up in cursor.fetchall():
        cursor.execute(f"SELECT last_value, is_called FROM {within(schema, name)}")  # noqa: S608 - names are quoted
        value, called = cursor.fetchone()
        found[f"{schema}.{name}"] = Sequence(value, up) if called else Sequence(None, up, value)
    return found


def sum_up(cursor: CursorWrapper, told: Told = lambda number, what: None) -> dict[str, tuple[int, str]]:
    """Rows and checksum of every table. Reads every row of them."""
    found = {}
    for table in tables(cursor):
        row = f"ROW({', '.join(map(quoted, table.columns))})::text"
        bits = f"('x' || encode(substr(sha256(convert_to({row}, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint"
        cursor.execute(f"SELECT count(*), coalesce(sum({bits}), 0)::text FROM ONLY {table.sql}")  # noqa: S608
        rows, total = cursor.fetchone()
        found[table.label] = (int(rows), f"{int(total) % 2**64:016x}")
        told(1, table.name)
    return found


def measure(cursor: CursorWrapper, told: Told = lambda number, what: None) -> Contents:
    """Everything that a restore compares. Reads every row."""
    return Contents(sequences=sequences(cursor), also=also(cursor), tables=sum_up(cursor, told))


def describe(connection: BaseDatabaseWrapper) -> Contents:
    """Everything but the rows."""
    with connection.cursor() as cursor:
        cursor.execute(SCHEMA)
        (schema,) = cursor.fetchone()
        found = Contents(sequences=sequences(cursor), settings=settings_of(cursor), schema=schema, also=also(cursor))
    found.catalog = catalog_of(connection, schema)
    return found


def catalog_of(connection: BaseDatabaseWrapper, schema: str | None = None) -> Catalog:
    """The schema, the same on any version of PostgreSQL: of what verify_schema compares, what a dump carries too.

    Of the schema of that name, quoted where need be; None: of the one to which this session's search_path leads.
    """
    with one_look(connection), connection.cursor() as cursor:
        if schema is not None:
            cursor.execute("SELECT current_setting('search_path'), set_config('search_path', %s, true)", [schema])
            (search_path, _) = cursor.fetchone()
        try:
            return _as_dumped(read_catalog(connection))
        except NoSchemaError:
            return {}
        finally:
            if schema is not None and not connection.needs_rollback:
                cursor.execute("SELECT set_config('search_path', %s, true)", [search_path])


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


def catalog_hash(connection: BaseDatabaseWrapper, schema: str | None = None) -> str:
    """A SHA-256 of the catalog."""
    return hash_of(catalog_of(connection, schema))


def hash_of(catalog: Catalog) -> str:
    """A SHA-256 of a catalog."""
    return hashlib.sha256(dump(catalog).encode()).hexdigest()
