"""makemigrations writes the operations on enum types."""

import copy
from collections.abc import Sequence
from typing import Any

import pytest
from django.apps import apps
from django.core.management.base import CommandError
from django.db import connection, models
from django.db.migrations import Migration
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.operations.base import Operation
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.writer import MigrationWriter

from core.db import CreateEnum, DropEnum, EnumField, RemoveEnumLabel, RenameEnumLabel
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


def migrations_between(old: ProjectState, new: ProjectState, rename: bool = False) -> list[Migration]:
    return list(EnumAutodetector(old, new, Says(rename)).changes(MigrationGraph())["diary"])


def changes(old: ProjectState, new: ProjectState, rename: bool = False) -> list[Operation]:
    """All operations, in order."""
    return [op for migration in migrations_between(old, new, rename) for op in migration.operations]


def kinds(operations: Sequence[Operation]) -> list[str]:
    return [type(operation).__name__ for operation in operations]


def test_the_type_comes_before_its_first_table() -> None:
    migration = changes(ProjectState(), state("GLAD", "SAD"))
    assert kinds(migration) == ["CreateEnum", "CreateModel"]
    created = migration[0]
    assert isinstance(created, CreateEnum)
    assert (created.name, created.labels) == ("Mood", ["GLAD", "SAD"])


def test_the_type_comes_before_its_first_column() -> None:
    assert kinds(changes(state(), state("GLAD"))) == ["CreateEnum", "AddField"]


def test_the_type_goes_after_its_last_column() -> None:
    migration = changes(state("GLAD"), state())
    assert kinds(migration) == ["RemoveField", "DropEnum"]
    assert isinstance(migration[1], DropEnum)


@pytest.mark.parametrize(
    ("old", "new", "rename"),
    [
        ("A B", "A N1 N2 B", False),
        ("A B", "A B N1 N2", False),
        ("A B", "N1 N2 A B", False),
        ("A B", "N1 A N2 B N3", False),
        ("A X", "A N Y", True),
        ("A B C", "A C", False),
        ("A B C", "N C", False),
        ("A B", "X B", True),
        ("A B C", "X Y C", True),
    ],
)
def test_the_database_gets_the_labels_in_their_order(empty_db: str, old: str, new: str, rename: bool) -> None:
    before, after = state(*old.split()), state(*new.split())
    run(migrations_between(ProjectState(), before.clone()), ProjectState())
    run(migrations_between(before, after, rename), before)
    with connection.cursor() as cursor:
        cursor.execute("""SELECT enum_range(NULL::"Mood")::text[]""")
        assert cursor.fetchone()[0] == new.split()


def run(migrations: list[Migration], project: ProjectState) -> None:
    for migration in migrations:
        with connection.schema_editor(atomic=migration.atomic) as editor:
            project = migration.apply(project.clone(), editor)


def test_another_order_is_refused() -> None:
    with pytest.raises(CommandError, match="stand in another order than before"):
        changes(state("GLAD", "SAD"), state("SAD", "GLAD"))


def test_a_new_label_may_be_the_default_at_once(empty_db: str) -> None:
    before, after = state("GLAD"), state("GLAD", "CALM")
    after.models["diary", "entry"].fields["mood"] = EnumField("Mood", labels=["GLAD", "CALM"], db_default="CALM")
    first, second = migrations_between(before, after)
    assert kinds(first.operations) == ["AddEnumLabel"]
    assert ("diary", first.name) in second.dependencies
    run(migrations_between(ProjectState(), before.clone()), ProjectState())
    run([first, second], before)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO diary_entry DEFAULT VALUES RETURNING mood")
        assert cursor.fetchone() == ("CALM",)


def test_a_text_column_becomes_one_of_an_enum_type(empty_db: str) -> None:
    before, after = state(), state("GLAD", "SAD")
    before.models["diary", "entry"].fields["mood"] = models.TextField(default="GLAD")
    run(migrations_between(ProjectState(), before.clone()), ProjectState())
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO diary_entry (mood) VALUES ('SAD')")
        run(migrations_between(before, after), before)
        cursor.execute("SELECT mood, pg_typeof(mood)::text FROM diary_entry")
        assert cursor.fetchone() == ("SAD", '"Mood"')


def test_a_label_that_is_gone_is_removed() -> None:
    migration = changes(state("GLAD", "SAD"), state("SAD"))
    (removed,) = [operation for operation in migration if isinstance(operation, RemoveEnumLabel)]
    assert (removed.label, removed.before) == ("GLAD", "SAD")


def test_a_renamed_label_is_renamed_when_the_developer_says_so() -> None:
    migration = changes(state("GLAD", "SAD"), state("HAPPY", "SAD"), rename=True)
    (renamed,) = [operation for operation in migration if isinstance(operation, RenameEnumLabel)]
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
    (migration,) = migrations_between(old, new)
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
