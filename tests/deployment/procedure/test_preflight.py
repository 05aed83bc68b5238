"""What upgrade looks at before, one thing after another: what is refused, what is warned of, and in which words."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyrage  # type: ignore[import-untyped]
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from psycopg.pq import ExecStatus, PGconn

from tests.conftest import create_database, drop_database
from tests.deployment.clusters import PORT, USER, Cluster, private_folder
from tests.deployment.doctor.test_servers import on
from tests.deployment.procedure.conftest import execute, in_order, runs, upgrade, value
from tests.migrations.steps import forward
from tests.waiting import until
from whitecross.deployment import preflight
from whitecross.deployment.backups import making
from whitecross.deployment.checking import Finding, Outcome, look_at
from whitecross.deployment.preflight import Preflight
from whitecross.deployment.reference import SCRATCH, NoScratchError, drift
from whitecross.deployment.static_files import missing_static_files
from whitecross.postgres.connecting import connect
from whitecross.postgres.url import parse

OK, WARNING, REFUSED = Outcome.OK, Outcome.WARNING, Outcome.REFUSED


def looked(folder: Path | None = None) -> dict[str, Finding]:
    """What was found, the worst of each thing."""
    look = Preflight("default", folder, backs_up=folder is not None)
    look.look()
    return {one.name: one for one in sorted(look.findings, key=lambda one: list(Outcome).index(one.outcome))}


def one_of(name: str) -> Finding:
    """What was found by looking at this alone."""
    look = getattr(Preflight("default", None, backs_up=False), f"_{name}")
    (found,) = look_at({name: look})
    return found


@pytest.mark.direct("upgrade refuses a pooler, whatever else is wrong")
def test_a_database_that_is_well_is_looked_at_from_all_sides(
    behind: str, without_scratch: None, tmp_path: Path
) -> None:
    found = looked(tmp_path / "not yet")
    assert {one.outcome for one in found.values()} == {OK}, found
    assert found["version"].sentence.startswith("White Cross 0.")
    assert f"PostgreSQL {value('SHOW server_version').split()[0]}" in found["version"].sentence
    assert found["plan"].sentence == "3 migrations to apply"
    assert found["privileges"].sentence.endswith(" owns every table and may make new ones")
    assert f" in {tmp_path / 'not yet'}" in found["disk space"].sentence
    assert not (tmp_path / "not yet").exists()


def test_a_role_without_the_privileges_is_told_what_to_grant(db: Any) -> None:
    owner = value("SELECT current_user")
    things = sum(
        value(f"SELECT count(*) FROM {catalog} WHERE {which} AND {space} = 'public'::regnamespace")
        for catalog, which, space in (
            ("pg_class", "relkind IN ('r', 'v', 'S')", "relnamespace"),
            ("pg_proc", "true", "pronamespace"),
            ("pg_type", "typtype = 'e'", "typnamespace"),
        )
    )
    execute("CREATE ROLE newcomer", "SET LOCAL ROLE newcomer")
    assert (one_of("privileges").outcome, one_of("privileges").sentence) == (
        REFUSED,
        f"newcomer does not own {things} things of the schema, the first: the table adoption_rejects, of {owner}. Use "
        f"the DATABASE_URL of {owner}; where that is the wrong one, let it say ALTER ... OWNER TO.",
    )
    execute("RESET ROLE", "CREATE SCHEMA empty", "SET LOCAL search_path = empty")
    execute("GRANT USAGE ON SCHEMA empty TO newcomer", "SET LOCAL ROLE newcomer")
    assert (one_of("privileges").outcome, one_of("privileges").sentence) == (
        REFUSED,
        "newcomer may not make tables: GRANT CREATE ON SCHEMA empty TO newcomer",
    )
    execute("RESET ROLE", "GRANT CREATE ON SCHEMA empty TO newcomer", "SET LOCAL ROLE newcomer")
    assert one_of("privileges").outcome is OK


def test_a_function_of_another_role_is_seen(db: Any) -> None:
    """A later migration would replace it, and be refused after the backup."""
    user = value("SELECT current_user")
    execute("CREATE ROLE newcomer", f"GRANT newcomer TO {user}", "CREATE SCHEMA small", "SET LOCAL search_path = small")
    execute("CREATE FUNCTION judged() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE TYPE grade AS ENUM ('A')")
    execute("GRANT ALL ON SCHEMA small TO newcomer", "SET LOCAL ROLE newcomer")
    assert one_of("privileges").sentence.startswith(
        f"newcomer does not own 2 things of the schema, the first: the function judged, of {user}."
    )


def test_what_belongs_to_an_extension_is_nobodys_to_own(db: Any) -> None:
    """A superuser makes pg_stat_statements, as doctor advises: no upgrade by the owner went on after that."""
    execute("CREATE ROLE newcomer", "CREATE SCHEMA small", "GRANT ALL ON SCHEMA small TO newcomer")
    execute("CREATE EXTENSION pg_stat_statements SCHEMA small", "SET LOCAL search_path = small")
    execute("SET LOCAL ROLE newcomer")
    assert (one_of("privileges").outcome, one_of("privileges").sentence) == (
        OK,
        "newcomer owns every table and may make new ones",
    )


@pytest.mark.direct("upgrade refuses a pooler, whatever else is wrong")
def test_a_code_that_is_older_than_the_database_is_refused(committed_db: str) -> None:
    execute("INSERT INTO django_migrations (app, name, applied) VALUES ('core', '0099_from_tomorrow', now())")
    with pytest.raises(CommandError) as refusal:
        upgrade()
    assert str(refusal.value) == (
        "plan: core.0099_from_tomorrow is applied, but not in this code: deploy the release that has it. Nothing was "
        "changed. Next, when that is mended: python manage.py upgrade --no-backup"
    )
    assert len(runs()) == 1


@pytest.mark.direct("upgrade refuses a pooler, whatever else is wrong")
def test_a_database_of_the_predecessor_is_refused(db: Any) -> None:
    execute('CREATE TABLE "SequelizeMeta" (name varchar(255) PRIMARY KEY)')
    with pytest.raises(CommandError, match=r"^predecessor: .* adopt --plan .*Nothing was changed\."):
        upgrade()
    assert len(runs()) == 1


@pytest.mark.direct("knows sessions by the process ids that the driver tells")
def test_who_would_hold_a_migration_up_is_named_without_a_value(
    behind: str, without_scratch: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "OLD_TRANSACTION_S", 0)
    connection.close()
    with connect("default", application_name="nightly report") as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM allergies WHERE allergen = 'Peanut'")
        assert looked()["blockers"].outcome is OK  # of a table that is left alone
        other.execute("SELECT count(*) FROM system_configurations WHERE key = 'Peanut'")
        found, pid = looked()["blockers"], other.info.backend_pid
    assert found.outcome is WARNING
    assert f"process {pid} of " in found.sentence
    assert "(nightly report, idle in transaction since 20" in found.sentence
    assert "FROM system_configurations WHERE key = ?" in found.sentence
    assert found.sentence.endswith(" would hold the migration up: let it end first.")


@pytest.mark.direct("knows sessions by the process ids that the driver tells")
def test_a_table_that_nobody_can_read_is_not_waited_for_and_who_holds_it_is_named(
    behind: str, without_scratch: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each look in turn would have waited for it, without a word."""
    monkeypatch.setattr(preflight, "LOOK_S", 0.2)
    monkeypatch.setattr(making, "SIZE_WAIT_S", 0.2)
    with connect("default", application_name="nightly report") as other:
        other.execute("BEGIN")
        other.execute("LOCK TABLE students, django_migrations IN ACCESS EXCLUSIVE MODE")
        found, pid = looked(tmp_path), other.info.backend_pid
    for name in ("plan", "drift"):
        assert found[name].outcome is REFUSED
        assert found[name].sentence.startswith(f"A table is held, so that nobody can read it, by process {pid} of ")
        assert found[name].sentence.endswith(". Let that end first.")
    assert found["disk space"].outcome is OK
    assert value("SHOW lock_timeout") == "0"


