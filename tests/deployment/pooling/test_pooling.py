"""PgBouncer in transaction mode, as the other tests and docs/scaling.md use it."""

import ast
import configparser
import io
import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction

from configuration import config
from configuration.declared import SYSTEM_NAME
from core.models import District
from core.schema.actual import read_catalog
from tests.deployment.backups.archives import write_archive
from tests.deployment.clusters import private_folder
from tests.deployment.pooling.pooler import CONFIGURATION, PGBOUNCER, Pooler
from whitecross.adoption import moving, roads

TESTS = Path(__file__).resolve().parents[2]
PAGE = TESTS.parent / "docs" / "scaling.md"

pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed")


@pytest.fixture
def pooled(committed_db: str) -> Iterator[str]:
    """A database of the test's own, which Django reaches through a pooler of the test's own; yields its name."""
    known = connection.get_connection_params()
    with private_folder() as folder:
        where = {name: known.get(name) or "" for name in ("host", "port", "user", "password")}
        pooler = Pooler(folder, **where)
        pooler.start()
        connection.close()
        before = dict(connection.settings_dict)
        # Without the embedded server's folder, which would set the host anew.
        connection.settings_dict.update(
            HOST="127.0.0.1", PORT=str(pooler.port), USER=pooler.user, EMBEDDED=None, DISABLE_SERVER_SIDE_CURSORS=True
        )
        try:
            yield committed_db
        finally:
            connections.close_all()
            connection.settings_dict.update(before)
            pooler.stop()


def backend(own: psycopg.Connection[Any]) -> int:
    row = own.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])


def test_each_transaction_may_be_another_connection_to_the_server(pooled: str) -> None:
    how = {"host": "127.0.0.1", "port": connection.settings_dict["PORT"], "user": connection.settings_dict["USER"]}
    with psycopg.connect(dbname=pooled, **how) as one, psycopg.connect(dbname=pooled, **how) as other:
        first = backend(one)
        one.commit()
        assert backend(other) == first  # and one has it no more
        assert backend(one) != first


def test_connections_have_the_planner_settings_of_the_application(pooled: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('jit'), current_setting('random_page_cost'), current_setting('TimeZone')"
        )
        assert cursor.fetchone() == ("off", "1.1", "UTC")


def test_rows_are_read_in_pieces_without_a_cursor_of_the_servers(pooled: str) -> None:
    District.objects.bulk_create(District(name=f"D{number}", code=f"{number}") for number in range(50))
    assert len([*District.objects.iterator(chunk_size=7)]) == 50


def test_one_adoption_at_a_time_is_kept_to_there_too(pooled: str) -> None:
    with moving.the_only_one(connection):
        with pytest.raises(moving.BusyError, match=r"is at work \(process \d+ of the server"):
            moving.the_only_one(connection).__enter__()
        assert District.objects.count() == 0
    with moving.the_only_one(connection):
        pass


# PgBouncer gives each client its own of the first; the others are of the transaction that asks.
THEIR_OWN = [
    *("application_name", "client_encoding", "DateStyle", "IntervalStyle", "standard_conforming_strings", "TimeZone"),
    *("transaction_isolation", "transaction_read_only", "transaction_deferrable"),
]


def left_behind(pooled: str) -> list[tuple[Any, ...]]:
    """What sessions of the server have been told, and what they listen to, as whoever gets them next finds it."""
    how = {"host": "127.0.0.1", "port": connection.settings_dict["PORT"], "user": connection.settings_dict["USER"]}
    found = {}
    with ExitStack() as stack:
        clients = [stack.enter_context(psycopg.connect(dbname=pooled, **how)) for _ in range(5)]
        for client in clients:  # each keeps its session until its transaction ends
            settings = client.execute(
                "SELECT name, setting FROM pg_settings WHERE source = 'session' AND name <> ALL(%s) ORDER BY 1",
                [THEIR_OWN],
            )
            found[backend(client)] = (
                settings.fetchall(),
                client.execute("SELECT * FROM pg_listening_channels()").fetchall(),
            )
    return [found[pid] for pid in sorted(found)]


