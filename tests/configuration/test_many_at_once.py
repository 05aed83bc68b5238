"""Many who change settings at once, and some who are killed while they do."""

import itertools
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, NotSupportedError, connection, transaction

from configuration import editing
from configuration.models import ConfigurationHistory, SystemConfiguration
from tests.factories import make_school

KEY = "MAX_FILE_UPLOAD_SIZE_MB"


def url() -> str:
    known = connection.get_connection_params()
    return psycopg.conninfo.make_conninfo(
        "", **{name: known[name] for name in ("host", "port", "user", "password", "dbname") if known.get(name)}
    )


def in_threads(number: int, work: Callable[[int], Any]) -> list[Any]:
    """Run work(0), work(1)... at once, each with a connection of its own, all from the same moment on."""
    gate = threading.Barrier(number)

    def run(n: int) -> Any:
        try:
            connection.ensure_connection()
            gate.wait(60)
            return work(n)
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(run, range(number)))


def assert_unbroken(changes: list[ConfigurationHistory], before: str | None) -> None:
    """Each change begins with what the one before has left, at a later time."""
    for change in changes:
        assert change.old_value == before
        assert (change.history_type == "+") == (before is None)
        before = None if change.history_type == "-" else change.value
    times = [change.history_date for change in changes]
    assert all(earlier < later for earlier, later in itertools.pairwise(times))


def test_fifty_threads_leave_an_unbroken_chain(committed_db: str) -> None:
    def change(n: int) -> None:
        SystemConfiguration.objects.filter(key=KEY).update(value=str(n + 20))  # the seed's is 10

    in_threads(50, change)
    changes = list(ConfigurationHistory.objects.filter(key=KEY).order_by("history_date"))
    assert len(changes) == 50
    assert {change.value for change in changes} == {str(n + 20) for n in range(50)}
    assert_unbroken(changes, "10")
    assert SystemConfiguration.objects.get(key=KEY).value == changes[-1].value


def test_the_chain_of_a_key_goes_on_through_deletions(committed_db: str) -> None:
    def change(n: int) -> int:
        rows = SystemConfiguration.objects.filter(key="OURS")
        done = 0
        for turn in range(5):
            if n % 3 == 0:
                done += rows.delete()[0]
            elif n % 3 == 1:
                done += rows.update(value=f"{n} {turn}")
            else:
                created = SystemConfiguration.objects.bulk_create(
                    [SystemConfiguration(key="OURS", value=f"{n} {turn}")], ignore_conflicts=True
                )
                assert created
        return done

    removed_or_changed = sum(in_threads(12, change))
    changes = list(ConfigurationHistory.objects.filter(key="OURS").order_by("history_date"))
    assert sum(change.history_type != "+" for change in changes) == removed_or_changed
    assert_unbroken(changes, None)
    now = SystemConfiguration.objects.filter(key="OURS").first()
    assert (now is not None) == (changes[-1].history_type != "-")


