"""What the catalog of a database says of the schema that Django's tables live in.

The result has the shape that `core.schema.catalog` describes.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from core.schema.catalog import Catalog, Facts

KINDS = {"r": "table", "p": "partitioned table", "v": "view", "m": "materialized view", "f": "foreign table"}
TRIGGER_MODES = {"D": "disabled", "R": "in replica mode only", "A": "always"}

# `column IN ('a', 'b')` on a varchar: PostgreSQL casts the array, writes that down in a dump, and casts each element
# where the dump is restored. The same rule, and it must read the same.
_VARCHAR_CAST = re.compile(r"\(('(?:[^']|'')*'::character varying)\)::text")
_VARCHARS_CAST = re.compile(rf"ARRAY\[{_VARCHAR_CAST.pattern}(?:, {_VARCHAR_CAST.pattern})*\]")

_OURS = """
    c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT EXISTS (
        SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e'
    )
"""

TABLES = f"""
SELECT c.relname, c.relkind::text, c.relpersistence = 'u', c.relrowsecurity, c.relforcerowsecurity, c.reloptions,
       ARRAY(SELECT i.inhparent::regclass::text FROM pg_inherits i WHERE i.inhrelid = c.oid ORDER BY 1),
       ARRAY(SELECT i.inhrelid::regclass::text FROM pg_inherits i WHERE i.inhparent = c.oid ORDER BY 1),
       pg_get_partkeydef(c.oid)
FROM pg_class c
WHERE {_OURS}
ORDER BY c.relname
"""  # noqa: S608 - a constant

# attcollation is shown where it is not the type's own.
COLUMNS = f"""
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid), a.attidentity::text, a.attgenerated::text,
       CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE {_OURS} AND c.relkind IN ('r', 'p', 'f')
"""  # noqa: S608 - a constant

# Type n (NOT NULL) exists from PostgreSQL 18 on and is a column's fact; t is a trigger. A foreign key is kept by
# internal triggers on both tables, which ALTER TABLE ... DISABLE TRIGGER ALL switches off.
CONSTRAINTS = f"""
SELECT c.relname, k.conname, k.contype::text, pg_get_constraintdef(k.oid), k.convalidated,
       (SELECT a.attname FROM pg_attribute a WHERE k.contype = 'n' AND a.attrelid = c.oid AND a.attnum = k.conkey[1]),
       off.triggers
