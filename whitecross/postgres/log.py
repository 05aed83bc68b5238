"""Keeps the values of rows out of the log."""

import logging
from types import TracebackType

import django.db
import psycopg


class DiscreetFormatter(logging.Formatter):
    """Formats a traceback without what a database error quotes.

    "Failing row contains (...)" and "Key (studentNumber)=(...) already exists" are health records. What is
    left is what an operator needs: the class, the SQLSTATE, and the table, column and constraint.
    """

    def formatException(  # noqa: N802  (the name is logging's)
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        text = super().formatException(ei)
        pending: list[BaseException | None] = [ei[1]]
        seen: set[int] = set()
        while pending:
            error = pending.pop()
            if error is None or id(error) in seen:
                continue
            seen.add(id(error))
            pending += [error.__cause__, error.__context__]
            if isinstance(error, django.db.Error | psycopg.Error) and str(error):
                text = text.replace(str(error), _without_values(error))
        return text


def _without_values(error: BaseException) -> str:
    original = error if isinstance(error, psycopg.Error) else error.__cause__
    if not isinstance(original, psycopg.Error) or not original.sqlstate:
        # A failed connection has only words, and they are about the connection.
        return str(error) if isinstance(original, psycopg.OperationalError) else "(message left out of the log)"
    diagnosis = original.diag
    names = (diagnosis.table_name, diagnosis.column_name, diagnosis.constraint_name)
    return " ".join(["SQLSTATE", original.sqlstate, *(name for name in names if name)])
