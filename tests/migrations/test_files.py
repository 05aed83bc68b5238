"""What the files of the migrations hold, and their order."""

import ast
import io
import itertools
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import migrations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import OperationCategory

from tests.migrations.steps import APPS, STEPS

FILES = sorted(path for app in APPS for path in Path(apps.get_app_config(app).path).glob("migrations/0*.py"))
# importlib: for the frozen body of a function, which a reverse puts back.
STANDARD_AND_OURS = {"core.db", "uuid", "datetime", "decimal", "importlib"}


each_file = pytest.mark.parametrize("path", FILES, ids=[f"{path.parent.parent.name}.{path.stem}" for path in FILES])


def test_the_plan_is_the_steps_in_their_order(db: Any) -> None:
    out = io.StringIO()
    call_command("showmigrations", "--plan", stdout=out)
    plan = [line.split("]")[1].strip() for line in out.getvalue().splitlines()]
    assert [line for line in plan if line.startswith(APPS)] == [f"{app}.{name}" for app, name in STEPS]


def test_the_order_hangs_on_dependencies_and_not_on_the_order_of_the_apps() -> None:
    loader = MigrationLoader(None)
    # The record of runs hangs on nothing, so that it comes first wherever there is none.
    for earlier, later in itertools.pairwise(step for step in STEPS if step[0] != "deployment"):
        assert earlier in loader.graph.forwards_plan(later)


@each_file
def test_the_docstring_says_what_the_reverse_loses(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    assert "Reverse: " in docstring


@each_file
def test_a_migration_imports_django_and_core_db_alone(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    foreign = {name for name in imported if name.split(".")[0] != "django" and name not in STANDARD_AND_OURS}
    assert not foreign


@pytest.mark.parametrize("key", STEPS, ids=".".join)
def test_a_migration_changes_the_schema_or_rows_but_not_both(key: tuple[str, str]) -> None:
    operations = MigrationLoader(None).graph.nodes[key].operations
    assert len({writes_rows(operation) for operation in operations}) == 1


def writes_rows(operation: Any) -> bool:
    if isinstance(operation, migrations.RunSQL):
        return str(operation.sql).strip().upper().startswith(("INSERT", "UPDATE", "DELETE", "WITH"))
    return bool(operation.category == OperationCategory.PYTHON)


@pytest.mark.parametrize("key", STEPS, ids=".".join)
def test_every_operation_can_be_taken_back(key: tuple[str, str]) -> None:
    assert all(operation.reversible for operation in MigrationLoader(None).graph.nodes[key].operations)


def test_no_name_says_that_nobody_thought_of_one() -> None:
    assert not [path.stem for path in FILES if "auto" in path.stem or "_and_" in path.stem]
