"""Turns what goes wrong around the database into one sentence: what, where, and what to do next.

Only what an operator can mend is translated: settings, the server, its disk, its privileges, a row that breaks
a rule. Anything else is an error of the program and keeps its traceback. A sentence quotes PostgreSQL's primary
message and never its DETAIL, which holds values of rows, nor a password.
"""

import contextlib
import os
import re
import sys
import threading
from collections.abc import Iterator

import psycopg
import psycopg_pool
from django.core.exceptions import ImproperlyConfigured
from django.db import NotSupportedError, connections
from django.db.migrations.exceptions import MigrationSchemaMissing

from .home import EmbeddedServerError
from .server import release_all

# By SQLSTATE or its beginning: what happened, and what to do. {reason} is PostgreSQL's primary message.
SENTENCES = {
    # Our own guards say so, with what stands in the way.
    "23001": ("refuses that: {reason}", "then run the command again"),
    # In a traceback this error would bring its DETAIL along: the row, and so a child's record.
    "23": ("refuses a row ({reason})", "mend it and run the command again; --traceback shows which, with its values"),
    "25006": ("is read-only ({reason})", "point DATABASE_URL to the primary server, not to a standby"),
    "28": ("refuses the sign-in ({reason})", "set the user and password of DATABASE_URL right"),
    "3D000": ("does not exist ({reason})", "create it with createdb, or set the name in DATABASE_URL right"),
    "42501": (
        "refuses a privilege ({reason})",
        "ask its owner for the GRANT, or make this role the owner of the database and its schema",
    ),
    "53100": ("has no disk space left ({reason})", "free some on the server and run the command again"),
    "53200": ("has no memory left ({reason})", "wait for others to finish and run the command again"),
    "53300": (
        "has no connection left ({reason})",
        "lower DB_POOL_MAX_SIZE or raise the server's max_connections",
    ),
    "57P": ("is shutting down, starting or was stopped ({reason})", "run the command again when it is up"),
    "58030": ("cannot read or write its disk ({reason})", "look in the server's log"),
}

# A connection that fails carries no SQLSTATE, only words.
CONNECTION_FAILURES = (
    (
        r"couldn't get a connection after",
        "gave no connection in time",
        "see if it is up, or raise DB_POOL_MAX_SIZE",
    ),
    (r"password authentication failed|no password supplied", *SENTENCES["28"]),
    (r'database ".*" does not exist', *SENTENCES["3D000"]),
    (r'role ".*" does not exist', *SENTENCES["28"]),
    (r"permission denied for database", *SENTENCES["42501"]),
    (
        r"no pg_hba.conf entry",
        "lets nobody in from here ({reason})",
        "add a line to its pg_hba.conf, or ask for encryption with ?sslmode=require",
    ),
    (r"SSL|certificate", "cannot be reached encrypted ({reason})", "set sslmode in DATABASE_URL right"),
    (r"too many clients|remaining connection slots", *SENTENCES["53300"]),
    (
        r"too many connections for (role|database)",
        "lets no more sessions in ({reason})",
        "end some, or raise its CONNECTION LIMIT",
    ),
    (r"No space left on device|could not write init file", *SENTENCES["53100"]),
    (r"starting up|shutting down", *SENTENCES["57P"]),
    (
        r"connection (failed|timeout|is bad|is lost|socket closed)|failed to resolve|server closed the connection",
        "cannot be reached ({reason})",
        "see if the server is up, and if the host and port of DATABASE_URL are right",
    ),
)


def sentence(error: BaseException) -> str | None:
    """Return one sentence for an error that an operator can mend, None for any other."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, EmbeddedServerError | ImproperlyConfigured):
            return _one_line(str(cause))
        if isinstance(cause, NotSupportedError) and re.match(r"PostgreSQL \d+ or later is required", str(cause)):
            return f"{_database()} is too old: {_one_line(str(cause)).rstrip('.')}; upgrade it, or use another."
        if isinstance(cause, psycopg.Error) and (found := _of_postgresql(cause)):
            return found
        # Django raises this one while it handles the error, not from it.
        cause = cause.__cause__ or (cause.__context__ if isinstance(cause, MigrationSchemaMissing) else None)
    return None


def _of_postgresql(error: psycopg.Error) -> str | None:
    if error.sqlstate:
        for length in (5, 3, 2):
            if found := SENTENCES.get(error.sqlstate[:length]):
                return _compose(*found, error.diag.message_primary or "")
    elif isinstance(error, psycopg.OperationalError | psycopg_pool.PoolTimeout):
        for pattern, what, remedy in CONNECTION_FAILURES:
            if re.search(pattern, str(error)):
                return _compose(what, remedy, _reason(str(error)))
    return None


def _compose(what: str, remedy: str, reason: str) -> str:
    return f"{_database()} {what.format(reason=_one_line(reason))}; {remedy}."


def _reason(message: str) -> str:
    """Return the refusal at the end of libpq's first line, without the address, which we name."""
    first = message.strip().splitlines()[0]
    return re.split(r"FATAL:\s+|failed: (?=[^:]*$)|connection failed: ", first)[-1]


def _database() -> str:
    """Name the database and where it is, without the password."""
    try:
        given = connections.settings["default"]
    except ImproperlyConfigured:
        return "The database"
    if given.get("EMBEDDED"):
        return f"The embedded PostgreSQL in {given['EMBEDDED']}"
    port = f", port {given['PORT']}" if given["PORT"] else ""
    user = f" as {given['USER']}" if given["USER"] else ""
    return f'The database "{given["NAME"]}" at {given["HOST"] or "the local socket"}{port}{user}'


def _one_line(text: str) -> str:
    return " ".join(text.split())


@contextlib.contextmanager
def in_one_sentence(arguments: list[str]) -> Iterator[None]:
    """Print a known error as its sentence on stderr and exit with 1; with ``--traceback``, show all."""
    if "--traceback" in arguments:
        yield
        return
    threading.excepthook = _in_a_thread
    try:
        yield
    except Exception as error:
        if (text := sentence(error)) is None:
            raise
        sys.exit(text)


def _in_a_thread(failure: threading.ExceptHookArgs) -> None:
    """Do the same in runserver's thread, which would show a traceback and wait for the code to change."""
    text = sentence(failure.exc_value) if failure.exc_value else None
    if text is None:
        threading.__excepthook__(failure)
        return
    print(text, file=sys.stderr, flush=True)
    # Only this ends the process from a thread, and it skips what happens at exit.
    release_all()
    os._exit(1)
