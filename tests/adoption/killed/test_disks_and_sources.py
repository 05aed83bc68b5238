"""An adoption whose source is cut off or whose disk is full."""

import re
from typing import Any

import psycopg
import pytest
from django.db import connections

from tests.adoption.conftest import Legacy, execute, value
from tests.adoption.killed.left import BEGUN, NOTHING, Begun, Dump, Run, nothing_is_here, rows_by_table
from tests.adoption.killing import DISK_FULL, at, at_row, terminate
from whitecross.adoption import roads

pytestmark = pytest.mark.direct("ends the server's own process of a connection, which a pooler replaces")


def test_a_connection_to_the_source_that_is_cut_is_a_sentence_and_running_again_finishes(
    legacy: Legacy, pristine_database: str, run: Run, server: Any
) -> None:
    url = legacy.elsewhere(4, template=pristine_database)
    with psycopg.connect(url) as source:
        # More than the sockets hold, so that the other server is still writing when it is killed.
        source.execute(
            "INSERT INTO districts (name, code) SELECT repeat('x', 200), 'BIG' || n FROM generate_series(1, 20000) AS n"
        )
    there = rows_by_table(url=url)

    def cut() -> None:
        terminate(server, connections[roads.SOURCE])

    for moment, left in (
        (at("SELECT pg_temp.setting_rules_problem", cut), NOTHING),  # looking for rows that do not fit
        (at_row("districts", cut, nth=1), BEGUN),
        (at("ANALYZE", cut), BEGUN),
    ):
        with moment as cut_at:
            said = run("--source", url)
        assert cut_at.came
        name = re.escape(url.split("/")[3].split("?")[0])
        assert re.match(rf"The database of --source, {name} at .* cannot be read", said), said
        assert left in said
        assert nothing_is_here()
    assert run("--source", url) == ""
    assert rows_by_table() == there


def test_a_full_disk_says_what_to_do_and_running_again_finishes(
    legacy: Legacy, begun: Begun, dump: Dump, run: Run
) -> None:
    def fill(pattern: str, left: str) -> None:
        with at(pattern, instead=lambda sql: DISK_FULL) as moment:
            said = run()
        assert moment.came, pattern
        assert re.search("has no disk space left .* free some on the server and run the command again", said), said
        assert left in said

    name = legacy.in_place(4)
    before, there = dump(name), rows_by_table()
    fill("ALTER TABLE .*students.* SET SCHEMA", NOTHING)
    assert dump(name) == before
    fill('CREATE TABLE "students"', BEGUN)
    assert run("--undo") == ""
    assert dump(name) == before
    begun()
    for pattern in ('^INSERT INTO "health_records"', "CREATE INDEX .*students", "SET adopted"):
        fill(pattern, BEGUN)
        assert nothing_is_here()
    assert run() == ""
    assert rows_by_table() == there


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_a_disk_that_is_full_in_the_middle_of_a_table_loses_nothing(
    is_elsewhere: bool, legacy: Legacy, begun: Begun, pristine_database: str, run: Run
) -> None:
    source = ["--source", legacy.elsewhere(4, template=pristine_database)] if is_elsewhere else []
    if not is_elsewhere:
        begun()
    execute(
        f"""CREATE FUNCTION fill_up() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN
            IF (SELECT count(*) FROM students) > 30 THEN {DISK_FULL.partition("BEGIN")[2].rpartition("END")[0]} END IF;
            RETURN NULL;
        END $f$""",
        "CREATE TRIGGER fill_up AFTER INSERT ON students FOR EACH ROW EXECUTE FUNCTION fill_up()",
    )
    said = run(*source)
    assert "has no disk space left" in said, said
    assert BEGUN in said
    assert nothing_is_here()
    execute("DROP FUNCTION fill_up CASCADE")
    assert run(*source) == ""
    assert value("SELECT count(*) FROM students") > 30
