"""The command: exit codes, what it prints where, and that it only looks."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.schema.expected import load_expected
from core.schema.verify import verify
from tests.core.schema.conftest import Look

TRIGGER_OFF = "ALTER TABLE students DISABLE TRIGGER students_refuse_delete"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def output(*arguments: str, stream: io.StringIO | None = None) -> tuple[int, str]:
    """Exit code and what was printed."""
    stream = stream or io.StringIO()
    try:
        call_command("verify_schema", *arguments, stdout=stream)
    except SystemExit as exit_:
        return int(exit_.code or 0), stream.getvalue()
    return 0, stream.getvalue()


def test_a_clean_database_is_two_lines_and_exit_code_0(db: Any, look: Look) -> None:
    code, text = output()
    assert code == 0
    first, second = text.splitlines()
    assert first.startswith("The schema of ")
    assert first.endswith(" is as the models and migrations say.")
    assert "34 tables" in second
    assert "23 enum types" in second
    assert "12 settings" in second


def test_piped_each_difference_is_one_line_and_the_exit_code_is_1(db: Any, look: Look) -> None:
    run(TRIGGER_OFF)
    run("CREATE TABLE mine (id int)")
    code, text = output()
    assert code == 1
    difference, note, summary, counts = text.splitlines()
    assert difference == (
        "trigger disabled: students.students_refuse_delete: expected enabled; found disabled. "
        'To do: ALTER TABLE "students" ENABLE TRIGGER "students_refuse_delete";'
    )
    assert note == "note: unknown table mine: not looked at"
    assert summary.startswith("1 difference in the schema of ")
    assert summary.endswith("docs/verify-schema.md says what each kind means.")
    assert counts.startswith("Found: 35 tables, ")


def test_json_is_for_machines(db: Any, look: Look) -> None:
    assert json.loads(output("--json")[1])["ok"] is True
    run(TRIGGER_OFF)
    code, text = output("--json")
    assert code == 1
    report = json.loads(text)
    assert report.keys() == {"ok", "database", "server", "counts", "differences", "notes"}
    assert report["ok"] is False
    assert report["counts"]["settings"] == 12
    (difference,) = report["differences"]
    assert difference.keys() == {"kind", "object", "expected", "found", "advice"}
    assert (difference["kind"], difference["object"]) == ("trigger disabled", "students.students_refuse_delete")


@pytest.mark.parametrize("width", [60, 80, 140])
def test_a_terminal_gets_a_table_that_fits(width: int, db: Any, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    run(TRIGGER_OFF)
    code, text = output("--no-color", stream=Terminal())
    assert code == 1
    assert max(map(len, text.splitlines())) <= width
    for heading in ("What", "Expected", "Found", "To do"):
        assert heading in text
    assert "disabled" in text
    assert "\x1b" not in text
    assert "1 difference in the schema of" in text


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("verify_schema", "--help")
    text = capsys.readouterr().out
    assert "examples:\n  python manage.py verify_schema" in text


@pytest.mark.parametrize("signature", sorted(load_expected()["functions"]))
def test_definition_puts_a_function_back(signature: str, db: Any, look: Look) -> None:
    name = signature.partition("(")[0]
    if connection.pg_version >= 180000 and name == "uuidv7":  # type: ignore[attr-defined]
        pytest.skip("built in")
    run(f"ALTER FUNCTION {name} COST 7")
    assert not look().ok
    code, text = output("--definition", signature)
    assert code == 0
    run(text)
    assert look().ok


def test_a_definition_of_what_is_no_function_is_refused() -> None:
    with pytest.raises(CommandError, match=r"No function nothing\(\). The expected ones are: "):
        call_command("verify_schema", "--definition", "nothing()")


def test_an_empty_database_is_one_difference(empty_db: str) -> None:
    code, text = output()
    assert code == 1
    difference, *_ = text.splitlines()
    assert difference == (
        f"database empty: {empty_db}: expected the tables of White Cross; found none of them. "
        "To do: python manage.py migrate"
    )
    assert len(verify("default").differences) == 1


def test_it_looks_in_one_read_only_transaction(committed_db: str, look: Look) -> None:
    run("SET default_transaction_read_only = on")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert look().ok
    statements = [query["sql"] for query in queries]
    assert statements[0] == "BEGIN"
    assert statements[1] == "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
    assert statements[-1] == "COMMIT"
    assert len(statements) <= 24


def test_the_search_path_of_the_caller_stays(db: Any, look: Look) -> None:
    run("SET LOCAL search_path = public, pg_catalog")
    assert look().ok
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        assert cursor.fetchone() == ("public, pg_catalog",)


# The second is also the first word of `whitecross.erase`, a setting that a function reads.
@pytest.mark.parametrize("name", ["health", "whitecross"])
def test_a_schema_of_another_name_is_as_good(committed_db: str, look: Look, name: str) -> None:
    run(f"ALTER SCHEMA public RENAME TO {name}")
    run("CREATE SCHEMA public")
    run(f"SET search_path = public, {name}")
    report = look()
    assert report.differences == []
    assert report.notes == []


def test_a_role_that_may_only_read_two_tables_is_enough(db: Any, look: Look) -> None:
    run("CREATE ROLE wc_monitor")
    run("GRANT USAGE ON SCHEMA public TO wc_monitor")
    run("SET LOCAL ROLE wc_monitor")
    report = look()
    assert [(difference.kind, difference.object) for difference in report.differences] == [
        ("not readable", "django_migrations"),
        ("not readable", "system_configurations"),
    ]
    run("RESET ROLE")
    for difference in report.differences:
        run(difference.advice)
    run("SET LOCAL ROLE wc_monitor")
    assert look().ok


def test_a_search_path_without_a_schema_is_said(db: Any, look: Look) -> None:
    run("SET LOCAL search_path = nowhere")
    report = look()
    assert [(difference.kind, difference.object) for difference in report.differences] == [("not readable", "schema")]


def test_without_the_record_of_migrations_the_rest_is_still_compared(db: Any, look: Look) -> None:
    run("DROP TABLE django_migrations")
    assert [difference.object for difference in look().differences] == ["django_migrations"]


def test_without_the_settings_the_rest_is_still_compared(db: Any, look: Look) -> None:
    run("ALTER TABLE system_configurations RENAME key TO name")
    assert "column renamed" in {difference.kind for difference in look().differences}


def test_a_database_of_17_restored_on_18_is_as_expected(db: Any, look: Look) -> None:
    """There the function of ours stands beside the built-in one, and the defaults name ours."""
    run("\n".join(load_expected()["functions"]["uuidv7()"]).replace("FUNCTION uuidv7", "FUNCTION public.uuidv7"))
    run("ALTER TABLE students ALTER id SET DEFAULT public.uuidv7()")
    report = look()
    assert report.differences == []
    assert report.notes == []


def test_members_of_extensions_are_not_ours(db: Any, look: Look) -> None:
    run("CREATE EXTENSION pg_trgm")
    report = look()
    assert report.differences == []
    assert report.notes == []


def test_no_value_of_a_row_is_printed(committed_db: str, look: Look) -> None:
    run("INSERT INTO system_configurations (key, value) VALUES ('MINE', 'secret-4711')")
    run("UPDATE system_configurations SET value = 'secret-4712' WHERE key = 'SYSTEM_NAME'")
    run("ALTER TABLE system_configurations ADD extra text DEFAULT 'x'")
    for arguments in ([], ["--json"]):
        assert "secret" not in output(*arguments)[1]
