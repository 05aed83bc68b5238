"""makemigrations writes the operations on enum types."""

import copy
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.db.migrations import Migration
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.writer import MigrationWriter

from core.db import AddEnumLabel, CreateEnum, DropEnum, EnumField, RemoveEnumLabel, RenameEnumLabel
from core.db.autodetector import EnumAutodetector, enum_types


def state(*labels: str) -> ProjectState:
    """A project with one model, which has an enum field with these labels, or none without labels."""
    fields: list[tuple[str, Any]] = [("id", models.BigAutoField(primary_key=True))]
    if labels:
        fields.append(("mood", EnumField("Mood", labels=labels, default=labels[0])))
    project = ProjectState()
    project.add_model(ModelState("diary", "Entry", fields))
    return project


class Says(MigrationQuestioner):
    """Answers each question about a renamed label alike."""

    def __init__(self, answer: bool) -> None:
        super().__init__(specified_apps={"diary"})
        self.answer = answer

    def _boolean_input(self, question: str, default: bool | None = None) -> bool:
        return self.answer


def changes(old: ProjectState, new: ProjectState, rename: bool = False) -> Migration:
    found = EnumAutodetector(old, new, Says(rename)).changes(MigrationGraph())
    (migration,) = found["diary"]
    return migration


def kinds(migration: Migration) -> list[str]:
    return [type(operation).__name__ for operation in migration.operations]


def test_the_type_comes_before_its_first_table() -> None:
    migration = changes(ProjectState(), state("GLAD", "SAD"))
    assert kinds(migration) == ["CreateEnum", "CreateModel"]
    created = migration.operations[0]
    assert isinstance(created, CreateEnum)
    assert (created.name, created.labels) == ("Mood", ["GLAD", "SAD"])


def test_the_type_comes_before_its_first_column() -> None:
    assert kinds(changes(state(), state("GLAD"))) == ["CreateEnum", "AddField"]


def test_the_type_goes_after_its_last_column() -> None:
    migration = changes(state("GLAD"), state())
    assert kinds(migration) == ["RemoveField", "DropEnum"]
    assert isinstance(migration.operations[1], DropEnum)


def test_a_new_label_keeps_its_place() -> None:
    migration = changes(state("GLAD", "SAD"), state("GLAD", "CALM", "SAD", "ANGRY"))
    added = [operation for operation in migration.operations if isinstance(operation, AddEnumLabel)]
    assert {(operation.label, operation.before) for operation in added} == {("CALM", "SAD"), ("ANGRY", "")}
    assert kinds(migration)[-1] == "AlterField"


def test_a_label_that_is_gone_is_removed() -> None:
    migration = changes(state("GLAD", "SAD"), state("SAD"))
    (removed,) = [operation for operation in migration.operations if isinstance(operation, RemoveEnumLabel)]
    assert (removed.label, removed.before) == ("GLAD", "SAD")


def test_a_renamed_label_is_renamed_when_the_developer_says_so() -> None:
    migration = changes(state("GLAD", "SAD"), state("HAPPY", "SAD"), rename=True)
    (renamed,) = [operation for operation in migration.operations if isinstance(operation, RenameEnumLabel)]
    assert (renamed.old, renamed.new) == ("GLAD", "HAPPY")


def test_no_change_no_migration() -> None:
    assert EnumAutodetector(state("GLAD"), state("GLAD"), Says(False)).changes(MigrationGraph()) == {}


def test_words_for_people_are_no_change() -> None:
    old, new = ProjectState.from_apps(apps), ProjectState.from_apps(apps)
    field = new.models["core", "user"].fields["role"]
    field.choices = [(value, f"The {word}") for value, word in field.choices]
    assert "core" not in EnumAutodetector(old, new, Says(False)).changes(MigrationGraph())


def test_a_written_migration_says_literals_and_runs(empty_db: str) -> None:
    old, new = ProjectState(), state("GLAD", "O'HARE")
    migration = changes(old, new)
    text = MigrationWriter(migration).as_string()
    assert "core.db.enums.CreateEnum" in text
    assert "core.db.EnumField" in text
    namespace: dict[str, Any] = {}
    exec(text, namespace)  # noqa: S102 - the text that makemigrations would write
    written: Migration = namespace["Migration"]("0001_initial", "diary")
    with connection.schema_editor() as editor:
        after = written.apply(copy.deepcopy(old), editor)
    assert enum_types(after) == {"Mood": ("diary", ["GLAD", "O'HARE"])}
    entry = after.apps.get_model("diary", "Entry")
    assert entry.objects.create(mood="O'HARE").pk
    with connection.schema_editor() as editor:
        written.unapply(old, editor)
    assert connection.introspection.table_names() == []


@pytest.mark.parametrize("label", ["core", "health_records", "configuration"])
def test_each_type_belongs_to_one_app(label: str) -> None:
    """What the autodetector relies on to place its operations."""
    owners: dict[str, set[str]] = {}
    for model in apps.get_models():
        for field in model._meta.fields:
            if isinstance(field, EnumField):
                owners.setdefault(field.type_name, set()).add(model._meta.app_label)
    assert all(len(owner) == 1 for owner in owners.values())