def wait_until_it_waits(work: Future[Any]) -> None:
    """Until the work waits for a lock, or has ended without."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(url(), autocommit=True) as looking:
        while not work.done() and not (looking.execute(waiting).fetchone() or (0,))[0]:
            time.sleep(0.01)


def test_of_two_who_give_a_school_its_first_value_the_later_changes_it(committed_db: str) -> None:
    where: dict[str, Any] = {"scope": "SCHOOL", "scope_id": make_school().pk}
    with psycopg.connect(url()) as other, ThreadPoolExecutor(1) as threads:
        other.execute(
            'INSERT INTO system_configurations (key, value, "valueType", scope, "scopeId")'
            " VALUES ('SESSION_TIMEOUT_MINUTES', '20', 'NUMBER', 'SCHOOL', %s)",
            [where["scope_id"]],
        )

        def give() -> None:
            try:
                editing.set_value("SESSION_TIMEOUT_MINUTES", 30, **where, reason="Ours")
            finally:
                connection.close()

        given = threads.submit(give)
        wait_until_it_waits(given)
        other.commit()
        given.result(60)
    changes = ConfigurationHistory.objects.filter(key="SESSION_TIMEOUT_MINUTES").order_by("history_date")
    assert [(change.history_type, change.old_value, change.value) for change in changes] == [
        ("+", None, "20"),
        ("~", "20", "30"),
    ]


def test_nobody_waits_without_end_for_somebody_who_does_not_finish(
    committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editing, "PATIENCE", "100ms")
    setting = SystemConfiguration.objects.get(key=KEY)
    editing.set_value(KEY, 11, reason="Before")
    change = ConfigurationHistory.objects.get(key=KEY)
    deeds: list[Callable[[], Any]] = [
        lambda: editing.set_value(KEY, 12, reason="x"),
        lambda: editing.save(setting, reason="x"),
        lambda: editing.delete(setting, reason="x"),
        lambda: editing.restore(change, before=True, reason="x"),
        lambda: editing.save(SystemConfiguration(key="OURS", value="2"), reason="x"),
    ]
    with psycopg.connect(url()) as other:
        other.execute("UPDATE system_configurations SET value = '13' WHERE key = %s", [KEY])
        other.execute("INSERT INTO system_configurations (key, value) VALUES ('OURS', '3')")
        for deed in deeds:
            with pytest.raises(editing.BusyError, match="has not finished"):
                deed()
        other.rollback()
    deeds[0]()
    assert SystemConfiguration.objects.get(key=KEY).value == "12"


def two_at_once(first: str, second: str) -> list[bool]:
    """Two transactions at once, the first of which waits before it commits. Which have committed?"""
    done: list[bool] = [False, False]
    with psycopg.connect(url()) as one, psycopg.connect(url()) as other:
        other.execute("SET application_name = 'the second'")
        other.commit()
        one.execute(first)

        def run() -> None:
            try:
                other.execute(second)
                other.commit()
                done[1] = True
            except psycopg.errors.CheckViolation:
                other.rollback()

        thread = threading.Thread(target=run)
        thread.start()
        with psycopg.connect(url(), autocommit=True) as looking:
            waiting = (
                "SELECT 1 FROM pg_stat_activity WHERE application_name = 'the second' AND wait_event_type = 'Lock'"
                " AND datname = current_database()"
            )
            while thread.is_alive() and not looking.execute(waiting).fetchone():
                time.sleep(0.01)
        assert thread.is_alive(), "the second does not wait for the first"
        one.commit()
        done[0] = True
        thread.join()
    return done


NARROW = """UPDATE system_configurations SET "maxValue" = 7, value = '5' WHERE key = 'OURS' AND scope = 'SYSTEM'"""
LAY_DOWN = (
    """INSERT INTO system_configurations (key, value, "valueType", "maxValue") VALUES ('OURS', '5', 'NUMBER', 7)"""
)


@pytest.mark.parametrize("rules", [NARROW, LAY_DOWN])
@pytest.mark.parametrize("rules_first", [True, False])
def test_a_rule_and_a_value_that_breaks_it_do_not_both_commit(rules: str, rules_first: bool, committed_db: str) -> None:
    if rules == NARROW:
        SystemConfiguration.objects.create(key="OURS", value="5", value_type="NUMBER", max_value=100)
    override = f"""INSERT INTO system_configurations (key, value, "valueType", scope, "scopeId")
        VALUES ('OURS', '50', 'NUMBER', 'SCHOOL', '{make_school().pk}')"""
    both = (rules, override) if rules_first else (override, rules)
    assert two_at_once(*both) == [True, False]
    stored = SystemConfiguration.objects.filter(key="OURS")
    assert stored.filter(value="50").exists() != stored.filter(max_value=7).exists()


@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
def test_rules_over_rows_are_not_judged_by_an_old_view_of_them(isolation: str, committed_db: str) -> None:
    school = make_school()
    for row in (
        SystemConfiguration(key="OURS", value="5"),
        SystemConfiguration(key="SYSTEM_NAME", value="Ours", scope="SCHOOL", scope_id=school.pk),
    ):
        with transaction.atomic():
            connection.cursor().execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}")
            with pytest.raises(NotSupportedError, match="READ COMMITTED"), transaction.atomic():
                row.save()
    with transaction.atomic():
        connection.cursor().execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}")
        SystemConfiguration.objects.filter(key="SYSTEM_NAME").update(value="Ours")


def test_a_key_gets_one_value_from_fifty_who_create_it(committed_db: str) -> None:
    def create(n: int) -> bool:
        try:
            SystemConfiguration.objects.create(key="OURS", value=str(n))
        except IntegrityError:
            return False
        return True

    assert sum(in_threads(50, create)) == 1
    assert ConfigurationHistory.objects.filter(key="OURS").count() == 1


CHANGING = """
import os, sys
import django
django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
connection.ensure_connection()
from configuration.models import SystemConfiguration
slow = len(sys.argv) > 2
if slow:
    def pausing(execute, sql, params, many, context):
        if "set_config" in sql:
            execute("SELECT pg_sleep(0.01)", None, False, context)
        return execute(sql, params, many, context)
    connection.execute_wrappers.append(pausing)
