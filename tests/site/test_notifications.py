"""Notifications: by which channels, to whom, and what they never say."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone

from configuration import config
from configuration.editing import set_value
from configuration.models import ConfigurationHistory, SystemConfiguration
from core.enums import UserRole
from tests.factories import make_school, make_user
from whitecross import notifications


@pytest.fixture
def sms_file(settings: Any, tmp_path: Path) -> Path:
    """Where SMS go."""
    settings.SMS_BACKEND = "whitecross.notifications.sms.FileBackend"
    settings.SMS_FILE_PATH = str(tmp_path / "sms.jsonl")
    return tmp_path / "sms.jsonl"


def sms_in(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def lock(user: Any) -> None:
    user.lockout_until = timezone.now()
    notifications.account_locked(user)
    notifications.wait()


def test_a_locked_account_is_told_by_email_and_by_sms(committed_db: str, sms_file: Path) -> None:
    user = make_user(email="nurse@example.org", phone="+15550100")
    with config.override(SMS_NOTIFICATION_ENABLED=True, SYSTEM_NAME="Ærø & <Co>", SUPPORT_EMAIL="help@example.org"):
        lock(user)
    (message,) = mail.outbox
    assert message.to == ["nurse@example.org"]
    assert message.subject == "[Ærø & <Co>] Your account is locked"
    assert "until" in message.body
    assert message.body.endswith("Ærø & <Co>\nhelp@example.org\n")
    (sms,) = sms_in(sms_file)
    assert sms["number"] == "+15550100"
    assert sms["text"].startswith("Ærø & <Co>: too many wrong passwords")


@pytest.mark.parametrize(("email", "sms"), [(True, True), (True, False), (False, True), (False, False)])
def test_each_setting_gates_its_channel(email: bool, sms: bool, committed_db: str, sms_file: Path) -> None:
    user = make_user(email="nurse@example.org", phone="+15550100")
    with config.override(EMAIL_NOTIFICATION_ENABLED=email, SMS_NOTIFICATION_ENABLED=sms):
        lock(user)
    assert (len(mail.outbox), len(sms_in(sms_file))) == (email, sms)


def test_the_recipients_own_school_decides(committed_db: str, sms_file: Path) -> None:
    here, there = make_user(school=make_school(), phone="+1"), make_user(school=make_school(), phone="+2")
    set_value("SMS_NOTIFICATION_ENABLED", True, scope="SCHOOL", scope_id=here.school_id, reason="Asked for")
    set_value("EMAIL_NOTIFICATION_ENABLED", False, scope="SCHOOL", scope_id=here.school_id, reason="Asked for")
    lock(here)
    lock(there)
    assert [sms["number"] for sms in sms_in(sms_file)] == ["+1"]
    assert [message.to for message in mail.outbox] == [[there.email]]


def test_without_a_phone_there_is_no_sms(committed_db: str, sms_file: Path) -> None:
    with config.override(SMS_NOTIFICATION_ENABLED=True):
        lock(make_user(phone=None))
        lock(make_user(phone=""))
    assert sms_in(sms_file) == []
    assert len(mail.outbox) == 2


def test_what_is_rolled_back_is_not_told(committed_db: str) -> None:
    user = make_user()
    with transaction.atomic():
        notifications.account_locked(user)
        transaction.set_rollback(True)
    with transaction.atomic():
        notifications.account_locked(user)
        notifications.wait()
        assert mail.outbox == []
    notifications.wait()
    assert len(mail.outbox) == 1


class Broken:
    """A backend of email and of SMS that cannot send, and says too much of it."""

    def __init__(self, **options: Any) -> None:
        pass

    def send_messages(self, messages: Any) -> int:
        raise ConnectionError(f"Nobody takes mail for {messages[0].to}: {messages[0].body}")

    def send(self, number: str, text: str) -> None:
        raise ValueError(f"{number} is out of reach: {text}")


def test_what_cannot_be_sent_is_logged_without_address_and_content(
    committed_db: str, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_BACKEND = settings.SMS_BACKEND = f"{__name__}.Broken"
    user = make_user(email="nurse@example.org", phone="+15550100")
    caplog.set_level(logging.INFO)
    with config.override(SMS_NOTIFICATION_ENABLED=True):
        lock(user)
    assert [record.getMessage() for record in caplog.records if record.name.startswith("whitecross.notif")] == [
        f"User {user.pk} could not be sent an email: ConnectionError.",
        f"User {user.pk} could not be sent an SMS: ValueError.",
    ]
    assert "nurse@example.org" not in caplog.text
    assert "5550100" not in caplog.text
    assert "locked" not in caplog.text


def test_production_without_a_mail_server_logs_that_and_no_address(
    committed_db: str, settings: Any, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.EMAIL_BACKEND = "whitecross.notifications.no_server.EmailBackend"
    settings.SMS_BACKEND = "whitecross.notifications.sms.NoBackend"
    user = make_user(email="nurse@example.org", phone="+15550100")
    with config.override(SMS_NOTIFICATION_ENABLED=True):
        lock(user)
    assert "NoMailServerError" in caplog.text
    assert "NoProviderError" in caplog.text
    said = caplog.text + "".join(capsys.readouterr())
    assert "nurse@example.org" not in said
    assert "5550100" not in said


def test_the_console_shows_sms(committed_db: str, settings: Any, capfd: pytest.CaptureFixture[str]) -> None:
    settings.SMS_BACKEND = "whitecross.notifications.sms.ConsoleBackend"
    with config.override(SMS_NOTIFICATION_ENABLED=True):
        lock(make_user(phone="+15550100"))
    assert "SMS to +15550100:" in capfd.readouterr().out


def changes_of(key: str) -> Any:
    return ConfigurationHistory.objects.filter(key=key).order_by("history_date")


def test_administrators_are_told_who_changed_what_when_why_and_from_where(db: None) -> None:
    ada = make_user(UserRole.ADMIN, first_name="Ada", last_name="Min")
    setting = SystemConfiguration.objects.get(key="MAX_LOGIN_ATTEMPTS")
    setting._history_user, setting._change_reason = ada, "The state\nasks for it"  # type: ignore[attr-defined]
    setting.value = "7"
    setting.max_value = 9
    setting.save()
    message = notifications.words.security_setting_changed(list(changes_of("MAX_LOGIN_ATTEMPTS")))
    assert message.subject.endswith("Security setting MAX_LOGIN_ATTEMPTS was changed")
    for said in ("SYSTEM", "5 -> 7", "Also:   maxValue", "Ada Min", "The state\\nasks for it", "UTC"):
        assert said in message.text
    assert "Ada Min" in message.short


def test_secrets_are_masked_also_those_that_became_secret(db: None) -> None:
    setting = SystemConfiguration.objects.create(key="GATE_CODE", value="open-sesame", category="SECURITY")
    setting.value = "other-sesame"
    setting.save()
    assert "open-sesame" in notifications.words.security_setting_changed(list(changes_of("GATE_CODE"))).text
    setting.tags = ["secret"]
    setting.save()
    setting.tags = []
    setting.value = "third-sesame"
    setting.save()
    setting.delete()
    told = notifications.words.security_setting_changed(list(changes_of("GATE_CODE"))[2:4])
    assert "sesame" not in told.text + told.short + told.subject
    assert "(secret) -> (secret)" in told.text


def test_many_changes_are_one_message_of_bearable_length(db: None) -> None:
    for number in range(60):
        SystemConfiguration.objects.create(key=f"LONG_{number}", value="x" * 5000, category="SECURITY")
    message = notifications.words.security_setting_changed(
        list(ConfigurationHistory.objects.filter(category="SECURITY"))
    )
    assert "60 changes of security settings" in message.subject
    assert "And 10 more" in message.text
    assert len(message.text) < 60_000
    assert len(message.short) < 300
