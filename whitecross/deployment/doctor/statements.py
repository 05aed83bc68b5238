"""Slow statements, where pg_stat_statements counts them."""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.db import Error as DatabaseError

from whitecross.adoption.reporting import duration
from whitecross.deployment.doctor.checks import check
from whitecross.deployment.doctor.finding import Finding, Severity, Step, note
from whitecross.deployment.doctor.look import Look
from whitecross.deployment.statements_of_others import without_values

SLOW_MS = 100  # on average
TOTAL_S = 60  # in all
TOP = 5
SHOWN = 300
EXPLAINED = re.compile(r"(SELECT|INSERT|UPDATE|DELETE|WITH|MERGE|VALUES)\b", re.IGNORECASE)
GENERIC_PLANS_SINCE = 160000

EXTENSION = """
SELECT quote_ident(n.nspname) AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_stat_statements'
"""
STATEMENTS = """
SELECT query, calls, mean_exec_time AS mean, total_exec_time / 1000 AS total, rows
FROM {schema}.pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query IS NOT NULL
  AND (mean_exec_time >= %(mean)s OR total_exec_time >= 1000 * %(total)s)
"""
LIBRARIES = "SELECT setting FROM pg_settings WHERE name = 'shared_preload_libraries'"


@check("D20", Severity.NOTE, "Which statements are slow? (pg_stat_statements)")
def slow(look: Look) -> Iterator[Finding]:
    """Those that are slowest on average, and those that took most in all. Their texts come without values."""
    extension = look.rows(EXTENSION)
    if not extension:
        yield note("pg_stat_statements", "not there: nobody counts which statements are slow", *_switch_on(look))
        return
    try:
        found = look.rows(STATEMENTS.format(schema=extension[0].schema), {"mean": SLOW_MS, "total": TOTAL_S})
    except DatabaseError as error:
        match getattr(error.__cause__, "sqlstate", None):
            case "42501":
                look.cannot_see(f"slow statements: {look.role} may not read {extension[0].schema}.pg_stat_statements")
            case "55000":
                yield note("pg_stat_statements", "there, but its library is not loaded", _switch_on(look)[0])
            case _:
                raise
        return
    by_mean = sorted(found, key=lambda one: -one.mean)[:TOP]
    by_total = sorted(found, key=lambda one: -one.total)[:TOP]
    for one in {id(one): one for one in (*by_mean, *by_total)}.values():
        if one.query == "<insufficient privilege>":
            look.cannot_see(
                f"slow statements of other roles: GRANT pg_read_all_stats TO {look.role} would show them, and what "
                "runs just now with the values in it"
            )
            continue
        yield _said(look, one)


def _said(look: Look, one: Any) -> Finding:
    text = without_values(one.query)
    calls = f"{one.calls:,} call{'' if one.calls == 1 else 's'}"
    said = f"{one.mean:,.0f} ms on average, {calls}, {duration(one.total)} in all"
    shown = f"{text[:SHOWN]}{'...' if len(text) > SHOWN else ''}"
    return note(shown, said, *_explained(look, text))


def _explained(look: Look, text: str) -> Iterator[Step]:
    """What PostgreSQL makes of some statements cannot be read back by it: `extract($1 FROM now())`, `interval $1`."""
    if look.version < GENERIC_PLANS_SINCE or not EXPLAINED.match(text) or "?" in text:
        return
    command = f"EXPLAIN (GENERIC_PLAN) {text.rstrip('; ')};"
    with suppress(DatabaseError):
        look.rows(command)
        yield Step(command, "to see why")


def _switch_on(look: Look) -> tuple[Step, ...]:
    found = look.rows(LIBRARIES)
    known = [name for name in found[0].setting.replace(" ", "").split(",") if name] if found else []
    extension = "CREATE EXTENSION pg_stat_statements;"
    if "pg_stat_statements" in known:  # what it counts is then seen at once
        return (Step(extension, "to see them, as a superuser"),)
    libraries = ", ".join(dict.fromkeys([*known, "pg_stat_statements"]))
    say = "to have them counted after a restart, as a superuser"
    if not found:
        say += "; put those first that SHOW shared_preload_libraries names to a superuser"
    return (
        Step(f"ALTER SYSTEM SET shared_preload_libraries = {libraries};", say),
        Step(extension, "after the restart, as a superuser"),
    )
