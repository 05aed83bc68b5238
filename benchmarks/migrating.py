"""What migrations of a database in use do to the application: ours beside Django's own migrate, on the same rows.

usage: python -m benchmarks.migrating [students] [rounds]

Four clients read and write students and allergies, as fast as they can but for a hundredth of a second between, in a
process of their own. A report of four seconds holds both tables, again and again. Meanwhile a column is added, an index
built, a rule added and proven: once by Django's command with the operations that one would write by default, once by
ours with those of core.db.online. What counts is how long a query of the application took at most, and how many failed.
"""

import json
import multiprocessing
import statistics
import sys
import threading
import time
from contextlib import contextmanager
from typing import Any

import django

from benchmarks import databases, measure

NAME = "whitecross_bench_migrating"
REPORT_S = 4.0
STUDENTS, ROUNDS = 20_000, 3
QUERIES = (
    'SELECT count(*) FROM allergies WHERE "studentId" = (SELECT id FROM students OFFSET %s LIMIT 1)',
    "UPDATE allergies SET notes = notes WHERE id = (SELECT id FROM allergies OFFSET %s LIMIT 1)",
)


def client(parameters: dict[str, Any], number: int, ends: Any, told: Any) -> None:
    """One client of the application, until it is told to end."""
    import psycopg

    longest, count, failed = 0.0, 0, 0
    times: list[float] = []
    with psycopg.connect(**parameters, autocommit=True) as server:
        while not ends.is_set():
            for query in QUERIES:
                started = time.perf_counter()
                try:
                    server.execute(query, [(count * 7 + number) % 1000])
                except psycopg.Error:
                    failed += 1
                taken = time.perf_counter() - started
                times.append(taken)
                longest = max(longest, taken)
                count += 1
            time.sleep(0.01)
    told.put((longest, count, failed, statistics.quantiles(times, n=1000)[989]))


@contextmanager
def in_use(parameters: dict[str, Any], reports: bool) -> Any:
    """The application at work, and the reports; yields a dict that holds the measures afterwards."""
    import psycopg

    context = multiprocessing.get_context("spawn")
    ends, told = context.Event(), context.Queue()
    clients = [context.Process(target=client, args=(parameters, number, ends, told)) for number in range(4)]
    over = threading.Event()

    def report() -> None:
        with psycopg.connect(**parameters, autocommit=True) as server:
            while not over.is_set():
                server.execute("BEGIN")
                server.execute('SELECT count(*) FROM students JOIN allergies ON allergies."studentId" = students.id')
                over.wait(REPORT_S)
                server.execute("COMMIT")
                over.wait(0.2)

    reporter = threading.Thread(target=report)
    for process in clients:
        process.start()
    if reports:
        reporter.start()
    time.sleep(2)
    measures: dict[str, Any] = {}
    try:
        yield measures
    finally:
        ends.set()
        found = [told.get() for _ in clients]
        over.set()
        if reports:
            reporter.join()
        for process in clients:
            process.join()
        measures.update(
            longest_ms=round(max(longest for longest, *_ in found) * 1000, 1),
            p99_ms=round(max(p99 for *_, p99 in found) * 1000, 1),
            queries=sum(count for _, count, *_ in found),
            failed=sum(failed for *_, failed, _ in found),
        )


def plain_steps() -> list[Any]:
    """The operations that makemigrations writes."""
    from django.db import migrations, models

    import core.db

    return [
        [migrations.AddField("allergy", "source", models.TextField(db_column="source", db_default="", default=""))],
        [migrations.AddIndex("allergy", core.db.Index(fields=["source"], name="allergies_source_idx"))],
        [
            migrations.AddConstraint(
                "allergy", models.CheckConstraint(condition=~models.Q(source="nobody"), name="allergies_source_check")
            )
        ],
    ]


def migrate_plainly(alias: str) -> None:
    """Django's executor and operations, no lock_timeout."""
    from django.db import connections
    from django.db.migrations import Migration
    from django.db.migrations.executor import MigrationExecutor

    connection = connections[alias]
    executor = MigrationExecutor(connection)
    state = executor.loader.project_state(("sample", "0001_tables_in_use"))
    for operations in plain_steps():
        migration = Migration("plain", "sample")
        migration.operations = operations
        with connection.schema_editor(atomic=True) as editor:
            state = migration.apply(state, editor)


def main(students: int, rounds: int) -> None:
    """Seed, then measure in turn: nothing, Django's, ours."""
    import os

    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.deployment.migrating.sample_settings"
    django.setup()
    from django.core.management import call_command
    from django.db import connections

    from whitecross.postgres.connecting import connect

    databases.create(NAME)
    measure.manage("migrate", "--verbosity=0", database=NAME)
    measure.manage("seed_demo", f"--students={students}", database=NAME)
    databases.use(NAME)
    with connect("default") as server:
        server.execute("ANALYZE")
        parameters = {
            key: value
            for key, value in connections["default"].get_connection_params().items()
            if key in ("dbname", "host", "port", "user", "password", "options")
        }
        rows = server.execute("SELECT (SELECT count(*) FROM students), (SELECT count(*) FROM allergies)").fetchone()
    call_command("migrate", "sample", "0001", verbosity=0, interactive=False)

    def back() -> None:
        with connect("default") as server:
            server.execute("ALTER TABLE allergies DROP COLUMN IF EXISTS source")
            server.execute("DELETE FROM django_migrations WHERE app = 'sample' AND name > '0001_tables_in_use'")

    def nothing() -> None:
        time.sleep(8)

    def djangos() -> None:
        migrate_plainly("default")

    def ours() -> None:
        call_command("migrate", "sample", "0004", verbosity=0, interactive=False)

    found: dict[str, list[dict[str, Any]]] = {}
    for _ in range(rounds):
        for name, deed in {"no migration": nothing, "Django's migrate": djangos, "ours": ours}.items():
            back()
            with in_use(parameters, reports=True) as measures:
                started = time.perf_counter()
                deed()
                measures["migration_s"] = round(time.perf_counter() - started, 2)
            found.setdefault(name, []).append(measures)
            measure.console.print(name, json.dumps(measures))
    back()
    connections["default"].close()
    rows_shown = [
        (
            name,
            *(f"{max(one[key] for one in several):,.0f}" for key in ("longest_ms", "p99_ms")),
            f"{sum(one['queries'] for one in several):,}",
            sum(one["failed"] for one in several),
            f"{statistics.median(one['migration_s'] for one in several):.1f}",
        )
        for name, several in found.items()
    ]
    measure.show(
        f"The application while a column, an index and a rule are added ({rounds} rounds, reports of {REPORT_S:g} s)",
        ("", "longest query, ms", "99th percentile, ms", "queries", "failed", "migration, s (median)"),
        rows_shown,
    )
    measure.write(
        "migrating", {"students": rows[0] if rows else 0, "allergies": rows[1] if rows else 0, "rounds": found}
    )
    databases.drop(NAME)


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else STUDENTS,
        int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS,
    )
