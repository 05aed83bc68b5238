"""What else a database holds, besides what the catalog of `core.schema` says of one schema and the rows of tables.

Objects of every schema by kind, their comments, owners and grants, extensions and large objects: each as a number and
a hash, so that a restore can say which of them are not as they were. No more than a dump carries, or a sound backup
could never be restored: so nothing of an extension's own, nothing that PostgreSQL makes and names by itself.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db.backends.utils import CursorWrapper

LARGE_OBJECTS, EXTENSIONS = "large objects", "extensions"
COMMENTS, OWNERS, GRANTS, DEFAULTS = "comments", "owners", "grants", "default privileges"

# Of what is left out here, pg_dump says nothing either, or under another name: indexes that were never finished; the
# constraints that a foreign key leaves with partitions; triggers of partitions; constructors of ranges; array and row
# types; shells of operators. NOT NULL is a constraint from PostgreSQL 18 on only. The schema public is everywhere.
_OBJECTS = """
WITH of_extensions AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
schemas AS (
    SELECT oid, nspname, nspowner, nspacl FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
),
relations AS (
    SELECT c.oid, c.relkind, c.relowner, c.relacl FROM pg_class c JOIN schemas s ON s.oid = c.relnamespace
    WHERE (c.tableoid, c.oid) NOT IN (TABLE of_extensions)
),
objects (kind, classid, objid, more, owner, letter, acl) AS (
    SELECT 'schemas', 'pg_namespace'::regclass, s.oid, NULL::text, s.nspowner, 'n', s.nspacl
    FROM schemas s WHERE s.nspname <> 'public'
    UNION ALL
    SELECT CASE c.relkind WHEN 'v' THEN 'views' WHEN 'm' THEN 'materialized views' WHEN 'S' THEN 'sequences'
                          WHEN 'f' THEN 'foreign tables' ELSE 'tables' END,
           'pg_class'::regclass, c.oid, NULL, c.relowner, CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END, c.relacl
    FROM relations c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL
    SELECT 'indexes', 'pg_class'::regclass, i.indexrelid, NULL, NULL, NULL, NULL
    FROM relations c JOIN pg_index i ON i.indrelid = c.oid
    WHERE c.relkind IN ('r', 'p', 'm') AND (i.indisvalid AND i.indisready AND i.indislive OR c.relkind = 'p')
    UNION ALL
    SELECT 'functions', 'pg_proc'::regclass, p.oid, p.prosrc, p.proowner, 'f', p.proacl
    FROM pg_proc p JOIN schemas s ON s.oid = p.pronamespace
    WHERE NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')
    UNION ALL
    SELECT 'types', 'pg_type'::regclass, t.oid, NULL, t.typowner, 'T', t.typacl
    FROM pg_type t JOIN schemas s ON s.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c'
       OR t.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_type a WHERE a.typarray = t.oid)
    UNION ALL
    SELECT 'constraints', 'pg_constraint'::regclass, k.oid, NULL, NULL, NULL, NULL
    FROM pg_constraint k JOIN schemas s ON s.oid = k.connamespace LEFT JOIN relations c ON c.oid = k.conrelid
    WHERE k.contype IN ('c', 'f', 'p', 'u', 'x') AND NOT (k.contype = 'f' AND k.conparentid <> 0)
      AND (c.oid IS NOT NULL
           OR k.contypid <> 0 AND ('pg_type'::regclass, k.contypid) NOT IN (TABLE of_extensions))
    UNION ALL
    SELECT 'triggers', 'pg_trigger'::regclass, g.oid, NULL, NULL, NULL, NULL
    FROM relations c JOIN pg_trigger g ON g.tgrelid = c.oid WHERE NOT g.tgisinternal AND g.tgparentid = 0
    UNION ALL
    SELECT 'rules', 'pg_rewrite'::regclass, r.oid, NULL, NULL, NULL, NULL
    FROM relations c JOIN pg_rewrite r ON r.ev_class = c.oid WHERE r.rulename <> '_RETURN'
    UNION ALL
    SELECT 'policies', 'pg_policy'::regclass, p.oid, NULL, NULL, NULL, NULL
    FROM relations c JOIN pg_policy p ON p.polrelid = c.oid
    UNION ALL
    SELECT 'statistics', 'pg_statistic_ext'::regclass, e.oid, NULL, e.stxowner, NULL, NULL
    FROM pg_statistic_ext e JOIN schemas s ON s.oid = e.stxnamespace JOIN relations c ON c.oid = e.stxrelid
    UNION ALL
    SELECT 'collations', 'pg_collation'::regclass, l.oid, NULL, l.collowner, NULL, NULL
    FROM pg_collation l JOIN schemas s ON s.oid = l.collnamespace
    UNION ALL
    SELECT 'operators', 'pg_operator'::regclass, o.oid, NULL, o.oprowner, NULL, NULL
    FROM pg_operator o JOIN schemas s ON s.oid = o.oprnamespace WHERE o.oprcode <> 0
),
ours AS (
    SELECT o.*, i.identity
    FROM objects o, pg_identify_object(o.classid, o.objid, 0) i
    WHERE (o.classid, o.objid) NOT IN (TABLE of_extensions)
)
"""
OBJECTS = f"{_OBJECTS} SELECT kind, identity, more, pg_get_userbyid(owner) FROM ours"  # noqa: S608 - a constant
# A comment on a constraint that a table has from its parent goes with a dump.
REMARKS = f"""
{_OBJECTS}
SELECT o.kind, o.identity, d.objsubid, d.description
FROM ours o JOIN pg_description d ON d.classoid = o.classid AND d.objoid = o.objid
WHERE o.kind <> 'constraints' OR NOT EXISTS (SELECT FROM pg_constraint k WHERE k.oid = o.objid AND NOT k.conislocal)
"""  # noqa: S608 - a constant
# Without any GRANT or REVOKE there is no list, and what acldefault says holds. MAINTAIN is new in PostgreSQL 17, where
# GRANT ALL of an older server's dump grants it too.
RIGHTS = f"""
{_OBJECTS}
SELECT o.kind, o.identity, '', coalesce(pg_get_userbyid(nullif(a.grantee, 0)), 'PUBLIC'), a.privilege_type,
       a.is_grantable