FROM pg_class c
JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype <> 't'
LEFT JOIN (
    SELECT g.tgconstraint,
           array_agg(format('ALTER TABLE %%s ENABLE TRIGGER %%I', g.tgrelid::regclass, g.tgname)) AS triggers
    FROM pg_trigger g
    WHERE g.tgisinternal AND g.tgenabled <> 'O'
    GROUP BY g.tgconstraint
) off ON off.tgconstraint = k.oid
WHERE {_OURS} AND (k.contype <> 'n' OR NOT k.convalidated)
"""  # noqa: S608 - a constant

INDEXES = f"""
SELECT c.relname, x.relname, pg_get_indexdef(i.indexrelid), i.indisunique,
       i.indisvalid AND i.indisready AND i.indislive,
       (SELECT k.conname FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
FROM pg_class c
JOIN pg_index i ON i.indrelid = c.oid
JOIN pg_class x ON x.oid = i.indexrelid
WHERE {_OURS}
"""  # noqa: S608 - a constant

TRIGGERS = f"""
SELECT c.relname, g.tgname, pg_get_triggerdef(g.oid, true), g.tgenabled::text
FROM pg_class c
JOIN pg_trigger g ON g.tgrelid = c.oid AND NOT g.tgisinternal
WHERE {_OURS}
"""  # noqa: S608 - a constant

RULES = f"""
SELECT c.relname, r.rulename, pg_get_ruledef(r.oid, true), r.ev_enabled::text
FROM pg_class c
JOIN pg_rewrite r ON r.ev_class = c.oid AND r.rulename <> '_RETURN'
WHERE {_OURS}
"""  # noqa: S608 - a constant

POLICIES = f"""
SELECT c.relname, p.polname,
       concat_ws(' ', CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                 'FOR ' || CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                                         WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                 'TO ' || array_to_string(ARRAY(SELECT CASE role WHEN 0 THEN 'PUBLIC' ELSE role::regrole::text END
                                                FROM unnest(p.polroles) role ORDER BY 1), ', '),
                 'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
                 'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
FROM pg_class c
JOIN pg_policy p ON p.polrelid = c.oid
WHERE {_OURS}
"""  # noqa: S608 - a constant

ENUMS = """
SELECT t.typname, array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
FROM pg_type t
JOIN pg_enum e ON e.enumtypid = t.oid
WHERE t.typnamespace = %(schema)s::regnamespace
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_type'::regclass AND x.objid = t.oid AND x.deptype = 'e')
GROUP BY t.typname
"""

FUNCTIONS = """
SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid)
FROM pg_proc p
WHERE p.pronamespace = %(schema)s::regnamespace AND p.prokind IN ('f', 'p')
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype = 'e')
"""

SEQUENCES = """
SELECT s.relname, format_type(q.seqtypid, NULL), t.relname || '.' || a.attname
FROM pg_class s
JOIN pg_sequence q ON q.seqrelid = s.oid
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.deptype IN ('a', 'i')
LEFT JOIN pg_class t ON t.oid = d.refobjid
LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE s.relnamespace = %(schema)s::regnamespace AND s.relkind = 'S'
"""

# The schema that holds Django's own record, else the one that a new table would go to.
SCHEMA = """
SELECT coalesce(
    (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('django_migrations')),
    to_regnamespace(quote_ident(current_schema()))
)::regnamespace::text
"""


@contextmanager
def one_look(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """A read-only transaction that sees the database as it is at one moment.

    Within a transaction that has begun already (a test's), it is that one, as its isolation can no longer be chosen.
    """
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic(using=connection.alias):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


class NoSchemaError(Exception):
    """The connection's search_path names no schema that exists and that its role may use."""


def read_catalog(connection: BaseDatabaseWrapper) -> Catalog:
    """Read the catalog, in a handful of queries whose number does not grow with the schema. Changes nothing.

    Raises NoSchemaError.
    """
    within = connection.in_atomic_block
    with one_look(connection), connection.cursor() as cursor:
        cursor.execute(SCHEMA)
        (schema,) = cursor.fetchone()
        if schema is None:
            raise NoSchemaError
        # PostgreSQL then writes the names of this schema without it, and those of any other with it.
        cursor.execute("SELECT current_setting('search_path'), set_config('search_path', %s, true)", [schema])
        (search_path, _) = cursor.fetchone()

        def rows(query: str) -> list[tuple[Any, ...]]:
            cursor.execute(query, {"schema": schema})
            return list(cursor.fetchall())

        catalog = _Reader(schema, rows).catalog()
        if within:  # the caller's transaction goes on
            cursor.execute("SELECT set_config('search_path', %s, true)", [search_path])
        return catalog


class _Reader:
    """Puts the rows of the queries together."""

    def __init__(self, schema: str, rows: Any) -> None:
        self._prefix, self._rows = f"{schema}.", rows
        self.tables: dict[str, dict[str, Any]] = {}

    def catalog(self) -> Catalog:
        self._read_tables()
        self._read_columns()
        self._read_constraints()
        self._read_indexes()
        for table, name, definition, mode in self._rows(TRIGGERS):
            facts = {"definition": self._plain(definition), "mode": TRIGGER_MODES.get(mode)}
            self._put(table, "triggers", name, facts)
        for table, name, definition, mode in self._rows(RULES):
            facts = {"definition": self._plain(definition), "mode": TRIGGER_MODES.get(mode)}
            self._put(table, "rules", name, facts)
        for table, name, definition in self._rows(POLICIES):
            self._put(table, "policies", name, {"definition": self._plain(definition)})
        return {
            "tables": self.tables,
            "enums": dict(self._rows(ENUMS)),
            "functions": {
                self._plain(signature): self._plain_header(definition).rstrip().splitlines()
                for signature, definition in self._rows(FUNCTIONS)
            },
            "sequences": {
                name: _usual({"type": type_, "owner": owner}) for name, type_, owner in self._rows(SEQUENCES)
            },
        }

    def _plain(self, text: str) -> str:
        """A definition without the schema's name, which PostgreSQL writes in some places and not in others."""
        return _before_a_restore(text.replace(self._prefix, ""))

    def _plain_header(self, definition: str) -> str:
        """A function without the schema's name; its body is its author's text and stays as it is."""
        header, mark, body = definition.partition("\nAS ")
        return self._plain(header) + mark + body

    def _put(self, table: str, members: str, name: str, facts: Facts) -> None:
        self.tables[table].setdefault(members, {})[name] = _usual(facts)

    def _read_tables(self) -> None:
        for name, kind, unlogged, row_security, forced, options, parents, children, key in self._rows(TABLES):
            facts = {
                "kind": None if kind == "r" else KINDS[kind],
                "unlogged": unlogged,
                "row_security": ("forced" if forced else "enabled") if row_security else None,
                "options": sorted(options or []),
                "inherits": parents,
                "inherited_by": children,
                "partitioned_by": key,
            }
            self.tables[name] = {"facts": _usual(facts)}

    def _read_columns(self) -> None:
        for table, name, type_, null, default, identity, generated, collation in self._rows(COLUMNS):
            expression = self._plain(default) if default else None
            facts = {
                "type": type_,
                "null": null,
                "default": None if generated else expression,
                "identity": {"a": "ALWAYS", "d": "BY DEFAULT"}.get(identity),
                "generated": f"{expression} {'STORED' if generated == 's' else 'VIRTUAL'}" if generated else None,
                "collation": collation,
            }
            self._put(table, "columns", name, facts)

    def _read_constraints(self) -> None:
        for table, name, kind, definition, validated, column, disabled in self._rows(CONSTRAINTS):
            if kind == "n":
                self.tables[table]["columns"][column]["null_not_validated"] = name
                continue
            enforced = not definition.endswith(" NOT ENFORCED")
            facts = {
                "definition": self._plain(definition).removesuffix(" NOT ENFORCED").removesuffix(" NOT VALID"),
                "not_validated": enforced and not validated,
                "not_enforced": not enforced,
                "triggers_off": sorted(disabled or []),
            }
            self._put(table, "constraints", name, facts)

    def _read_indexes(self) -> None:
        for table, name, definition, unique, valid, constraint in self._rows(INDEXES):
            facts = {
                # What follows the names: USING btree ("schoolId") WHERE ...
                "definition": self._plain(definition[definition.index(" USING ") + 1 :]),
                "unique": unique,
                "invalid": not valid,
                "constraint": constraint,
            }
            self._put(table, "indexes", name, facts)


def _before_a_restore(definition: str) -> str:
    """A definition as it reads in the database from which it was dumped."""
    return _VARCHARS_CAST.sub(lambda array: "(" + _VARCHAR_CAST.sub(r"\1", array[0]) + ")::text[]", definition)


def _usual(facts: Facts) -> Facts:
    """The facts that are not as usual."""
    return {name: value for name, value in facts.items() if value not in (None, False, [])}
