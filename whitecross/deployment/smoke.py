"""A few things that would fail at once if the application did not fit its database. Changes nothing."""

import uuid

from django.apps import apps
from django.conf import settings
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
    host = next((name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"), "localhost")
    client = Client(raise_request_exception=False, SERVER_NAME=host)
    findings = []
    for path in ("/health/ready", "/admin/login/"):
        status = client.get(path, secure=True).status_code
        outcome = Outcome.OK if status == 200 else Outcome.REFUSED
        findings.append(found(path, f"answers {status}" + ("" if status == 200 else "; see the log"), outcome))
    return findings
