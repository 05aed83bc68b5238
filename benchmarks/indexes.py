"""The indexes of the target and of the predecessor, side by side on the same rows.

usage: python -m benchmarks.indexes [rounds]    (after python -m benchmarks.seed, which makes the rows)

Both databases hold the same heap (one is a copy of the other) and freshly built indexes. Each measurement alternates
between the two. Statements that write are rolled back.
"""

import datetime as dt
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import django
import psycopg
from django.db import connection, models
from django.db.backends.base.base import BaseDatabaseWrapper

from benchmarks import databases, measure
from benchmarks.seed import TODAY

SIDES = {"target": databases.TARGET, "predecessor": databases.PREDECESSOR}
# Table -> the column that says when it happened, rows a COPY, rows a bulk_create.
INSERTS = {
    "medication_logs": "timeGiven",
    "vital_signs": "measurementDate",
    "vaccinations": "administrationDate",
    "health_records": "recordDate",
}
COPIED, CREATED = 10_000, 2_000
Sides = dict[str, Any]


def main(rounds: int) -> None:
    """Prepare the two databases and measure all."""
    if not databases.exists(databases.TARGET):
        sys.exit("There is nothing to measure on; run python -m benchmarks.seed first.")
    prepare()
    result = {
        "index_bytes": index_bytes(),
        "queries_ms": queries(rounds),
        "inserts_ms": inserts(rounds),
        "erasing_ms": erasing(max(3, rounds // 2)),
    }
    measure.write("indexes", {"rounds": rounds, **result})


def prepare() -> None:
    """Build the target's indexes afresh, make the copy, give it the predecessor's indexes, gather statistics."""
    databases.run(f'REINDEX DATABASE "{databases.TARGET}"', database=databases.TARGET)
    databases.create(databases.PREDECESSOR, databases.TARGET)
    databases.give_predecessors_indexes(databases.PREDECESSOR)
    for name in SIDES.values():
        databases.run("VACUUM (ANALYZE)", database=name)


def connect() -> dict[str, psycopg.Connection[Any]]:
    """A connection of psycopg's own to each side, as the settings of Django's would have it."""
    sides = {}
    for side, name in SIDES.items():
        databases.use(name)
        parameters = {**connection.get_connection_params(), "cursor_factory": psycopg.ClientCursor}
        for ours in ("context", "prepare_threshold"):
            parameters.pop(ours, None)
        sides[side] = psycopg.connect(**parameters, autocommit=True)
    databases.use(databases.TARGET)
    return sides


def both(deed: Callable[[Any], object], sides: Sides, rounds: int) -> dict[str, dict[str, float]]:
    """Time a deed on each side in turn."""
    return measure.interleaved({side: partial(deed, on) for side, on in sides.items()}, rounds)


def row(name: str, times: dict[str, dict[str, float]]) -> tuple[str, ...]:
    """A line of a table: medians and their ratio."""
    target, predecessor = times["target"]["median"], times["predecessor"]["median"]
    return name, measure.milliseconds(target), measure.milliseconds(predecessor), f"{predecessor / target:.2f}"


def rounded(times: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """For JSON: milliseconds."""
    return {side: {what: round(value * 1000, 3) for what, value in taken.items()} for side, taken in times.items()}


def index_bytes() -> dict[str, dict[str, int]]:
    """Bytes and number of all indexes of the twenty tables, keys included."""
    found = {}
    for side, on in connect().items():
        with on:
            sizes = on.execute(
                """
                SELECT relname, pg_indexes_size(pg_class.oid) FROM pg_class
                WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
                  AND relname !~ '^(auth|django|users_)' ORDER BY relname
                """
            )
            found[side] = dict(sizes.fetchall())
            found[side]["number of indexes"] = on.execute(
                "SELECT count(*) FROM pg_indexes WHERE schemaname = 'public' AND tablename !~ '^(auth|django|users_)'"
            ).fetchone()[0]  # type: ignore[index]
            found[side]["total"] = sum(size for table, size in found[side].items() if table != "number of indexes")
    rows = [
        (table, f"{size:,}", f"{found['predecessor'][table]:,}", f"{size / max(found['predecessor'][table], 1):.2f}")
        for table, size in found["target"].items()
    ]
    measure.show("Bytes of indexes", ("table", "target", "predecessor", "ratio"), rows)
    return found


def queries(rounds: int) -> dict[str, Any]:
    """The questions, each with the same SQL on both sides."""
    from benchmarks import questions

    databases.use(databases.TARGET)
    subjects = questions.choose_subjects(dt.date.fromisoformat(TODAY))
    statements = {name: questions.sql_of(phrase) for name, phrase in questions.phrases(subjects).items()}
    sides, found, rows = connect(), {}, []

    def ask(sent: Sequence[str], on: psycopg.Connection[Any]) -> None:
        for statement in sent:
            on.execute(statement).fetchall()

    for name, sent in statements.items():
        found[name] = both(partial(ask, sent), sides, rounds)
        rows.append(row(name, found[name]))
    for name, sent in questions.predecessors_name_searches(subjects).items():
        own = {"target": statements[name], "predecessor": sent}
        label = f"{name}, each its own SQL"
        found[label] = measure.interleaved({side: partial(ask, own[side], on) for side, on in sides.items()}, rounds)
        rows.append(row(label, found[label]))
    for on in sides.values():
        on.close()
    measure.show(f"Queries, ms (median of {rounds}, warm)", ("query", "target", "predecessor", "factor"), rows)
    return {name: rounded(times) for name, times in found.items()}


def inserts(rounds: int) -> dict[str, Any]:
    """A day's batch into each of four tables: by COPY, and by bulk_create()."""
    from django.apps import apps

    of_table = {model._meta.db_table: model for model in apps.get_models()}
    sides, found, rows = connect(), {}, []
    databases.use(databases.PREDECESSOR, "predecessor")
    aliases = {"target": "default", "predecessor": "predecessor"}
    for table, when in INSERTS.items():
        columns, lines = _new_rows(sides["target"], table, when)
        times = both(lambda on: _copy(on, table, columns, lines), sides, rounds)  # noqa: B023
        found[f"{table}, COPY {COPIED}"] = rounded(times)
        rows.append(row(f"{table}, COPY {COPIED:,}", times))
        new = _new_instances(of_table[table], when)
        times = both(lambda alias: _bulk_create(new, alias), aliases, rounds)  # noqa: B023
        found[f"{table}, bulk_create {CREATED}"] = rounded(times)
        rows.append(row(f"{table}, bulk_create {CREATED:,}", times))
    for on in sides.values():
        on.close()
    measure.show(f"Inserts, ms (median of {rounds})", ("insert", "target", "predecessor", "factor"), rows)
    return found


def _new_rows(on: psycopg.Connection[Any], table: str, when: str) -> tuple[str, bytes]:
    """Rows as COPY reads them: those of random students, with new ids and the present time."""
    names = [
        name
        for (name,) in on.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
            [table],
        )
    ]
    now = "clock_timestamp()"
    values = {"id": "uuidv7()", "createdAt": now, "updatedAt": now, when: now}
    select = ", ".join(values.get(name, f'"{name}"') for name in names)
    query = f'SELECT {select} FROM (SELECT * FROM "{table}" ORDER BY md5(id::text) LIMIT {COPIED}) AS chosen'
    with on.cursor().copy(f"COPY ({query}) TO STDOUT") as copy:
        lines = b"".join(copy)
    return ", ".join(f'"{name}"' for name in names), lines


def _copy(on: psycopg.Connection[Any], table: str, columns: str, lines: bytes) -> None:
    with on.transaction(force_rollback=True):
        with on.cursor().copy(f'COPY "{table}" ({columns}) FROM STDIN') as copy:
            copy.write(lines)
        on.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _new_instances(model: type[models.Model], when: str) -> list[models.Model]:
    """Unsaved copies of existing rows, with new ids and the present time."""
    from core.db import uuid7

    field = next(field for field in model._meta.fields if field.column == when)
    now = dt.datetime.now(dt.UTC)
    instances = list(model._base_manager.order_by("pk")[: CREATED * 7 : 7])
    for instance in instances:
        instance.pk = uuid7()
        instance._state.adding = True
        setattr(instance, field.attname, now)
    return instances


def _bulk_create(instances: list[models.Model], alias: str) -> None:
    from django.db import connections, transaction

    on: BaseDatabaseWrapper = connections[alias]
    for instance in instances:
        instance._state.db = alias
    with transaction.atomic(using=alias):
        type(instances[0])._base_manager.using(alias).bulk_create(instances, batch_size=500)
        with on.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        transaction.set_rollback(True, using=alias)


# Each before what it refers to; the student last.
_OF_STUDENT = (
    'medication_logs WHERE "studentMedicationId" IN (SELECT id FROM student_medications WHERE "studentId" = %(id)s)',
    *(
        f'{table} WHERE "studentId" = %(id)s'
        for table in (
            *("student_medications", "vital_signs", "appointments", "allergies", "chronic_conditions", "vaccinations"),
            *("screenings", "growth_measurements", "incident_reports", "emergency_contacts", "health_records"),
        )
    ),
    'contacts WHERE "relationTo" = %(id)s',
    "students WHERE id = %(id)s",
)


def erasing(rounds: int) -> dict[str, Any]:
    """One student with all records, for good; the checks of the foreign keys included."""
    sides = connect()
    student = sides["target"].execute("SELECT id FROM students ORDER BY md5(id::text) LIMIT 1").fetchall()[0][0]

    def erase(on: psycopg.Connection[Any]) -> None:
        with on.transaction(force_rollback=True):
            on.execute("SET LOCAL whitecross.erase = 'on'")
            on.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table in _OF_STUDENT:
                on.execute(f"DELETE FROM {table}", {"id": student})

    times = both(erase, sides, rounds)
    for on in sides.values():
        on.close()
    measure.show(
        f"Erasing, ms (median of {rounds})",
        ("deed", "target", "predecessor", "factor"),
        [row("a student with all records", times)],
    )
    return rounded(times)


if __name__ == "__main__":
    django.setup()
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
