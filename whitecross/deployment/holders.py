"""Who holds what others wait for: named so that an operator can find them, without a value of any row."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import psycopg

from whitecross.deployment.statements_of_others import without_values

LONGEST = 200  # characters of a query that are quoted

# Of a background worker of the server, such as autovacuum, no user is known. Of other roles, little can be seen without
# pg_read_all_stats.
ASKED = """
SELECT pid, CASE WHEN usesysid IS NULL THEN 'the server itself' ELSE coalesce(usename, '?') END,
       coalesce(nullif(application_name, ''), '?'), coalesce(state, 'its state is not to be seen'),
       coalesce(xact_start, backend_start), query, usesysid IS NULL,
       coalesce((SELECT CASE WHEN theirs.rolsuper THEN ours.rolsuper
                             ELSE pg_has_role(theirs.oid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE') END
                 FROM pg_roles theirs, pg_roles ours
                 WHERE theirs.oid = usesysid AND ours.rolname = current_user), false)
FROM pg_stat_activity WHERE pid = ANY(%s) ORDER BY 5
"""
PREPARED = """
SELECT gid, owner, prepared FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared
"""


@dataclass(frozen=True)
class Holder:
    """A session of the server. `query` is what it runs, or ran last, without its values.

    `end` is the statement that ends it, empty where this role may not; `is_of_the_server`: autovacuum, for one.
    """

    pid: int
    user: str
    program: str
    state: str
    since: dt.datetime | None
    query: str
    is_of_the_server: bool = False
    end: str = ""

    def __str__(self) -> str:
        since = f" since {self.since.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC" if self.since else ""
        ran = f": {self.query}" if self.query else ""
        if not self.pid:
            return (
                f"perhaps the prepared transaction {self.query} of {self.user}{since}: it ends when whoever prepared "
                "it says COMMIT PREPARED or ROLLBACK PREPARED"
            )
        return f"process {self.pid} of {self.user} ({self.program}, {self.state}{since}){ran}"


def holders(server: psycopg.Connection[Any], pids: Collection[int]) -> list[Holder]:
    """The sessions with these process ids, as far as they are still there, the oldest first; 0: what is prepared."""
    found = []
    # Within a transaction, PostgreSQL shows the same sessions as at the first look.
    server.execute("SELECT pg_stat_clear_snapshot()")
    for pid, user, program, state, since, query, is_servers, may_end in server.execute(ASKED, [list(pids)]).fetchall():
        # Without pg_read_all_stats, PostgreSQL tells no query of another role.
        shown = "" if (query or "").startswith("<") else " ".join(without_values(query or "").split())
        if len(shown) > LONGEST:
            shown = shown[: LONGEST - 1] + "…"
        end = f"SELECT pg_terminate_backend({pid});" if may_end else ""
        found.append(Holder(pid, user, program, state, since, shown, is_servers, end))
    if 0 in pids:
        for gid, owner, since in server.execute(PREPARED).fetchall():
            quoted = "'" + gid.replace("'", "''") + "'"
            # No statement that ends it: of several, it is not known which, and rows that were promised would be lost.
            found.append(Holder(0, owner, "", "", since, quoted))
    return found
