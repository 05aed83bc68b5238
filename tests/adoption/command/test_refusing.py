"""Before anything is done: the plan, what is refused, and the question."""

import re
import socket
from pathlib import Path

import pytest
from django.db import connection, connections

from tests.adoption.command.running import MOST, SECRET, Dump, adopt, counts, lines
from tests.adoption.conftest import Legacy, execute, on_a_database_of_its_own, url_of, value

NOT_LEFT = 'was not left by the predecessor: it has no table "SequelizeMeta".'


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
