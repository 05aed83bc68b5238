"""The names that our migrations give, and what stands under them in a schema.

Before an adoption nothing may stand there but what moves aside; so what stands there after it is ours, and undo may
drop it: also what an interrupted migrate has left.
"""

from dataclasses import dataclass
from functools import cache

from django.apps import apps
from django.db.backends.utils import CursorWrapper
from django.db.migrations.loader import MigrationLoader

from core.db import CreateEnum, CreateFunction
from core.schema.expected import load_expected
from whitecross.adoption.sql import quoted, within

KINDS = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
    "i": "index",
    "I": "index",
    "S": "sequence",
    "c": "type",
}


@dataclass(frozen=True)
class Names:
    """Of tables, of what else shares their name space (indexes, sequences), of types, and signatures of functions."""

    tables: frozenset[str]
    relations: frozenset[str]
    enums: frozenset[str]
    functions: frozenset[str]


@dataclass(frozen=True)
class Standing:
    """Something in a schema. `kind` is PostgreSQL's word for it, `code` its letter; `table` the oid of the table that
    it is, or belongs to, or 0."""

    kind: str
    code: str
    name: str
    oid: int
    table: int


@cache
def names() -> Names:
    """What migrations make, at any time: also what a later one drops again."""
    expected = load_expected()
    tables, enums, functions = set(expected["tables"]), set(expected["enums"]), set(expected["functions"])
    tables |= {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    for migration in MigrationLoader(None).disk_migrations.values():
        for operation in migration.operations:
            if isinstance(operation, CreateEnum):
                enums.add(operation.name)
            elif isinstance(operation, CreateFunction):
                functions.add(operation.signature)
    relations = set(expected["sequences"]) | {
        index for table in expected["tables"].values() for index in table.get("indexes", {})
    }
    return Names(frozenset(tables), frozenset(relations), frozenset(enums), frozenset(functions))


def standing(cursor: CursorWrapper, schema: str) -> list[Standing]:
    """What stands in the schema under one of our names, whatever it is and whoever made it."""
    wanted, found = names(), []
    cursor.execute(
        """
        SELECT c.relkind::text, c.relname, c.oid::bigint, coalesce(i.indrelid, d.refobjid, c.oid)::bigint
        FROM pg_class c
        LEFT JOIN pg_index i ON i.indexrelid = c.oid
        LEFT JOIN pg_depend d ON c.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = c.oid
            AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
        WHERE c.relnamespace = %s::regnamespace AND c.relname = ANY(%s) AND c.relkind <> 'c'
        """,
        [quoted(schema), list(wanted.tables | wanted.relations)],
    )
    found += [
        Standing(KINDS.get(code, "relation"), code, name, oid, table) for code, name, oid, table in cursor.fetchall()
    ]
    cursor.execute(
        """
        SELECT t.typtype::text, t.typname, t.oid::bigint, t.typrelid::bigint
        FROM pg_type t
        LEFT JOIN pg_class c ON c.oid = t.typrelid
        WHERE t.typnamespace = %s::regnamespace
          AND (t.typname = ANY(%s) OR t.typname = ANY(%s) AND (c.oid IS NULL OR c.relkind = 'c'))
        """,
        [quoted(schema), list(wanted.enums), list(wanted.tables)],
    )
    found += [Standing("type", code, name, oid, table) for code, name, oid, table in cursor.fetchall()]
    for signature in sorted(wanted.functions):
        cursor.execute(
            "SELECT prokind::text, oid::bigint FROM pg_proc WHERE oid = to_regprocedure(%s)",
            [f"{quoted(schema)}.{signature}"],
        )
        if row := cursor.fetchone():
            found.append(Standing("function", row[0], signature, row[1], 0))
    # A function's signature has several spellings.
    return list({(one.kind, one.oid): one for one in found}.values())


def drop_ours(cursor: CursorWrapper, schema: str) -> None:
    """Drop what migrate has made. Raises InternalError (2BP01) where something else needs it."""
    there = standing(cursor, schema)
    tables = [within(schema, one.name) for one in there if one.code in ("r", "p") and one.name in names().tables]
    if tables:
        cursor.execute(f"DROP TABLE {', '.join(tables)}")
    for one in there:
        if one.kind == "function" and one.code == "f":
            cursor.execute(f"DROP FUNCTION {quoted(schema)}.{one.name}")
    for one in there:
        if one.kind == "type" and one.code == "e" and one.name in names().enums:
            cursor.execute(f"DROP TYPE {within(schema, one.name)}")


def our_tables(cursor: CursorWrapper, schema: str) -> list[str]:
    """Our tables that stand there, as SQL names them."""
    return [
        within(schema, one.name)
        for one in standing(cursor, schema)
        if one.code in ("r", "p") and one.name in names().tables
    ]
