"""A deployment says what is missing, and is silent when nothing is."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from whitecross import checks

PROJECT = Path(__file__).resolve().parent.parent
# What docs/deployment.md requires, and nothing more.
REQUIRED = {
    "WHITECROSS_ENV": "production",
    "SECRET_KEY": "8Zp2mXq4Rv6Tb1Yn3Ws5Ed7Uj9Ki0Lo-Hg_Fd8Sa6Pz4Xc2Vb1N",
    "ALLOWED_HOSTS": "records.example",
    "DATABASE_URL": "postgresql://whitecross:pa55word@db.example/whitecross?sslmode=verify-full",
    "EMAIL_URL": "smtp+tls://whitecross:pa55word@mail.example:587",
}


def manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py with these variables and those of a .env file."""
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(
        [sys.executable, PROJECT / "manage.py", *arguments],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_documented_settings_are_enough() -> None:
    result = manage("check", "--deploy", "--fail-level=WARNING", **REQUIRED)
    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout


def test_development_is_told_all_that_a_deployment_needs() -> None:
    result = manage("check", "--deploy")
    assert result.returncode == 1
    for expected in ("whitecross.E001", "whitecross.W002", "security.W018"):
        assert expected in result.stderr


def test_production_without_a_database_is_an_error() -> None:
    result = manage("check", "--deploy", **{**REQUIRED, "DATABASE_URL": ""})
    assert result.returncode == 1
    assert "whitecross.E001" in result.stderr


def test_production_without_a_mail_server_is_a_warning() -> None:
    result = manage("check", "--deploy", "--fail-level=WARNING", **{**REQUIRED, "EMAIL_URL": ""})
    assert result.returncode == 1
    assert "whitecross.W004" in result.stderr


@pytest.mark.parametrize("url", ["pigeon://u:pa55@h", "smtp://u:pa55@h:port", "smtp://u:pa55@", "filemail://", "pa55"])
def test_an_email_url_that_cannot_be_right_is_one_sentence_without_the_url(url: str) -> None:
    result = manage("check", EMAIL_URL=url)
    assert result.returncode == 1
    assert "EMAIL_URL" in result.stderr
    assert "pa55" not in result.stderr
    assert "Traceback" not in result.stderr


def test_a_remote_database_in_the_clear_is_a_warning() -> None:
    in_the_clear = REQUIRED["DATABASE_URL"].partition("?")[0]
    result = manage("check", "--deploy", "--fail-level=WARNING", **{**REQUIRED, "DATABASE_URL": in_the_clear})
    assert result.returncode == 1
    assert "whitecross.W003" in result.stderr
    assert "pa55word" not in result.stderr


@pytest.mark.parametrize(
    ("variables", "part"),
    [
        ({"WHITECROSS_ENV": "staging"}, "WHITECROSS_ENV is none of development, production"),
        ({"WHITECROSS_ENV": "production"}, "needs SECRET_KEY and ALLOWED_HOSTS"),
        ({**REQUIRED, "SECRET_KEY": ""}, "needs SECRET_KEY;"),
        ({**REQUIRED, "DEBUG": "true"}, "DEBUG shows health records"),
        ({"DEBUG": "ture"}, "DEBUG is neither true nor false"),
        ({"DATABASE_URL": "sqlite:///db"}, "DATABASE_URL does not begin with postgresql://"),
        ({"DB_POOL_MAX_SIZE": "many"}, "DB_POOL_MAX_SIZE is not a whole number"),
        ({"DB_POOL_MAX_SIZE": "2", "DB_POOL_MIN_SIZE": "3"}, "DB_POOL_MIN_SIZE is above DB_POOL_MAX_SIZE"),
        ({"DB_POOL_MAX_SIZE": "2", "DB_CONN_MAX_AGE": "60"}, "exclude each other"),
        ({"API_LOGINS_PER_MINUTE": "0"}, "API_LOGINS_PER_MINUTE is not a whole number from 1 to"),
        ({"API_TOKEN_TTL_HOURS": "9" * 5000}, "API_TOKEN_TTL_HOURS is not a whole number from 1 to 8784"),
        ({"TIME_ZONE": "Mars/Olympus"}, "TIME_ZONE names no time zone"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL is none of"),
    ],
)
def test_a_bad_setting_is_one_sentence(variables: dict[str, str], part: str) -> None:
    result = manage("check", **variables)
    assert result.returncode == 1
    assert part in result.stderr
    assert result.stderr.count("\n") == 1


def shown(names: str, **variables: str) -> str:
    """Return the values that settings have with these variables, one a line."""
    code = f"from whitecross import settings as s\nfor name in '{names}'.split(): print(getattr(s, name))"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT), **variables}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd="/", check=True, capture_output=True, text=True
    ).stdout


