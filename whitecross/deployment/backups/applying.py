"""What belongs to a database itself, and so stands in no dump: its owner, its settings and its grants."""

import re

from django.db import DatabaseError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from whitecross.adoption.roads import reason_of
from whitecross.adoption.sql import literal, quoted
from whitecross.deployment.backups.manifest import Manifest

# Their values are lists of names, which SET takes one by one.
LISTS = ("search_path", "temp_tablespaces", "session_preload_libraries", "local_preload_libraries")


def apply(target: BaseDatabaseWrapper, name: str, manifest: Manifest, *, owner: bool, privileges: bool) -> list[str]:
    """Give a restored database what the one that was backed up had. Returns what could not be carried over."""
    statements: list[str] = []
    notes: list[str] = []
    if owner and manifest.owner:
        statements.append(f"ALTER DATABASE {quoted(name)} OWNER TO {quoted(manifest.owner)}")
    statements += [_setting(name, role, key, value) for role, key, value in manifest.settings]
    if privileges and manifest.grants is not None:
        statements.append(f"REVOKE ALL ON DATABASE {quoted(name)} FROM PUBLIC")
        for grantee, privilege, grantable in manifest.grants:
            whom = quoted(grantee) if grantee else "PUBLIC"
            word = " WITH GRANT OPTION" if grantable else ""
            if privilege in ("CONNECT", "CREATE", "TEMPORARY"):
                statements.append(f"GRANT {privilege} ON DATABASE {quoted(name)} TO {whom}{word}")
    for statement in statements:
        try:
            with transaction.atomic(using=target.alias), target.cursor() as cursor:
                cursor.execute(statement)
        except DatabaseError as error:
            # Of a setting the name alone: its value may be a secret.
            notes.append(f"not carried over ({reason_of(error)}): {_without_value(statement)}")
    return notes


def _without_value(statement: str) -> str:
    return re.sub(r"( SET \S+) TO .*", r"\1", statement, flags=re.DOTALL)


def _setting(database: str, role: str | None, name: str, value: str) -> str:
    whose = f"ROLE {quoted(role)} IN DATABASE {quoted(database)}" if role else f"DATABASE {quoted(database)}"
    key = ".".join(map(quoted, name.split(".")))
    values = _names(value) if name in LISTS else [value]
    return f"ALTER {whose} SET {key} TO {', '.join(map(literal, values))}"


def _names(text: str) -> list[str]:
    """The names in a list as PostgreSQL writes it."""
    found = re.findall(r'"((?:[^"]|"")*)"|([^\s,"]+)', text)
    return [quoted_name.replace('""', '"') or plain for quoted_name, plain in found] or [""]
