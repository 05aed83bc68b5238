"""doctor and servers: one that is set up badly, a standby, a pooler in transaction mode, a role that may see little."""

import os
import re
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection

from configuration.live import parameters
from tests.configuration.test_reading_live import PGBOUNCER, pooler
from tests.deployment.clusters import Cluster, private_folder
from tests.deployment.doctor.conftest import ask, named, run
from tests.deployment.doctor.conftest import on as on
from tests.deployment.doctor.test_sessions import in_background
from tests.waiting import until
from whitecross.deployment.doctor import look, server, sessions, statements
from whitecross.deployment.doctor.examining import Report
from whitecross.postgres.url import parse

PAGE = (Path(__file__).resolve().parent.parent.parent.parent / "docs" / "doctor.md").read_text(encoding="utf-8")
BADLY = {
    "shared_preload_libraries": "pg_stat_statements",
    "max_prepared_transactions": "4",
    "wal_level": "logical",
    "autovacuum": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "log_statement": "all",
    "log_min_duration_statement": "0",
    "log_transaction_sample_rate": "0.5",
    "log_parameter_max_length_on_error": "-1",
}


@pytest.fixture(scope="module")
def primary() -> Iterator[Cluster]:
    with ExitStack() as stack:
        made = Cluster.primary(stack.enter_context(private_folder()), None, **BADLY)
        stack.callback(made.stop)
        yield made


@pytest.fixture
def badly(primary: Cluster, django_db_setup: None, django_db_blocker: Any) -> Iterator[Cluster]:
    with django_db_blocker.unblock(), on(**parse(primary.url("postgres")), EMBEDDED=None):
        yield primary


def mend(report: Report) -> None:
    run(*(step.run for _, finding in report.found for step in finding.steps if step.is_sql))


def gone(*ids: str) -> bool:
    """Whether nothing is found any more. What holds since a session began shows in the next."""
    connection.close()
    return named(ask(*ids)) == []


def test_settings_that_endanger_records(badly: Cluster, settings: Any) -> None:
    at_risk = ["fsync", "full_page_writes"]
    telling = [
        "log_error_verbosity",
        "log_min_duration_statement",
        "log_min_error_statement",
        "log_parameter_max_length_on_error",
        "log_statement",
        "log_transaction_sample_rate",
    ]
    settings.PRODUCTION = False
    assert named(ask("D22")) == [f"note D22 {name}" for name in telling]
    assert ask("D23").exit_code == 0
    settings.PRODUCTION = True
    assert named(ask("D13")) == ["warning D13 autovacuum"]
    assert named(ask("D22")) == [f"warning D22 {name}" for name in telling]
    assert named(ask("D23")) == [*(f"broken D23 {name}" for name in at_risk), "warning D23 synchronous_commit"]
    mend(ask("D13", "D22", "D23"))
    until(lambda: gone("D13", "D22", "D23"))


def test_a_setting_is_mended_where_it_was_set(badly: Cluster, settings: Any) -> None:
    settings.PRODUCTION = True
    for where in (f"DATABASE {connection.settings_dict['NAME']}", "ROLE whitecross"):
        run(f"ALTER {where} SET debug_print_plan = off", f"ALTER {where} SET ignore_checksum_failure = on")
        connection.close()
        report = ask("D23")
        assert "broken D23 ignore_checksum_failure" in named(report)
        run(*(step.run for _, finding in report.found if finding.object[0] == "i" for step in finding.steps))
        connection.close()
        assert "broken D23 ignore_checksum_failure" not in named(ask("D23"))


def test_a_server_that_silences_all_triggers(badly: Cluster) -> None:
    """No guard works then, and no foreign key: nothing was found, as what is set for roles and databases is well."""
    run("ALTER SYSTEM SET session_replication_role = replica", "SELECT pg_reload_conf()")
    until(lambda: named(ask("D03")) == ["broken D03 session_replication_role"])
    mend(ask("D03"))
    until(lambda: named(ask("D03")) == [])
    run("ALTER ROLE ALL SET session_replication_role = 'REPLICA'")
    connection.close()
    assert named(ask("D03")) == ["broken D03 every role"]
    mend(ask("D03"))
    assert gone("D03")


