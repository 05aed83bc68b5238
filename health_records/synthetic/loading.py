"""Puts a synthetic set into the database: all of it or nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connection, transaction
from psycopg import sql

from core.models import District, Student
from health_records.synthetic.district_set import Batch, Plan, make_batches
from health_records.synthetic.places import district_code
from health_records.synthetic.rows import COLUMNS


class SeedTakenError(Exception):
    """A set of this seed is in the database already."""


class HoldsStudentsError(Exception):
    """The database holds students."""


def load(plan: Plan, report: Callable[[int, int], None], *, beside_others: bool = False) -> dict[str, int]:
    """COPY the set into the database in one transaction, then VACUUM ANALYZE. Returns table -> number of rows.

    `report(students, rows)` is called after each batch. The rows of the next batch are made while the server takes the
    current one. Raises HoldsStudentsError unless `beside_others`, and SeedTakenError.
    """
    counts = dict.fromkeys(COLUMNS, 0)
    with transaction.atomic():
        if not beside_others and Student.all_objects.exists():
            raise HoldsStudentsError
        if District.objects.filter(code=district_code(plan.seed, 1)).exists():
            raise SeedTakenError
        with connection.cursor() as cursor:
            # Deferred checks would be remembered, one by one, until the end.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            with ThreadPoolExecutor(1) as generator:
                batches = make_batches(plan)
                coming = generator.submit(next, batches, None)
                while (made := coming.result()) is not None:
                    coming = generator.submit(next, batches, None)
                    students, batch = made
                    _copy(cursor, batch, counts)
                    report(students, sum(counts.values()))
    _vacuum()
    return counts


def _copy(cursor: object, batch: Batch, counts: dict[str, int]) -> None:
    for table, (number, lines) in batch.items():
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, COLUMNS[table]))
        )
        with connection.wrap_database_errors, cursor.copy(statement) as copy:  # type: ignore[attr-defined]
            copy.write(lines)
        counts[table] += number


def _vacuum() -> None:
    """The statistics and the visibility map of a database that has lived for a while: plans need both."""
    tables = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("VACUUM (ANALYZE) {}").format(tables))
