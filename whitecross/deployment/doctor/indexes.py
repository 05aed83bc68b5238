"""Indexes that no query can use, and those that another does the work of."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from core.schema.partitions import ON_EACH
from whitecross.deployment.doctor.catalog import PEOPLES, TABLE
from whitecross.deployment.doctor.checks import check
from whitecross.deployment.doctor.finding import Finding, Severity, Step, broken, note, warning
from whitecross.deployment.doctor.look import Look

# pg_stat_progress_create_index tells others' builds only to who may see them. The lock of one everybody sees.
INVALID = f"""
SELECT {TABLE} AS "table", quote_ident(n.nspname) || '.' || quote_ident(x.relname) AS name, i.indisunique AS is_unique,
       x.relname ~ '_cc(new|old)[0-9]*$' AS is_left, i.indisexclusion AS excludes, x.relkind = 'I' AS over_partitions,
       EXISTS (SELECT FROM pg_stat_progress_create_index b WHERE b.relid = c.oid) AS at_work,
       EXISTS (SELECT FROM pg_stat_progress_create_index b
               WHERE b.datname = current_database() AND b.relid IS NULL)
       AND EXISTS (SELECT FROM pg_locks l WHERE l.relation = c.oid AND l.mode = 'ShareUpdateExclusiveLock'
                   AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
           AS unseen
FROM pg_index i
JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT (i.indisvalid AND i.indisready AND i.indislive) AND {PEOPLES}
ORDER BY 1, 2
"""  # noqa: S608 - a constant

# What an index answers is told by its columns with their ways to compare and sort, and by its predicate. The rank
# says which of two that answer the same is to stay. What one that guards refuses is told by the operators of an
# exclusion constraint, by whether NULLs may repeat, and by when it looks: a foreign key to it, and ON CONFLICT, need
# one that looks at once.
ANSWERS = f"""
SELECT {TABLE} AS "table", c.relname AS relation, x.relname AS bare, n.nspname = current_schema() AS of_ours,
       quote_ident(n.nspname) || '.' || quote_ident(x.relname) AS name, m.amname AS method,
       i.indisunique OR i.indisexclusion AS guards, i.indnatts > i.indnkeyatts AS carries,
       ARRAY(SELECT concat_ws(' ', pg_get_indexdef(x.oid, place::int, false), i.indclass[place - 1],
                              i.indcollation[place - 1], i.indoption[place - 1])
             FROM generate_series(1, i.indnkeyatts) place ORDER BY place) AS keys,
       ARRAY(SELECT pg_get_indexdef(x.oid, place::int, false)
             FROM generate_series(i.indnkeyatts + 1, i.indnatts) place ORDER BY 1) AS carried,
       CASE WHEN i.indpred IS NOT NULL THEN substring(pg_get_indexdef(x.oid) FROM ' WHERE (.*)$') END AS predicate,
       quote_ident(k.conname) AS "constraint", x.relpages::bigint * current_setting('block_size')::int AS bytes,
       ARRAY[NOT i.indisprimary, k.oid IS NULL, NOT i.indisreplident, NOT i.indisunique,
             NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conindid = x.oid)] AS rank,
       concat_ws(' ', i.indisunique, i.indimmediate, to_jsonb(i) ->> 'indnullsnotdistinct', k.conexclop) AS refuses
