"""Kill it at any moment, and nothing is lost and nothing doubled: it goes on, or undo brings back what was there."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, connections

from tests.adoption.conftest import Legacy, execute, on_a_database_of_its_own, url_of, value
from tests.adoption.killing import AT_A_ROW, DISK_FULL, at, at_row, terminate
from tests.adoption.test_roads import is_as_a_fresh_migrate_leaves_it
from tests.conftest import _maintenance, create_database_from, drop_database
from whitecross.adoption import adopting, moving, roads
from whitecross.adoption.mapping import ORDER, SETTINGS

pytestmark = pytest.mark.direct("ends the server's own process of a connection, which a pooler replaces")

PROJECT = Path(__file__).parents[2]
Dump = Callable[[str], bytes]
Run = Callable[..., str]
Kill = Callable[[], None]
Begun = Callable[[], str]
Start = Callable[..., "subprocess.Popen[str]"]
# What the command says of what it leaves behind.
NOTHING, BEGUN, DONE = "Nothing was changed.", "No row is lost, none is here yet", "All rows are here"
# Each table is killed in on one of the roads.
HALF_OF_THEM, THE_OTHERS = ORDER[::2], ORDER[1::2]
# Django notes a migration after its transaction, where constraints and triggers are made at its end.
AFTER_A_MIGRATION = """INSERT INTO "django_migrations" .*'core'"""
# Statements of a load besides its rows.
OF_LOAD = (
    "DROP CONSTRAINT",
    "DELETE FROM",
    r"ADD CONSTRAINT \S+ PRIMARY KEY",
    "CREATE INDEX",
    r"ADD CONSTRAINT \S+ FOREIGN KEY",
    r"sha256.*ROW\(h\.",
    "SET adopted",
)


@pytest.fixture
def server(legacy: Legacy) -> Iterator[Any]:
    """A connection to the server, to none of the databases that are adopted."""
    with _maintenance() as server:
        yield server


@pytest.fixture
def kill(server: Any) -> Kill:
    """Ends the backend of Django's connection."""
    return lambda: terminate(server, connection)


def command(folder: Path, *arguments: str) -> str:
    """Run adopt on the database on which Django stands; returns the sentence with which it fails, or nothing."""
    try:
        report = () if {"--undo", "--finish"} & {*arguments} else ("--report", str(folder))
        call_command("adopt", *arguments, "--yes", *report, stdout=io.StringIO())
    except CommandError as error:
        return str(error)
    finally:
        connection.close()
        # Where the last statements of a migration fail, Django goes on believing that it is in a transaction.
        connection.connect()
    return ""


@pytest.fixture
def run(legacy: Legacy, tmp_path: Path) -> Run:
    """Runs adopt as `command` does."""
    return lambda *arguments: command(tmp_path, *arguments)


