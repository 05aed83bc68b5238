"""Rules that do not hold for every row: constraints that spared old rows, triggers that do not fire."""

from collections.abc import Iterator

from core.schema.advice import quoted
from whitecross.deployment.doctor.catalog import PEOPLES, TABLE
from whitecross.deployment.doctor.checks import check
from whitecross.deployment.doctor.finding import Finding, Severity, Step, broken, warning
from whitecross.deployment.doctor.look import Look
from whitecross.deployment.doctor.server import setting_mended

# Foreign keys, checks, and from PostgreSQL 18 on NOT NULL, which has a row there, and NOT ENFORCED.
CONSTRAINTS = f"""
SELECT {TABLE} AS "table", quote_ident(k.conname) AS name, k.contype::text AS kind,
       coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true) AS enforced
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT k.convalidated AND k.conparentid = 0 AND {PEOPLES}
ORDER BY 1, 2
"""  # noqa: S608 - a constant

TRIGGERS = f"""
SELECT {TABLE} AS "table", c.relname AS relation, g.tgname AS name, g.tgenabled = 'R' AS in_replicas,
       g.tgisinternal AS internal, quote_ident(k.conname) AS "constraint", n.nspname = current_schema() AS of_ours
FROM pg_trigger g
JOIN pg_class c ON c.oid = g.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_constraint k ON k.oid = g.tgconstraint
WHERE g.tgenabled IN ('D', 'R') AND {PEOPLES}
ORDER BY 1, g.tgisinternal, 3
"""  # noqa: S608 - a constant

# ALTER ROLE ALL is of no role and no database.
SILENCED = """
SELECT d.datname AS database, r.rolname AS role
FROM pg_db_role_setting s
LEFT JOIN pg_database d ON d.oid = s.setdatabase
LEFT JOIN pg_roles r ON r.oid = s.setrole
WHERE EXISTS (SELECT FROM unnest(s.setconfig) one WHERE lower(one) = 'session_replication_role=replica')
  AND coalesce(d.datname, current_database()) = current_database()
"""
# For the whole server, or by this session's own options. What a role or a database brings is found above.
SILENCED_HERE = """
SELECT name, source FROM pg_settings
WHERE name = 'session_replication_role' AND setting = 'replica'
  AND source NOT IN ('global', 'database', 'user', 'database user')
"""


@check("D02", Severity.BROKEN, "Is there a constraint that was never proved for old rows, or is not enforced?")
def unproven(look: Look) -> Iterator[Finding]:
    """Validating takes a lock that lets everybody read and write."""
    for found in look.rows(CONSTRAINTS):
        name = f"{found.table}.{found.name}"
        alter = f"ALTER TABLE {found.table}"
        if not found.enforced and found.kind == "f":
            step = Step(f"{alter} ALTER CONSTRAINT {found.name} ENFORCED;")
            yield broken(name, "the foreign key is not enforced: rows may point to nothing", step)
        elif not found.enforced:
            say = "PostgreSQL cannot switch it on: drop it and add it again, NOT VALID at first; it is"
            step = Step(f"SELECT pg_get_constraintdef({_constraint(found.table, found.name)});", say)
            yield broken(name, "the check is not enforced: rows may break it", step)
        else:
            step = Step(f"{alter} VALIDATE CONSTRAINT {found.name};")
            yield warning(name, "rows from before it were never looked at, and may break it", step)


def _constraint(table: str, name: str) -> str:
    """The oid of a constraint; both names quoted already."""
    bare = name.strip('"').replace('""', '"').replace("'", "''")
    table = table.replace("'", "''")
    return f"(SELECT oid FROM pg_constraint WHERE conrelid = '{table}'::regclass AND conname = '{bare}')"  # noqa: S608 - names are quoted


@check("D03", Severity.BROKEN, "Is there a trigger that does not fire?")
def silent(look: Look) -> Iterator[Finding]:
    """Guards are triggers, and so are the two sides of a foreign key."""
    for found in look.rows(TRIGGERS):
        wanted = (
            look.expected.get(found.relation, {}).get("triggers", {}).get(found.name, {}).get("mode")
            if found.of_ours
            else None
        )
        if wanted == ("in replica mode only" if found.in_replicas else "disabled"):
            continue
        enable = "ENABLE ALWAYS" if wanted == "always" else "ENABLE"
        step = Step(f"ALTER TABLE {found.table} {enable} TRIGGER {quoted(found.name)};")
        how = "fires in a replica's session only" if found.in_replicas else "is disabled"
        if found.internal:
            name = f"{found.table}.{found.constraint or found.name}"
            yield broken(name, f"a trigger that keeps this constraint {how}; only a superuser can switch it on", step)
        else:
            yield broken(f"{found.table}.{found.name}", f"the trigger {how}", step)
    silenced = "run with session_replication_role = replica, where neither guards nor foreign keys work"
    for found in look.rows(SILENCED):
        of_database = f"DATABASE {quoted(found.database)}" if found.database else ""
        role = f"ROLE {quoted(found.role)}" if found.role else "ROLE ALL"
        whose = f"{role}{f' IN {of_database}' if of_database else ''}" if found.role or not of_database else of_database
        say = "as a superuser; sessions that are there keep it, so then start the web processes anew"
        step = Step(f"ALTER {whose} RESET session_replication_role;", say)
        yield broken(found.role or found.database or "every role", f"its sessions {silenced}", step)
    for found in look.rows(SILENCED_HERE):
        yield broken(found.name, f"sessions {silenced}", *setting_mended(look, found, "origin"))
