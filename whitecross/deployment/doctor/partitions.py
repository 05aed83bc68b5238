"""Tables divided by time (docs/scaling.md): a row for which there is no partition is refused."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from core.schema.advice import quoted
from whitecross.deployment.doctor.catalog import PEOPLES, TABLE
from whitecross.deployment.doctor.checks import check
from whitecross.deployment.doctor.finding import Finding, Severity, Step, broken, warning
from whitecross.deployment.doctor.look import Look

SOON, AT_ONCE = dt.timedelta(days=62), dt.timedelta(days=7)
SPARE = dt.timedelta(days=90)  # for so much longer the commands make partitions

# Making one takes the table for a moment from everybody, and whoever comes meanwhile waits behind it.
AT_ONCE_OR_NOT = "BEGIN; SET LOCAL lock_timeout = '150ms';"
AGAIN = "each takes the table for a moment; where somebody holds it long, it gives up, so that nobody waits: again then"

# Not those with a partition that takes all others, or that has no end.
ENDS = f"""
SELECT {TABLE} AS "table", c.relname AS relation, clock_timestamp() AS now, n.nspname AS schema,
       coalesce(max(b.ends), date_trunc('month', clock_timestamp())) AS ends, count(b.ends) = 0 AS has_none
FROM pg_partitioned_table p
JOIN pg_class c ON c.oid = p.partrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
LEFT JOIN LATERAL (
    SELECT coalesce((regexp_match(pg_get_expr(x.relpartbound, x.oid), 'TO [(]''([^'']+)''[)]$'))[1], 'infinity')
               ::timestamptz AS ends
    FROM pg_inherits i JOIN pg_class x ON x.oid = i.inhrelid
    WHERE i.inhparent = c.oid AND NOT i.inhdetachpending
) b ON true
WHERE p.partstrat = 'r' AND p.partnatts = 1 AND p.partdefid = 0 AND {PEOPLES}
  AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)
GROUP BY 1, 2, 4
HAVING isfinite(coalesce(max(b.ends), 'epoch'))
ORDER BY 1
"""  # noqa: S608 - a constant


@check("D28", Severity.BROKEN, "Is there a partition for the coming months?")
def months_to_come(look: Look) -> Iterator[Finding]:
    """Broken in the last week, for then records are refused."""
    for found in look.rows(ENDS):
        left = found.ends - found.now
        if left <= SOON:
            of_it = broken if left <= AT_ONCE else warning
            said = f"its last partition ends on {found.ends:%Y-%m-%d}: rows of any later time are refused"
            if found.has_none:
                said = "it has no partition: every row is refused"
            yield of_it(found.table, said, *_months(found))


def _months(found: Any) -> Iterator[Step]:
    start, until, said = found.ends.astimezone(dt.UTC), found.now + SPARE, False
    while start < until:
        # What has been missed already comes into the first.
        end = _month_after(max(start, found.now.astimezone(dt.UTC)))
        # One that begins within a month, as where months are another time zone's: the month's own name is taken.
        moment = f"{start:%Y_%m}" if start.day == 1 else f"{start:%Y_%m_%d}"
        name = f"{quoted(found.schema)}.{quoted(f'{found.relation}_{moment}')}"
        bounds = f"FROM ('{start:%Y-%m-%d %H:%M}+00') TO ('{end:%Y-%m-%d %H:%M}+00')"
        made = f"CREATE TABLE {name} PARTITION OF {found.table} FOR VALUES {bounds};"
        yield Step(f"{AT_ONCE_OR_NOT} {made} COMMIT;", "" if said else AGAIN)
        start, said = end, True


def _month_after(moment: dt.datetime) -> dt.datetime:
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + dt.timedelta(days=32)).replace(day=1)
