"""Who holds what others wait for: named so that an operator can find them, without a value of any row."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import psycopg

from whitecross.deployment.statements_of_others import without_values

LONGEST = 200  # characters of a query that are quoted

ASKED = """
SELECT pid, coalesce(usename, '?'), coalesce(nullif(application_name, ''), '?'), coalesce(state, 'at work'),
       coalesce(xact_start, backend_start), query
FROM pg_stat_activity WHERE pid = ANY(%s) ORDER BY 5
"""


@dataclass(frozen=True)
class Holder:
    """A session of the server. `query` is what it runs, or ran last, without its values."""

    pid: int
    user: str
    program: str
    state: str
    since: dt.datetime | None
    query: str

    def __str__(self) -> str:
        since = f" since {self.since.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC" if self.since else ""
        ran = f": {self.query}" if self.query else ""
        return f"process {self.pid} of {self.user} ({self.program}, {self.state}{since}){ran}"


def holders(server: psycopg.Connection[Any], pids: Collection[int]) -> list[Holder]:
    """The sessions with these process ids, as far as they are still there, the oldest first."""
    found = []
    # Within a transaction, PostgreSQL shows the same sessions as at the first look.
    server.execute("SELECT pg_stat_clear_snapshot()")
    for pid, user, program, state, since, query in server.execute(ASKED, [list(pids)]).fetchall():
        # Without pg_read_all_stats, PostgreSQL tells no query of another role.
        shown = "" if (query or "").startswith("<") else " ".join(without_values(query or "").split())
        if len(shown) > LONGEST:
            shown = shown[: LONGEST - 1] + "…"
        found.append(Holder(pid, user, program, state, since, shown))
    return found