def test_where_the_server_is_not_to_be_reached_one_thing_is_said_of_it(committed_db: str) -> None:
    connection.close()
    with on(HOST="/nowhere", EMBEDDED=None):
        look = Preflight("default", None, backs_up=True)
        look.look()
    ((name, outcome),) = [(one.name, one.outcome) for one in look.findings]
    assert (name, outcome) == ("connection", REFUSED)
    assert "cannot be reached" in look.findings[0].sentence


@pytest.mark.direct("upgrade refuses a pooler, whatever else is wrong")
def test_a_backup_that_would_be_refused_is_known_before(
    behind: str, without_scratch: None, settings: Any, tmp_path: Path
) -> None:
    assert looked(tmp_path)["backup"].sentence.endswith(", not encrypted")
    settings.WHITECROSS_BACKUP_RECIPIENTS = ["age1nonsense"]
    found = looked(tmp_path)["backup"]
    assert (found.outcome, "Key 1 of " in found.sentence) == (REFUSED, True)
    settings.WHITECROSS_BACKUP_RECIPIENTS = [str(pyrage.x25519.Identity.generate().to_public())]
    assert looked(tmp_path)["backup"].sentence.endswith(", encrypted for 1 key")
    settings.WHITECROSS_PG_BIN = str(tmp_path)
    found = looked(tmp_path)["backup"]
    assert (found.outcome, "there is no pg_dump and pg_restore" in found.sentence) == (REFUSED, True)


