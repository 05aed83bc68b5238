"""`manage.py adopt` as whoever adopts meets it: what it says, what it asks, how it ends, and what it never shows."""

import dataclasses
import errno
import io
import json
import os
import re
import shlex
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, connections
from rich.console import Console

from core.models import Student
from tests.adoption import predecessor
from tests.adoption.awkward import LONG
from tests.adoption.conftest import Legacy, execute, on_a_database_of_its_own, url_of, value
from tests.configuration.command.conftest import PROGRAM
from tests.factories import make_student
from whitecross.adoption import adopting, planning, reporting
from whitecross.adoption.fitting import Misfits
from whitecross.adoption.management.commands.adopt import EXAMPLES, Command
from whitecross.adoption.models import Reject
from whitecross.adoption.progress import BarProgress

Dump = Callable[[str], bytes]
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
MOST = 47  # rows of the last state that do not fit


@dataclass(frozen=True)
class Ended:
    """How a call of the command ended."""

    out: str
    err: str
    code: int

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """The one sentence with which it was refused: a line, and nothing before or after it."""
        (line,) = self.err.splitlines()
        assert line.startswith("CommandError: "), line
        return line.removeprefix("CommandError: ")


class Typing(io.StringIO):
    """What somebody types on a terminal; nothing more is the end of the input."""

    def isatty(self) -> bool:
        return True


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def adopt(*arguments: str, typed: str | None = None, stdout: io.StringIO | None = None) -> Ended:
    """Run the command in this process as manage.py would. What is not a sentence of its own, it raises."""
    out, err, code = stdout or io.StringIO(), io.StringIO(), 0
    stdin = sys.stdin
    sys.stdin = io.StringIO() if typed is None else Typing(typed)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            Command().run_from_argv(["manage.py", "adopt", *arguments])
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stdin = stdin
    return Ended(out.getvalue(), err.getvalue(), code)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of whoever adopts; reports go here."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def left(legacy: Legacy) -> str:
    """A database of the predecessor's, one for all tests that change nothing in it; its name."""
    return legacy.shared(3)


def counts(schema: str = "public", state: int = 7) -> dict[str, int]:
    """Rows by table, of the tables that the predecessor had."""
    return {table: value(f'SELECT count(*) FROM "{schema}"."{table}"') for table in predecessor.facts(state)["tables"]}


def lines(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


# The plan


def test_a_plan_names_everything_and_changes_nothing(legacy: Legacy, dump: Dump) -> None:
    name = legacy.in_place(7, misfits=True)
    before, held = dump(name), counts()
    ended = adopt("--plan")
    assert (ended.code, ended.said) == (1, "This plan cannot be carried out as it is. Nothing was changed.")
    assert f"{name} (PostgreSQL {value('SHOW server_version').split()[0]}), left at step 7 of 7" in ended.out
    told = lines(ended.out)
    for table, number in held.items():
        assert any(line[:2] == [table, f"{number:,}"] for line in told), table
    assert ["users", "role: enum_users_role to UserRole"] in told
    assert ["incident_reports", "attachments, witnesses: json to jsonb"] in told
    assert ["districts", "1", "districts_state_check", "State: two capital letters, such as TX"] in told
    assert f"{sum(held.values()):,} rows, {sum(held.values()) - MOST:,} to be brought over; about" in ended.out
    assert (
        f"In the way: {MOST} rows do not fit: mend them in the predecessor's database, or say --set-aside." in ended.out
    )
    allowed = adopt("--plan", "--set-aside")
    assert (allowed.code, allowed.err) == (0, "")
    assert "In the way" not in allowed.out
    assert dump(name) == before


def test_a_plan_from_another_database_changes_neither(legacy: Legacy, dump: Dump) -> None:
    url = legacy.elsewhere(4)
    here, there = str(connection.settings_dict["NAME"]), url.split("/")[3].split("?")[0]
    before = dump(here), dump(there)
    ended = adopt("--plan", "--source", url)
    assert (ended.code, ended.err) == (0, "")
    assert re.search(
        rf"^{there} at .+ \(PostgreSQL .+\), left at step 4 of 7, into this database:$", ended.out, re.MULTILINE
    )
    assert (dump(here), dump(there)) == before
    assert "adoption_source" not in connections.databases


# What is refused


NOT_LEFT = 'was not left by the predecessor: it has no table "SequelizeMeta".'


def test_a_database_that_is_not_the_predecessors_is_named(empty_db: str, pristine_database: str) -> None:
    ways = (["--plan"], ["--yes"], ["--plan", "--json"])
    for arguments in ways:
        ended = adopt(*arguments)
        assert (ended.code, ended.out, ended.said) == (1, "", f'The database "{empty_db}" {NOT_LEFT}')
    with on_a_database_of_its_own(pristine_database) as name:
        for arguments in ways:
            ended = adopt(*arguments)
            assert (ended.code, ended.out, ended.said) == (1, "", f'The database "{name}" {NOT_LEFT}')
    execute('CREATE TABLE "SequelizeMeta" (name text PRIMARY KEY)', "CREATE TABLE users (id uuid PRIMARY KEY)")
    for arguments in ways:
        ended = adopt(*arguments)
        assert (ended.code, ended.out) == (1, "")
        assert ended.said.endswith("but not districts, schools, students: it is none that White Cross knows.")


def test_the_deeds_that_come_after_need_an_adoption(left: str) -> None:
    for deed in ("--undo", "--finish"):
        ended = adopt(deed, "--yes")
        assert (ended.code, ended.out) == (1, "")
        assert ended.said == "No adoption of this database has begun, or it is finished. Nothing was changed."
    for deed in ("--rejects", "--retry"):
        ended = adopt(deed)
        assert (ended.code, ended.out) == (1, "")
        assert ended.said == "White Cross has no tables in this database, so nothing is set aside."
    assert adopt("--status").out == "No adoption of this database has begun, or it is finished.\n"


SECRET = "s3kr1t"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "--source does not begin with postgresql://"),
        (f"mysql://reader:{SECRET}@h/d", "--source does not begin with postgresql://"),
        (f"postgresql://reader:{SECRET}/x@h/d", "--source has a port that is not a number"),
        (f"postgresql://reader:{SECRET}@h", "--source names no database"),
        (f"postgresql://reader:{SECRET}@h/d?sslmod=require", "--source has the option sslmod"),
    ],
)
@pytest.mark.parametrize("deed", ["--plan", "--yes"])
def test_a_source_that_cannot_be_read_is_a_wrong_argument(url: str, said: str, deed: str) -> None:
    ended = adopt(deed, "--source", url)
    assert (ended.code, ended.out) == (2, "")
    assert ended.said.startswith(said)
    assert SECRET not in ended.err


