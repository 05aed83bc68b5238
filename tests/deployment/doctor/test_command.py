"""manage.py doctor: what it prints, and its exit code."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from rich.console import Console

from tests.adoption.conftest import url_of
from tests.deployment.doctor.conftest import ask, run
from whitecross.deployment.doctor.checks import all_checks
from whitecross.deployment.doctor.reporting import show_list, show_report

ROOT = Path(__file__).resolve().parent.parent.parent.parent
LOST = (
    "CREATE TABLE parents (id integer PRIMARY KEY)",
    "CREATE TABLE children (id integer PRIMARY KEY, parent integer)",
    "INSERT INTO children VALUES (11, 99)",
    "ALTER TABLE children ADD CONSTRAINT k FOREIGN KEY (parent) REFERENCES parents NOT VALID",
)


def doctor(*arguments: str) -> tuple[int, str]:
    """The exit code and what was printed."""
    out, code = io.StringIO(), 0
    try:
        call_command("doctor", *arguments, stdout=out)
    except SystemExit as end:
        code = int(end.code or 0)
    except CommandError as error:
        return error.returncode, str(error)
    return code, out.getvalue()


def test_nothing_found(patient: None) -> None:
    code, said = doctor("--check", "D01")
    assert code == 0
    assert said.startswith("1 check of test_")
    assert said.endswith(": nothing found.\n")
    assert said.count("\n") == 1


def test_a_finding_with_its_commands_each_on_a_line_of_its_own(patient: None) -> None:
    run(*LOST)
    code, said = doctor("--check", "d02", "--check", "D01")
    assert code == 1
    where = "WHERE c.parent IS NOT NULL AND NOT EXISTS (SELECT FROM ONLY public.parents p WHERE p.id = c.parent);"
    assert said.splitlines()[:-1] == [
        "broken D01 children.k: 1 row points to no row of parents; by id it is 11.",
        "  to look at them:",
        f"    SELECT c.id, c.parent FROM ONLY public.children c {where}",
        "  either bring back what they point to from a backup, or let them point to nothing:",
        f"    UPDATE ONLY public.children c SET parent = NULL {where}",
        "  then let the key look at every row:",
        "    ALTER TABLE public.children VALIDATE CONSTRAINT k;",
        "warning D02 children.k: rows from before it were never looked at, and may break it.",
        "    ALTER TABLE public.children VALIDATE CONSTRAINT k;",
    ]
    assert said.splitlines()[-1].endswith(": 1 broken, 1 warning. docs/doctor.md says what each check looks for.")


def test_for_a_machine(patient: None) -> None:
    run(*LOST)
    code, said = doctor("--check", "D02", "--json")
    assert code == 1
    answer = json.loads(said)
    assert not answer["ok"]
    assert answer["checks"] == ["D02"]
    assert answer["findings"] == [
        {
            "check": "D02",
            "severity": "warning",
            "object": "children.k",
            "sentence": "rows from before it were never looked at, and may break it",
            "mend": [{"say": "", "run": "ALTER TABLE public.children VALIDATE CONSTRAINT k;"}],
        }
    ]
    assert answer["unseen"] == answer["unanswered"] == []


def test_a_count_and_the_statement_that_depends_on_it_are_two_commands(patient: None, quick: None) -> None:
    run("ALTER TABLE students ALTER photo TYPE text")
    (finding,) = json.loads(doctor("--check", "D04", "--json")[1])["findings"]
    wanted = "character varying(500)"
    assert finding["mend"] == [
        {
            "say": "see how many rows would change or be cut",
            "run": 'SELECT count(*) FROM "students" '
            f'WHERE (("photo"::{wanted})::text)::text IS DISTINCT FROM "photo"::text;',
        },
        {
            "say": "Go on only if that is 0, in a quiet hour",
            "run": f'ALTER TABLE "students" ALTER COLUMN "photo" TYPE {wanted};',
        },
    ]
    run(finding["mend"][1]["run"])


def test_notes_alone_are_exit_code_0(patient: None) -> None:
    run("CREATE INDEX i ON students (grade)", 'CREATE INDEX j ON students (grade, "lastName")')
    code, said = doctor("--check", "D08")
    assert code == 0
    assert said.startswith("note D08 i: j on students begins with the same columns.\n")


def test_what_took_too_long_is_said_and_is_exit_code_2(patient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    run(*LOST)
    slow = "SELECT count(*) AS number, ARRAY['1'] AS ids FROM pg_sleep(5)"
    monkeypatch.setattr("whitecross.deployment.doctor.orphans._count", lambda _: slow)
    code, said = doctor("--check", "D01", "--timeout", "1")
    assert code == 2
    assert said.splitlines()[0] == (
        "not answered: rows behind the foreign key children.k: it took longer than --timeout 1 seconds"
    )
    assert said.splitlines()[1].endswith(": nothing found. 1 not answered.")


def test_the_list(patient: None) -> None:
    code, said = doctor("--list")
    assert code == 0
    assert [line.split("\t")[0] for line in said.splitlines()] == [one.id for one in all_checks()]
    _, said = doctor("--list", "--json")
    assert [one["id"] for one in json.loads(said)] == [one.id for one in all_checks()]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--check", "D99"),
        ("--minutes", "-1"),
        ("--minutes", "nan"),
        ("--minutes", "x"),
        ("--timeout", "0"),
        ("--timeout", "1e9"),
        ("--database", "elsewhere"),
        ("--deeper",),
    ],
)
def test_wrong_arguments_are_one_sentence_and_exit_code_2(arguments: tuple[str, ...], patient: None) -> None:
    code, said = doctor(*arguments)
    assert code in (1, 2)  # call_command makes an exception of what argparse would say, and loses its code
    assert said
    assert "\n" not in said


def test_without_a_database_it_is_one_sentence_and_exit_code_2() -> None:
    ended = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json"],
        cwd=ROOT,
        env={"PATH": "", "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert "cannot be reached" in ended.stderr


@pytest.mark.direct("gives the URL of this server to a process of its own")
def test_that_nobody_reads_any_more_says_nothing_of_the_database(patient: None) -> None:
    """It was exit code 1 now and then, as if something were to be mended: `doctor | head`."""
    unread, written = os.pipe()
    os.close(unread)
    try:
        ended = subprocess.run(
            [sys.executable, "manage.py", "doctor", "--check", "D25", "--check", "D13"],
            cwd=ROOT,
            env={"PATH": "", "DATABASE_URL": url_of(str(connection.settings_dict["NAME"]))},
            stdout=written,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(written)
    assert (ended.returncode, ended.stderr) == (0, "")


def on_a_terminal(show: Any, what: Any) -> str:
    drawn = io.StringIO()
    show(Console(file=drawn, force_terminal=True, width=40, color_system=None), what)
    return drawn.getvalue()


def test_on_a_narrow_terminal_a_command_stays_whole(patient: None) -> None:
    run(*LOST)
    assert "\n    ALTER TABLE public.children VALIDATE CONSTRAINT k;\n" in on_a_terminal(show_report, ask("D02"))
    assert "D01" in on_a_terminal(show_list, all_checks())


def test_what_a_name_holds_draws_nothing(patient: None) -> None:
    run('CREATE TABLE "[bold]\x1b[31m" (id integer)')
    code, said = doctor("--check", "D09")
    assert code == 1
    assert "\x1b" not in said
    assert "[bold]" in said


def test_only_what_is_broken_fails_where_that_is_asked_for(patient: None) -> None:
    run(*LOST)
    code, said = doctor("--check", "D02", "--fail-on", "broken")
    assert (code, said.splitlines()[0][:12]) == (0, "warning D02 ")
    assert doctor("--check", "D02", "--fail-on", "warning")[0] == 1
    assert doctor("--check", "D01", "--fail-on", "broken")[0] == 1
    assert json.loads(doctor("--check", "D02", "--fail-on", "broken", "--json")[1])["ok"] is False


def test_what_was_not_answered_fails_also_where_only_what_is_broken_does(
    patient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(*LOST)
    slow = "SELECT count(*) AS number, ARRAY['1'] AS ids FROM pg_sleep(5)"
    monkeypatch.setattr("whitecross.deployment.doctor.orphans._count", lambda _: slow)
    assert doctor("--check", "D01", "--check", "D02", "--timeout", "1", "--fail-on", "broken")[0] == 2
