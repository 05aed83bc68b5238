"""A look at a database: whether the predecessor left it, in which state, and what in it nobody expects."""

import re
from dataclasses import dataclass, field

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from core.schema.actual import read_catalog
from core.schema.catalog import Catalog
from whitecross.adoption import predecessor
from whitecross.adoption.ours import standing
from whitecross.adoption.sql import quoted, within

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
    option helps with, `collisions` those that hinder within the database only.
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
    collisions: list[str] = field(default_factory=list)
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
        "SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(%s)",
        [quoted(predecessor.RECORD)],
    )
    row = cursor.fetchone()
    return row[0] if row else None


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
    cursor.execute("SELECT current_setting('server_version'), current_setting('server_encoding')")
    version, encoding = cursor.fetchone()
    found = Inspection(name, version.split()[0], schema, _state(catalog), catalog, there, applied)
    found.types = sorted(predecessor.enum_types() & set(catalog["enums"]))
    _surprises(found)
    _collisions(cursor, found)
    if encoding == "SQL_ASCII":
        found.blockers.append(
            f"{name} is encoded in SQL_ASCII, which does not say what its letters are: convert it first"
        )
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
        if table not in found.catalog["tables"]:
            if known[table].since <= found.state:
                found.notes.append(f"the table {table} is missing, so there is nothing of it to bring over")
        elif table not in found.tables:
            kind = found.catalog["tables"][table]["facts"]["kind"]
            found.blockers.append(
                f"{table} is a {kind}, of which no row can be brought over: make it a plain table of that name"
            )
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
    cursor.execute(
        "SELECT oid::bigint FROM pg_class WHERE oid = ANY(%s::regclass[])",
        [[found.relation(table) for table in [*found.tables, predecessor.RECORD]]],
    )
    moving = {oid for (oid,) in cursor.fetchall()}
    for one in standing(cursor, found.schema):
        moves = one.table in moving or (one.kind == "type" and one.code == "e" and one.name in found.types)
        if not moves and one.name not in predecessor.tables():
            found.collisions.append(f"the {one.kind} {one.name} bears a name that White Cross needs: rename it")


def blockers_in_place(cursor: CursorWrapper, found: Inspection) -> list[str]:
    """What keeps this role from moving the tables within the database."""
    blockers = []
    cursor.execute(
        "SELECT quote_ident(current_user), has_database_privilege(current_database(), 'CREATE'),"
        " has_schema_privilege(%s, 'CREATE'), has_database_privilege(current_database(), 'TEMP')",
        [found.schema],
    )
    user, may_create, may_add, may_judge = cursor.fetchone()
    if not may_create:
        blockers.append(f"{user} may not make a schema: GRANT CREATE ON DATABASE {quoted(found.database)} TO {user}")
    if not may_add:
        blockers.append(f"{user} may not make tables: GRANT CREATE ON SCHEMA {quoted(found.schema)} TO {user}")
    if not may_judge:
        blockers.append(f"{user} lacks a right: GRANT TEMPORARY ON DATABASE {quoted(found.database)} TO {user}")
    blockers += encoding_blockers(cursor)
    moving = [found.relation(table) for table in [*found.tables, predecessor.RECORD]]
    cursor.execute(OWNED, [moving, quoted(found.schema), found.types])
    if foreign := [name for (name,) in cursor.fetchall()]:
        blockers.append(f"{user} does not own {', '.join(foreign[:5])}: run this as their owner")
    cursor.execute("SELECT current_schema()")
    if cursor.fetchone()[0] != found.schema:
        blockers.append(f"the tables stand in the schema {found.schema}, which is not the first of the search_path")
    return blockers


def encoding_blockers(cursor: CursorWrapper) -> list[str]:
    """White Cross compares names letter by letter, which PostgreSQL can in UTF-8 alone."""
    cursor.execute("SELECT current_setting('server_encoding'), current_database()")
    encoding, name = cursor.fetchone()
    if encoding == "UTF8":
        return []
    return [
        f"{name} is encoded in {encoding}, where White Cross needs UTF8: adopt it into a database in UTF8, by --source"
    ]


def rights_and_dependents(cursor: CursorWrapper, found: Inspection) -> list[str]:
    """What else in the database will notice that the tables have moved, or find new ones: sentences."""
    moving = [found.relation(table) for table in found.tables]
    notes = []
    cursor.execute(
        "SELECT DISTINCT grantee::regrole::text FROM pg_class c, aclexplode(c.relacl) AS acl"
        " WHERE c.oid = ANY(%s::regclass[]) AND acl.grantee NOT IN (c.relowner, 0) ORDER BY 1",
        [moving],
    )
    if roles := [role for (role,) in cursor.fetchall()]:
        notes.append(
            f"{', '.join(roles)} may read or write the predecessor's tables; such rights do not pass to the new ones: "
            "grant what they need"
        )
    cursor.execute(
        "SELECT DISTINCT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE acl.grantee::regrole::text END"
        " FROM pg_default_acl d, aclexplode(d.defaclacl) AS acl"
        " WHERE d.defaclobjtype = 'r' AND d.defaclrole = current_user::regrole AND acl.grantee <> d.defaclrole"
        " ORDER BY 1"
    )
    if roles := [role for (role,) in cursor.fetchall()]:
        notes.append(
            f"ALTER DEFAULT PRIVILEGES gives {', '.join(roles)} rights on every new table, also on accounts and "
            "sessions: revoke what should not be"
        )
    cursor.execute(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'f'"
        " AND confrelid = ANY(%s::regclass[]) AND conrelid <> ALL (%s::regclass[]) ORDER BY 1, 2",
        [moving, moving],
    )
    notes += [
        f"the foreign key {name} of {table} goes on to refer to the predecessor's table, where no new rows come"
        for table, name in cursor.fetchall()
    ]
    return notes
