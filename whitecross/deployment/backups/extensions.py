"""Extensions that the role of a restore may not create, as pg_stat_statements: only a superuser may.

They are left out, with their comments, or no backup of a database in which a superuser has made one could be restored
or rehearsed by the role that owns it.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from django.db import DatabaseError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from whitecross.adoption.sql import quoted
from whitecross.deployment.backups.contents import Contents
from whitecross.deployment.backups.objects import EXTENSIONS

NO_PRIVILEGE = "42501"
# Those that every database has from the start, as plpgsql, are in no dump. A superuser may create all.
FOUND = """
SELECT name, pg_has_role(extowner, 'USAGE')
FROM unnest(%s::text[]) AS name LEFT JOIN pg_extension e ON e.extname = name
WHERE (e.oid IS NULL OR e.oid >= 16384) AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
ORDER BY name
"""
# As pg_restore --list names them: an extension, and the comment on one.
ENTRY = re.compile(r'\d+; \d+ \d+ (?:EXTENSION -|COMMENT - EXTENSION) (?:"(?P<quoted>.+?)"|(?P<plain>\S+)) ')


def named_in(wanted: Contents) -> list[str]:
    """The extensions that a backup says it has."""
    return [name for name in (wanted.also or {}).get(EXTENSIONS, "").split(", ") if name]


def less(wanted: Contents, names: list[str]) -> Contents:
    """What a backup says, without these extensions."""
    if not names or wanted.also is None:
        return wanted
    return replace(
        wanted, also={**wanted.also, EXTENSIONS: ", ".join(one for one in named_in(wanted) if one not in names)}
    )


def beyond_reach(target: BaseDatabaseWrapper, names: list[str]) -> dict[str, bool]:
    """Those that this role may not create, or not comment on as another's; and whether each is there already."""
    with target.cursor() as cursor:
        cursor.execute(FOUND, [names])
        found = cursor.fetchall()
    return {name: its is not None for name, its in found if not (_may_create(target, name) if its is None else its)}


def _may_create(target: BaseDatabaseWrapper, name: str) -> bool:
    """Tried, and taken back: what a role may do with which extension, servers of some providers decide on their own."""
    try:
        with transaction.atomic(using=target.alias), target.cursor() as cursor:
            cursor.execute(f"CREATE EXTENSION {quoted(name)}")
            transaction.set_rollback(True, using=target.alias)
    except DatabaseError as error:  # of anything else pg_restore says it, in its order
        return getattr(error.__cause__, "sqlstate", None) != NO_PRIVILEGE
    return True


def without(listed: str, names: Sequence[str]) -> str:
    """A list of pg_restore's, without the extensions of these names."""

    def is_one(line: str) -> bool:
        found = ENTRY.match(line)
        return found is not None and (found["quoted"] or found["plain"]) in names

    return "".join(line for line in listed.splitlines(keepends=True) if not is_one(line))
