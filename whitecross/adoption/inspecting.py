"""A look at a database: whether the predecessor left it, in which state, and what in it nobody expects."""

import re
from dataclasses import dataclass, field

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from core.schema.actual import read_catalog
from core.schema.catalog import Catalog
from core.schema.expected import load_expected
from whitecross.adoption import predecessor
from whitecross.adoption.sql import quoted, within

# Everything else in the schema that a table of ours could collide with.
NAMES = """
SELECT relname, CASE relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
       WHEN 'S' THEN 'sequence' WHEN 'i' THEN 'index' ELSE 'relation' END
FROM pg_class
WHERE relnamespace = %(schema)s::regnamespace
  AND NOT EXISTS (
      SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid
          AND refclassid = 'pg_class'::regclass AND refobjid = ANY(%(tables)s::regclass[])
  )
  AND NOT EXISTS (SELECT FROM pg_index WHERE indexrelid = pg_class.oid AND indrelid = ANY(%(tables)s::regclass[]))
  AND oid <> ALL (%(tables)s::regclass[])
"""
OWNED = """
SELECT c.relname FROM pg_class c
WHERE c.oid = ANY(%s::regclass[]) AND NOT pg_has_role(c.relowner, 'USAGE')
UNION ALL
SELECT t.typname FROM pg_type t
WHERE t.typnamespace = %s::regnamespace AND t.typname = ANY(%s) AND NOT pg_has_role(t.typowner, 'USAGE')
"""


class NoPredecessorError(Exception):
    """The database is none that the predecessor left. The message is a sentence for people."""


@dataclass
class Inspection:
    """What stands in a database of the predecessor's.

    `schema` is where its tables stand. `tables` are those of its tables that are there; `unknown_columns` those of
    their columns that the predecessor never made; `notes` are surprises that lose nothing, `blockers` those that no
    option helps with.
    """

    database: str
    server: str
    schema: str
    state: int
    catalog: Catalog
    tables: list[str]
    applied: list[str]
    types: list[str] = field(default_factory=list)
    unknown_columns: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    blockers: list[str] = field(default_factory=list)
    bytes: dict[str, int] = field(default_factory=dict)

    def columns(self, table: str) -> dict[str, str]:
        """Column -> type, of a table that is there."""
        return {name: facts["type"] for name, facts in self.catalog["tables"][table]["columns"].items()}

    def relation(self, table: str) -> str:
        """The table's name in SQL."""
        return within(self.schema, table)


def schema_of_predecessor(cursor: CursorWrapper) -> str | None:
    """The schema on the search_path in which the predecessor's record of migrations stands, if there is one."""
    cursor.execute(
        "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass(%s)",
        [quoted(predecessor.RECORD)],
    )
    row = cursor.fetchone()
    return row[0].strip('"') if row else None


def inspect(connection: BaseDatabaseWrapper, schema: str | None = None) -> Inspection:
    """Look at the database, within the caller's transaction, changing nothing. Raises NoPredecessorError.

    `schema` is where the predecessor's tables stand; without it, where its record of migrations is found.
    """
    with connection.cursor() as cursor:
        name = str(connection.settings_dict["NAME"])
        schema = schema or schema_of_predecessor(cursor)
        if schema is None:
            raise NoPredecessorError(
                f'The database "{name}" was not left by the predecessor: it has no table "{predecessor.RECORD}".'
            )
        cursor.execute("SELECT current_setting('search_path')")
        (search_path,) = cursor.fetchone()
        cursor.execute("SELECT set_config('search_path', %s, true)", [quoted(schema)])
        found = _inspect(connection, cursor, name, schema)
        cursor.execute("SELECT set_config('search_path', %s, true)", [search_path])
        return found


def _inspect(connection: BaseDatabaseWrapper, cursor: CursorWrapper, name: str, schema: str) -> Inspection:
    catalog = read_catalog(connection)
    known = predecessor.tables()
    there = [table for table in known if table in catalog["tables"] and "kind" not in catalog["tables"][table]["facts"]]
    if missing := [table for table in predecessor.LEAST if table not in there]:
        raise NoPredecessorError(
            f'The database "{name}" has the predecessor\'s table "{predecessor.RECORD}", but not {", ".join(missing)}: '
            "it is none that White Cross knows."
        )
    cursor.execute(f"SELECT name FROM {within(schema, predecessor.RECORD)} ORDER BY name")
    applied = [row[0] for row in cursor.fetchall()]
    cursor.execute("SELECT current_setting('server_version')")
    found = Inspection(name, cursor.fetchone()[0].split()[0], schema, _state(catalog), catalog, there, applied)
    found.types = sorted(predecessor.enum_types() & set(catalog["enums"]))
    _surprises(found)
    _collisions(cursor, found)
    cursor.execute(
        "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE oid = ANY(%s::regclass[])",
        [[found.relation(table) for table in there]],
    )
    found.bytes = dict(cursor.fetchall())
    return found


