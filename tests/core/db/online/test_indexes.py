"""An index that is built while its table is in use: broken builds, builds that go on, and others of its name."""

import threading
import time
from typing import Any

import psycopg
import pytest
from django.core.management.base import CommandError
from django.db import DatabaseError, OperationalError, connection

import core.db
from core.db import GinIndex
from core.db.online import building
from tests.core.db.online.clinic import (
    CASES,
    INDEX,
    carry_out,
    everything,
    execute,
    heard,
    maintenance,
    prepared,
    sql_of,
)


def test_an_index_whose_build_was_killed_is_built_anew(tidy_db: None) -> None:
    before = prepared("index")
    with maintenance() as writer, maintenance() as killer:
        writer.execute("BEGIN; UPDATE beds SET number = 1 WHERE id = 1")  # the build waits for it
        killing = threading.Thread(target=kill_the_build, args=(killer,))
        killing.start()
        with pytest.raises((DatabaseError, psycopg.Error)):
            carry_out([core.db.AddIndexConcurrently("bed", INDEX)], before)
        killing.join()
        writer.execute("ROLLBACK")
    connection.close()
    assert everything()[0]["tables"]["beds"]["indexes"]["beds_code_idx"]["invalid"]
    carry_out([core.db.AddIndexConcurrently("bed", INDEX)], before)
    catalog, comments = everything()
    assert "invalid" not in catalog["tables"]["beds"]["indexes"]["beds_code_idx"]
    assert comments == [("beds_code_idx", "Where a bed's 100 % is.")]


def kill_the_build(killer: psycopg.Connection[Any]) -> None:
    done = None
    while not done:
        done = killer.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE query LIKE 'CREATE INDEX CONC%' AND wait_event_type = 'Lock' AND datname = current_database()"
        ).fetchone()


def test_a_build_that_goes_on_in_the_server_is_waited_for(tidy_db: None) -> None:
    """Its client is gone and its index not valid yet: to drop that would end in two builds, one after the other."""
    before = prepared("index")
    building_it = [core.db.AddIndexConcurrently("bed", INDEX)]
    with maintenance() as writer, maintenance() as builder:
        writer.execute("BEGIN; UPDATE beds SET number = 1 WHERE id = 1")
        building = threading.Thread(target=builder.execute, args=(sql_of(list(building_it), before)[0],))
        building.start()
        while "beds_code_idx" not in everything()[0]["tables"]["beds"]["indexes"]:
            pass
        waiting = threading.Thread(target=release_when_asked, args=(writer,))
        waiting.start()
        connection.close()  # a new session looks the table up, and must not wait with what it has looked that up in
        with heard() as statements:
            carry_out(list(building_it), before)
        building.join()
        waiting.join()
    assert not [sql for sql in statements if sql.startswith(("DROP INDEX", "CREATE INDEX"))]
    assert "invalid" not in everything()[0]["tables"]["beds"]["indexes"]["beds_code_idx"]


def release_when_asked(writer: psycopg.Connection[Any]) -> None:
    """Let the build go on once it has been asked for its lock a few times."""
    time.sleep(0.5)
    writer.execute("ROLLBACK")


def test_a_lock_that_is_held_for_long_is_asked_for_in_the_queue(tidy_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """There it is seen who holds it, and the patience of `migrate` counts."""
    before = prepared("index")
    monkeypatch.setattr(building, "BUILD_S", 0.5)
    asked: list[str] = []

    def hear(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.extend([sql] if sql.startswith("LOCK TABLE") else [])
        return run(sql, params, many, context)

    with maintenance() as holder:
        execute("CREATE INDEX beds_code_idx ON beds (code)")
        execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'beds_code_idx'::regclass")
        holder.execute("BEGIN; LOCK TABLE beds IN SHARE UPDATE EXCLUSIVE MODE")
        execute("SET lock_timeout = '200ms'")  # as long as the patience of migrate
        with connection.execute_wrapper(hear), pytest.raises(OperationalError, match="lock timeout"):
            carry_out([core.db.AddIndexConcurrently("bed", INDEX)], before)
    assert len(asked) >= 2
    assert [sql.endswith("NOWAIT") for sql in asked] == [True] * (len(asked) - 1) + [False]


@pytest.mark.parametrize("definition", ["beds_code_idx ON beds (number)", "beds_code_idx ON wards (id)"])
def test_another_index_of_the_name_is_left_alone_and_named(definition: str, tidy_db: None) -> None:
    before = prepared("index")
    execute(f"CREATE INDEX {definition}")
    start = everything()
    with pytest.raises(CommandError, match="An index beds_code_idx that this migration does not build"):
        carry_out([core.db.AddIndexConcurrently("bed", INDEX)], before)
    assert everything() == start


def test_a_gin_index_is_built_as_well(tidy_db: None) -> None:
    before = prepared("index")
    index = GinIndex(core.db.SearchWords("code"), name="beds_words", serves="Words.")
    execute("CREATE FUNCTION search_text(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1'")
    execute("CREATE FUNCTION search_words(text) RETURNS tsvector LANGUAGE sql IMMUTABLE AS $$ SELECT ''::tsvector $$")
    for _ in range(2):
        carry_out([core.db.AddIndexConcurrently("bed", index)], before)
    assert everything()[1] == [("beds_words", "Words.")]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("CREATE TABLE beds_code_idx ()", "beds_code_idx is the name of a table, view or sequence"),
        (
            "ALTER TABLE beds ADD CONSTRAINT beds_code_idx UNIQUE (id)",
            r'drop it \(ALTER TABLE "beds" DROP CONSTRAINT "beds_code_idx"\)',
        ),
    ],
)
def test_a_table_or_a_constraint_of_the_name_is_left_alone_and_named(made: str, said: str, tidy_db: None) -> None:
    before = prepared("index")
    execute(made)
    start = everything()
    with pytest.raises(CommandError, match=said):
        carry_out([core.db.AddIndexConcurrently("bed", INDEX)], before)
    assert everything() == start


@pytest.mark.direct("says its search_path for the session")
@pytest.mark.parametrize("case", ["index", "check", "unique"])
def test_where_temporary_tables_come_last_it_is_compared_as_well(case: str, tidy_db: None) -> None:
    before, (_, online, _) = prepared(case), CASES[case]
    execute("SET search_path = public, pg_temp")
    carry_out(online, before)
    once = everything()
    carry_out(online, before)
    assert everything() == once