def test_a_role_that_may_only_read_is_told_why(db: Any) -> None:
    execute("SET TRANSACTION READ ONLY")
    found = one_of("version")
    assert (found.outcome, "may only read here, as default_transaction_read_only is on" in found.sentence) == (
        REFUSED,
        True,
    )


def test_static_files_that_this_release_has_and_nobody_collected_are_known(settings: Any, tmp_path: Path) -> None:
    settings.PRODUCTION, settings.STATIC_ROOT = True, str(tmp_path)
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
    }
    found = one_of("static_files")
    assert found.outcome is REFUSED
    assert re.match(rf"\d+ are not collected in {tmp_path}, the first: \S+\. Collect them by python", found.sentence)
    call_command("collectstatic", interactive=False, verbosity=0)
    assert list(Preflight("default", None, backs_up=False)._static_files()) == []
    manifest = tmp_path / "staticfiles.json"
    manifest.write_text(manifest.read_text().replace('"unfold/css/styles.css"', '"unfold/css/others.css"'))
    assert missing_static_files() == []  # what was read is kept
    settings.STORAGES = {**settings.STORAGES}
    assert missing_static_files() == ["unfold/css/styles.css"]


def test_what_cannot_be_looked_at_is_refused_without_a_value() -> None:
    def fail() -> Finding:
        raise ValueError("Peanut")

    assert look_at({"drift": fail}) == [Finding("drift", REFUSED, "ValueError; --traceback shows where.")]


