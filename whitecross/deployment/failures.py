"""What is said of a failure while the schema changes: one sentence, without a value of any row."""

import psycopg

from whitecross.postgres import errors

# Classes of SQLSTATE whose messages name things of the schema, never values: features, privileges, states, syntax and
# names, resources, intervention, the system.
NAMES_ONLY = ("0A", "25", "2B", "3F", "40", "42", "53", "54", "55", "57", "58", "XX")


def sentence(error: BaseException) -> str:
    """One sentence for any error. A message that could quote a row is left out; --traceback shows it."""
    if known := errors.sentence(error):
        return known
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, psycopg.Error):
        cause = cause.__cause__
    if cause is None:
        return f"{type(error).__name__}; --traceback shows where."
    if cause.sqlstate and cause.sqlstate.startswith(NAMES_ONLY) and cause.diag.message_primary:
        return f"PostgreSQL says: {' '.join(cause.diag.message_primary.split())} (SQLSTATE {cause.sqlstate})."
    return (
        f"PostgreSQL refused it (SQLSTATE {cause.sqlstate or 'unknown'}, {type(cause).__name__}); --traceback shows it."
    )