def _state(catalog: Catalog) -> int:
    """The last state of which nothing is missing; 3 where something is missing of that as well."""
    states = [3]
    for state in predecessor.STATES:
        columns = predecessor.columns_of(state)
        if all(
            table in catalog["tables"] and names <= set(catalog["tables"][table].get("columns", {}))
            for table, names in columns.items()
        ):
            states.append(state)
    state = max(states)
    # The seventh adds nothing but indexes: of those, more than the sixth left.
    if state == 7 and not _has_performance_indexes(catalog):
        state = 6
    return state


def _has_performance_indexes(catalog: Catalog) -> bool:
    indexes = {name for table in catalog["tables"].values() for name in table.get("indexes", {})}
    return any(re.match(r"idx_", name) for name in indexes)


def _surprises(found: Inspection) -> None:
    known = predecessor.tables()
    recorded = [name for name in predecessor.migrations() if name in found.applied]
    if len(recorded) != found.state:
        found.notes.append(
            f"{predecessor.RECORD} names {len(recorded)} of the seven migrations; the tables are those of state "
            f"{found.state}, which is what counts"
        )
    for name in found.applied:
        if name not in predecessor.migrations():
            found.notes.append(f"a migration that is none of the predecessor's seven had run: {name}")
    for table in known:
        if table not in found.tables and known[table].since <= found.state:
            found.notes.append(f"the table {table} is missing, so there is nothing of it to bring over")
    for table, names in predecessor.columns_of(found.state).items():
        for column in sorted(names - set(found.columns(table))) if table in found.tables else ():
            found.notes.append(f"the column {table}.{column} is missing; the rows get what a new row gets here")
    for table in found.tables:
        extra = sorted(set(found.columns(table)) - set(known[table].columns))
        if extra:
            found.unknown_columns[table] = extra
        if not any(
            definition["definition"] == "PRIMARY KEY (id)"
            for definition in found.catalog["tables"][table].get("constraints", {}).values()
        ):
            found.blockers.append(f"{table} has no primary key on id, so its rows cannot be told apart: add one")
        if found.catalog["tables"][table]["facts"].keys() & {"inherits", "inherited_by"}:
            found.blockers.append(f"{table} inherits from another table, or another from it: dissolve that first")
    for table, facts in found.catalog["tables"].items():
        if table not in known and table != predecessor.RECORD:
            found.notes.append(f"unknown {facts['facts'].get('kind', 'table')} {table}: stays where it is, untouched")
    for enum in sorted(set(found.catalog["enums"]) - predecessor.enum_types()):
        found.notes.append(f"unknown enum type {enum}: stays where it is")
    for function in sorted(found.catalog["functions"]):
        found.notes.append(f"unknown function {function}: stays where it is")


def _collisions(cursor: CursorWrapper, found: Inspection) -> None:
    """What stays where it is must not bear a name that migrate needs."""
    expected = load_expected()
    ours = set(expected["tables"]) | set(expected["sequences"])
    ours |= {name for table in expected["tables"].values() for name in table.get("indexes", {})}
    moving = [found.relation(table) for table in [*found.tables, predecessor.RECORD]]
    cursor.execute(NAMES, {"schema": quoted(found.schema), "tables": moving})
    for name, kind in cursor.fetchall():
        if name in ours:
            found.blockers.append(f"the {kind} {name} bears a name that White Cross needs: rename or remove it")
    for enum in sorted((set(found.catalog["enums"]) - set(found.types)) & set(expected["enums"])):
        found.blockers.append(f"the enum type {enum} bears a name that White Cross needs: rename or remove it")
    for function in sorted(set(found.catalog["functions"]) & set(expected["functions"])):
        found.blockers.append(f"the function {function} bears a name that White Cross needs: rename or remove it")


def blockers_in_place(cursor: CursorWrapper, found: Inspection) -> list[str]:
    """What keeps this role from moving the tables within the database."""
    blockers = []
    cursor.execute("SELECT current_user, has_database_privilege(current_database(), 'CREATE')")
    user, may_create = cursor.fetchone()
    if not may_create:
        blockers.append(f"{user} may not make a schema: GRANT CREATE ON DATABASE {quoted(found.database)} TO {user}")
    moving = [found.relation(table) for table in [*found.tables, predecessor.RECORD]]
    cursor.execute(OWNED, [moving, quoted(found.schema), found.types])
    if foreign := [name for (name,) in cursor.fetchall()]:
        blockers.append(f"{user} does not own {', '.join(foreign[:5])}: run this as their owner")
    cursor.execute("SELECT current_schema()")
    if cursor.fetchone()[0] != found.schema:
        blockers.append(f"the tables stand in the schema {found.schema}, which is not the first of the search_path")
    return blockers