n = int(SystemConfiguration.objects.get(key="COUNTER").value)
print("ready", flush=True)
while True:
    n += 1
    SystemConfiguration.objects.filter(key="COUNTER").update(value=str(n))
"""


def assert_history_tells_the_whole_story() -> None:
    changes = list(ConfigurationHistory.objects.filter(key="COUNTER").order_by("history_date"))
    assert_unbroken(changes, None)
    assert changes[-1].value == SystemConfiguration.objects.get(key="COUNTER").value


@pytest.mark.parametrize("pace", [[], ["slow"]], ids=["at full speed", "between statements"])
def test_a_killed_program_leaves_change_and_history_or_neither(pace: list[str], committed_db: str) -> None:
    SystemConfiguration.objects.create(key="COUNTER", value="0", value_type="NUMBER")
    chance = random.Random(3)  # noqa: S311
    for _ in range(5):
        program = subprocess.Popen([sys.executable, "-c", CHANGING, committed_db, *pace], stdout=subprocess.PIPE)
        assert program.stdout is not None
        assert program.stdout.readline() == b"ready\n"
        before = ConfigurationHistory.objects.count()
        deadline = time.monotonic() + 60
        while ConfigurationHistory.objects.count() == before and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(chance.random() / 20)
        program.send_signal(signal.SIGKILL)
        program.wait()
        program.stdout.close()
        assert ConfigurationHistory.objects.count() > before
        assert_history_tells_the_whole_story()


@pytest.mark.direct("ends the server's own process of a connection, which a pooler replaces")
def test_a_backend_that_ends_at_any_statement_leaves_change_and_history_or_neither(committed_db: str) -> None:
    """The connection is cut off after each statement of a change in turn: before, within and after its transaction."""
    SystemConfiguration.objects.create(key="COUNTER", value="0", value_type="NUMBER")
    statements = [
        "BEGIN",
        "SELECT set_config('whitecross.change', '{\"name\": \"a test\"}', true)",
        "SELECT * FROM system_configurations WHERE key = 'COUNTER' FOR NO KEY UPDATE",
        "UPDATE system_configurations SET value = (value::int + 1)::text WHERE key = 'COUNTER'",
        "UPDATE system_configurations SET value = (value::int + 1)::text WHERE key = 'COUNTER'",
        "COMMIT",
    ]
    for kept in range(len(statements) + 1):
        before = ConfigurationHistory.objects.filter(key="COUNTER").count()
        writer = psycopg.connect(url(), autocommit=True)
        for statement in statements[:kept]:
            writer.execute(statement)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [writer.info.backend_pid])
        with pytest.raises(psycopg.OperationalError):
            writer.execute("SELECT 1")
        writer.close()
        after = ConfigurationHistory.objects.filter(key="COUNTER").count()
        assert after - before == (2 if kept == len(statements) else 0)
        assert_history_tells_the_whole_story()
