"""Changes of security settings reach every administrator once, whoever makes them, however many processes run."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.signals import request_started
from django.db import connection, connections
from django.test import Client

from configuration import config
from configuration.editing import set_value
from configuration.models import Announcement, SystemConfiguration
from core.enums import UserRole
from tests.factories import make_user
from tests.site.conftest import change_by_sql
from whitecross import notifications
from whitecross.notifications import announcing


def wait_until(happens: Callable[[], bool]) -> None:
    """Raise AssertionError where it has not happened after many times what it should take."""
    for _ in range(400):
        if happens():
            return
        time.sleep(0.05)
    raise AssertionError("It has not happened.")


@pytest.fixture
def administrator(committed_db: str) -> Any:
    """The one administrator; a nurse and administrators who cannot sign in are not told."""
    make_user(UserRole.NURSE)
    make_user(UserRole.ADMIN, is_active=False)
    return make_user(UserRole.ADMIN, email="ada@example.org")


def test_a_change_in_this_process_is_told_also_where_it_watches_no_settings(administrator: Any) -> None:
    set_value("MAX_LOGIN_ATTEMPTS", 7, reason="Too few")
    notifications.wait()
    (message,) = mail.outbox
    assert message.to == ["ada@example.org"]
    assert "5 -> 7" in message.body
    assert "Too few" in message.body


def test_a_change_by_psql_is_told_by_a_process_that_watches(administrator: Any) -> None:
    config.get("MAX_LOGIN_ATTEMPTS")
    change_by_sql("MAX_LOGIN_ATTEMPTS", "8")
    wait_until(lambda: bool(mail.outbox))
    assert "By:     database role " in mail.outbox[0].body
    assert "From:   past the application" in mail.outbox[0].body


def test_a_change_while_no_process_ran_is_told_at_the_first_request(administrator: Any) -> None:
    change_by_sql("MAX_LOGIN_ATTEMPTS", "8")
    request_started.connect(announcing._at_first_request, dispatch_uid="announce")
    Client().get("/admin/login/")
    notifications.wait()
    assert len(mail.outbox) == 1
    Client().get("/admin/login/")
    notifications.wait()
    assert len(mail.outbox) == 1


def test_other_settings_are_nobodys_alarm(administrator: Any) -> None:
    set_value("SYSTEM_NAME", "Ours", reason="A name of our own")
    notifications.wait()
    assert mail.outbox == []
    assert not Announcement.objects.exists()


def test_a_setting_that_leaves_the_category_and_one_that_is_deleted_are_told(administrator: Any) -> None:
    setting = SystemConfiguration.objects.get(key="MAX_LOGIN_ATTEMPTS")
    setting.category = "GENERAL"
    setting.save()
    SystemConfiguration.objects.get(key="PASSWORD_MIN_LENGTH").delete()
    notifications.wait()
    set_value("MAX_LOGIN_ATTEMPTS", "4", reason="Wherever it stands, it is security")
    notifications.wait()
    told = "".join(str(message.body) for message in mail.outbox)
    assert told.count("MAX_LOGIN_ATTEMPTS was changed") == 2
    assert "PASSWORD_MIN_LENGTH was deleted" in told


def test_what_is_older_than_a_day_is_history(administrator: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE configuration_history DISABLE TRIGGER USER")
        for hours in (25, 23):
            cursor.execute(
                """INSERT INTO configuration_history (id, "configurationId", "configKey", "newValue", category,
                   "historyType", "createdAt", "configurationCreatedAt", "configurationUpdatedAt")
                   SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
                           || '7000b000000000000000')::uuid,
                          uuidv7(), 'OLD_' || %s, '1', 'SECURITY', '+', at, at, at
                   FROM (SELECT now() - make_interval(hours => %s) AS at) past""",
                [hours, hours],
            )
        cursor.execute("ALTER TABLE configuration_history ENABLE TRIGGER USER")
    assert announcing.announce() == 1
    notifications.wait()
    assert "OLD_23" in mail.outbox[0].body


def test_eight_at_a_time_claim_each_change_once(administrator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(notifications, "security_setting_changed", lambda changes: told.extend(c.pk for c in changes))
    monkeypatch.setattr(announcing, "announce_soon", None)
    for number in range(20):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO system_configurations (key, value, category) VALUES (%s, 'x', 'SECURITY')", [f"K{number}"]
            )
    ready = threading.Barrier(8)
    failed: list[Exception] = []

    def claim() -> None:
        try:
            connection.ensure_connection()
            ready.wait()
            announcing.announce()
        except Exception as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert len(told) == len(set(told)) == 20
    assert Announcement.objects.count() == 20


PROCESS = """
import sys, time, django
django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
from configuration import config
config.get("MAX_LOGIN_ATTEMPTS")
print("ready", flush=True)
sys.stdin.readline()
from whitecross import notifications
notifications.wait()
"""


def test_eight_processes_send_one_email(administrator: Any, committed_db: str, tmp_path: Path) -> None:
    url = f"filemail://{tmp_path}/mails"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, committed_db],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "EMAIL_URL": url},
        )
        for _ in range(8)
    ]
    try:
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        change_by_sql("MAX_LOGIN_ATTEMPTS", "8")
        wait_until(lambda: Announcement.objects.count() == 1)
        time.sleep(1)  # for the others to hear of it, too
    finally:
        for process in processes:
            process.communicate("\n", timeout=60)
    sent = [path.read_text() for path in (tmp_path / "mails").iterdir()]
    assert len(sent) == 1
    assert "5 -> 8" in sent[0]