def test_what_the_connection_itself_sets_is_to_be_taken_out_there(badly: Cluster, settings: Any) -> None:
    settings.PRODUCTION = True
    options = "-c session_replication_role=replica -c zero_damaged_pages=on"
    with on(OPTIONS={**connection.settings_dict["OPTIONS"], "options": options}):
        found = [one for _, one in ask("D03", "D23").found if one.object[0] in "sz"]
    assert [one.object for one in found] == ["session_replication_role", "zero_damaged_pages"]
    for one in found:
        (step,) = one.steps
        assert step.run == f"SHOW {one.object};"
        assert step.say.startswith("DATABASE_URL (options=) or PGOPTIONS sets it")


def test_no_checksums(badly: Cluster) -> None:
    ((_, finding),) = ask("D24").found
    assert (finding.severity, finding.object) == ("note", "data_checksums")


def test_an_older_release(badly: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    assert named(ask("D25")) == []
    monkeypatch.setattr(server, "TESTED", {17: 99})
    ((_, finding),) = ask("D25").found
    assert finding.object.startswith("PostgreSQL 17.")


def test_a_prepared_transaction(badly: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "WAITING_S", 0)
    with badly.connect() as other, badly.connect() as waiting:
        other.execute("CREATE TABLE held (id integer)")
        other.execute("BEGIN; LOCK TABLE held; PREPARE TRANSACTION 'it''s forgotten'")
        assert named(ask("D19")) == []
        thread = in_background(waiting, "TABLE held")
        until(lambda: named(ask("D18")) == ["warning D18 a prepared transaction"])
        assert named(ask("D19", minutes=0)) == ["warning D19 prepared transaction it's forgotten"]
        mend(ask("D19", minutes=0))
        thread.join()
        assert named(ask("D18", "D19", minutes=0)) == []
        other.execute("DROP TABLE held")


def test_a_slot_that_nobody_reads(badly: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    run("SELECT pg_create_physical_replication_slot('standby', true)")
    assert named(ask("D21")) == ["note D21 slot standby"]
    monkeypatch.setattr(server, "KEPT_BYTES", 0)
    assert named(ask("D21")) == ["warning D21 slot standby"]
    mend(ask("D21"))
    assert named(ask("D21")) == []


def test_a_slot_of_another_database_keeps_the_wal_of_all(badly: Cluster) -> None:
    assert connection.settings_dict["NAME"] != "template1"
    with badly.connect("template1") as other:
        other.execute("SELECT pg_create_logical_replication_slot('reader', 'test_decoding')")
    ((_, finding),) = ask("D21").found
    assert finding.object == "slot reader"
    assert finding.sentence.startswith("nobody reads it in the database template1; it keeps ")
    mend(ask("D21"))
    assert named(ask("D21")) == []


def test_slow_statements(badly: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    ((_, finding),) = ask("D20").found
    assert finding.object == "pg_stat_statements"
    assert [step.run for step in finding.steps] == ["CREATE EXTENSION pg_stat_statements;"]  # the library is there
    run("ALTER SYSTEM RESET shared_preload_libraries", finding.steps[0].run)
    assert named(ask("D20")) == []
    monkeypatch.setattr(statements, "SLOW_MS", 20)
    run("SELECT pg_sleep(0.03), 'Zoë Doe' -- of Zoë")
    run("DO $$BEGIN PERFORM pg_sleep(0.03), 'Zoë Doe'; END$$")
    run("SELECT pg_sleep(0.03), extract(epoch FROM now() - interval '1 day')")  # its text is no statement any more
    found = [finding for _, finding in ask("D20").found]
    unexplained = "SELECT pg_sleep($1), extract($2 FROM now() - interval $3)"
    assert {finding.object for finding in found} >= {"SELECT pg_sleep($1), $2", "DO ?", unexplained}
    explained = [step.run for finding in found for step in finding.steps]
    run(*explained)
    assert "EXPLAIN (GENERIC_PLAN) SELECT pg_sleep($1), $2;" in explained
    assert "Zo" not in str(found)


def test_on_a_standby_every_question_is_answered(badly: Cluster) -> None:
    with ExitStack() as stack:
        standby = badly.standby(stack.enter_context(private_folder()))
        stack.callback(standby.stop)
        with on(**parse(standby.url("postgres")), EMBEDDED=None):
            report = ask(deep=True)
    assert report.unanswered == []
    assert "broken D04 postgres" in named(report)  # empty


@pytest.mark.direct("says its role when it connects, which a pooler does not pass on")
def test_a_role_that_may_see_little_is_told_what_it_does_not_see(role: str, quick: None) -> None:
    as_role = {**connection.settings_dict["OPTIONS"], "options": f"-c role={role}"}
    with psycopg.connect(**parameters()) as other:
        other.execute("SELECT 1")
        with on(OPTIONS=as_role):
            report = ask(deep=True)
        assert report.exit_code in (1, 2)
        assert any(said.startswith("what other roles' sessions do: GRANT") for said in report.unseen)
        assert any(said.startswith("rows behind the foreign key") for said in report.unseen)
        assert any("permission denied for table migration_runs" in said for said in report.unanswered)
        (grants,) = re.findall(r"```sql\n(CREATE ROLE wc_doctor .*?)```", PAGE, re.DOTALL)
        run(*grants.replace("wc_doctor", role).strip().splitlines()[1:])
        with on(OPTIONS=as_role):
            report = ask()
            assert report.exit_code == 0
            assert [said for said in report.unseen if not said.startswith("the ids ")] == []
        run(f"GRANT pg_read_all_data TO {role}")
        with on(OPTIONS=as_role):
            report = ask(deep=True)
            assert report.exit_code == 0
            assert [said for said in report.unseen if "pgstattuple" not in said] == []


def test_a_server_that_stops_answering_is_no_reason_to_wait_for_ever(
    badly: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps no statement_timeout either: the timer's unit stayed at its work, and called nobody."""
    monkeypatch.setattr(look, "UNHEARD_S", 0.5)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(OperationalError, match="the server has stopped answering"):
            ask("D13", seconds=1)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert ask("D25").unanswered == []  # on another connection


@pytest.mark.direct("says its role when it connects, which a pooler does not pass on")
def test_what_a_role_may_not_read_is_not_seen_and_calls_nobody(patient: None, role: str) -> None:
    """The monitor's timer took each for a question without an answer: after an adoption it called all night."""
    run(
        "CREATE SCHEMA whitecross_legacy",
        "CREATE TABLE whitecross_legacy.adoption (in_place boolean, begun timestamptz, adopted timestamptz)",
        "CREATE SCHEMA watching",
        "CREATE EXTENSION pg_stat_statements SCHEMA watching",
        "CREATE EXTENSION pgstattuple",
    )
    try:
        as_role = {**connection.settings_dict["OPTIONS"], "options": f"-c role={role}"}
        with on(OPTIONS=as_role):
            report = ask("D11", "D20", "D26", deep=True)
    finally:
        run("DROP SCHEMA watching CASCADE")
    assert (report.found, report.unanswered, report.exit_code) == ([], [], 0)
    assert report.unseen == [
        f"how full tables and indexes are: GRANT pg_stat_scan_tables TO {role}, by a superuser, lets it be measured",
        f"slow statements: {role} may not read watching.pg_stat_statements",
        f"whether the adoption that was begun has ended: {role} may not read its record, "
        '"whitecross_legacy"."adoption"',
    ]


@pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed")
def test_behind_a_pooler_in_transaction_mode(one_db: None, quick: None) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        pooler(Path(folder)) as (port, _, _),
        on(HOST="127.0.0.1", PORT=port, EMBEDDED=None),
    ):
        report = ask(deep=True)
        assert report.exit_code == 0
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            assert cursor.fetchone() == ("0",)