def test_a_pool_comes_from_the_environment() -> None:
    pool = {"DB_POOL_MAX_SIZE": "8", "DB_POOL_MIN_SIZE": "2", "DB_POOL_TIMEOUT": "5"}
    assert "'pool': {'min_size': 2, 'max_size': 8, 'timeout': 5}" in shown("DATABASES", **pool)
    assert "pool" not in shown("DATABASES")
    kept = shown("DATABASES", DB_CONN_MAX_AGE="60", DB_DISABLE_SERVER_SIDE_CURSORS="yes")
    assert "'CONN_MAX_AGE': 60" in kept
    assert "'DISABLE_SERVER_SIDE_CURSORS': True" in kept


def test_a_header_of_the_proxy_is_trusted_only_where_it_is_named() -> None:
    assert shown("SECURE_PROXY_SSL_HEADER", **REQUIRED) == "None\n"
    named = shown("SECURE_PROXY_SSL_HEADER", **REQUIRED, SECURE_PROXY_SSL_HEADER="X-Forwarded-Proto")
    assert named == "('HTTP_X_FORWARDED_PROTO', 'https')\n"


def test_no_log_level_shows_the_parameters_of_a_query() -> None:
    code = (
        "import logging, django; django.setup()\n"
        "logging.getLogger('django.db.backends').debug('SELECT %s', 'penicillin')\n"
        "logging.getLogger('whitecross').debug('shown')\n"
    )
    environment = {**REQUIRED, "LOG_LEVEL": "DEBUG", "PYTHONPATH": str(PROJECT), "PATH": os.environ["PATH"]}
    environment["DJANGO_SETTINGS_MODULE"] = "whitecross.settings"
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd="/", check=True, capture_output=True, text=True
    )
    assert "shown" in result.stderr
    assert "penicillin" not in result.stderr


@pytest.mark.parametrize("module", ["wsgi", "asgi"])
def test_a_server_can_import_the_application(module: str) -> None:
    code = f"from whitecross.{module} import application; print(callable(application))"
    environment = {**REQUIRED, "PYTHONPATH": str(PROJECT), "PATH": os.environ["PATH"]}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd="/", check=False, capture_output=True, text=True
    )
    assert result.stdout == "True\n", result.stderr


@pytest.mark.parametrize(
    ("database", "found"),
    [
        ({"EMBEDDED": None, "HOST": "localhost"}, []),
        ({"EMBEDDED": "/srv/wc", "HOST": ""}, ["whitecross.E001"]),
        ({"EMBEDDED": None, "HOST": "db.example"}, ["whitecross.W003"]),
    ],
)
def test_each_check_finds_its_own(database: dict[str, Any], found: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "PRODUCTION", True)
    monkeypatch.setattr(settings, "DATABASES", {"default": database})
    messages = [
        *checks.check_the_server_is_not_embedded(),
        *checks.check_the_environment_is_production(),
        *checks.check_the_database_connection_is_encrypted(),
    ]
    assert [message.id for message in messages] == found
