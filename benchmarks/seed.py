"""How long seed_demo takes and how much memory. Leaves the database for the other benchmarks.

usage: python -m benchmarks.seed [students]
"""

import resource
import sys

import django
from django.db import connection

from benchmarks import databases, measure

TODAY = "2026-03-02"


def main(students: int) -> None:
    """Seed a fresh scratch database, in a process of its own."""
    databases.create(databases.TARGET)
    measure.manage("migrate", "--verbosity=0", database=databases.TARGET)
    arguments = ("seed_demo", f"--students={students}", f"--today={TODAY}")
    taken = measure.seconds(lambda: measure.manage(*arguments, database=databases.TARGET))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    databases.use(databases.TARGET)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(n_live_tup)::bigint, pg_database_size(current_database()) FROM pg_stat_user_tables"
            " WHERE relname !~ '^(auth|django|users_)'"
        )
        rows, size = cursor.fetchone()
    result = {
        "students": students,
        "rows": rows,
        "seconds": round(taken, 1),
        "rows_per_second": round(rows / taken),
        "peak_memory_mib": peak,
        "database_mib": size >> 20,
    }
    measure.show("seed_demo", ("what", "measured"), [(name, f"{value:,}") for name, value in result.items()])
    measure.write("seed", result)


if __name__ == "__main__":
    django.setup()
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
