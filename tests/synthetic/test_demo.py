"""The demo command: what it makes, prints and refuses."""

import io
import re
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.test import override_settings

from core.models import Student, User
from health_records.management.commands import demo


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Calls of runserver, which is not run; other commands are. The demo is 3 students small."""
    calls: list[tuple[Any, ...]] = []

    def call(name: str, *args: Any, **options: Any) -> None:
        if name == "runserver":
            calls.append((*args, options["use_reloader"]))
        else:
            call_command(name, *args, **options)

    monkeypatch.setattr(demo, "call_command", call)
    monkeypatch.setattr(demo, "STUDENTS", 3)
    monkeypatch.delenv("PORT", raising=False)
    return calls


def run(*arguments: str) -> tuple[str, str]:
    """Run the command; what it printed, and the password in it."""
    out = io.StringIO()
    call_command("demo", *arguments, stdout=out)
    found = re.search(r"password +(\S+)", out.getvalue())
    assert found
    return out.getvalue(), found[1]


def test_it_seeds_an_empty_database_and_its_superuser_can_sign_in(
    committed_db: str, served: list[tuple[Any, ...]]
) -> None:
    said, password = run()
    assert Student.all_objects.count() == 3
    user = authenticate(username=demo.EMAIL, password=password)
    assert user is not None
    assert user.is_superuser
    assert "http://127.0.0.1:8000/admin/" in said
    assert served == [("127.0.0.1:8000", False)]


def test_a_second_run_adds_no_student_and_changes_the_password(
    committed_db: str, served: list[tuple[Any, ...]]
) -> None:
    _, first = run()
    User.objects.filter(email=demo.EMAIL).update(is_active=False)
    _, second = run("9999")
    assert Student.all_objects.count() == 3
    assert User.objects.filter(is_superuser=True).count() == 1
    assert authenticate(username=demo.EMAIL, password=first) is None
    assert authenticate(username=demo.EMAIL, password=second) is not None
    assert served[-1] == ("9999", False)


def test_it_refuses_production(committed_db: str, served: list[tuple[Any, ...]]) -> None:
    with override_settings(PRODUCTION=True), pytest.raises(CommandError, match="does not run in production"):
        run()
    assert not User.objects.exists()
    assert not Student.all_objects.exists()
    assert not served


def test_an_empty_database_is_told_to_migrate(empty_db: str, served: list[tuple[Any, ...]]) -> None:
    with pytest.raises(CommandError, match=r"Run manage\.py migrate first"):
        run()


@pytest.mark.usefixtures("db")  # one such test a module: without, pytest-django makes no test database
def test_help_says_that_production_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("demo", "--help")
    assert "Refuses to run in production" in " ".join(capsys.readouterr().out.split())
