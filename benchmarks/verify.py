"""How long verify_schema takes: the whole process, and where the time goes.

usage: python -m benchmarks.verify [rounds]
"""

import statistics
import sys

import django

from benchmarks import databases, measure

ROUNDS = 10
ALLOWED = 1.0


def main(rounds: int) -> None:
    """Whole processes on a migrated database; the parts are timed in this process."""
    databases.create(databases.EMPTY)
    measure.manage("migrate", "--verbosity=0", database=databases.EMPTY)

    def verify() -> None:
        measure.manage("verify_schema", database=databases.EMPTY)

    def nothing() -> None:
        measure.manage("verify_schema", "--help", database=databases.EMPTY)

    times = measure.interleaved({"verify_schema": verify, "verify_schema --help": nothing}, rounds)
    databases.use(databases.EMPTY)
    parts = _parts(rounds)
    rows = [(name, f"{taken['median']:.2f}", f"{taken['least']:.2f}") for name, taken in times.items()]
    rows += [(f"  {name}", f"{taken:.3f}", "") for name, taken in parts.items()]
    measure.show(f"verify_schema, seconds ({rounds} rounds; at most {ALLOWED})", ("", "median", "least"), rows)
    seconds = {name: {key: round(value, 3) for key, value in taken.items()} for name, taken in times.items()}
    measure.write("verify", {"rounds": rounds, "allowed": ALLOWED, "seconds": seconds, "parts": parts})
    databases.drop(databases.EMPTY)


def _parts(rounds: int) -> dict[str, float]:
    """Median seconds of the parts of a verification, once everything is imported."""
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    from core.schema.actual import read_catalog
    from core.schema.compare import compare
    from core.schema.expected import load_expected
    from core.schema.history import compare_models

    expected, actual, loader = load_expected(), read_catalog(connection), MigrationLoader(None)
    deeds = {
        "read the catalog": lambda: read_catalog(connection),
        "load the snapshot": load_expected,
        "compare": lambda: compare(expected, actual),
        "read the migration files": lambda: MigrationLoader(None),
        "compare models with migrations": lambda: list(compare_models(loader)),
    }
    return {
        name: round(statistics.median(measure.seconds(deed) for _ in range(rounds)), 4) for name, deed in deeds.items()
    }


if __name__ == "__main__":
    django.setup()
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
