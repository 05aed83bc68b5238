"""A few things that would fail at once if the application did not fit its database. Changes nothing."""

import logging
import sys
import traceback
import uuid
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.signals import got_request_exception
from django.db import transaction
from django.test import Client

from configuration import config
from configuration.declared import SYSTEM_NAME
from core.models import District, School
from whitecross.deployment.checking import Finding, Look, Outcome, found, look_at

OUR_APPS = ("core", "configuration", "health_records", "adoption", "deployment")


def smoke_test(alias: str) -> list[Finding]:
    """Read settings and a row of each table through the ORM, write and roll back, and ask for two pages."""
    looks: dict[str, Look] = {
        "settings": lambda: found("settings", f"readable: {SYSTEM_NAME.key} has {len(SYSTEM_NAME.get())} letters"),
        "models": lambda: _models(alias),
        "a write, rolled back": lambda: _write(alias),
        "pages": _pages,
    }
    try:
        return look_at(looks)
    finally:
        config.stop()  # the thread that reads them would outlive the command


def _models(alias: str) -> Finding:
    models = [model for app in OUR_APPS for model in apps.get_app_config(app).get_models()]
    for model in models:
        model._default_manager.using(alias).order_by().first()
    return found("models", f"a row of each of {len(models)} tables can be read")


def _write(alias: str) -> Finding:
    code = uuid.uuid4().hex[:12].upper()
    with transaction.atomic(using=alias):
        district = District(name="Smoke test", code=f"SMOKE-{code}")
        district.save(using=alias)
        school = School(name="Smoke test", code=f"SMOKE-{code}", district=district)
        school.save(using=alias)
        transaction.set_rollback(True, using=alias)
    if School.objects.using(alias).filter(pk=school.pk).exists():
        return found("a write, rolled back", "The rows of the smoke test are still there.", Outcome.REFUSED)
    return found("a write, rolled back", "a district and a school, with their triggers")


def _pages() -> list[Finding]:
    errors = list[BaseException | None]()

    def hear(**facts: Any) -> None:
        errors.append(sys.exception())

    host = next((name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"), "localhost")
    client = Client(raise_request_exception=False, SERVER_NAME=host)
    findings = []
    logger = logging.getLogger("django.request")
    logger.disabled = True  # a page of traceback: what is to be known of it stands in the finding
    got_request_exception.connect(hear, weak=False)
    try:
        for path in ("/health/ready", "/admin/login/"):
            errors.clear()
            status = client.get(path, secure=True).status_code
            if status == 200:
                findings.append(found(path, "answers 200"))
            else:
                why = f": {_where(errors[0])}" if errors and errors[0] else "; see the log"
                findings.append(found(path, f"answers {status}{why}", Outcome.REFUSED))
    finally:
        got_request_exception.disconnect(hear)
        logger.disabled = False
    return findings


def _where(error: BaseException) -> str:
    """What an error of the program is and where it arose, without its message, which may quote a row."""
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} in {'/'.join(Path(last.filename).parts[-3:])}, line {last.lineno}"
