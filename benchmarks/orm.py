"""What the ORM costs: a page through a QuerySet against the same SQL through psycopg.

usage: python -m benchmarks.orm [rounds]    (after python -m benchmarks.seed)
"""

import datetime as dt
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

import django
import psycopg

from benchmarks import databases, measure
from benchmarks.indexes import connect
from benchmarks.seed import TODAY


def main(rounds: int) -> None:
    """Each question both ways, in turn."""
    from benchmarks import questions

    databases.use(databases.TARGET)
    subjects = questions.choose_subjects(dt.date.fromisoformat(TODAY))
    sides = connect()
    plain, found, rows = sides["target"], {}, []
    for name, phrase in questions.phrases(subjects).items():
        sent = questions.sql_of(phrase)
        times = measure.interleaved(
            {"orm": phrase, "psycopg": partial(_ask, plain, sent)},
            rounds,
        )
        orm, bare = times["orm"], times["psycopg"]
        ratio, of_least = orm["median"] / bare["median"], orm["least"] / bare["least"]
        found[name] = {
            "orm_ms": round(orm["median"] * 1000, 3),
            "psycopg_ms": round(bare["median"] * 1000, 3),
            "ratio": round(ratio, 2),
            "ratio_of_least": round(of_least, 2),
        }
        shown = (measure.milliseconds(orm["median"]), measure.milliseconds(bare["median"]))
        rows.append((name, *shown, f"{ratio:.2f}", f"{of_least:.2f}"))
    for on in sides.values():
        on.close()
    measure.show(
        f"The ORM, ms (median of {rounds}, warm)", ("question", "QuerySet", "psycopg", "ratio", "of the least"), rows
    )
    measure.write("orm", {"rounds": rounds, "questions": found})


def _ask(on: psycopg.Connection[Any], sent: Sequence[str]) -> None:
    for statement in sent:
        on.execute(statement).fetchall()


if __name__ == "__main__":
    django.setup()
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 25)
