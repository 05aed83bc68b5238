"""Why a question was not answered, in words that hold no value of a row."""

from typing import TYPE_CHECKING

import psycopg
from django.db import Error as DatabaseError

if TYPE_CHECKING:
    from whitecross.deployment.doctor.look import Choices

SILENT = "the server has stopped answering"
# Of these, PostgreSQL's message names tables and settings alone.
PLAIN = ("42501", "42P01", "55000", "3F000", "0A000")


def reason_of(error: DatabaseError, choices: "Choices") -> str:
    """The reason, in a few words."""
    cause = error.__cause__
    state = cause.sqlstate if isinstance(cause, psycopg.Error) else None
    match state:
        case None if str(cause) == SILENT:
            return SILENT
        case "57014":
            return f"it took longer than --timeout {choices.seconds} seconds"
        case "55P03":
            return "another session holds a lock that it waits for"
        case "40001":
            return "the standby had to go on; ask again, or ask the primary"
        case None | "57P01" | "57P02" | "57P03":
            return "the connection was lost"
    if state in PLAIN and isinstance(cause, psycopg.Error):
        return " ".join((cause.diag.message_primary or "").split())
    return f"PostgreSQL refuses it ({state})"
