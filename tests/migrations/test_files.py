"""The order of the migrations. What their files may hold is the law's, which check_migrations applies."""

import io
import itertools
from typing import Any

from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

from tests.migrations.steps import APPS, STEPS


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