@pytest.mark.direct("upgrade refuses a pooler, whatever else is wrong")
def test_where_no_scratch_database_can_be_made_it_warns_and_goes_on(
    behind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(alias: str, applied: Any) -> None:
        raise NoScratchError("No scratch database could be made.")

    monkeypatch.setattr(preflight, "drift", fail)
    assert "  warning  drift: No scratch database could be made.\n" in upgrade("--plan")


def test_drift_is_what_the_same_migrations_do_not_make_and_leaves_no_scratch_database(empty_db: str) -> None:
    first = in_order()[0]
    forward(first)
    key = (first.app_label, first.name)
    assert drift("default", {key}) == []
    execute('ALTER TABLE migration_runs ALTER COLUMN "executor" DROP NOT NULL')
    assert [(one.kind, one.object) for one in drift("default", {key})] == [("nullability", "migration_runs.executor")]
    assert value("SELECT count(*) FROM pg_database WHERE datname LIKE %s", f"{empty_db}_scratch%") == 0


def test_the_scratch_database_of_a_run_that_was_killed_is_dropped_by_the_next(empty_db: str) -> None:
    left, in_use, another = (f"{empty_db}_{name}" for name in ("scratch_left", "scratch_in_use", "of_another"))
    for name in (left, in_use, another):
        create_database(name)
    try:
        for name in (left, in_use):
            execute(f"COMMENT ON DATABASE \"{name}\" IS '{SCRATCH}'")
        with connect("default", dbname=in_use):
            drift("default", set())
            there = [value("SELECT count(*) FROM pg_database WHERE datname = %s", name) for name in (left, in_use)]
        assert there == [0, 1]
        assert value("SELECT count(*) FROM pg_database WHERE datname = %s", another) == 1
    finally:
        for name in (left, in_use, another):
            drop_database(name)


@pytest.fixture(scope="module")
def streaming() -> Iterator[tuple[Cluster, Cluster]]:
    """A primary without a table, and its standby."""
    with ExitStack() as stack:
        primary = Cluster.primary(stack.enter_context(private_folder()), max_prepared_transactions="2")
        stack.callback(primary.stop)
        standby = primary.standby(stack.enter_context(private_folder()))
        stack.callback(standby.stop)
        yield primary, standby


@pytest.mark.direct("starts two servers of its own")
def test_standbys_and_prepared_transactions_are_seen(
    streaming: tuple[Cluster, Cluster], django_db_setup: None, django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary, standby = streaming
    with django_db_blocker.unblock():
        with on(**{**parse(standby.url("postgres")), "EMBEDDED": None}):
            found = one_of("version")
        assert found.outcome is REFUSED
        assert found.sentence.endswith(": a standby. Point DATABASE_URL to the primary server.")
        with on(**{**parse(primary.url("postgres")), "EMBEDDED": None}), primary.connect() as server:
            assert one_of("version").outcome is OK
            until(lambda: one_of("replicas").sentence == "walreceiver keeps up")
            assert one_of("blockers").outcome is OK
            with standby.connect() as behind:
                behind.execute("SELECT pg_wal_replay_pause()")
                server.execute("CREATE TABLE grown AS SELECT generate_series(1, 1000)")
                server.execute("BEGIN")
                server.execute("PREPARE TRANSACTION 'left behind'")
                monkeypatch.setattr(preflight, "LAG_BYTES", 1000)
                until(lambda: one_of("replicas").sentence.startswith("walreceiver lags by "))
                assert one_of("replicas").outcome is WARNING
                behind.execute("SELECT pg_wal_replay_resume()")
            found = one_of("blockers")
            assert (found.outcome, found.sentence) == (
                WARNING,
                "the prepared transaction left behind holds its locks for ever",
            )
            server.execute("ROLLBACK PREPARED 'left behind'")


@pytest.mark.direct("starts a server of its own")
def test_what_archives_wal_is_no_replica_and_nothing_of_it_is_hidden(
    streaming: tuple[Cluster, Cluster], django_db_setup: None, django_db_blocker: Any
) -> None:
    """pg_receivewal replays nothing. It was said that pg_read_all_stats would show how far, to a superuser."""
    primary, _ = streaming
    way = f"host={primary.folder} port={PORT} user={USER} replication=true application_name=pg_receivewal"
    with primary.connect() as server:
        (wal,) = server.execute("SELECT pg_current_wal_lsn()").fetchone() or ("0/0",)
        archiver = PGconn.connect(way.encode())
        try:
            assert archiver.exec_(f"START_REPLICATION PHYSICAL {wal}".encode()).status == ExecStatus.COPY_BOTH
            asked = "SELECT count(*) FROM pg_stat_replication WHERE application_name = 'pg_receivewal'"
            until(lambda: server.execute(asked).fetchone() == (1,))
            with (
                django_db_blocker.unblock(),
                on(**{**parse(primary.url("postgres")), "EMBEDDED": None}),
            ):
                until(lambda: one_of("replicas").sentence == "walreceiver keeps up")
                execute("CREATE ROLE sees_little", "SET ROLE sees_little")
                look = Preflight("default", None, backs_up=False)
                assert {one.sentence for one in look._replicas()} == {
                    f"{name}: its lag cannot be seen without pg_read_all_stats"
                    for name in ("pg_receivewal", "walreceiver")
                }
        finally:
            archiver.finish()