FROM ours o, aclexplode(coalesce(o.acl, acldefault(o.letter::"char", o.owner))) a
WHERE o.letter IS NOT NULL AND a.grantee <> o.owner AND a.privilege_type <> 'MAINTAIN'
UNION ALL
SELECT o.kind, o.identity, c.attname, coalesce(pg_get_userbyid(nullif(a.grantee, 0)), 'PUBLIC'), a.privilege_type,
       a.is_grantable
FROM ours o JOIN pg_attribute c ON o.classid = 'pg_class'::regclass AND c.attrelid = o.objid AND NOT c.attisdropped,
     aclexplode(c.attacl) a
WHERE o.letter IS NOT NULL AND a.grantee <> o.owner AND a.privilege_type <> 'MAINTAIN'
"""  # noqa: S608 - a constant
# What later objects of a role will be granted: on them the next release's tables depend. Where a list is the built-in
# one, PostgreSQL keeps none, so the owner's own rights count too.
RIGHTS_TO_COME = """
SELECT pg_get_userbyid(d.defaclrole), coalesce(n.nspname, ''), d.defaclobjtype,
       coalesce(pg_get_userbyid(nullif(a.grantee, 0)), 'PUBLIC'), a.privilege_type, a.is_grantable
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace, aclexplode(d.defaclacl) a
WHERE a.privilege_type <> 'MAINTAIN'
"""


def also(cursor: CursorWrapper) -> dict[str, str]:
    """Of each kind of object the number and a hash; of extensions the names."""
    cursor.execute("SELECT count(*) FROM pg_largeobject_metadata")
    found = {LARGE_OBJECTS: str(cursor.fetchone()[0])}
    cursor.execute("SELECT extname FROM pg_extension ORDER BY 1")
    found[EXTENSIONS] = ", ".join(name for (name,) in cursor.fetchall())
    cursor.execute(OBJECTS)
    objects = cursor.fetchall()
    by_kind = defaultdict(list)
    for kind, identity, more, _ in objects:
        by_kind[kind].append((identity, more))
    found.update({kind: _number_and_hash(members) for kind, members in by_kind.items()})
    found[OWNERS] = _number_and_hash((kind, identity, owner) for kind, identity, _, owner in objects if owner)
    for name, query in ((COMMENTS, REMARKS), (GRANTS, RIGHTS), (DEFAULTS, RIGHTS_TO_COME)):
        cursor.execute(query)
        found[name] = _number_and_hash(cursor.fetchall())
    return found


def also_differs(
    wanted: dict[str, str], found: dict[str, str], *, owner: bool = False, privileges: bool = False
) -> list[str]:
    """What is not as it was, in sentences. `owner`, `privileges`: whether owners and grants were to be as they were.

    Grants count only where owners do, too: an owner needs none. Default privileges are not known of older backups.
    """
    left_out = {EXTENSIONS}
    if not owner:
        left_out |= {OWNERS}
    if not (owner and privileges):
        left_out |= {GRANTS, DEFAULTS}
    if DEFAULTS not in wanted:
        left_out |= {DEFAULTS}
    said = []
    for name in sorted((wanted.keys() | found.keys()) - left_out):
        if wanted.get(name) == found.get(name):
            continue
        was, there_are = (side.get(name, "0").partition(" ")[0] for side in (wanted, found))
        if was == there_are:
            said.append(f"the {there_are} {name} are others than there were")
        else:
            said.append(f"there are {there_are} {name} instead of {was}")
    # Not the other way round: a server may bring some of its own into each database.
    there = ["", *found.get(EXTENSIONS, "").split(", ")]
    missing = [name for name in wanted.get(EXTENSIONS, "").split(", ") if name not in there]
    return said + [f"extension {name} is missing" for name in missing]


def _number_and_hash(rows: Iterable[tuple[Any, ...]]) -> str:
    """In any order the same; a right that two have granted is one."""
    lines = sorted(set(map(repr, rows)))
    return f"{len(lines)} {hashlib.sha256(chr(10).join(lines).encode(errors='replace')).hexdigest()}"
