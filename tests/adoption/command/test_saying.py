"""What `manage.py adopt` prints and writes, for machines and people, and what it never shows."""

import errno
import io
import json
import os
import re
import shlex
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from rich.console import Console

from tests.adoption import predecessor
from tests.adoption.awkward import LONG
from tests.adoption.command.running import MOST, REPORT, adopt, counts, lines
from tests.adoption.conftest import Legacy, url_of, value
from tests.configuration.command.conftest import PROGRAM
from tests.factories import make_student
from whitecross.adoption import planning, reporting
from whitecross.adoption.fitting import Misfits
from whitecross.adoption.management.commands.adopt import EXAMPLES, Command
from whitecross.adoption.models import Reject
from whitecross.adoption.progress import BarProgress

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PLAN = {"source", "inPlace", "state", "server", "schema", "migrations", "setAside", "round", "tables", "doNotFit"}
IDS_AND_KEYS = ("id", "key", "configKey", "createdBy", "updatedBy", "changedBy", "lastModifiedBy", "scopeId")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


PLAN |= {"rows", "unknownColumns", "rounded", "notes", "refusals", "estimate"}


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
