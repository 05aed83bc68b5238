"""Reads DATABASE_URL as PostgreSQL's own tools do, and says what is wrong without showing a password."""

import re
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

SHAPE = "postgresql://user:password@host:5432/database"
ENCODE = "a character like : / ? # @ % in the password is written percent-encoded, @ as %40"
LOCAL_HOSTS = ("", "localhost", "127.0.0.1", "::1")
# Without these, a connection may be neither encrypted nor refused.
ENCRYPTED = ("require", "verify-ca", "verify-full")


def parse(url: str, setting: str = "DATABASE_URL") -> dict[str, Any]:
    """Return the entries of Django's DATABASES for ``url``; its options (``?sslmode=require``) go to OPTIONS.

    Raises ImproperlyConfigured with one sentence. It names the setting, and quotes no part that could be of the
    password.
    """
    if url.partition("://")[0] not in ("postgresql", "postgres"):
        raise _wrong(setting, "does not begin with postgresql://", "White Cross runs on PostgreSQL only")
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        if unknown := re.match(r'invalid URI query parameter: "(\w+)"', str(error)):
            raise _wrong(
                setting, f"has the option {unknown[1]}, which PostgreSQL does not know", "leave it out"
            ) from None
        raise _wrong(setting, "cannot be read", ENCODE) from None
    fields = {key: str(value) for key, value in given.items()}
    host, port, name = (fields.pop(key, "") for key in ("host", "port", "dbname"))
    if not all(part == "" or (part.isdecimal() and 0 < int(part) < 65536) for part in port.split(",")):
        raise _wrong(setting, "has a port that is not a number from 1 to 65535", ENCODE)
    if not host.startswith("/") and not re.fullmatch(r"[\w.:,-]*", host):
        raise _wrong(setting, "has a host that is no host name", ENCODE)
    if "@" in name:
        raise _wrong(setting, "has an @ in the database name", ENCODE)
    if not name and "service" not in fields:
        raise _wrong(setting, "names no database", "add it after the last slash")
    return {
        "NAME": name,
        "USER": fields.pop("user", ""),
        "PASSWORD": fields.pop("password", ""),
        "HOST": host,
        "PORT": port,
        "OPTIONS": fields,
    }


def leaves_the_machine_unencrypted(database: dict[str, Any]) -> bool:
    """Tell whether a connection of these DATABASES entries may cross a network in the clear."""
    hosts = str(database.get("HOST") or "").split(",")
    is_remote = any(host not in LOCAL_HOSTS and not host.startswith("/") for host in hosts)
    return is_remote and database.get("OPTIONS", {}).get("sslmode") not in ENCRYPTED


def _wrong(setting: str, what: str, hint: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{setting} {what}; write it as {SHAPE} ({hint}).")
