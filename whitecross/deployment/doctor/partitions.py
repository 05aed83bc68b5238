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

# Not those with a partition that takes all others, or that has no end.
ENDS = f"""
SELECT {TABLE} AS "table", c.relname AS relation, max(b.ends) AS ends, clock_timestamp() AS now,
       n.nspname AS schema
FROM pg_partitioned_table p
JOIN pg_class c ON c.oid = p.partrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
CROSS JOIN LATERAL (
    SELECT coalesce((regexp_match(pg_get_expr(x.relpartbound, x.oid), 'TO [(]''([^'']+)''[)]$'))[1], 'infinity')
               ::timestamptz AS ends
    FROM pg_inherits i JOIN pg_class x ON x.oid = i.inhrelid
    WHERE i.inhparent = c.oid AND NOT i.inhdetachpending
) b
WHERE p.partstrat = 'r' AND p.partnatts = 1 AND p.partdefid = 0 AND {PEOPLES}
  AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)
GROUP BY 1, 2, 5
HAVING isfinite(max(b.ends))
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
            yield of_it(found.table, said, *_months(found))


def _months(found: Any) -> Iterator[Step]:
    start, until = found.ends.astimezone(dt.UTC), found.now + SPARE
    while start < until:
        # What has been missed already comes into the first.
        end = _month_after(max(start, found.now.astimezone(dt.UTC)))
        name = f"{quoted(found.schema)}.{quoted(f'{found.relation}_{start:%Y_%m}')}"
        bounds = f"FROM ('{start:%Y-%m-%d %H:%M}+00') TO ('{end:%Y-%m-%d %H:%M}+00')"
        yield Step(f"CREATE TABLE {name} PARTITION OF {found.table} FOR VALUES {bounds};")
        start = end


def _month_after(moment: dt.datetime) -> dt.datetime:
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + dt.timedelta(days=32)).replace(day=1)
