"""The command, and the project's own migrations."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError, connection

from whitecross.deployment.law import check, released, squawk

# DO, around names that depend on the schema.
OF_LONG_AGO = {
    ("M16", "configuration.0002_enhance_system_configuration"),
    ("M16", "configuration.0004_judge_values_by_all_rules"),
}


def run(*arguments: str) -> tuple[str, int]:
    """What it prints, and its exit code."""
    out = io.StringIO()
    try:
        call_command("check_migrations", *arguments, stdout=out)
    except SystemExit as left:
        return out.getvalue(), int(str(left.code))
    return out.getvalue(), 0


def test_the_migrations_of_the_project_keep_the_law(db: Any) -> None:
    said, code = run()
    assert code == 0, said
    assert said.rstrip().endswith("all is well.")


def test_as_machines_read_it(db: Any) -> None:
    said, code = run("--json")
    found = json.loads(said)
    assert (found["ok"], found["findings"], code) == (True, [], 0)


def test_nothing_but_blocks_of_long_ago_would_be_refused_if_all_were_new(db: Any) -> None:
    """Judged as one release, in which every table is new."""
    checked = check(known={})
    assert len(checked.unreleased) == len(checked.sources) > 15
    assert {(finding.rule, finding.migration) for finding in checked.findings} == OF_LONG_AGO


def test_an_edited_and_a_missing_file_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, db: Any) -> None:
    hashes = released.read()
    edited, *_ = sorted(hashes)
    record = tmp_path / "released.json"
    released.write({**hashes, edited: "0", ("core", "0000_gone"): "0"}, record)
    monkeypatch.setattr(released.read, "__defaults__", (record,))
    before = record.read_text()
    said, code = run("--record")
    assert code == 1
    assert record.read_text() == before
    assert "adoption/migrations/0001_rejects.py:1: error M06" in said
    assert "core.0000_gone: error M07" in said
    assert "2 refused, 0 warned of" in said
    said, code = run("--json")
    found = json.loads(said)
    assert (code, found["ok"]) == (1, False)
    assert {finding["id"] for finding in found["findings"]} == {"M06", "M07"}


def test_what_is_released_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, db: Any) -> None:
    record = tmp_path / "released.json"
    hashes = released.read()
    newest = ("adoption", "0001_rejects")
    released.write({key: known for key, known in hashes.items() if key != newest}, record)
    monkeypatch.setattr(released.read, "__defaults__", (record,))
    monkeypatch.setattr(released.write, "__defaults__", (record,))
    assert "new" in run()[0]
    assert run("--record")[1] == 0
    assert released.read()[newest] == hashes[newest]
    assert "0 new migrations judged" in run()[0]


def test_squawk_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "squawk"
    broken.write_text("#!/bin/sh\necho oops\n")
    broken.chmod(0o755)
    monkeypatch.setattr(squawk, "executable", lambda: str(broken))
    with pytest.raises(squawk.SquawkError, match="does not answer"):
        squawk.opinions("SELECT 1", in_transaction=True)
    broken.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(squawk.SquawkError, match="does not understand its settings"):
        squawk.opinions("SELECT 1", in_transaction=True)
    monkeypatch.setattr(squawk, "executable", lambda: None)
    with pytest.raises(squawk.SquawkError, match="not installed"):
        squawk.opinions("SELECT 1", in_transaction=True)


def test_a_server_that_does_not_answer_is_no_fault_of_a_migration(monkeypatch: pytest.MonkeyPatch, db: Any) -> None:
    def fail(**options: Any) -> None:
        raise OperationalError("connection failed")

    hashes = released.read()
    del hashes["adoption", "0001_rejects"]
    monkeypatch.setattr(released, "read", lambda: hashes)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(connection, "ensure_connection", fail)
        with pytest.raises(CommandError) as refused:
            run()
    assert refused.value.returncode == 2


def test_what_cannot_be_checked_ends_with_two(monkeypatch: pytest.MonkeyPatch, db: Any) -> None:
    def fail(**options: Any) -> None:
        raise squawk.SquawkError("squawk does not answer.")

    monkeypatch.setattr("whitecross.deployment.law.check", fail)
    with pytest.raises(CommandError, match="does not answer") as refused:
        run()
    assert refused.value.returncode == 2