@pytest.fixture(scope="module")
def begun_template(
    legacy_templates: dict[str, str], django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A database of state 4 whose adoption was killed between migrate and load."""
    with django_db_blocker.unblock():
        name = f"{connection.settings_dict['NAME']}_begun"
        with ExitStack() as stack, _maintenance() as server:
            killed = Legacy(stack, legacy_templates).in_place(4)
            with at('LOCK TABLE "districts"', lambda: terminate(server, connection)) as moment:
                said = command(tmp_path_factory.mktemp("report"))
            assert moment.came, said
            connection.close()
            create_database_from(killed, name)
        yield name
        drop_database(name)


@pytest.fixture
def begun(legacy: Legacy, begun_template: str) -> Iterator[Begun]:
    """Puts Django on a database whose adoption was killed between migrate and load."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(on_a_database_of_its_own(begun_template))


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each table come in several parts, and each row from elsewhere by itself."""
    monkeypatch.setattr(roads, "BLOCKS", 1)
    monkeypatch.setattr(roads, "BUFFER", 1)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Start]:
    """Starts manage.py adopt in a process of its own, on the database on which Django stands."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **moment: Any) -> "subprocess.Popen[str]":
        words = ["-m", "tests.adoption.killing", json.dumps(moment)] if moment else ["manage.py"]
        process = subprocess.Popen(
            [sys.executable, *words, "adopt", *arguments, "--yes", "--report", tmp_path],
            cwd=PROJECT,
            env={**os.environ, "DATABASE_URL": url_of(str(connection.settings_dict["NAME"])), "COLUMNS": "1000"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        connection.close()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def killed_at(run: Run, kill: Kill, pattern: str, *arguments: str, says: str, **where: Any) -> None:
    """Kill the backend at that statement, and see that the command says so."""
    with at(pattern, kill, **where) as moment:
        said = run(*arguments)
    assert moment.came, (pattern, moment, said)
    assert "was stopped" in said, (pattern, said)
    assert says in said, (pattern, said)


def without_migrating(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let adopt not migrate again: it has nothing left to do, and takes half of the time."""
    monkeypatch.setattr(adopting, "_migrate", lambda road, progress: None)


def rows_by_table(schema: str = "public", url: str | None = None) -> dict[str, int]:
    """Rows of each of the predecessor's tables that has some; settings aside, of which some are seeded here."""
    rows = {}
    with psycopg.connect(url or url_of(str(connection.settings_dict["NAME"]))) as looking:
        for table in ORDER:
            name = f'{schema}."{table}"'
            is_there = looking.execute("SELECT to_regclass(%s) IS NOT NULL", [name]).fetchone() == (True,)
            if is_there and table != SETTINGS:
                ((rows[table],),) = looking.execute(f"SELECT count(*) FROM {name}").fetchall()
    return {table: number for table, number in rows.items() if number}


def nothing_is_here() -> bool:
    """Whether no row has come."""
    return not rows_by_table()


def all_is_here(there: dict[str, int]) -> bool:
    """Whether an adoption has come to its end: every row, each once, proven, in the schema of a fresh migrate."""
    record = moving.read_record(connection)
    assert record is not None
    assert record.report is not None
    return (
        rows_by_table() == there
        and all(table["holds"] and table["rowsThere"] == table["rowsHere"] > 0 for table in record.report["tables"])
        and is_as_a_fresh_migrate_leaves_it()
    )


def wait_until(server: Any, question: str, *names: str) -> None:
    """Wait until the server says yes of databases."""
    connection.close()
    deadline = time.monotonic() + 20
    while server.execute(f"SELECT {question}", [list(names)]).fetchone() != (True,):
        assert time.monotonic() < deadline, question
        time.sleep(0.005)


NOBODY = "NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = ANY(%s))"
SOMEBODY_WAITS = """EXISTS (
    SELECT FROM pg_locks JOIN pg_database d ON d.oid = database WHERE datname = ANY(%s) AND NOT granted
)"""


def test_a_backend_killed_at_any_step_within_the_database_loses_nothing(
    legacy: Legacy, dump: Dump, run: Run, kill: Kill, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = legacy.in_place(7)
    before, there = dump(name), rows_by_table()

    killed_at(run, kill, "rule 0", says=NOTHING, nth=5)  # looking for rows that do not fit
    killed_at(run, kill, "LOCK TABLE", says=NOTHING)
    for nth in range(1, len(ORDER) + 1, 4):
        killed_at(run, kill, "ALTER TABLE .* SET SCHEMA", says=NOTHING, nth=nth)
    killed_at(run, kill, "ALTER TABLE .*SequelizeMeta.* SET SCHEMA", says=NOTHING)
    killed_at(run, kill, "ALTER TYPE .*enum_vital_signs_consciousness.* SET SCHEMA", says=NOTHING, after=True)
    assert dump(name) == before

    killed_at(run, kill, 'CREATE TABLE "django_migrations"', says=BEGUN)
    killed_at(run, kill, 'CREATE TABLE "students"', says=BEGUN)
    killed_at(run, kill, 'INSERT INTO "auth_permission"', says=BEGUN)
    killed_at(run, kill, 'LOCK TABLE "districts"', says=BEGUN)
    assert nothing_is_here()

    without_migrating(monkeypatch)
    for table in HALF_OF_THEM:
        size = f"SELECT pg_relation_size('{table}')"
        empty = value(size)
        # Its second part: one part has come whole, and of this one the first row.
        killed_at(run, lambda: None, f'^INSERT INTO "{table}"', says=BEGUN, nth=2, instead=lambda sql: sql + AT_A_ROW)
        # What a transaction wrote that is gone still takes room.
        assert value(size) > empty, table
    for pattern in OF_LOAD:
        killed_at(run, kill, pattern, says=BEGUN)
    killed_at(run, kill, "SET adopted", says=BEGUN, after=True)
    assert nothing_is_here()
    assert rows_by_table(moving.LEGACY) == there

    assert run() == ""
    assert all_is_here(there)
    assert rows_by_table(moving.LEGACY) == there
    assert run("--undo") == ""
    assert dump(name) == before


def test_a_backend_killed_in_the_middle_of_each_table_from_elsewhere_loses_nothing(
    legacy: Legacy, dump: Dump, run: Run, kill: Kill, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = legacy.elsewhere(7)
    name = str(connection.settings_dict["NAME"])
    empty, there = dump(name), rows_by_table(url=url)
    killed_at(run, kill, "CREATE SCHEMA", "--source", url, says=NOTHING)
    killed_at(run, kill, "SET adopted", "--source", url, says=BEGUN)
    without_migrating(monkeypatch)
    for table in THE_OTHERS:
        with at_row(table, kill) as moment:
            said = run("--source", url)
        assert moment.came, table
        assert BEGUN in said, (table, said)
    assert nothing_is_here()
    assert run("--source", url) == ""
    assert all_is_here(there)
    assert rows_by_table(url=url) == there
    assert run("--undo") == ""
    assert dump(name) == empty


def test_a_backend_killed_between_a_migration_and_its_record_can_go_on(legacy: Legacy, run: Run, kill: Kill) -> None:
    legacy.in_place(3)
    there = rows_by_table()
    killed_at(run, kill, AFTER_A_MIGRATION, says=BEGUN)
    assert run() == ""
    assert all_is_here(there)


def test_a_kill_among_the_last_statements_of_a_migration_is_told_as_any_other(
    legacy: Legacy, run: Run, kill: Kill
) -> None:
    legacy.in_place(3)
    killed_at(run, kill, 'CREATE TRIGGER "', says=BEGUN)


def test_undo_after_a_kill_brings_back_what_was_there(
    legacy: Legacy, begun: Begun, dump: Dump, run: Run, kill: Kill
) -> None:
    name = legacy.in_place(4)
    before = dump(name)
    killed_at(run, kill, AFTER_A_MIGRATION, says=BEGUN)
    assert run("--undo") == ""
    assert dump(name) == before
    name = begun()
    killed_at(run, kill, '^INSERT INTO "incident_reports"', says=BEGUN)
    assert run("--undo") == ""
    assert dump(name) == before


def test_what_the_report_notes_is_the_same_after_a_kill(begun: Begun, run: Run) -> None:
    begun()
    assert run() == ""
    record = moving.read_record(connection)
    assert record is not None
    assert record.report is not None
    assert not [note for note in record.report["notes"] if "unknown" in note]


def test_undo_and_finish_that_are_killed_have_done_nothing_and_running_again_finishes(
    begun: Begun, legacy: Legacy, dump: Dump, run: Run, kill: Kill
) -> None:
    before = dump(legacy.in_place(4))
    there = rows_by_table()
    name = begun()
    killed_at(run, kill, "pg_advisory_unlock", says=DONE)  # all was done by then
    assert run() == ""
    adopted = dump(name)
    for pattern in ("LOCK TABLE", "DROP TABLE", "DROP FUNCTION", "DROP TYPE", "students.* SET SCHEMA", "DROP SCHEMA"):
        killed_at(run, kill, pattern, "--undo", says=DONE, after=pattern == "DROP SCHEMA")
    for pattern in ("LOCK TABLE", "DROP TABLE", "DROP TYPE", "DROP SCHEMA"):
        killed_at(run, kill, pattern, "--finish", says=DONE, after=pattern == "DROP SCHEMA")
    assert dump(name) == adopted
    connection.close()
    create_database_from(name, f"{name}_copy")
    assert run("--undo") == ""
    assert dump(name) == before
    connection.close()
    connection.settings_dict["NAME"] = f"{name}_copy"
    try:
        assert run("--finish") == ""
        assert rows_by_table() == there
        assert is_as_a_fresh_migrate_leaves_it()
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name
        drop_database(f"{name}_copy")


def test_undo_that_is_killed_where_the_schema_stays_has_done_nothing(
    legacy: Legacy, pristine_database: str, dump: Dump, run: Run, kill: Kill
) -> None:
    url = legacy.elsewhere(7, template=pristine_database)
    name = str(connection.settings_dict["NAME"])
    before = dump(name)
    assert run("--source", url) == ""
    adopted = dump(name)
    for pattern in ("DISABLE TRIGGER", "TRUNCATE", 'INSERT INTO "system_configurations"', "ENABLE", "DROP SCHEMA"):
        killed_at(run, kill, pattern, "--undo", says=DONE, after=pattern == "DROP SCHEMA")
    assert dump(name) == adopted
    assert run("--undo") == ""
    assert dump(name) == before


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


def test_a_process_killed_within_the_database_loses_nothing(
    legacy: Legacy, dump: Dump, run: Run, process: Start, server: Any
) -> None:
    name = legacy.in_place(7)
    before = dump(name)

    def kill_at(**moment: Any) -> moving.Record | None:
        killed = process(**moment, signal=signal.SIGKILL)
        out, error = killed.communicate(timeout=60)
        assert killed.returncode == -signal.SIGKILL, (moment, out, error)
        wait_until(server, NOBODY, name)  # a server notices soon that its client has died
        return moving.read_record(connection)

    assert kill_at(pattern="ALTER TABLE .*students.* SET SCHEMA") is None
    assert dump(name) == before
    assert kill_at(pattern='CREATE TABLE "health_records"')
    assert kill_at(table="students")
    record = kill_at(pattern="SET adopted", after=True)
    assert record
    assert record.adopted is None
    assert nothing_is_here()
    assert run("--undo") == ""
    assert dump(name) == before


def test_a_process_killed_on_the_way_from_elsewhere_loses_nothing(
    legacy: Legacy, pristine_database: str, run: Run, process: Start, server: Any
) -> None:
    url = legacy.elsewhere(7, template=pristine_database)
    name, source = str(connection.settings_dict["NAME"]), url.split("/")[3].split("?")[0]
    there = rows_by_table(url=url)
    moments: tuple[dict[str, Any], ...] = (
        {"table": "students", "nth": 30},
        {"pattern": "SET adopted", "after": True},
    )
    for moment in moments:
        killed = process("--source", url, **moment, signal=signal.SIGKILL)
        out, error = killed.communicate(timeout=60)
        assert killed.returncode == -signal.SIGKILL, (moment, out, error)
        wait_until(server, NOBODY, name, source)
        assert nothing_is_here()
    assert run("--source", url) == ""
    assert all_is_here(there)


def test_of_two_that_adopt_at_once_one_does_it_and_the_other_says_so(
    begun: Begun, run: Run, process: Start, server: Any
) -> None:
    name = begun()
    there = rows_by_table(moving.LEGACY)
    with psycopg.connect(url_of(name)) as reader:
        reader.execute("SELECT count(*) FROM students")
        one = process()
        wait_until(server, SOMEBODY_WAITS, name)
        other = process()
        error = other.communicate(timeout=60)[1]
        assert other.returncode == 1
        busy = r"Another adoption of this database is at work \(process \d+ .*\): wait for it\."
        assert re.fullmatch(rf"CommandError: {busy}\n", error), error
        for deed in ("--undo", "--finish"):
            assert re.fullmatch(busy, run(deed))
    assert one.wait(timeout=60) == 0
    assert rows_by_table() == there


def test_control_c_is_a_sentence_and_leaves_nothing_half_done(
    legacy: Legacy, begun: Begun, dump: Dump, run: Run, process: Start, server: Any
) -> None:
    name = legacy.in_place(4)
    before, there = dump(name), rows_by_table()
    with psycopg.connect(url_of(name)) as reader:
        reader.execute("SELECT count(*) FROM students")
        interrupted = process()
        wait_until(server, SOMEBODY_WAITS, name)
        interrupted.send_signal(signal.SIGINT)
        error = interrupted.communicate(timeout=60)[1]
    assert interrupted.returncode == 130, error
    assert error == f"CommandError: Interrupted. {NOTHING}\n"
    assert dump(name) == before

    begun()
    interrupted = process(table="students", signal=signal.SIGINT)
    error = interrupted.communicate(timeout=60)[1]
    assert interrupted.returncode == 130, error
    assert re.fullmatch(rf"CommandError: Interrupted\. {BEGUN}.*\n", error), error
    assert nothing_is_here()
    assert run() == ""
    assert rows_by_table() == there


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
