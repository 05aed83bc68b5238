"""Many rows go in as arrays, also into columns of a native enum type."""

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import CONNECT, Run

CODE = (
    CONNECT
    + """
import json
from django.db import models
from django.db.models.functions import Upper
from django.test.utils import CaptureQueriesContext

class MoodField(models.CharField):
    unnestable = True
    def db_type(self, connection): return '"Mood"'
    cast_db_type = db_type
    def get_internal_type(self): return "MoodField"
    def get_placeholder(self, value, compiler, connection): return 'CAST(%s AS "Mood")'

class Day(models.Model):
    mood = MoodField(null=True)
    other = MoodField(null=True)
    note = models.CharField(max_length=3, null=True)
    class Meta:
        app_label = "contenttypes"

ask('''CREATE TYPE "Mood" AS ENUM ('so-so', 'a "good", {one}', 'NULL')''')
with connection.schema_editor() as editor:
    editor.create_model(Day)

def statements(rows):
    with CaptureQueriesContext(connection) as captured:
        Day.objects.bulk_create(rows)
    return [query["sql"] for query in captured if query["sql"].startswith("INSERT")]

labels = [None, 'so-so', 'a "good", {one}', 'NULL']
many = statements([Day(mood=label, note="abc") for label in labels])
one = statements([Day(mood="so-so")])
expression = statements([Day(mood="so-so", note=Upper(models.Value("x"))), Day(mood=None)])
MoodField.unnestable = False
plain = statements([Day(mood="so-so"), Day(mood=None)])
stored = list(Day.objects.order_by("pk").values_list("mood", flat=True))
with connection.schema_editor() as editor:
    editor.delete_model(Day)
ask('DROP TYPE "Mood"')
print(json.dumps(dict(many=many, one=one, expression=expression, plain=plain, stored=stored)))
"""
)


@pytest.fixture(scope="module")
def seen(cluster: Path, run: Run) -> dict[str, Any]:
    result = run("-c", CODE, data=cluster)
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def test_an_unnestable_field_goes_in_as_an_array(seen: dict[str, Any]) -> None:
    (statement,) = seen["many"]
    assert "UNNEST(" in statement
    assert '::"Mood"[]' in statement
    labels = [None, "so-so", 'a "good", {one}', "NULL"]
    assert seen["stored"] == [*labels, "so-so", "so-so", None, "so-so", None]


def test_other_inserts_keep_the_fields_own_placeholder(seen: dict[str, Any]) -> None:
    for kind in ("one", "expression", "plain"):
        (statement,) = seen[kind]
        assert "UNNEST(" not in statement
        assert "CAST('so-so' AS \"Mood\")" in statement
