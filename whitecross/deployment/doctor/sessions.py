"""Sessions that hold others up: long transactions, idle ones, those that others wait for, prepared transactions."""

from collections.abc import Iterator
from typing import Any

from core.schema.advice import literal
from whitecross.adoption.reporting import duration
from whitecross.deployment.doctor.checks import check
from whitecross.deployment.doctor.finding import Finding, Severity, Step, warning
from whitecross.deployment.doctor.look import Look
from whitecross.deployment.statements_of_others import without_values
from whitecross.deployment.watch import AT_WORK

WAITING_S = 5  # so long may somebody wait for a lock
LONGEST = 300  # characters of a statement that are shown

# A role without pg_read_all_stats sees of others' sessions that they exist.
HIDDEN = """
SELECT count(*) AS number FROM pg_stat_activity
WHERE datname = current_database() AND backend_type IS NULL AND pid <> pg_backend_pid()
"""
# Of a session of the server itself no role is known; nobody but a superuser ends a superuser's.
MAY_END = """
coalesce((
    SELECT CASE WHEN theirs.rolsuper THEN ours.rolsuper
                ELSE pg_has_role(theirs.oid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE') END
    FROM pg_roles theirs, pg_roles ours WHERE theirs.oid = a.usesysid AND ours.rolname = current_user
), (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)) AS may_end,
coalesce((SELECT rolsuper FROM pg_roles WHERE oid = a.usesysid), true) AS superusers_alone
"""
SESSION = f"""
{MAY_END.strip()},
a.pid, a.wait_event_type = 'Lock' AS waits, coalesce(a.usename, '?') AS role,
coalesce(nullif(a.application_name, ''), '?') AS program,
coalesce(a.state, '?') AS state, a.query, a.xact_start::text AS begun,
extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS in_transaction,
extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS in_state
"""
# Not the session that keeps other runs of migrate away: it idles as long as its run lasts.
LONG = f"""
SELECT {SESSION} FROM pg_stat_activity a
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.backend_type = 'client backend'
  AND a.pid NOT IN ({AT_WORK})
  AND CASE WHEN %(idle)s THEN a.state LIKE 'idle in transaction%%' AND a.state_change <= %(since)s
           ELSE a.state NOT LIKE 'idle%%' AND a.xact_start <= %(since)s END
ORDER BY a.xact_start
"""  # noqa: S608 - a constant
SINCE = "(clock_timestamp() - make_interval(secs => %(seconds)s))"

WAITING = f"""
SELECT {SESSION}, l.locktype AS kind, l.relation::regclass::text AS relation,
       extract(epoch FROM clock_timestamp() - l.waitstart)::float8 AS waited, pg_blocking_pids(a.pid) AS by
FROM pg_stat_activity a
JOIN pg_locks l ON l.pid = a.pid AND NOT l.granted
WHERE a.datname = current_database()
ORDER BY l.waitstart
"""  # noqa: S608 - a constant
BLOCKING = f"SELECT {SESSION} FROM pg_stat_activity a WHERE a.pid = ANY(%(pids)s)"  # noqa: S608 - a constant

PREPARED = """
SELECT gid, owner::text AS role, extract(epoch FROM clock_timestamp() - prepared)::float8 AS age,
       owner = current_user OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS may_end
FROM pg_prepared_xacts
WHERE database = current_database() AND prepared <= clock_timestamp() - make_interval(secs => %(seconds)s)
ORDER BY prepared
"""


@check("D16", Severity.WARNING, "Does a transaction take long? (--minutes)")
def long_transactions(look: Look) -> Iterator[Finding]:
    """While it lasts, no dead row of any table is cleared away, and its locks are held."""
    for found in _long(look, idle=False):
        waits = ", and waits for a lock (for whom, D18 says)" if found.waits else ""
        old = f"{duration(found.in_transaction)} old{waits}"
        said = f"a transaction of {found.role} ({found.program}) is {old}{_runs(found)}"
        yield warning(f"session {found.pid}", said, _end(look, found))


@check("D17", Severity.WARNING, "Does a session idle within a transaction? (--minutes)")
def idle_in_transaction(look: Look) -> Iterator[Finding]:
    """It has forgotten to end it."""
    for found in _long(look, idle=True):
        said = f"{found.role} ({found.program}) is {found.state}, for {duration(found.in_state)}{_runs(found)}"
        yield warning(f"session {found.pid}", said, _end(look, found))