def test_what_an_adoption_is_told_stays_in_its_own_transactions(pooled: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE \"{pooled}\" SET statement_timeout = '50s'")
    connection.close()
    fresh = left_behind(pooled)[-1]
    roads.settle(connection)
    for _ in range(2):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout'), current_setting('row_security')")
            assert cursor.fetchone() == ("0", "off")
    with transaction.atomic(), connection.cursor() as cursor:
        roads.settle(connection)
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
    connection.close()
    assert [found for found in left_behind(pooled) if found != fresh] == []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('row_security')")
        assert cursor.fetchone() == ("on",)


@pytest.mark.parametrize("words", [["backup"], ["rollback", "adoption.0001", "--yes"], ["doctor"], ["config", "list"]])
def test_a_command_leaves_nothing_in_the_sessions_that_it_had(
    words: list[str], pooled: str, tmp_path: Path, settings: Any
) -> None:
    settings.WHITECROSS_BACKUP_DIR = str(tmp_path)
    fresh = left_behind(pooled)[-1]
    with suppress(CommandError, SystemExit):
        call_command(*words, stdout=io.StringIO(), stderr=io.StringIO())
    connections.close_all()
    assert [found for found in left_behind(pooled) if found != fresh] == []


def test_settings_are_read_without_listening_in_somebody_elses_session(pooled: str) -> None:
    fresh = left_behind(pooled)[-1]
    try:
        config.pending_restart()
        assert SYSTEM_NAME.get()
        assert [found for found in left_behind(pooled) if found != fresh] == []
    finally:
        config.stop()


@pytest.mark.parametrize(
    "words",
    [
        ["backup"],
        ["restore", "latest", "--into", "elsewhere"],
        ["upgrade", "--plan"],
        ["upgrade", "--yes"],
        ["rollback", "adoption.0001", "--yes"],
    ],
    ids=" ".join,
)
def test_what_needs_a_session_of_its_own_says_so_and_changes_nothing(
    words: list[str], pooled: str, tmp_path: Path, settings: Any
) -> None:
    settings.WHITECROSS_BACKUP_DIR = str(tmp_path)
    if words[0] == "restore":
        words = ["restore", str(write_archive(tmp_path / "whitecross-20260302T120000Z.backup.tar")), *words[2:]]
    before = {*tmp_path.iterdir()}, read_catalog(connection)
    with pytest.raises(CommandError) as refusal:
        call_command(*words, stdout=io.StringIO(), stderr=io.StringIO())
    said = str(refusal.value)
    assert "pooler" in said
    assert "server itself" in said
    assert "\n" not in said
    assert {*tmp_path.iterdir()} == before[0]
    assert read_catalog(connection) == before[1]


def test_the_page_shows_the_configuration_that_is_tested() -> None:
    (shown,) = re.findall(r"^```ini\n(\[databases\].*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    page, ours = configparser.ConfigParser(), configparser.ConfigParser()
    page.read_string(shown)
    ours.read_string(CONFIGURATION.format(server="host=h", port=1, folder="f", user="u"))
    assert {**page["pgbouncer"]}.items() <= {**ours["pgbouncer"]}.items()
    (said,) = re.findall("connect_query='.*'", page["databases"]["whitecross"])
    assert said in ours["databases"]["*"]


def direct_tests() -> Iterator[tuple[str, str]]:
    """Where `direct` marks tests, and why."""
    for path in TESTS.rglob("*.py"):
        if ".direct" not in (text := path.read_text()):
            continue
        tree = ast.parse(text)
        reasons = {
            id(node.func): ast.literal_eval(node.args[0]) if node.args else ""
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.direct"
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "pytest.mark.direct":
                yield path.name, reasons.get(id(node), "")


def test_each_test_that_goes_round_the_pooler_says_why() -> None:
    unexplained = [name for name, why in direct_tests() if len(why.split()) < 4]
    assert unexplained == []
