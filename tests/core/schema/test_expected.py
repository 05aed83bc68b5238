"""Models, migrations and snapshot are one."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from core.schema import expected
from core.schema.actual import read_catalog
from core.schema.expected import SNAPSHOT, dump, load_expected, scratch_database, snapshot, write_expected
from core.schema.history import compare_models

needs_its_function = pytest.mark.skipif("connection.pg_version >= 180000")


def test_the_snapshot_is_what_a_fresh_migrate_leaves(db: Any) -> None:
    fresh = snapshot(connection)
    if connection.pg_version >= 180000:  # type: ignore[attr-defined]
        fresh["functions"]["uuidv7()"] = load_expected()["functions"]["uuidv7()"]
    assert dump(fresh) == SNAPSHOT.read_text(encoding="utf-8"), (
        "Write it again: python manage.py verify_schema --write-expected"
    )


def test_no_migration_is_missing(db: Any) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_a_model_changed_without_a_migration_is_found(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = MigrationLoader(None)
    assert list(compare_models(loader)) == []
    state = loader.project_state()
    state.add_field("core", "student", "nickname", models.TextField(null=True), preserve_default=True)
    monkeypatch.setattr(ProjectState, "from_apps", lambda _: state)
    (difference,) = compare_models(loader)
    assert (difference.kind, difference.object) == ("model without migration", "core")
    assert difference.found == "Add field nickname to student"
    assert difference.advice == "python manage.py makemigrations core"


def test_the_dump_is_json_with_one_object_a_line() -> None:
    value = {"b": {"y": {"type": "uuid", "null": True}, "x": {"type": "text"}}, "a": ["one", "two"], "c": {}}
    text = dump(value)
    assert json.loads(text) == value
    assert text.splitlines() == [
        "{",
        ' "a": ["one", "two"],',
        ' "b": {',
        '  "x": {"type": "text"},',
        '  "y": {"null": true, "type": "uuid"}',
        " },",
        ' "c": {}',
        "}",
    ]


def test_a_scratch_database_is_empty_and_goes_away(committed_db: str) -> None:
    with scratch_database("default") as scratch:
        assert read_catalog(scratch)["tables"] == {}
        name = scratch.settings_dict["NAME"]
    assert connection.settings_dict["NAME"] == committed_db
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname = %s", [name])
        assert cursor.fetchone() == (0,)


def test_writing_the_snapshot_is_one_command_and_changes_nothing_here(
    committed_db: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "expected.json"
    monkeypatch.setattr(expected, "SNAPSHOT", copy)
    connection.ensure_connection()
    if connection.pg_version >= 180000:  # type: ignore[attr-defined]
        with pytest.raises(CommandError, match="PostgreSQL 18 has uuidv7"):
            call_command("verify_schema", "--write-expected")
        return
    call_command("verify_schema", "--write-expected")
    assert capsys.readouterr().out == "expected.json written.\n"
    assert copy.read_text(encoding="utf-8") == SNAPSHOT.read_text(encoding="utf-8")
    assert not write_expected("default")
