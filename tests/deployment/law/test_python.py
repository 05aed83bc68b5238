"""What the Python of a migration may use."""

from typing import Any

import pytest

from tests.deployment.law.house import House
from tests.deployment.law.samples import NOTHING

CALL = "migrations.RunPython(fill, migrations.RunPython.noop)"


@pytest.mark.parametrize(
    "text",
    [
        "from importlib import import_module as im\nx = im('core.models')",
        "from importlib import import_module as im\nx = im",
        "import importlib as i\nx = i.import_module('core.' + 'models')",
        "from django.utils.module_loading import import_string",
        "import django.utils.module_loading as loading",
        "from django.apps import apps as registry",
        "import django.apps\nx = django.apps.apps",
        "from django.contrib.auth import get_user_model",
        "from django.contrib.auth.models import User",
        "from django.core.management import call_command",
        "x = exec('import core.models')",
        "x = eval",
        "x = __import__('core.models')",
        "from . import types",
        "from ..models import School",
        "from core import models as ours",
        "x = open",
        "import pathlib\nx = pathlib.Path(__file__).read_text()",
        "import importlib.resources",
        "import sys\nx = sys.modules['core.models']",
    ],
)
def test_what_goes_on_changing_is_no_part_of_it(text: str, house: House, db: Any) -> None:
    text = text.replace("from .", "if False:\n    from .")
    assert house.write(f"{text}\n{NOTHING}").rules() == ["M03"]


@pytest.mark.parametrize(
    "text",
    [
        "from importlib import import_module as im\nx = im('core.migrations.0001_base_schema')",
        "import re\nx = re.compile('a')",
        "import datetime, json\nfrom django.conf import settings\nfrom core import db",
        "from django.contrib.postgres.fields import ArrayField",
    ],
)
def test_what_stays_as_it_is_may_be_used(text: str, house: House, db: Any) -> None:
    assert not house.write(f"{text}\n{NOTHING}").found()


@pytest.mark.parametrize(
    "text",
    [
        "fill = lambda apps, se: se.execute('DROP TABLE wards')",
        "def fill(apps, se):\n    se.connection.cursor()",
        "def fill(apps, se):\n    model = apps.get_model('adoption', 'Bed'); se.remove_field(model, model.number)",
        "def fill(apps, se):\n    x = se\n    x.alter_db_table",
        "def more(editor):\n    editor.remove_field\ndef fill(apps, se):\n    more(se)",
        "def more(cursor):\n    cursor.execute('DROP TABLE wards')\ndef fill(apps, se):\n    more(None)",
        "from django.db import connection\ndef fill(apps, se):\n    with connection.schema_editor() as e: pass",
        "from django import db\ndef fill(apps, se):\n    db.connections['default']",
        "def fill(apps, se):\n    apps.get_model('adoption', 'Bed').objects.raw('DROP TABLE wards')",
        "import functools\nfill = functools.partial(print)",
        "fill = lambda *given: None",
    ],
)
def test_python_leaves_the_schema_alone(text: str, house: House, db: Any) -> None:
    assert "M16" in house.write(f"{text}\n{CALL}").rules()


@pytest.mark.parametrize(
    "text",
    [
        "def fill(apps, se):\n    beds = apps.get_model('adoption', 'Bed').objects.using(se.connection.alias)\n"
        "    beds.filter(number=None).update(number=0)",
        "def all_of(apps, alias):\n    return apps.get_model('adoption', 'Bed').objects.using(alias)\n"
        "def fill(apps, schema_editor):\n    all_of(apps, schema_editor.connection.alias).update(number=0)",
        "fill = lambda apps, _: None",
    ],
)
def test_python_may_change_rows(text: str, house: House, db: Any) -> None:
    assert not house.write(f"{text}\n{CALL}").found()


OWN = """from django.db.migrations.operations.base import Operation
class Mine(Operation):
    reduces_to_sql = {}
    reversible = True
    def state_forwards(self, app_label, state): pass
    def database_forwards(self, app_label, editor, before, after): editor.delete_model(before)
    def database_backwards(self, app_label, editor, before, after): pass
"""


def test_an_operation_of_its_own_is_not_judged(house: House, db: Any) -> None:
    house.write(f"{OWN.format('False')}Mine()")
    assert house.found() == ["M16: Mine is an operation that nobody knows"]


def test_python_among_statements_is_not_run_to_see_what_it_does(house: House, db: Any) -> None:
    house.write(
        "def fill(apps, schema_editor):\n    raise AssertionError\n"
        f"migrations.SeparateDatabaseAndState([{CALL}, migrations.RunSQL('SELECT 1', '')])"
    )
    assert "M16: RunSQL cannot be written out beforehand (it holds operations of SQL and others)" in house.found()
