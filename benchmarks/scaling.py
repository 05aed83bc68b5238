"""What one machine carries: a million students, the questions of every day, one client and eight, and writing.

usage: python -m benchmarks.scaling [thousands of students]    (default: 1000; at least 20)

Needs a superuser, 15 GB of disk for a million, and about half an hour. 20,000 students are made by seed_demo; the rest
are copies of them with ids of their own, made by the server, which takes a tenth of the time. The medications on the
shelf are not copied: they belong to no district.
"""

import datetime as dt
import multiprocessing
import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import django
from django.db import connection, transaction

from benchmarks import databases, measure
from benchmarks.seed import TODAY

DATABASE = "whitecross_bench_scaling"
ORIGINALS = 20_000
ONCE = ("medications",)
DIFFERENT = {
    ("districts", "code"): "code || '-' || k",
    ("schools", "code"): "code || '-' || k",
    ("users", "email"): "k || '.' || email",
    ("students", "studentNumber"): "\"studentNumber\" || '-' || k",
    ("students", "medicalRecordNum"): "\"medicalRecordNum\" || '-' || k",
}
CLIENTS, SECONDS, SUBJECTS = 8, 10.0, 40

Timed = dict[str, list[float]]


def main(students: int) -> None:
    """Build, measure, drop."""
    databases.create(DATABASE)
    measure.manage("migrate", "--verbosity=0", database=DATABASE)
    built = measure.seconds(lambda: build(students))
    databases.use(DATABASE)
    result: dict[str, Any] = {
        "students": students,
        **sizes(),
        "seconds_to_build": round(built),
        "seconds_a_run": SECONDS,
    }
    measure.show("Size", ("what", "measured"), [(name, str(value)) for name, value in result.items()])
    result["commands_seconds"] = commands()
    alone, together = at_once(1, ask), at_once(CLIENTS, ask)
    show("Questions, ms", alone, together)
    result["questions"] = {"one client": summary(alone), f"{CLIENTS} clients": summary(together)}
    alone, together = at_once(1, write), at_once(CLIENTS, write)
    show("Writing, ms", alone, together)
    result["writes"] = {"one client": summary(alone), f"{CLIENTS} clients": summary(together)}
    measure.write("scaling", result)
    databases.drop(DATABASE)