def _long(look: Look, *, idle: bool) -> list[Any]:
    if not look.sees_others:
        (hidden,) = look.rows(HIDDEN)
        if hidden.number:
            look.cannot_see(_without_privilege(look))
    return look.rows(LONG.replace("%(since)s", SINCE), {"idle": idle, "seconds": 60 * look.choices.minutes})


def _without_privilege(look: Look) -> str:
    return (
        f"what other roles' sessions do: GRANT pg_read_all_stats TO {look.role} would show it, and with it the values "
        "in their statements to whoever has that role"
    )


def _runs(session: Any) -> str:
    """What the session runs, or ran last, after a colon; nothing where that is hidden."""
    query = session.query or ""
    if not query or query == "<insufficient privilege>":
        return ""
    said = without_values(query)
    return f": {said[:LONGEST]}{'...' if len(said) > LONGEST else ''}"


def _end(look: Look, session: Any) -> Step:
    """End what it does, and who may. Not another transaction that has got the same number meanwhile."""
    deed = "terminate" if session.state.startswith("idle") else "cancel"
    same = f" AND xact_start = {literal(session.begun)}" if session.begun else ""
    run = f"SELECT pg_{deed}_backend(pid) FROM pg_stat_activity WHERE pid = {session.pid}{same};"  # noqa: S608 - names are quoted
    if session.may_end:
        return Step(run)
    others = "" if session.superusers_alone else f", {session.role}, or a role with pg_signal_backend"
    unseen = "; where it idles, pg_terminate_backend instead" if session.state == "?" else ""
    return Step(run, f"{look.role} may not end it; this is for a superuser{others}{unseen}")


@check("D18", Severity.WARNING, "Does a session wait long for a lock, and for whom?")
def lock_waits(look: Look) -> Iterator[Finding]:
    """One finding for each session that others wait for and that waits for nobody itself."""
    waiting = {found.pid: found for found in look.rows(WAITING)}
    long = [found for found in waiting.values() if found.waited is not None and found.waited >= WAITING_S]
    held: dict[int, list[Any]] = {}
    for found in long:
        for pid in _at_the_head(found.pid, waiting):
            held.setdefault(pid, []).append(found)
    sessions = {found.pid: found for found in look.rows(BLOCKING, {"pids": list(held)})}
    for pid, others in held.items():
        number = f"{len(others)} session{'' if len(others) == 1 else 's'}"
        first = others[0]
        on = f" on {first.relation}" if first.relation else ""
        waits = (
            f"{number} for up to {duration(first.waited)}; session {first.pid} of {first.role} ({first.program}) waits "
            f"for a lock ({first.kind}{on}){_runs(first)}"
        )
        if pid == 0:
            yield warning("a prepared transaction", f"it holds up {waits}", Step("TABLE pg_prepared_xacts;", "see D19"))
        elif pid in sessions:
            holder = sessions[pid]
            said = f"{holder.role} ({holder.program}; {holder.state}{_runs(holder)}) holds up {waits}"
            yield warning(f"session {pid}", said, _end(look, holder))


def _at_the_head(pid: int, waiting: dict[int, Any]) -> set[int]:
    """Those at the head of the queue in which a session stands."""
    heads: set[int] = set()
    seen, coming = {pid}, [*waiting[pid].by]
    while coming:
        other = coming.pop()
        if other in seen:
            continue
        seen.add(other)
        if other in waiting:
            coming += waiting[other].by
        else:
            heads.add(other)
    return heads


@check("D19", Severity.WARNING, "Was a prepared transaction forgotten? (--minutes)")
def prepared(look: Look) -> Iterator[Finding]:
    """White Cross prepares none; it outlives a restart of the server, with its locks."""
    for found in look.rows(PREPARED, {"seconds": 60 * look.choices.minutes}):
        said = f"{found.role} prepared it {duration(found.age)} ago, and nobody has ended it: its locks are held"
        say = "if whatever prepared it has given it up"
        if not found.may_end:
            say += f"; {look.role} may not, this is for {found.role} or a superuser"
        step = Step(f"ROLLBACK PREPARED {literal(found.gid)};", say)
        yield warning(f"prepared transaction {found.gid}", said, step)