FROM pg_index i
JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_am m ON m.oid = x.relam
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_constraint k ON k.conindid = x.oid AND k.contype IN ('p', 'u', 'x')
WHERE i.indisvalid AND x.relkind = 'i' AND NOT c.relispartition AND {PEOPLES}
ORDER BY 1, x.oid
"""  # noqa: S608 - a constant


@check("D06", Severity.BROKEN, "Is there an index that no query can use, as its build failed or a partition lacks it?")
def invalid(look: Look) -> Iterator[Finding]:
    """An index that is being built right now looks the same, and is left out where that can be seen."""
    for found in look.rows(INVALID):
        if found.at_work:
            continue
        if found.unseen:
            look.cannot_see(
                f"whether {found.name}, which is invalid, is being built just now: {look.role} lacks pg_read_all_stats"
            )
            continue
        if found.is_left:
            step = Step(f"DROP INDEX CONCURRENTLY {found.name};")
            yield warning(
                found.name, f"a rebuild that failed left it on {_plain(found.table)}; it costs each write", step
            )
            continue
        if found.over_partitions:
            how_badly = broken if found.is_unique else warning
            yield how_badly(found.name, f"not every partition of {_plain(found.table)} has it. To do: {ON_EACH}")
            continue
        # It cannot be done beside others for an exclusion constraint.
        beside = "" if found.excludes else " CONCURRENTLY"
        step = Step(f"REINDEX INDEX{beside} {found.name};", "in a quiet hour" if found.excludes else "")
        if found.is_unique or found.excludes:
            yield broken(found.name, f"invalid: it is to keep rows of {_plain(found.table)} unique, and need not", step)
        else:
            yield warning(found.name, f"invalid: no query of {_plain(found.table)} uses it, and each write pays", step)


@check("D07", Severity.WARNING, "Are there two indexes of the same?")
def duplicates(look: Look) -> Iterator[Finding]:
    """Of the same columns, compared and sorted the same way, with the same predicate."""
    for best, other in doubled(look):
        said = f"a duplicate of {_plain(best.name)} on {_plain(other.table)}: each write pays for both"
        yield warning(other.name, said, *_drop(look, other))


def doubled(look: Look) -> Iterator[tuple[Any, Any]]:
    """Of each two indexes that answer the same: the one to stay, and the one to go."""
    same: dict[tuple[Any, ...], list[Any]] = {}
    for one in look.rows(ANSWERS):
        key = (one.table, one.method, tuple(one.keys), tuple(one.carried), one.predicate)
        same.setdefault(key, []).append(one)
    for indexes in same.values():
        best, *others = sorted(indexes, key=lambda one: (*one.rank, not _is_ours(look, one)))
        guards: dict[str, Any] = {best.refuses: best}
        for other in others:
            # Of those that guard, each that refuses something else is needed.
            stays = guards.setdefault(other.refuses, other) if other.guards else best
            if stays is not other:
                yield stays, other


@check("D08", Severity.NOTE, "Is there an index whose work a longer one does?")
def prefixes(look: Look) -> Iterator[Finding]:
    """Not of ours: whether one of ours is needed beside a longer one was weighed in its migration."""
    by_table: dict[tuple[Any, ...], list[Any]] = {}
    for one in look.rows(ANSWERS):
        if one.method == "btree":
            by_table.setdefault((one.table, one.predicate), []).append(one)
    for indexes in by_table.values():
        # Sorted, a prefix stands right before what goes on from it, or before others that do.
        for short, long in pairwise(sorted(indexes, key=lambda one: one.keys)):
            goes_on = long.keys[: len(short.keys)] == short.keys and len(long.keys) > len(short.keys)
            if goes_on and not (short.guards or short.carries or short.constraint or _is_ours(look, short)):
                said = f"{_plain(long.name)} on {_plain(short.table)} begins with the same columns"
                yield note(short.name, said, *_drop(look, short, "if no query needs the smaller one"))


def _is_ours(look: Look, index: Any) -> bool:
    table = look.expected.get(index.relation, {}) if index.of_ours else {}
    return index.bare in table.get("indexes", {})


def _drop(look: Look, index: Any, say: str = "") -> list[Step]:
    """None where a newer release may have made the index, and need it."""
    if not look.schema.of_this_code:
        return []
    if index.constraint:
        return [Step(f"ALTER TABLE {index.table} DROP CONSTRAINT {index.constraint};", say or "in a quiet hour")]
    if _is_ours(look, index):
        say = "a migration made it, so verify_schema will miss it: take it out of its model instead; until then"
    return [Step(f"DROP INDEX CONCURRENTLY {index.name};", say)]


def _plain(name: str) -> str:
    return name.removeprefix("public.")