def build(students: int) -> None:
    """Seed the originals and copy them, with all indexes and keys taken down meanwhile."""
    from health_records.synthetic.rows import COLUMNS
    from whitecross.adoption.building import take_down

    measure.manage("seed_demo", f"--students={ORIGINALS}", f"--today={TODAY}", database=DATABASE)
    databases.use(DATABASE)
    tables = list(COLUMNS)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        scaffold = take_down(cursor, tables, tables)
        for table in tables:
            if table not in ONCE:
                taken = measure.seconds(lambda table=table: copy(cursor, table, students // ORIGINALS - 1))  # type: ignore[misc]
                measure.console.print(f"{table}: {taken:.0f} s")
        taken = measure.seconds(lambda: scaffold.put_up(cursor, lambda name: None))
        measure.console.print(f"indexes and keys: {taken:.0f} s")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def copy(cursor: Any, table: str, copies: int) -> None:
    """Copy every row of a table so often; an id keeps the time that it begins with."""
    cursor.execute(
        "SELECT attname, atttypid = 'uuid'::regtype FROM pg_attribute WHERE attrelid = %s::regclass"
        " AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
        [table],
    )
    columns = cursor.fetchall()

    def value(name: str, is_id: bool) -> str:
        if (table, name) in DIFFERENT:
            return DIFFERENT[table, name]
        if not is_id or name == "medicationId":
            return f'"{name}"'
        return f'overlay("{name}"::text PLACING substr(md5("{name}"::text || k), 1, 12) FROM 25 FOR 12)::uuid'

    names = ", ".join(f'"{name}"' for name, _ in columns)
    values = ", ".join(value(*column) for column in columns)
    cursor.execute(f"INSERT INTO {table} ({names}) SELECT {values} FROM generate_series(1, {copies}) k, {table}")


def sizes() -> dict[str, Any]:
    """Rows and bytes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        (whole,) = cursor.fetchone()
        cursor.execute(
            "SELECT relname, reltuples::bigint, pg_table_size(oid) >> 20, pg_indexes_size(oid) >> 20 FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND reltuples > 1000 ORDER BY 2 DESC"
        )
        tables = cursor.fetchall()
    return {
        "rows": sum(row[1] for row in tables),
        "database_mib": whole >> 20,
        "indexes_mib": sum(row[3] for row in tables),
        "tables": {name: {"rows": rows, "mib": own, "indexes_mib": theirs} for name, rows, own, theirs in tables},
    }


def commands() -> dict[str, float]:
    """Whole processes: what a deployment runs."""
    deeds: dict[str, tuple[str, ...]] = {"migrate, nothing to do": ("migrate",), "verify_schema": ("verify_schema",)}
    return {
        name: round(
            statistics.median(measure.seconds(lambda a=a: measure.manage(*a, database=DATABASE)) for _ in range(3)), 2
        )  # type: ignore[misc]
        for name, a in deeds.items()
    }


def at_once(clients: int, deed: Callable[[int], Timed]) -> Timed:
    """Do the same in so many processes; all their times."""
    connection.close()
    with multiprocessing.get_context("spawn").Pool(clients, initializer=begin) as pool:
        found: Timed = {}
        for timed in pool.map(deed, range(clients)):
            for name, times in timed.items():
                found.setdefault(name, []).extend(times)
    return found


def begin() -> None:
    """A client of its own."""
    django.setup()
    databases.use(DATABASE)


def ask(number: int) -> Timed:
    """All questions in turn about schools chosen at random, for so many seconds after one round to warm up."""
    from benchmarks import questions

    chance = random.Random(number)  # noqa: S311
    phrases = [questions.phrases(subjects) for subjects in some_subjects()]
    for phrase in phrases[0].values():
        phrase()
    timed: Timed = {name: [] for name in phrases[0]}
    until = time.perf_counter() + SECONDS
    while time.perf_counter() < until:
        about = chance.choice(phrases)
        for name, phrase in about.items():
            timed[name].append(measure.seconds(phrase))
    return timed


def some_subjects() -> list[Any]:
    """Schools at random, with a nurse and a student each."""
    from benchmarks.questions import Subjects
    from core.models import School, Student, User

    found = []
    for school in School.objects.order_by("?")[:SUBJECTS]:
        nurse = User.objects.filter(school=school, role="NURSE").first()
        student = Student.objects.for_school(school).filter(medications__isnull=False).first()
        if nurse and student:
            found.append(Subjects(school, nurse, student, dt.date.fromisoformat(TODAY)))
    return found


def write(number: int) -> Timed:
    """Doses one by one, each a commit, then in batches of 1,000; for half of the seconds each."""
    from health_records.models import MedicationLog, StudentMedication

    subjects = some_subjects()
    orders = list(StudentMedication.objects.filter(student__in=[one.student for one in subjects]))
    nurse, now = subjects[0].nurse, dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)

    def dose() -> MedicationLog:
        return MedicationLog(
            student_medication=random.choice(orders),  # noqa: S311
            nurse=nurse,
            dosage_given="1 tablet",
            time_given=now,
        )

    timed: Timed = {"a dose": [], "1,000 doses": []}
    until = time.perf_counter() + SECONDS / 2
    while time.perf_counter() < until:
        timed["a dose"].append(measure.seconds(lambda: dose().save(force_insert=True)))
    until = time.perf_counter() + SECONDS / 2
    while time.perf_counter() < until:
        batch = [dose() for _ in range(1000)]
        timed["1,000 doses"].append(measure.seconds(lambda batch=batch: MedicationLog.objects.bulk_create(batch)))  # type: ignore[misc]
    return timed


def summary(timed: Timed) -> dict[str, dict[str, float]]:
    """Median and 95th percentile in milliseconds, and how many were done."""
    return {
        name: {
            "p50_ms": round(statistics.median(times) * 1000, 2),
            "p95_ms": round(statistics.quantiles(times, n=20)[-1] * 1000, 2),
            "times": len(times),
        }
        for name, times in timed.items()
    }


def show(title: str, alone: Timed, together: Timed) -> None:
    """One client beside several."""
    rows = []
    for name in alone:
        one, several = summary(alone)[name], summary(together)[name]
        rows.append((name, *(f"{each[key]:g}" for each in (one, several) for key in ("p50_ms", "p95_ms", "times"))))
    columns = ("", "p50", "p95", "times", f"{CLIENTS}: p50", "p95", "times")
    measure.show(f"{title} ({SECONDS:.0f} s)", columns, rows)


if __name__ == "__main__":
    django.setup()
    main((int(sys.argv[1]) if len(sys.argv) > 1 else 1000) * 1000)
