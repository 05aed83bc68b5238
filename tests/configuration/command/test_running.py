"""The command as a process of its own: pipes, exit codes, a database that is not there."""

import json
import subprocess
import sys

import pytest
from django.db import connection
from django.utils import timezone

from configuration.models import SystemConfiguration
from configuration.printing import Printer

from .conftest import PROGRAM, Call, run, start


def test_explain_answers_for_the_past(committed_db: str, call: Call) -> None:
    before = timezone.now()
    assert call("set", "MAX_LOGIN_ATTEMPTS", "3", "--reason", "Audit").code == 0
    assert call("explain", "MAX_LOGIN_ATTEMPTS").out.startswith("SYSTEM\t3\tdecides")
    assert call("explain", "MAX_LOGIN_ATTEMPTS", "--at", before.isoformat()).out.startswith("SYSTEM\t5\tdecides")
    assert call("explain", "MAX_LOGIN_ATTEMPTS", "--at", "1999-01-01").out == "DECLARED\t5\tdecides\n"


def test_a_pipe_gets_plain_text_and_one_line_a_row(committed_db: str) -> None:
    SystemConfiguration.objects.create(key="MANY_LINES", value="one\n\ttwo\x1b[31m", value_type="STRING")
    ended = run("list", "--force-color")
    assert ended.code == 0, ended.err
    assert "\x1b" not in ended.out
    assert "MANY_LINES\tone\\n\\ttwo\\u001b[31m\tSYSTEM" in ended.out
    assert len(ended.out.splitlines()) == 14


def test_a_reader_who_has_read_enough_is_no_error(committed_db: str) -> None:
    with start("export") as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.wait(timeout=60) == 0
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("streams", "arguments", "code", "said"),
    [
        (">&-", ["list"], 0, ""),
        (">&-", ["set", "MAX_LOGIN_ATTEMPTS", "3", "--reason", "x"], 0, ""),
        (">/dev/full", ["list"], 1, "CommandError: The answer cannot be printed: No space left on device."),
        ("<&-", ["set", "SYSTEM_NAME", "-", "--reason", "x"], 1, "CommandError: The standard input cannot be read."),
        ("<&-", ["import", "-", "--plan"], 1, "CommandError: The standard input cannot be read."),
        ("<&-", ["import", "any.json", "--reason", "x"], 2, "CommandError: Nobody is there to ask"),
    ],
)
def test_streams_that_are_closed_or_full_are_no_traceback(
    committed_db: str, streams: str, arguments: list[str], code: int, said: str
) -> None:
    program = [sys.executable, "-c", PROGRAM, connection.settings_dict["NAME"], "config", *arguments]
    ended = subprocess.run(
        ["sh", "-c", f'exec "$0" "$@" {streams}', *program], capture_output=True, text=True, timeout=120, check=False
    )
    assert (ended.returncode, ended.stderr[: len(said)], ended.stderr.count("\n")) == (code, said, bool(said))


def test_who_interrupts_is_told_where_to_look(committed_db: str, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Printer, "say", interrupted)
    ended = call("set", "MAX_LOGIN_ATTEMPTS", "3", "--reason", "x")
    assert (ended.code, ended.err.count("nothing")) == (130, 0)
    assert "Interrupted. Whether anything was changed, config history tells." in ended.err
    assert SystemConfiguration.objects.get(key="MAX_LOGIN_ATTEMPTS").value == "3"


def test_wrong_arguments_end_with_two(committed_db: str) -> None:
    for arguments in (["lst"], ["get"], ["list", "--category", "NOPE"], ["history", "X", "--limit", "0"]):
        ended = run(*arguments)
        assert ended.code == 2, ended
        assert "Traceback" not in ended.err


def test_a_database_out_of_reach_or_empty_is_one_sentence(empty_db: str) -> None:
    ended = run("list")
    assert (ended.code, ended.err) == (
        1,
        "CommandError: The settings have no table yet. Run manage.py migrate first.\n",
    )
    if connection.settings_dict["EMBEDDED"]:
        return  # the embedded server makes the database that is asked for
    connection.settings_dict["NAME"], kept = "nowhere_at_all", connection.settings_dict["NAME"]
    try:
        ended = run("get", "SYSTEM_NAME")
    finally:
        connection.settings_dict["NAME"] = kept
    assert ended.code == 1
    assert "does not exist" in ended.err
    assert ended.err.count("\n") == 1


def test_settings_go_through_a_pipe(committed_db: str) -> None:
    exported = run("export").out
    changed = exported.replace('"value": "12"', '"value": "13"')
    ended = run("import", "-", "--yes", "--reason", "x", "--json", typed=changed)
    assert (ended.code, json.loads(ended.out)["applied"]) == (0, True), ended.err
    assert run("export").out == changed
    assert run("import", "-", "--reason", "x", typed=exported).code == 2


def test_djangos_options_may_stand_behind_the_deed(committed_db: str) -> None:
    ended = run("get", "SYSTEM_NAME", "--no-color", "--skip-checks", "-v", "0", "--traceback")
    assert (ended.code, ended.out) == (0, "White Cross Healthcare Platform\n")


def test_a_key_that_a_terminal_would_obey_is_shown_as_escapes(committed_db: str, call: Call) -> None:
    key = "[red]\x1b[2J"
    ended = call("set", key, "x", "--new", "--type", "STRING", "--reason", "x")
    assert ended.out.startswith("[red]\\u001b[2J for the system: - -> x.\n")
    for arguments in (["get", key + "x"], ["set", key, "y"], ["set", key, "y", "--type", "STRING", "--new"]):
        ended = call(*arguments, *(["--reason", "x"] if arguments[0] == "set" else []))
        assert "\x1b" not in ended.out + ended.err
