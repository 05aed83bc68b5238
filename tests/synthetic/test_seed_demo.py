"""The command: what it refuses, what it says, and that it adds all or nothing."""

import datetime as dt
import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from core.models import District, Student
from health_records.synthetic import loading
from health_records.synthetic.rows import COLUMNS
from tests.factories import make_student

ARGUMENTS = {"students": 5, "today": dt.date(2026, 3, 2)}


def seed(**options: Any) -> str:
    """Run the command; what it printed."""
    out = io.StringIO()
    call_command("seed_demo", stdout=out, **{**ARGUMENTS, **options})
    return out.getvalue()


def tables() -> dict[str, tuple[int, str]]:
    """Table -> its rows and a fingerprint of their ids."""
    found = {}
    with connection.cursor() as cursor:
        for table in COLUMNS:
            cursor.execute(
                f"SELECT count(*), coalesce(md5(string_agg(id::text, ',' ORDER BY id)), '') FROM \"{table}\""
            )
            found[table] = cursor.fetchone()
    return found


def test_it_says_what_it_added_and_leaves_statistics(committed_db: str) -> None:
    said = seed()
    assert "5 of 5 students" in said
    assert "medication_logs" in said
    assert "--seed 1 --today 2026-03-02" in said
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'students'")
        assert cursor.fetchone() == (5,)


def test_it_refuses_a_database_that_holds_students(committed_db: str) -> None:
    make_student()
    before = tables()
    with pytest.raises(CommandError, match="holds students already; nothing was added"):
        seed()
    assert tables() == before


def test_told_so_it_adds_to_other_students(committed_db: str) -> None:
    other = make_student()
    seed(add=True)
    seed(add=True, seed=2)
    assert Student.all_objects.count() == 11
    assert Student.objects.filter(pk=other.pk, updated_at=other.updated_at).exists()


def test_a_seed_is_used_once(committed_db: str) -> None:
    seed()
    before = tables()
    with pytest.raises(CommandError, match="Choose another --seed"):
        seed(add=True)
    assert tables() == before


def test_a_number_that_is_taken_is_refused_in_one_sentence(committed_db: str) -> None:
    make_student(student_number="1-0000003")
    before = tables()
    with pytest.raises(CommandError, match="refused by students_studentNumber_key; nothing was added") as refusal:
        seed(add=True)
    assert "1-0000003" not in str(refusal.value)
    assert tables() == before


def test_two_databases_get_the_same_rows(committed_db: str) -> None:
    seed()
    first = tables()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_catalog.set_config('whitecross.erase', 'on', false)")
        for table in reversed(COLUMNS):
            cursor.execute(f'DELETE FROM "{table}"')
    seed()
    assert tables() == first


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--students", "0"], "from 1 to 1,000,000, not 0"),
        (["--students", "-3"], "from 1 to 1,000,000, not -3"),
        (["--students", "1000001"], "from 1 to 1,000,000, not 1,000,001"),
        (["--students", "many"], "a whole number, not 'many'"),
        (["--students", "5", "--seed", "-1"], "from 0 to 999,999,999"),
        (["--students", "5", "--today", "yesterday"], "a date such as 2026-03-02"),
    ],
)
def test_wrong_arguments_get_one_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("seed_demo", *arguments)


def test_an_empty_database_is_told_to_migrate(empty_db: str) -> None:
    with pytest.raises(CommandError, match=r"Run manage\.py migrate first"):
        seed()


def test_an_error_halfway_leaves_nothing(committed_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(cursor: Any, batch: Any, counts: Any) -> None:
        copy_once(cursor, batch, counts)
        raise KeyboardInterrupt

    copy_once = loading._copy
    monkeypatch.setattr(loading, "_copy", fail)
    with pytest.raises(CommandError, match="Interrupted; nothing was added") as interruption:
        seed()
    assert interruption.value.returncode == 130
    assert not Student.all_objects.exists()
    assert not District.objects.exists()


KILLED_AFTER_A_BATCH = """
import os, signal, sys
import django; django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
from django.core.management import call_command
from health_records.synthetic import loading
from health_records.synthetic.rows import COLUMNS
copy = loading._copy
def killed(*arguments):
    copy(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
loading._copy = killed
call_command("seed_demo", "--students=5", "--today=2026-03-02")
"""


def test_kill_9_leaves_nothing_and_the_next_run_succeeds(committed_db: str) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "whitecross.settings"),
    }
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AFTER_A_BATCH, committed_db],
        cwd=Path(settings.BASE_DIR),
        env=environment,
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    seed()  # waits for the server to have noticed: what the killed one held is locked until then
    assert Student.all_objects.count() == 5


@pytest.mark.usefixtures("db")  # one such test a module: without, pytest-django makes no test database
def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("seed_demo", "--help")
    assert "manage.py seed_demo --students 2000" in capsys.readouterr().out
