"""A log line holds no values of rows."""

import logging

import psycopg
from django.db import IntegrityError
from psycopg import errors
from psycopg.pq import DiagnosticField

from whitecross.postgres.log import DiscreetFormatter


def formatted(error: Exception, cause: Exception) -> str:
    error.__cause__ = cause
    return DiscreetFormatter().formatException((type(error), error, None))


def test_a_traceback_names_the_constraint_and_not_the_row() -> None:
    message = 'duplicate key value violates unique constraint "students_number"\nDETAIL:  Key (number)=(4711) exists.'
    diagnosis = {DiagnosticField.TABLE_NAME: b"students", DiagnosticField.CONSTRAINT_NAME: b"students_number"}
    text = formatted(IntegrityError(message), errors.UniqueViolation(message, info=diagnosis))  # type: ignore[arg-type]
    assert "4711" not in text
    assert "IntegrityError: SQLSTATE 23505 students students_number" in text


def test_a_failed_connection_keeps_its_words() -> None:
    error = psycopg.OperationalError("connection refused")
    assert "connection refused" in formatted(RuntimeError("no page"), error)


def test_the_message_of_the_line_is_kept() -> None:
    record = logging.LogRecord("whitecross", logging.INFO, "", 1, "%s doses", (3,), None)
    assert DiscreetFormatter().format(record) == "3 doses"
