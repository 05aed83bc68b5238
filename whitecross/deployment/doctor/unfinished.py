"""What was begun and not ended: taking over the predecessor's records, changing the schema."""

from collections.abc import Iterator

from whitecross.adoption.moving import LEGACY, RECORD
from whitecross.deployment.doctor.checks import check
from whitecross.deployment.doctor.finding import Finding, Severity, Step, note, warning
from whitecross.deployment.doctor.look import Look
from whitecross.deployment.watch import AT_WORK

THERE = "SELECT to_regclass(%(name)s) IS NOT NULL AS there"
# to_regclass raises where the role may not look into the schema, which is its owner's alone.
RECORD_THERE = """
SELECT has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS readable
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relname = 'adoption'
"""
ADOPTION = f"SELECT in_place, adopted IS NOT NULL AS done, begun::date AS day FROM {RECORD}"  # noqa: S608 - a constant

# A run that is at work holds the lock.
RUNS = f"""
SELECT id, command, status::text, to_char("startedAt", 'YYYY-MM-DD HH24:MI') AS begun, host,
       EXISTS ({AT_WORK}) AS at_work
FROM migration_runs ORDER BY id DESC LIMIT 1
"""  # noqa: S608 - constants


@check("D26", Severity.WARNING, "Was an adoption begun and not finished?")
def adoption(look: Look) -> Iterator[Finding]:
    """docs/adoption.md."""
    tables = look.rows(RECORD_THERE, {"schema": LEGACY})
    if not all(table.readable for table in tables):
        look.cannot_see(f"whether the adoption that was begun has ended: {look.role} may not read its record, {RECORD}")
        return
    for found in look.rows(ADOPTION) if tables else ():
        if found.done:
            step = Step("python manage.py adopt --finish", "when nobody will go back; it drops what was left there")
            yield note("adoption", f"begun on {found.day} and done; the way back is still kept", step)
        else:
            source = "" if found.in_place else " --source URL"
            step = Step(f"python manage.py adopt{source}", "it goes on where it stopped")
            yield warning("adoption", f"begun on {found.day}, and not ended: records are missing here", step)


@check("D27", Severity.WARNING, "Did the last change of the schema end without a word, or fail?")
def runs(look: Look) -> Iterator[Finding]:
    """The next one finds out what is done and goes on. Where nothing was left to do, it is only worth knowing."""
    (table,) = look.rows(THERE, {"name": "migration_runs"})
    for found in look.rows(RUNS) if table.there else ():
        if found.status == "RUNNING" and not found.at_work:
            how = "it ended without a word"
        elif found.status == "FAILED":
            how = "it failed"
        else:
            continue
        said = f"begun at {found.begun} UTC on {found.host}, {how}"
        name = f"{found.command} run {found.id}"
        if not look.unapplied:
            step = Step("python manage.py verify_schema", "to be sure")
            yield note(name, f"{said}; the migrations of this code are applied all the same", step)
        elif found.command == "rollback":
            yield warning(name, said, Step("python manage.py showmigrations --plan", "to see how far it got"))
        else:
            yield warning(name, said, Step(f"python manage.py {found.command}", "it goes on where that stopped"))
