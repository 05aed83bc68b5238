"""The command as a process of its own: pipes, exit codes, a database that is not there."""

from django.db import connection
from django.utils import timezone

from configuration.models import SystemConfiguration

from .conftest import Call, run, start


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
    connection.settings_dict["NAME"], kept = "nowhere_at_all", connection.settings_dict["NAME"]
    try:
        ended = run("get", "SYSTEM_NAME")
    finally:
        connection.settings_dict["NAME"] = kept
    assert ended.code == 1
    assert "does not exist" in ended.err
    assert ended.err.count("\n") == 1
