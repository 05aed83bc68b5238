"""A partition for the months to come: missed early, told with the commands that make it."""

import datetime as dt
from collections.abc import Iterator

import psycopg
import pytest
from django.db import DatabaseError, OperationalError

from configuration.live import parameters
from tests.deployment.doctor.conftest import ask, named, run

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture(autouse=True)
def tidy(patient: None) -> Iterator[None]:
    """What is divided here goes again."""
    yield
    run("DROP TABLE IF EXISTS t, u, v, w", 'DROP SCHEMA IF EXISTS "An other" CASCADE')


def divided(table: str, type_: str, *, until: dt.timedelta) -> None:
    """A table with one partition, which ends in a while."""
    ends = (NOW + until).strftime("%Y-%m-%d %H:%M+00")
    run(
        f"CREATE TABLE {table} (id int, at {type_}) PARTITION BY RANGE (at)",
        f"CREATE TABLE {table}_first PARTITION OF {table} FOR VALUES FROM ('2020-01-01') TO ('{ends}')",
    )


def mended(finding: str) -> list[str]:
    """Type the commands that are given. Returns what is found then."""
    report = ask("D28")
    assert named(report) == [finding]
    assert report.unanswered == []
    ((_, found),) = report.found
    assert all(step.is_sql for step in found.steps)
    run(*(step.run for step in found.steps))
    return named(ask("D28"))


@pytest.mark.parametrize("type_", ["timestamptz", "timestamp", "date"])
@pytest.mark.parametrize(
    ("days", "severity"), [(61, "warning"), (9, "warning"), (6, "broken"), (-1, "broken"), (-1000, "broken")]
)
def test_a_last_partition_that_ends_soon_is_found_and_the_next_ones_made(days: int, severity: str, type_: str) -> None:
    divided("t", type_, until=dt.timedelta(days=days))
    if days < 0:
        with pytest.raises((DatabaseError, psycopg.Error)):
            run("INSERT INTO t VALUES (1, now())")
    assert mended(f"{severity} D28 t") == []
    run("INSERT INTO t SELECT 1, now() + n * interval '1 day' FROM generate_series(0, 80) n")


def test_one_without_any_partition_is_found_and_mended() -> None:
    run("CREATE TABLE t (id int, at timestamptz) PARTITION BY RANGE (at)")
    ((_, found),) = ask("D28").found
    assert found.sentence == "it has no partition: every row is refused"
    assert mended("broken D28 t") == []
    run("INSERT INTO t SELECT 1, now() + n * interval '1 day' FROM generate_series(0, 80) n")


def test_where_months_are_another_time_zones_the_next_ones_are_made_all_the_same() -> None:
    """In UTC the next one begins in the month before, whose name is taken."""
    first = (NOW.replace(day=1) + dt.timedelta(days=31)).replace(day=1)  # of next month
    ends = first.strftime("%Y-%m-%d 00:00+02")
    last = f"t_{first - dt.timedelta(days=1):%Y_%m}"
    run(
        "CREATE TABLE t (id int, at timestamptz) PARTITION BY RANGE (at)",
        f"CREATE TABLE {last} PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('{ends}')",
    )
    ((_, found),) = ask("D28").found
    run(*(step.run for step in found.steps))
    assert named(ask("D28")) == []


def test_nobody_waits_behind_the_command_where_somebody_holds_the_table(one_db: None) -> None:
    divided("t", "timestamptz", until=dt.timedelta(days=9))
    ((_, found),) = ask("D28").found
    with psycopg.connect(**parameters()) as report:
        report.execute("SELECT * FROM t")
        with pytest.raises(OperationalError, match="lock timeout"):
            run("SET statement_timeout = '5s'", found.steps[0].run)
        run("ROLLBACK", "RESET statement_timeout")
    run(*(step.run for step in found.steps))
    assert named(ask("D28")) == []


def test_one_of_another_schema_and_name_is_mended_too() -> None:
    run('CREATE SCHEMA "An other"')
    run(
        'CREATE TABLE "An other"."The doses" (at date) PARTITION BY RANGE (at)',
        'CREATE TABLE "An other".first PARTITION OF "An other"."The doses" FOR VALUES FROM (MINVALUE) TO ('
        "'2020-01-01')",
    )
    report = ask("D28")
    assert len(report.found) == 1
    run(*(step.run for _, finding in report.found for step in finding.steps))
    assert ask("D28").found == []


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE t_first PARTITION OF t FOR VALUES FROM (MINVALUE) TO (MAXVALUE)",
        "CREATE TABLE t_first PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('infinity')",
        "CREATE TABLE t_first PARTITION OF t DEFAULT",
        "CREATE TABLE t_first PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('2999-01-01')",
    ],
)
def test_where_there_is_room_nothing_is_found(sql: str) -> None:
    run("CREATE TABLE t (at timestamptz) PARTITION BY RANGE (at)", sql)
    assert ask("D28").found == []


def test_what_is_divided_by_something_else_is_none_of_its_business() -> None:
    run(
        "CREATE TABLE t (at timestamptz) PARTITION BY LIST (at)",
        "CREATE TABLE t_first PARTITION OF t FOR VALUES IN ('2020-01-01')",
        "CREATE TABLE u (n int) PARTITION BY RANGE (n)",
        "CREATE TABLE u_first PARTITION OF u FOR VALUES FROM (1) TO (9)",
        "CREATE TABLE v (n int, at date) PARTITION BY RANGE (at, n)",
        "CREATE TABLE v_first PARTITION OF v FOR VALUES FROM ('2020-01-01', 1) TO ('2020-02-01', 1)",
        "CREATE TABLE w (n int, at date) PARTITION BY HASH (n)",
        "CREATE TABLE w_first PARTITION OF w FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
    )
    report = ask("D28")
    assert (report.found, report.unanswered) == ([], [])