def test_a_source_that_is_not_there_is_a_sentence_without_its_password(empty_db: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        slow = adopt("--plan", "--source", f"postgresql://reader:{SECRET}@127.0.0.1:{port}/old?connect_timeout=1")
    gone = adopt("--yes", "--source", f"postgresql://reader:{SECRET}@127.0.0.1:{port}/old")
    strange = adopt("--plan", "--source", f"postgresql://reader:{SECRET}@nowhere.invalid/old")
    for ended, where in ((slow, "127.0.0.1"), (gone, "127.0.0.1"), (strange, "nowhere.invalid")):
        assert (ended.code, ended.out) == (1, "")
        assert ended.said.startswith(f"The database of --source, old at {where}, cannot be read (")
        assert ended.said.endswith("Nothing was changed.")
        assert SECRET not in ended.err
    assert "timeout" in slow.said
    assert "refused" in gone.said
    assert "adoption_source" not in connections.databases


def test_a_source_that_does_not_exist_or_is_none_of_the_predecessors_is_named(
    empty_db: str, pristine_database: str
) -> None:
    missing = adopt("--yes", "--source", url_of("no_such_database"))
    assert (missing.code, missing.out) == (1, "")
    assert "no_such_database" in missing.said
    assert "does not exist" in missing.said
    other = adopt("--yes", "--source", url_of(pristine_database))
    assert (other.code, other.said) == (1, f'The database "{pristine_database}" {NOT_LEFT}')
    assert value("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == 0


def test_a_target_that_does_not_fit_is_refused_by_the_plan_too(left: str) -> None:
    for arguments in (["--plan"], ["--yes"]):
        ended = adopt(*arguments, "--source", url_of(left))
        assert ended.code == 1
        assert ended.said.startswith("This database was left by the predecessor itself.")


def test_a_report_that_could_not_be_written_is_refused_before_anything_is_done(
    left: str, dump: Dump, folder: Path
) -> None:
    before = dump(left)
    (folder / "a file").write_text("")
    for what in ("missing", "a file"):
        ended = adopt("--yes", "--report", what)
        assert (ended.code, ended.out) == (2, "")
        assert ended.said == f"--report {what}: no folder that can be written to. Nothing was done."
    assert dump(left) == before


@pytest.mark.parametrize(
    ("arguments", "idle"),
    [
        (["--plan", "--yes"], "--yes"),
        (["--plan", "--report", "elsewhere"], "--report"),
        (["--undo", "--source", "postgresql://h/d"], "--source"),
        (["--undo", "--json"], "--json"),
        (["--finish", "--set-aside"], "--set-aside"),
        (["--rejects", "--round"], "--round"),
        (["--retry", "--yes"], "--yes"),
        (["--status", "--source", "postgresql://h/d"], "--source"),
    ],
)
def test_an_option_that_would_not_be_heeded_is_a_wrong_argument(arguments: list[str], idle: str) -> None:
    ended = adopt(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.said == f"{idle} says nothing to {arguments[0]}: leave it out."


@pytest.mark.parametrize("arguments", [["--plan", "--undo"], ["--bogus"], ["--database", "nope"], ["--source"]])
def test_what_nobody_understands_is_a_wrong_argument(arguments: list[str]) -> None:
    ended = adopt(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "Traceback" not in ended.err
    assert ended.err.splitlines()[-1].startswith("manage.py adopt: error: ")


# Asking


def test_where_there_is_nobody_to_ask_it_asks_for_yes(left: str, legacy: Legacy, dump: Dump, folder: Path) -> None:
    before = dump(left)
    piped = adopt()
    for_a_machine = adopt("--json", typed="yes\n")
    for ended in (piped, for_a_machine):
        assert ended.code == 2
        assert ended.said.endswith("Adopt? There is nobody to ask: say --yes. Nothing was changed.")
    assert for_a_machine.out == ""
    assert dump(left) == before
    assert list(folder.iterdir()) == []
    legacy.adopted(3)
    for deed in ("--undo", "--finish"):
        ended = adopt(deed)
        assert ended.code == 2
        assert ended.said.endswith("There is nobody to ask: say --yes. Nothing was changed.")
    assert adopt("--status", "--json").json["state"] == "adopted"


def test_anything_but_yes_changes_nothing(left: str, dump: Dump, folder: Path) -> None:
    before = dump(left)
    for typed in ("no\n", "\n", "y\n", "", "ja\n"):
        ended = adopt(typed=typed)
        assert (ended.code, ended.said) == (1, "Nothing was changed."), typed
        assert "840 rows, 840 to be brought over" in ended.out, "the plan stands above the question"
        assert "stop its processes first. Adopt? [yes/no]" in ended.out
    assert dump(left) == before
    assert list(folder.iterdir()) == []


def test_whoever_interrupts_the_question_has_changed_nothing(
    left: str, dump: Dump, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(question: str) -> str:
        raise KeyboardInterrupt

    before = dump(left)
    monkeypatch.setattr("builtins.input", interrupted)
    ended = adopt(typed="")
    assert (ended.code, ended.said) == (130, "Interrupted. Nothing was changed.")
    assert dump(left) == before


# For machines


PLAN = {"source", "inPlace", "state", "server", "schema", "migrations", "setAside", "round", "tables", "doNotFit"}
PLAN |= {"rows", "unknownColumns", "rounded", "notes", "refusals", "estimate"}
REPORT = {"adopted", "by", "source", "target", "choices", "seconds", "tables", "rows", "seededSettings"}
REPORT |= {"foreignKeysValidated", "indexesBuilt", "schemaVerified", "doNotFit", "rowsSetAside", "columnsSetAside"}
REPORT |= {"rounded", "notes"}


def test_every_deed_answers_a_machine_in_json(legacy: Legacy) -> None:
    name = legacy.in_place(7, misfits=True)
    plan = adopt("--plan", "--json")
    assert plan.code == 1
    assert plan.json.keys() == PLAN
    assert (plan.json["source"], plan.json["state"], plan.json["inPlace"]) == (name, 7, True)
    assert {table["table"]: table["rows"] for table in plan.json["tables"]} == counts()
    assert sum(table["doNotFit"] for table in plan.json["tables"]) == len(plan.json["rows"]) == MOST
    assert plan.json["refusals"]
    refused = adopt("--yes", "--json")
    assert (refused.code, refused.said) == (1, "Nothing was adopted: see what is in the way.")
    assert refused.json["refusals"] == plan.json["refusals"]
    assert adopt("--status", "--json").json == {"state": None}

    legacy.adopted(7, misfits=True)
    report = adopt("--json")
    assert (report.code, report.err) == (0, "")
    assert report.json.keys() == REPORT
    assert report.json["rows"]["setAside"] == MOST
    source = report.json["source"]["database"]
    status = adopt("--status", "--json")
    assert status.json == {
        "state": "adopted", "source": source, "inPlace": True, "set_aside": True, "rounding": False
    }  # fmt: skip

    rejects = adopt("--rejects", "--json")
    assert {frozenset(one) for one in rejects.json} == {frozenset({"id", "table", "row", "isWhole", "reasons"})}
    assert {(one["table"], one["row"]) for one in rejects.json} == {
        (one["table"], one["id"]) for one in plan.json["rows"]
    }
    mended = next(one for one in rejects.json if one["table"] == "districts")
    Reject.objects.filter(pk=mended["id"]).update(data=Reject.objects.get(pk=mended["id"]).data | {"state": "TX"})
    retried = adopt("--retry", "--json")
    assert (retried.code, retried.err) == (0, "")
    assert retried.json.keys() == {"broughtOver", "remaining"}
    assert retried.json["broughtOver"] == {"districts": 1}
    assert {one["id"] for one in retried.json["remaining"]} == {one["id"] for one in rejects.json} - {mended["id"]}
    assert adopt("--plan", "--json").code == 1


# What it never shows


IDS_AND_KEYS = ("id", "key", "configKey", "createdBy", "updatedBy", "changedBy", "lastModifiedBy", "scopeId")


def texts_of_rows(schema: str) -> set[str]:
    """Every text of every row that would betray somebody: names, emails, notes; no labels, no ids."""
    found: set[str] = set()
    for table, about in predecessor.facts(7)["tables"].items():
        names = [
            name for name, column in about["columns"].items()
            if column["type"] in ("text", "json", "jsonb", "text[]") or column["type"].startswith("character varying")
        ]  # fmt: skip
        columns = [name for name in names if name not in IDS_AND_KEYS]
        with connection.cursor() as cursor:
            cursor.execute(
                f'SELECT {", ".join(f"""t."{name}"::text""" for name in columns)} FROM "{schema}"."{table}" t'
            )
            found |= {text.strip() for row in cursor.fetchall() for text in row if text is not None}
    # What is shorter, or a word of the language in which the command speaks, may be there for another reason.
    words = {"plain", "ACTIVE", "MANAGED", "RESOLVED", "MONITORING", "INACTIVE", "SYSTEM"}
    return {text for text in found if len(text) > 5 and not re.fullmatch(r"[\d.eE+-]+", text)} - words


def betrayed(text: str, secrets: set[str]) -> list[str]:
    """The secrets that stand in a text, as they are or as JSON has them."""
    return [secret for secret in secrets if secret in text or json.dumps(secret)[1:-1] in text]


def test_no_value_of_a_row_is_ever_shown(legacy: Legacy, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    legacy.in_place(7, misfits=True)
    secrets = texts_of_rows("public") | {"38.12345", "20250-06-30"}
    assert {"twice@example.org", "O'Brien", "Zoë+nurse@Example.ORG", predecessor.BCRYPT, LONG.strip()} <= secrets
    plan = adopt("--plan", "--json")
    ended = [plan, adopt("--plan", stdout=Terminal())]
    with monkeypatch.context() as patch:  # so that the database itself refuses a row
        patch.setattr(planning, "find_misfits", lambda *arguments, **options: Misfits())
        ended.append(adopt("--yes"))
    assert ended[-1].code == 1
    assert "refuses a row" in ended[-1].said
    ended.append(adopt("--status"))
    assert "No row is lost, none is here yet" in ended[-1].out
    legacy.adopted(7, misfits=True)
    ended += [adopt(), adopt("--json"), adopt("--rejects"), adopt("--rejects", "--json"), adopt("--retry")]
    reports = [path.read_text() for path in folder.iterdir()]
    assert len(reports) == 2
    for text in (*reports, *(one.out + one.err for one in ended)):
        assert betrayed(text, secrets) == []
    assert all(one["id"] in report for one in plan.json["rows"] for report in reports)


# The report


def test_yes_adopts_and_the_report_is_private_and_agrees_with_the_tables(legacy: Legacy, folder: Path) -> None:
    name = legacy.in_place(7, misfits=True)
    umask = os.umask(0)
    try:
        ended = adopt("--set-aside", typed="Yes\n")
    finally:
        os.umask(umask)
    assert (ended.code, ended.err) == (0, "")
    markdown, data = sorted(folder.iterdir(), key=lambda path: path.suffix, reverse=True)
    assert f"The report to keep: {markdown.name} and {data.name}." in ended.out
    assert betrayed(ended.out, texts_of_rows("whitecross_legacy")) == []
    assert ended.out.splitlines()[-2] == "What was set aside: manage.py adopt --rejects."
    assert ended.out.splitlines()[-1] == "The way back, until manage.py adopt --finish: manage.py adopt --undo."
    assert re.fullmatch(r"adoption-\d{8}T\d{6}\.md", markdown.name)
    assert data.stem == markdown.stem
    assert {stat.S_IMODE(path.stat().st_mode) for path in (markdown, data)} == {0o600}

    report, page = json.loads(data.read_text()), markdown.read_text().splitlines()
    there, here = counts("whitecross_legacy"), counts()
    here["system_configurations"] -= report["seededSettings"]
    aside = {table: Reject.objects.filter(source_table=table).count() for table in there}
    assert sum(aside.values()) == MOST
    for table in report["tables"]:
        of = table["table"]
        assert (table["rowsThere"], table["rowsHere"], table["setAside"]) == (there[of], here[of], aside[of]), of
        assert table["holds"]
        assert table["checksumThere"] == table["checksumHere"]
        assert (
            f"| {of} | {there[of]:,} | {here[of]:,} | {aside[of]:,} | `{table['checksumThere']}` | "
            f"`{table['checksumHere']}` | yes |"
        ) in page
    total = {"there": sum(there.values()), "here": sum(here.values()), "setAside": MOST}
    assert report["rows"] == total
    assert f"- Rows: {total['there']:,} there = {total['here']:,} here + {MOST} set aside" in page
    for reject in Reject.objects.all():
        why = "; ".join(reason["why"] for reason in reject.reasons)
        assert f"- {reject.source_table} {reject.row_id}: {why}" in page
    assert (report["source"]["database"], report["target"]["database"]) == (name, name)
    assert report["source"]["migrations"] == predecessor.facts(7)["applied"]

    first = {path.name: path.read_text() for path in folder.iterdir()}
    for path in folder.iterdir():
        path.unlink()
    ended = adopt()
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("Adopted already. The report, once more:\n")
    again = {path.name: path.read_text() for path in folder.iterdir()}
    assert again.keys() == first.keys()
    for name, text in again.items():
        # The database keeps the report in another order.
        assert sorted(text.replace(",", "").split()) == sorted(first[name].replace(",", "").split())
    plan = adopt("--plan")
    assert (plan.code, plan.out) == (1, "")
    assert " was adopted " in plan.said
    assert "manage.py adopt --finish; or go back with manage.py adopt --undo." in plan.said


def test_another_source_than_was_adopted_is_not_reported_as_adopted(legacy: Legacy) -> None:
    another = url_of(legacy.in_place(3))
    url = legacy.elsewhere(3)
    assert adopt("--yes", "--source", url).code == 0
    again = adopt("--yes", "--source", url)
    assert (again.code, again.out.splitlines()[0]) == (0, "Adopted already. The report, once more:")
    other = adopt("--yes", "--source", another)
    assert (other.code, other.out) == (1, "")
    assert "--source names another database" in other.said


def test_a_report_that_cannot_be_written_any_more_loses_nothing(
    legacy: Legacy, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path, report: dict[str, Any]) -> list[Path]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    legacy.adopted(3)
    with monkeypatch.context() as patch:
        patch.setattr(reporting, "write_report", full)
        ended = adopt("--yes")
    assert ended.code == 1
    assert ended.said == (
        "All rows are here, but the report cannot be written to . (No space left on device): "
        "run this again, with another --report FOLDER."
    )
    assert adopt().code == 0
    assert len(list(folder.iterdir())) == 2


# Pipes and terminals


@pytest.mark.parametrize(
    ("streams", "arguments", "code", "said"),
    [
        (">&-", ["--plan"], 0, ""),
        (">/dev/full", ["--yes"], 1, "CommandError: The answer cannot be printed (No space left on device)."),
        ("<&-", [], 2, "CommandError: The predecessor's tables move to the schema whitecross_legacy"),
    ],
)
def test_streams_that_are_closed_or_full_are_no_traceback(
    streams: str, arguments: list[str], code: int, said: str, left: str
) -> None:
    program = [sys.executable, "-c", PROGRAM, left, "adopt", *arguments]
    shell = ["sh", "-c", f'exec "$0" "$@" {streams}', *program]
    ended = subprocess.run(shell, capture_output=True, text=True, timeout=120, check=False, cwd=settings.BASE_DIR)
    assert (ended.returncode, ended.stderr.splitlines()[:1]) == (code, [ended.stderr.strip()] if said else [])
    assert ended.stderr.startswith(said)
    assert value("SELECT to_regnamespace('whitecross_legacy') IS NULL"), "nothing was changed"


def test_a_pipe_gets_plain_lines_with_tabs(legacy: Legacy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    legacy.adopted(7, misfits=True)
    rejects, report = adopt("--rejects"), adopt()
    assert "\x1b" not in rejects.out + report.out
    rows = lines(rejects.out)
    assert {len(row) for row in rows[:-1]} == {4}
    assert [(row[0], row[1], row[2]) for row in rows[:-1]] == [
        (one["table"], one["row"], one["id"]) for one in adopt("--rejects", "--json").json
    ]
    assert rows[-1] == [f"{MOST} set aside. docs/adoption.md says how to mend one; then adopt --retry."]
    assert {row[0] for row in lines(report.out) if len(row) == 5} == set(counts("whitecross_legacy"))


@pytest.fixture(params=[60, 120])
def columns(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How wide the terminal is."""
    monkeypatch.setenv("COLUMNS", str(request.param))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return int(request.param)


def shown(text: str) -> list[str]:
    """The lines that a terminal shows, one after the other."""
    return [ESCAPES.sub("", line).rstrip() for line in re.split(r"[\r\n]", text)]


def test_a_terminal_gets_tables_that_fit(columns: int, legacy: Legacy) -> None:
    legacy.adopted(7, misfits=True)
    rejects, report = adopt("--rejects", stdout=Terminal()), adopt(stdout=Terminal())
    make_student()
    undone, plan = adopt("--undo", "--yes", stdout=Terminal()), adopt("--plan", "--set-aside", stdout=Terminal())
    ended = [rejects, report, undone, plan]
    assert [(one.code, one.err) for one in ended] == [(0, "")] * len(ended)
    assert all("\x1b[" in one.out for one in ended)
    found = shown("".join(one.out for one in ended))
    assert [line for line in found if len(line) > columns] == []
    for heading in (r"table +rows +size +do not fit", r"table +rows +rule +why", r"table +rows"):
        assert any(re.fullmatch(heading, line) for line in found), heading
    assert any(re.fullmatch(r"Looking for rows .*━━.* 100% +[0-9.]+ s", line) for line in found)
    ids = [line for line in shown(rejects.out) if re.fullmatch(r"  adoption_rejects\.id = [0-9a-f-]{36}", line)]
    assert len(ids) == MOST, "an id that is broken in two cannot be copied"
    assert "which the way back loses:" in " ".join(shown(undone.out))


def test_a_terminal_gets_bars_that_fit(columns: int) -> None:
    terminal = Terminal()
    progress = BarProgress(Console(file=terminal, force_terminal=True))
    for name, total in (("Looking for rows that do not fit", 20), ("Schema", 1), ("Rows", 2_000_000), ("Nothing", 0)):
        with progress.step(name, total):
            for _ in range(4):
                progress.advance(total // 4, "configuration_history_configurationId_createdAt_idx")
                time.sleep(0.11)  # as often as it draws
    found = shown(terminal.getvalue())
    assert [line for line in found if len(line) > columns] == []
    for name in ("Looking for rows", "Schema", "Rows", "Nothing"):
        assert any(re.fullmatch(rf"{name}.*━━.* 100% .*[0-9.]+ s.*", line) for line in found), name
    assert any(re.search(r"Rows .* 50% \d+ s left .*/s", line) for line in found)


def test_the_examples_of_the_help_are_understood(capsys: pytest.CaptureFixture[str]) -> None:
    ended = adopt("--help")
    assert ended.code == 0
    assert EXAMPLES in ended.out
    parser = Command().create_parser("manage.py", "adopt")
    examples = re.findall(r"^  python manage\.py adopt(.*?)(?:   .*)?$", EXAMPLES, re.MULTILINE)
    deeds = [parser.parse_args(shlex.split(example)).deed for example in examples]
    assert set(deeds) == {"adopt", "plan", "undo", "finish", "rejects", "retry"}


# The way back and the end


def test_undo_says_what_would_be_lost_and_asks(legacy: Legacy, dump: Dump) -> None:
    name = legacy.in_place(3)
    past = "2025-01-01"
    for table in predecessor.facts(3)["tables"]:
        columns = predecessor.facts(3)["tables"][table]["columns"].keys() & {"createdAt", "updatedAt"}
        execute(f"UPDATE {table} SET " + ", ".join(f"\"{column}\" = '{past}'" for column in columns))
    before = dump(name)
    assert adopt("--yes").code == 0
    untouched = adopt("--undo", typed="no\n")
    assert (untouched.code, untouched.said) == (1, "Nothing was changed.")
    assert "loses" not in untouched.out
    added = make_student(school=None, district=None)
    changed, removed = Student.objects.exclude(pk=added.pk)[:2]
    changed.grade = "6"
    changed.save()
    removed.delete()
    ended = adopt("--undo", typed="no\n")
    assert (ended.code, ended.said) == (1, "Nothing was changed.")
    assert lines(ended.out)[:2] == [
        ["Rows that were added, changed or removed here since, which the way back loses:"],
        ["students", "3"],
    ]
    assert "Remove what White Cross has here, and put back the predecessor's tables? [yes/no]" in ended.out
    assert Student.objects.filter(pk=added.pk).exists()
    undone = adopt("--undo", typed="yes\n")
    assert (undone.code, undone.err) == (0, "")
    assert undone.out.endswith(f"Undone: {name} is as it was before the adoption.\n")
    assert dump(name) == before


def test_undo_loses_nothing_where_nobody_wrote(legacy: Legacy) -> None:
    legacy.adopted(3)
    assert "loses" not in adopt("--undo", typed="no\n").out


def test_undo_counts_a_change_of_a_row_whose_times_were_to_come(legacy: Legacy) -> None:
    legacy.adopted(3)
    pk = value("""SELECT id FROM students WHERE "updatedAt" > '2100-01-01' AND "deletedAt" IS NULL LIMIT 1""")
    assert Student.objects.filter(pk=pk).update(grade="6") == 1
    assert ["students", "1"] in lines(adopt("--undo", typed="no\n").out)


def test_undo_counts_what_was_added_and_what_was_removed(legacy: Legacy) -> None:
    legacy.adopted(3)
    execute(
        """INSERT INTO emergency_contacts ("studentId", name, relationship, "primaryPhone")
        SELECT id, 'Ann', 'Mother', '5550100' FROM students LIMIT 1""",
        """BEGIN; SET LOCAL whitecross.erase = 'on'; DELETE FROM emergency_contacts WHERE id =
        (SELECT id FROM emergency_contacts WHERE "updatedAt" < '2026-01-01' LIMIT 1); COMMIT""",
    )
    assert ["emergency_contacts", "2"] in lines(adopt("--undo", typed="no\n").out)


def test_finish_asks_for_the_name_and_says_what_stays_set_aside(legacy: Legacy) -> None:
    name = legacy.adopted(7, misfits=True)
    there = value("SELECT count(*) FROM whitecross_legacy.students")
    for typed in ("yes\n", "\n", f"{name}x\n", ""):
        ended = adopt("--finish", typed=typed)
        assert (ended.code, ended.said) == (1, "Nothing was changed.")
    assert value("SELECT count(*) FROM whitecross_legacy.students") == there
    finished = adopt("--finish", typed=f"{name}\n")
    assert (finished.code, finished.err) == (0, "")
    first, asked = finished.out.splitlines()
    assert first == f"{MOST} rows are still set aside; they stay in adoption_rejects."
    assert asked.startswith("This drops the predecessor's tables for good. To go on, type the database's name.")
    assert asked.endswith("Finished: the adoption cannot be undone any more. Keep its report.")
    assert value("SELECT to_regnamespace('whitecross_legacy') IS NULL")
    assert Reject.objects.count() == MOST
    for deed in ("--undo", "--finish"):
        ended = adopt(deed, typed="yes\n")
        assert ended.said == "No adoption of this database has begun, or it is finished. Nothing was changed."
    assert adopt("--rejects").out.count("\n") == MOST + 1
    assert adopt("--retry").out.splitlines()[-1] == f"Brought over: 0. Still set aside: {MOST}."


# Between the parts


def test_migrate_sends_to_adopt_and_does_no_harm_between_its_parts(
    legacy: Legacy, dump: Dump, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    name = legacy.in_place(3)
    before, held = dump(name), counts(state=3)
    with pytest.raises(CommandError, match=r"manage\.py adopt --plan") as refusal:
        call_command("migrate", verbosity=0)
    assert "docs/adoption.md" in str(refusal.value)
    assert dump(name) == before
    for part in ("_migrate", "_load"):
        with monkeypatch.context() as patch:
            patch.setattr(adopting, part, interrupted)
            ended = adopt("--yes")
        assert ended.code == 130
        assert ended.said == (
            "Interrupted. No row is lost, none is here yet: manage.py adopt goes on, manage.py adopt --undo brings "
            "back what was there."
        )
        assert adopt("--status", "--json").json["state"] == "begun"
        call_command("migrate", verbosity=0)
        assert counts("whitecross_legacy", state=3) == held
    finish = adopt("--finish", "--yes")
    assert (finish.code, finish.out) == (1, "")
    assert finish.said.startswith("The adoption has not come to its end: run manage.py adopt again first.")
    assert adopt("--plan").code == 0
    # It goes on with what was agreed to, so it asks nobody.
    assert adopt().code == 0
    assert counts(state=3) == held
    call_command("migrate", verbosity=0)
    assert counts(state=3) == held
    assert adopt("--undo", "--yes").code == 0
    assert dump(name) == before


# Rights


@dataclass(frozen=True)
class Role:
    """A role of the server's that is no superuser, and its URL for the database on which Django stands."""

    name: str
    url: str

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Django connects as this role."""
        facts, parameters = connection.settings_dict, connection.get_connection_params()
        before = {key: facts[key] for key in ("USER", "PASSWORD", "EMBEDDED", "HOST", "PORT")}
        connection.close()
        place = {"HOST": parameters.get("host") or "", "PORT": str(parameters.get("port") or "")}
        facts |= {"USER": self.name, "PASSWORD": SECRET, "EMBEDDED": None, **place}
        try:
            yield
        finally:
            connection.close()
            facts |= before

    def owns(self, schema: str = "public") -> None:
        """Make it the owner of the predecessor's tables and types."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT format('ALTER TABLE %%I.%%I OWNER TO %%I', schemaname, tablename, %(role)s)"
                " FROM pg_tables WHERE schemaname = %(schema)s"
                " UNION ALL SELECT format('ALTER TYPE %%I.%%I OWNER TO %%I', %(schema)s, typname, %(role)s)"
                " FROM pg_type WHERE typnamespace = %(schema)s::regnamespace AND typtype = 'e'",
                {"role": self.name, "schema": schema},
            )
            statements = [statement for (statement,) in cursor.fetchall()]
        execute(*statements)


@pytest.fixture
def role(legacy: Legacy) -> Iterator[Role]:
    """A role without any right in a database of the predecessor's, on which Django stands."""
    database = legacy.in_place(3)
    name = f"{database}_role"
    if not value("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        pytest.skip("only a superuser makes roles here")
    execute(f"DROP ROLE IF EXISTS {name}", f"CREATE ROLE {name} LOGIN PASSWORD '{SECRET}'")
    yield Role(name, re.sub(r"//[^@]*@", f"//{name}:{SECRET}@", url_of(database)))
    execute(f"REASSIGN OWNED BY {name} TO CURRENT_USER", f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def in_the_way(ended: Ended) -> list[str]:
    assert ended.code == 1
    return [line.removeprefix("In the way: ") for line in ended.out.splitlines() if line.startswith("In the way: ")]


def test_a_role_without_rights_gets_a_plan_that_says_which_it_needs(role: Role, dump: Dump) -> None:
    name = str(connection.settings_dict["NAME"])
    execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role.name}")
    before = dump(name)
    with role.connected():
        plan, done = adopt("--plan"), adopt("--yes")
    assert in_the_way(plan) == in_the_way(done)
    *grants, owner = in_the_way(plan)
    assert grants == [
        f'{role.name} may not make a schema: GRANT CREATE ON DATABASE "{name}" TO {role.name}.',
        f'{role.name} may not make tables: GRANT CREATE ON SCHEMA "public" TO {role.name}.',
    ]
    assert owner.startswith(f"{role.name} does not own allergies, ")
    assert owner.endswith(": run this as their owner.")
    assert dump(name) == before
    execute(*(grant.partition(": ")[2].rstrip(".") for grant in grants))
    with role.connected():
        assert in_the_way(adopt("--plan")) == [owner]
    with on_a_database_of_its_own("template0"):
        assert adopt("--plan", "--source", role.url).code == 0, "of a source it only reads"


def test_a_source_that_the_role_may_not_read_is_a_sentence(role: Role) -> None:
    with on_a_database_of_its_own("template0"):
        ended = adopt("--plan", "--source", role.url)
    assert (ended.code, ended.out) == (1, "")
    assert ended.said.startswith("The database of --source, ")
    assert "permission denied for table" in ended.said
    assert SECRET not in ended.said


def test_the_owner_of_the_database_adopts_without_being_a_superuser(role: Role, dump: Dump) -> None:
    name = str(connection.settings_dict["NAME"])
    role.owns()
    execute(f'ALTER DATABASE "{name}" OWNER TO {role.name}')
    before = dump(name)
    with role.connected():
        report = adopt("--yes", "--json")
        assert report.json.keys() == REPORT
        assert report.json["by"] == role.name
        assert value("SELECT count(*) FROM students") == 60
        assert adopt("--undo", "--yes").err == ""
    assert dump(name) == before


def test_the_grant_that_a_plan_asks_for_can_be_run_as_it_stands(role: Role) -> None:
    execute(f'ALTER ROLE {role.name} RENAME TO "{role.name}-2"')
    try:
        execute(f"""ALTER ROLE "{role.name}-2" PASSWORD '{SECRET}'""")
        execute(f'GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{role.name}-2"')
        with dataclasses.replace(role, name=f"{role.name}-2").connected():
            grant, *_ = in_the_way(adopt("--plan"))
        execute(grant.partition(": ")[2].rstrip("."))
    finally:
        execute(f'ALTER ROLE "{role.name}-2" RENAME TO {role.name}')


# Names and places


def needed(what: str) -> str:
    return f"the {what} bears a name that White Cross needs: rename it."


def test_what_bears_a_name_that_is_needed_is_in_the_way(legacy: Legacy, dump: Dump) -> None:
    name = legacy.in_place(3)
    execute(
        "CREATE TABLE auth_group (id int)",
        "CREATE VIEW knox_authtoken AS SELECT 1 AS one",
        "CREATE SEQUENCE django_migrations_id_seq",
        "CREATE TABLE lunches (id int)",
        "CREATE INDEX users_name_idx ON lunches (id)",
        "CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    )
    before = dump(name)
    plan, done = adopt("--plan"), adopt("--yes")
    assert in_the_way(done) == in_the_way(plan)
    assert set(in_the_way(plan)) == {
        needed("table auth_group"),
        needed("view knox_authtoken"),
        needed("sequence django_migrations_id_seq"),
        needed("index users_name_idx"),
        needed("function set_updated_at()"),
    }
    assert "note: unknown table lunches: stays where it is, untouched" in plan.out
    assert dump(name) == before
    with on_a_database_of_its_own("template0"):
        assert adopt("--plan", "--source", url_of(name)).code == 0, "there it stands in nobody's way"


def test_any_type_that_bears_a_needed_name_is_in_the_way(legacy: Legacy) -> None:
    legacy.in_place(3)
    execute('CREATE DOMAIN "FollowUpStatus" AS text', 'CREATE TABLE "AllergyType" (id int)')
    named = " ".join(in_the_way(adopt("--plan")))
    assert "FollowUpStatus" in named
    assert "AllergyType" in named


def test_the_way_back_drops_nothing_that_somebody_else_made(legacy: Legacy, dump: Dump) -> None:
    name = legacy.in_place(3)
    execute('CREATE DOMAIN "FollowUpStatus" AS text')
    before = dump(name)
    adopt("--yes")
    adopt("--undo", "--yes")
    assert dump(name) == before


@pytest.mark.direct("says its search_path at the start of the connection, in options")
def test_tables_in_another_schema_come_over_where_it_is_the_first_of_the_search_path(empty_db: str, dump: Dump) -> None:
    execute("CREATE SCHEMA nurse", "SET search_path = nurse")
    with connection.cursor() as cursor:
        predecessor.create(cursor, 3)
        predecessor.fill(cursor, 3)
    execute(f'ALTER DATABASE "{empty_db}" SET search_path = public, nurse')
    connection.close()
    before = dump(empty_db)
    assert in_the_way(adopt("--plan")) == [
        "the tables stand in the schema nurse, which is not the first of the search_path."
    ]
    assert in_the_way(adopt("--yes")) == in_the_way(adopt("--plan"))
    assert dump(empty_db) == before
    with on_a_database_of_its_own("template0"):
        assert adopt("--plan", "--source", url_of(empty_db)).code == 0
    execute(f'ALTER DATABASE "{empty_db}" SET search_path = nurse')
    connection.close()
    assert adopt("--yes").err == ""
    assert counts("nurse", state=3) == counts("whitecross_legacy", state=3)
    assert adopt("--undo", "--yes").err == ""
    execute(f'ALTER DATABASE "{empty_db}" SET search_path = public, nurse')
    connection.close()
    assert dump(empty_db) == before
