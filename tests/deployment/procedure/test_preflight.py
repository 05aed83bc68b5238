"""What upgrade looks at before, one thing after another: what is refused, what is warned of, and in which words."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection

from tests.conftest import create_database, drop_database
from tests.deployment.clusters import Cluster, private_folder
from tests.deployment.doctor.test_servers import on
from tests.deployment.migrating.conftest import until
from tests.deployment.procedure.conftest import execute, in_order, runs, upgrade, value
from tests.migrations.steps import forward
from whitecross.deployment import preflight
from whitecross.deployment.checking import Finding, Outcome, look_at
from whitecross.deployment.preflight import Preflight
from whitecross.deployment.reference import SCRATCH, NoScratchError, drift
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
    execute("CREATE ROLE newcomer", "SET LOCAL ROLE newcomer")
    assert (one_of("privileges").outcome, one_of("privileges").sentence) == (
        REFUSED,
        "newcomer may not make tables: GRANT CREATE ON SCHEMA public TO newcomer.",
    )
    execute("RESET ROLE", "GRANT CREATE ON SCHEMA public TO newcomer", "SET LOCAL ROLE newcomer")
    assert one_of("privileges").outcome is REFUSED
    assert (
        " tables, the first adoption_rejects: make it a member of their owner, or migrate as that."
        in one_of("privileges").sentence
    )


@pytest.mark.direct("upgrade refuses a pooler, whatever else is wrong")
def test_a_code_that_is_older_than_the_database_is_refused(committed_db: str) -> None:
    execute("INSERT INTO django_migrations (app, name, applied) VALUES ('core', '0099_from_tomorrow', now())")
    with pytest.raises(CommandError) as refusal:
        upgrade()
    assert str(refusal.value) == (
        "plan: core.0099_from_tomorrow is applied, but not in this code: deploy the release that has it. Nothing was "
        "changed. Next, when that is mended: python manage.py upgrade"
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
