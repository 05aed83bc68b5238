"""An adoption while other sessions write."""

import io
import re
import threading
import time
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from tests.adoption.conftest import Legacy, execute, url_of, value
from tests.adoption.killed.left import NOTHING, SOMEBODY_WAITS, Begun, Dump, Run, rows_by_table
from tests.adoption.killing import at
from whitecross.adoption import moving

pytestmark = pytest.mark.direct("ends the server's own process of a connection, which a pooler replaces")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT FROM students LIMIT 1 FOR UPDATE",
        "UPDATE allergies SET notes = notes",
        """INSERT INTO "SequelizeMeta" VALUES ('00000000000008-late.js')""",
    ],
)
def test_a_session_that_writes_is_named_and_nothing_is_done(
    statement: str, legacy: Legacy, dump: Dump, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = legacy.in_place(4)
    before = dump(name)
    monkeypatch.setattr(moving, "PATIENCE_S", 0.2)
    with psycopg.connect(url_of(name), application_name="the predecessor") as writer:
        writer.execute("SET idle_in_transaction_session_timeout = '2s'")  # rather than wait for it for ever
        writer.execute(statement)
        said = run()
        assert re.fullmatch(
            rf"The tables are in use; after 0.2 s: process {writer.info.backend_pid} \(\w+, the predecessor, idle in "
            rf"transaction, since .* UTC\)\. Stop those processes, then run this again\. {NOTHING}",
            said,
        ), said
        writer.rollback()
    assert dump(name) == before


def test_a_session_that_holds_a_table_that_refers_to_ours_is_not_waited_for_for_ever(
    legacy: Legacy, pristine_database: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = legacy.elsewhere(3, template=pristine_database)
    monkeypatch.setattr(moving, "PATIENCE_S", 0.2)
    with psycopg.connect(url_of(str(connection.settings_dict["NAME"]))) as reader:
        reader.execute("SET idle_in_transaction_session_timeout = '2s'")
        reader.execute("SELECT count(*) FROM django_admin_log")
        assert f"The tables are in use; after 0.2 s: process {reader.info.backend_pid}" in run("--source", url)


class Writer(threading.Thread):
    """Runs a statement in a session of its own. `said`: the SQLSTATE with which it failed, or nothing."""

    def __init__(self, statement: str) -> None:
        self._url, self._statement, self.said = url_of(str(connection.settings_dict["NAME"])), statement, ""
        super().__init__()
        self.start()

    def run(self) -> None:
        """What the thread does."""
        try:
            with psycopg.connect(self._url) as writer:
                writer.execute(self._statement)
        except psycopg.Error as error:
            self.said = str(error.sqlstate)


def test_what_another_session_writes_meanwhile_fails_or_stands_here(legacy: Legacy, run: Run, server: Any) -> None:
    name = legacy.in_place(4)
    there = rows_by_table()
    writers = []

    def write(code: str) -> None:
        writers.append(Writer(f"INSERT INTO districts (name, code) VALUES ('Written meanwhile', '{code}')"))
        waiting = f"SELECT {SOMEBODY_WAITS}"
        while server.execute(waiting, [[name]]).fetchone() != (True,):
            assert writers[-1].is_alive()
            time.sleep(0.005)

    with (
        at("ALTER TABLE .*students.* SET SCHEMA", lambda: write("MOVE")) as moved,
        at('CREATE TABLE "django_migrations"', lambda: writers[0].join()),
        at('^INSERT INTO "students"', lambda: write("LOAD")) as loaded,
    ):
        assert run() == ""
    assert moved.came
    assert loaded.came
    for writer in writers:
        writer.join()
    assert [writer.said for writer in writers] == ["42P01", ""]  # no such table any more; and written here
    assert value("SELECT code FROM districts WHERE name = 'Written meanwhile'") == "LOAD"
    assert rows_by_table() == {**there, "districts": there["districts"] + 1}
    assert rows_by_table(moving.LEGACY) == there


def test_what_another_session_writes_through_a_view_of_the_predecessors_is_not_lost(begun: Begun, run: Run) -> None:
    begun()
    execute("CREATE VIEW every_district AS SELECT * FROM whitecross_legacy.districts")
    writers = []

    def write() -> None:
        writers.append(Writer("INSERT INTO every_district (name, code) VALUES ('Through a view', 'VIEW')"))
        writers[0].join(2)

    with at("SET adopted", write) as moment:
        said = run()
    assert moment.came
    writers[0].join()
    execute("DROP VIEW every_district")
    assert writers[0].said or said or run("--finish")
    assert value("SELECT count(*) FROM whitecross_legacy.districts WHERE code = 'VIEW'") == (not writers[0].said)


def test_undo_half_way_says_what_was_written_here_and_is_lost(begun: Begun, run: Run) -> None:
    begun()
    execute("INSERT INTO districts (name, code) VALUES ('The predecessor still runs', 'LATE')")
    assert "districts holds rows that did not come from this adoption" in run()
    said = io.StringIO()
    call_command("adopt", "--undo", "--yes", stdout=said)
    assert "districts\t1\n" in said.getvalue()
