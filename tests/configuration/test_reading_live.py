"""Settings as a process reads them: from memory, and as the database has them a moment later, whoever changes them."""

import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from configuration import config, live
from configuration.declared import MAX_LOGIN_ATTEMPTS, SYSTEM_NAME
from configuration.models import SystemConfiguration
from configuration.resolution import UnknownSettingError
from tests.factories import make_district, make_school, make_user

PGBOUNCER = shutil.which("pgbouncer") or ("/usr/sbin/pgbouncer" if Path("/usr/sbin/pgbouncer").exists() else None)


def url(**other: Any) -> str:
    known = {**connection.get_connection_params(), **other}
    return psycopg.conninfo.make_conninfo(
        "", **{name: known[name] for name in ("host", "port", "user", "password", "dbname") if known.get(name)}
    )


def eventually(holds: Callable[[], Any], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(found)


def in_another_process(statement: str) -> None:
    code = "import psycopg, sys\nwith psycopg.connect(sys.argv[1]) as c: c.execute(sys.argv[2])"
    subprocess.run([sys.executable, "-c", code, url(), statement], check=True)


def rename(name: str) -> None:
    in_another_process(f"UPDATE system_configurations SET value = '{name}' WHERE key = 'SYSTEM_NAME'")


def eventually_named(name: str) -> bool:
    return eventually(lambda: SYSTEM_NAME.get() == name)


def watchers() -> int:
    """How many connections the server has for watching settings of this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'whitecross settings'"
            " AND datname = current_database()"
        )
        return int(cursor.fetchone()[0])


def test_reading_makes_no_query(committed_db: str) -> None:
    school = make_school()
    config.get("SYSTEM_NAME")
    with CaptureQueriesContext(connection) as queries:
        assert MAX_LOGIN_ATTEMPTS.get(school=school) == 5
        assert config.get("MAX_LOGIN_ATTEMPTS", school=school.pk, district=school.district_id) == 5
        config.explain("MAX_LOGIN_ATTEMPTS", school=school)
        config.keys()
    assert len(queries) == 0


def test_a_change_by_another_process_is_seen(committed_db: str) -> None:
    assert SYSTEM_NAME.get() == "White Cross Healthcare Platform"
    rename("Ours")
    assert eventually(lambda: SYSTEM_NAME.get() == "Ours")


@pytest.mark.direct("LISTEN needs a session of its own; behind a pooler looking has to be enough, which is tested")
def test_a_notification_is_enough(committed_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PAUSE", 3600.0)  # the thread does not look by itself
    assert SYSTEM_NAME.get() == "White Cross Healthcare Platform"
    for name in ("First", "Second"):
        rename(name)
        assert eventually_named(name)


def test_looking_is_enough_without_notifications(committed_db: str) -> None:
    connection.cursor().execute("DROP TRIGGER system_configurations_notify ON system_configurations")
    assert SYSTEM_NAME.get() == "White Cross Healthcare Platform"
    for name in ("First", "Second"):
        rename(name)
        assert eventually_named(name)
    in_another_process("DELETE FROM system_configurations WHERE key = 'SYSTEM_NAME'")
    assert eventually(lambda: SYSTEM_NAME.get() == "White Cross Healthcare Platform")


def test_after_a_loss_the_database_is_tried_again_soon_and_then_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    watcher = live._Watcher(config)

    def wait(pause: float) -> None:
        waited.append(pause)
        if len(waited) == 6:
            watcher._ending.set()

    monkeypatch.setattr(watcher, "_watch", lambda: 1 / 0)
    monkeypatch.setattr(watcher._ending, "wait", wait)
    monkeypatch.setattr(config, "keep", lambda why: None)
    watcher.run()
    assert waited == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_a_receiver_that_ends_its_thread_does_not_end_the_watching(committed_db: str) -> None:
    def leave(**about: Any) -> None:
        raise SystemExit

    assert SYSTEM_NAME.get() == "White Cross Healthcare Platform"
    live.settings_changed.connect(leave)
    try:
        rename("First")
        assert eventually_named("First")
    finally:
        live.settings_changed.disconnect(leave)
    rename("Second")
    assert eventually_named("Second")


def test_a_write_of_this_process_holds_as_soon_as_it_is_committed(committed_db: str) -> None:
    assert SYSTEM_NAME.get() == "White Cross Healthcare Platform"
    with transaction.atomic():
        SystemConfiguration.objects.filter(key="SYSTEM_NAME").update(value="Ours")
        config.refresh()
        assert SYSTEM_NAME.get() == "White Cross Healthcare Platform"
    assert SYSTEM_NAME.get() == "Ours"


def test_a_school_that_moves_has_the_value_of_its_new_district(committed_db: str) -> None:
    there, school = make_district(), make_school()
    SystemConfiguration.objects.create(
        key="MAX_LOGIN_ATTEMPTS", value="3", value_type="NUMBER", scope="DISTRICT", scope_id=there.pk
    )
    assert MAX_LOGIN_ATTEMPTS.get(school=school.pk) == 5
    in_another_process(f"""UPDATE schools SET "districtId" = '{there.pk}' WHERE id = '{school.pk}'""")
    assert eventually(lambda: MAX_LOGIN_ATTEMPTS.get(school=school.pk) == 3)


@pytest.mark.direct("counts the connections of this process at the server")
def test_many_first_readers_start_one_watcher(committed_db: str) -> None:
    gate, found = threading.Barrier(32), []

    def read() -> None:
        gate.wait()
        found.append(SYSTEM_NAME.get())

    threads = [threading.Thread(target=read) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["White Cross Healthcare Platform"] * 32
    assert watchers() == 1
    assert sum(thread.name == "settings" for thread in threading.enumerate()) == 1


@pytest.mark.direct("counts the connections of this process at the server")
def test_after_stop_no_connection_is_left_and_the_next_read_starts_again(committed_db: str) -> None:
    SYSTEM_NAME.get()
    assert watchers() == 1
    config.stop()
    assert eventually(lambda: watchers() == 0)
    rename("Ours")
    assert SYSTEM_NAME.get() == "Ours"


@pytest.mark.direct("ends the server's own process of a connection, which a pooler replaces")
def test_the_last_values_stay_while_the_server_is_away(
    committed_db: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename("Ours")
    assert SYSTEM_NAME.get() == "Ours"
    real, away = live.parameters, threading.Event()
    monkeypatch.setattr(live, "parameters", lambda: {**real(), **({"port": "1"} if away.is_set() else {})})
    away.set()
    connection.cursor().execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'whitecross settings'"
        " AND datname = current_database()"
    )
    assert eventually(lambda: "the last known values hold" in caplog.text)
    rename("Theirs")
    time.sleep(1.5)  # a few more tries
    assert SYSTEM_NAME.get() == "Ours"
    assert caplog.text.count("the last known values hold") == 1
    away.clear()
    assert eventually(lambda: SYSTEM_NAME.get() == "Theirs")
    assert eventually(lambda: "are read from the database again" in caplog.text)


def test_without_a_database_the_declared_defaults_hold(
    committed_db: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename("Ours")
    real, away = live.parameters, threading.Event()
    away.set()
    monkeypatch.setattr(live, "parameters", lambda: {**real(), **({"port": "1"} if away.is_set() else {})})
    told: list[bool] = []

    def hear(**arguments: Any) -> None:
        told.append(True)

    live.settings_changed.connect(hear)
    assert SYSTEM_NAME.get() == "White Cross Healthcare Platform"
    assert [record.levelno for record in caplog.records if "declared defaults" in record.message] == [logging.ERROR]
    away.clear()
    assert eventually(lambda: SYSTEM_NAME.get() == "Ours")
    assert eventually(lambda: told)
    live.settings_changed.disconnect(hear)


def test_a_forked_child_reads_by_itself_and_leaves_the_parent_alone(committed_db: str) -> None:
    SYSTEM_NAME.get()
    code = """
import os, sys, warnings
import django
django.setup()
from django.db import connection, connections
connection.settings_dict["NAME"] = sys.argv[1]
from configuration import config
assert config.get("SYSTEM_NAME") == "White Cross Healthcare Platform"
connections.close_all()
warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads
pid = os.fork()
if pid == 0:
    import gc; gc.collect()
    ok = config.get("SYSTEM_NAME") == "White Cross Healthcare Platform"
    config.stop()
    os._exit(0 if ok else 1)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
import time, logging
before = config._watcher._connection.info.backend_pid
from configuration.models import SystemConfiguration
SystemConfiguration.objects.filter(key="SYSTEM_NAME").update(value="Ours")
time.sleep(1.2)
assert config.get("SYSTEM_NAME") == "Ours"
assert config._watcher._connection.info.backend_pid == before, "the parent had to connect again"
"""
    done = subprocess.run([sys.executable, "-c", code, committed_db], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_unmigrated_database_has_the_declared_defaults_until_it_is_migrated(empty_db: str) -> None:
    assert SYSTEM_NAME.get() == "White Cross Healthcare Platform"
    call_command("migrate", verbosity=0)
    rename("Ours")
    assert eventually(lambda: SYSTEM_NAME.get() == "Ours")


def test_a_key_that_is_unknown_is_refused_with_those_that_are_near(committed_db: str) -> None:
    with pytest.raises(UnknownSettingError, match="Did you mean SESSION_TIMEOUT_MINUTES"):
        config.get("SESSION_TIMEOUT_MINUTE")
    with pytest.raises(UnknownSettingError, match=r"There is no setting 'xyzzy'\.$"):
        config.explain("xyzzy")


def test_what_a_reader_does_with_a_list_nobody_else_sees(committed_db: str) -> None:
    SystemConfiguration.objects.create(key="OURS", value='[1, {"a": [2]}]', value_type="ARRAY")
    mine = config.get("OURS")
    mine[1]["a"].append(3)
    mine.clear()
    config.explain("OURS").value.clear()
    assert config.get("OURS") == [1, {"a": [2]}]


def test_override_holds_within_its_block_and_nests(committed_db: str) -> None:
    user = make_user()
    with config.override(SYSTEM_NAME="A", OURS=[1]):
        assert config.get("SYSTEM_NAME", user=user) == "A"
        assert config.get("OURS") == [1]
        assert config.explain("SYSTEM_NAME").source == "OVERRIDE"
        with config.override(SYSTEM_NAME="B"):
            assert SYSTEM_NAME.get() == "B"
            rename("C")
            assert eventually(lambda: any(one.value == "C" for one in config.explain("SYSTEM_NAME").candidates))
            assert SYSTEM_NAME.get() == "B"
        assert SYSTEM_NAME.get() == "A"
    assert SYSTEM_NAME.get() == "C"
    assert "OURS" not in config.keys()  # noqa: SIM118


def test_a_setting_that_needs_a_restart_is_pending_until_its_value_is_back(committed_db: str) -> None:
    ours = SystemConfiguration.objects.create(key="OURS", value="1", requires_restart=True)
    assert config.pending_restart() == []
    SystemConfiguration.objects.filter(key="SYSTEM_NAME").update(value="Another")
    assert config.pending_restart() == []
    ours.value = "2"
    ours.save()
    assert config.pending_restart() == ["OURS"]
    ours.value = "1"
    ours.save()
    assert config.pending_restart() == []


@contextmanager
def pooler(folder: Path) -> Iterator[tuple[int, Callable[[], None], Callable[[], None]]]:
    """PgBouncer in transaction mode before the test's database: its port, and functions to stop and start it."""
    known = connection.get_connection_params()
    password = f"password={known['password']}" if known.get("password") else ""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder.joinpath("users").write_text(f'"{known["user"]}" "{known.get("password") or ""}"\n')
    folder.joinpath("ini").write_text(
        f"""[databases]
* = host={known["host"]} port={known["port"]} user={known["user"]} {password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder / "users"}
pool_mode = transaction
ignore_startup_parameters = extra_float_digits,options
"""
    )
    running: list[subprocess.Popen[bytes]] = []
    as_another: dict[str, Any] = {}
    if os.geteuid() == 0:  # PgBouncer refuses to run as root; the embedded server's socket is open to its owner alone
        socket_folder = Path(known["host"])
        account = socket_folder.stat().st_uid if socket_folder.is_absolute() else 65534
        for path in (folder, folder / "users", folder / "ini"):
            os.chown(path, account, account)
        as_another = {"user": account, "group": account, "extra_groups": []}

    def start() -> None:
        assert PGBOUNCER is not None
        running.append(
            subprocess.Popen([PGBOUNCER, "-q", str(folder / "ini")], stderr=subprocess.DEVNULL, **as_another)
        )
        assert eventually(lambda: listens(port)), "PgBouncer does not start"

    def stop() -> None:
        program = running.pop()
        program.kill()
        program.wait()

    start()
    try:
        yield port, stop, start
    finally:
        if running:
            stop()


def listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


@pytest.mark.direct("puts a pooler of its own before the server itself")
@pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed")
def test_behind_a_pooler_in_transaction_mode_changes_are_seen_too(
    committed_db: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with tempfile.TemporaryDirectory() as folder, pooler(Path(folder)) as (port, stop, start):
        real = live.parameters
        monkeypatch.setattr(live, "parameters", lambda: {**real(), "host": "127.0.0.1", "port": port})
        assert SYSTEM_NAME.get() == "White Cross Healthcare Platform"
        for name in ("First", "Second"):
            rename(name)
            assert eventually_named(name)
        stop()
        assert eventually(lambda: "the last known values hold" in caplog.text)
        rename("Third")
        assert SYSTEM_NAME.get() == "Second"
        start()
        assert eventually(lambda: SYSTEM_NAME.get() == "Third")
        config.stop()
