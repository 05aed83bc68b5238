"""For each rule of the law: migrations that break it, and what to do instead.

A sample is a list of migrations, each the text of its operations, after lines that stand before them in the class.
"""

from dataclasses import dataclass

# What is released: a table in use, with everything that a release may use of it.
BASE = '''"""Wards and beds.

Reverse: drops them.
"""

from django.db import migrations, models

import core.db


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        core.db.CreateEnum("Kind", ["LOW", "HIGH"]),
        migrations.CreateModel(
            "Ward",
            [("id", models.IntegerField(primary_key=True)), ("code", models.CharField(max_length=9))],
            options={"db_table": "wards"},
        ),
        migrations.CreateModel(
            "Bed",
            [
                ("id", models.IntegerField(primary_key=True)),
                ("code", models.CharField(max_length=9, db_column="theCode")),
                ("number", models.IntegerField(null=True)),
                ("kind", core.db.EnumField("Kind", labels=["LOW", "HIGH"], db_default="LOW")),
                ("ward_number", models.IntegerField(null=True, db_column="wardId")),
            ],
            options={
                "db_table": "beds",
                "indexes": [core.db.Index(fields=["code"], name="beds_code_idx", serves="Beds by code.")],
                "constraints": [models.UniqueConstraint(fields=("code", "number"), name="beds_key")],
            },
        ),
    ]
'''
ROWS = """
INSERT INTO wards SELECT n, 'w' FROM generate_series(1, 3) n;
INSERT INTO beds ("id", "theCode", "number", "wardId") SELECT n, 'b' || n, n, 1 FROM generate_series(1, 9) n
"""

HEAD = '''"""Changes beds.

Reverse: loses nothing.
"""

from django.db import migrations, models

import core.db
from django.contrib.postgres.functions import RandomUUID
'''


@dataclass(frozen=True)
class Sample:
    """`wrong` breaks the rule; `right` leads to where the author wanted to be, and breaks none."""

    rule: str
    what: str
    wrong: list[str]
    right: list[str]


ONLINE = "atomic = False\n"
NOTHING = "migrations.RunSQL('SELECT 1', migrations.RunSQL.noop)"
ADD_INDEX = 'AddIndexConcurrently("bed", core.db.Index(fields=["number"], name="beds_n", serves="Beds by number."))'
CHECK = 'models.CheckConstraint(condition=models.Q(number__gte=0), name="beds_number")'
CODE = 'models.CheckConstraint(condition=models.Q(code__gt=""), name="beds_code")'
PROVE_CODE = "core.db.ValidateConstraint('bed', 'beds_code')"
WIDER = "migrations.AlterField('bed', 'code', models.CharField(max_length=99, db_column='theCode'))"
PARTIAL = (
    'AddIndexConcurrently("bed", core.db.Index(fields=["code"], condition=models.Q(number=1), name="{}", serves="x"))'
)
WARD = 'models.ForeignKey("adoption.ward", models.PROTECT, null=True, db_column="wardId", db_index=False{})'
UNIQUE = 'models.UniqueConstraint(fields=["number"], name="beds_number_key")'
FORGET = 'migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("bed", "{}")])'
BATCHES = (
    "core.db.RunInBatches('bed', 'UPDATE beds SET number = 0 WHERE {batch} AND number IS NULL', "
    "reverse=core.db.RunInBatches.noop)"
)

SAMPLES = [
    Sample(
        "M01",
        "an index",
        [f"core.db.AddIndexes({{'bed': [{ADD_INDEX.partition(', ')[2][:-1]}]}})"],
        [f"{ONLINE}core.db.{ADD_INDEX}"],
    ),
    Sample(
        "M01",
        "a CHECK",
        [f"migrations.AddConstraint('bed', {CHECK})"],
        [f"{ONLINE}core.db.AddConstraintNotValid('bed', {CHECK}), core.db.ValidateConstraint('bed', 'beds_number')"],
    ),
    Sample(
        "M01",
        "a foreign key",
        [f"migrations.AlterField('bed', 'ward_number', {WARD.format('')})"],
        [
            f"migrations.AlterField('bed', 'ward_number', {WARD.format(', db_constraint=False')})",
            f"{ONLINE}core.db.AddForeignKeyNotValid('bed', 'ward_number'), "
            "core.db.ValidateConstraint('bed', 'beds_wardId_fkey')",
        ],
    ),
    Sample(
        "M01",
        "NOT NULL",
        ["migrations.AlterField('bed', 'number', models.IntegerField())"],
        [f"{ONLINE}core.db.SetNotNull('bed', 'number')"],
    ),
    Sample(
        "M01",
        "a default that is another one in each row",
        ["migrations.AddField('bed', 'token', models.UUIDField(db_default=RandomUUID(), editable=False))"],
        ["migrations.AddField('bed', 'token', models.UUIDField(null=True, editable=False))"],
    ),
    Sample(
        "M01",
        "a wider column that a CHECK looks at",
        [f"{ONLINE}core.db.AddConstraintNotValid('bed', {CODE}), {PROVE_CODE}", WIDER],
        [
            f"{ONLINE}core.db.AddConstraintNotValid('bed', {CODE})",
            f"migrations.RemoveConstraint('bed', 'beds_code'), {WIDER}",
            f"{ONLINE}core.db.AddConstraintNotValid('bed', {CODE})",
        ],
    ),
    Sample(
        "M01",
        "a wider column in a partial index",
        [f"{ONLINE}core.db.{PARTIAL.format('beds_n')}", WIDER],
        [WIDER, f"{ONLINE}core.db.{PARTIAL.format('beds_n')}"],
    ),
    Sample(
        "M01",
        "a label that goes",
        ["core.db.RemoveEnumLabel('Kind', 'HIGH')"],
        [NOTHING],
    ),
    Sample(
        "M02",
        "a column and its values",
        [
            "migrations.AddField('bed', 'note', models.TextField(null=True)), "
            "migrations.RunSQL(\"UPDATE beds SET note = ''\", migrations.RunSQL.noop)"
        ],
        ["migrations.AddField('bed', 'note', models.TextField(null=True))", f"{ONLINE}{BATCHES}"],
    ),
    Sample(
        "M02",
        "both in one RunSQL",
        ['migrations.RunSQL("CREATE SEQUENCE s; UPDATE beds SET number = 1", "DROP SEQUENCE s")'],
        ['migrations.RunSQL("CREATE SEQUENCE s", "DROP SEQUENCE s")'],
    ),
    Sample("M03", "a model", [f"from core.models import School\n{NOTHING}"], [NOTHING]),
    Sample("M03", "a package", [f"import rest_framework.fields\n{NOTHING}"], [f"import datetime\n{NOTHING}"]),
    Sample(
        "M03",
        "a module by its name",
        [f"import importlib\nx = importlib.import_module('core.models')\n{NOTHING}"],
        [f"import importlib\nx = importlib.import_module('core.migrations.0001_base_schema')\n{NOTHING}"],
    ),
    Sample("M04", "no docstring", [f'__doc__ = ""\n{NOTHING}'], [NOTHING]),
    Sample("M05", "RunSQL", ["migrations.RunSQL('SELECT 1')"], [NOTHING]),
    Sample(
        "M05",
        "RunPython",
        ["migrations.RunPython(migrations.RunPython.noop)"],
        ["migrations.RunPython(migrations.RunPython.noop, migrations.RunPython.noop)"],
    ),
    Sample(
        "M08",
        "a column",
        ["migrations.RemoveField('bed', 'number')"],
        [FORGET.format("number")],
    ),
    Sample("M08", "a table", ["migrations.DeleteModel('Ward')"], [NOTHING]),
    Sample("M08", "another name of a column", ["migrations.RenameField('bed', 'number', 'n')"], [NOTHING]),
    Sample("M08", "another name of a table", ["migrations.AlterModelTable('Bed', 'cots')"], [NOTHING]),
    Sample("M08", "another label", ["core.db.RenameEnumLabel('Kind', 'LOW', 'FLAT')"], [NOTHING]),
    Sample("M08", "an enum type", ["migrations.RunSQL('DROP TYPE \"Kind\"', migrations.RunSQL.noop)"], [NOTHING]),
    Sample("M08", "a unique constraint", ["migrations.RemoveConstraint('bed', 'beds_key')"], [NOTHING]),
    Sample(
        "M09",
        "a new column",
        ["migrations.AddField('bed', 'floor', models.IntegerField(default=0))"],
        ["migrations.AddField('bed', 'floor', models.IntegerField(default=0, db_default=0))"],
    ),
    Sample(
        "M09",
        "a new column that is filled and made NOT NULL at once",
        [
            "migrations.AddField('bed', 'note', models.IntegerField(null=True))",
            f"{ONLINE}{BATCHES.replace('number', 'note')}",
            f"{ONLINE}core.db.SetNotNull('bed', 'note')",
        ],
        [
            "migrations.AddField('bed', 'note', models.IntegerField(null=True, db_default=0))",
            f"{ONLINE}core.db.SetNotNull('bed', 'note')",
        ],
    ),
    Sample(
        "M09",
        "a column that only the models forget",
        [FORGET.format("code")],
        [
            "migrations.AlterField('bed', 'code', models.CharField(max_length=9, null=True, db_column='theCode')), "
            + FORGET.format("code")
        ],
    ),
    Sample(
        "M09",
        "a default that goes",
        ["migrations.AlterField('bed', 'kind', core.db.EnumField('Kind', labels=['LOW', 'HIGH']))"],
        [NOTHING],
    ),
    Sample(
        "M10",
        "a number that becomes text",
        ["migrations.AlterField('bed', 'number', models.TextField(null=True))"],
        ["migrations.AddField('bed', 'number_text', models.TextField(null=True))"],
    ),
    Sample(
        "M10",
        "a text that becomes shorter",
        ["migrations.AlterField('bed', 'code', models.CharField(max_length=3, db_column='theCode'))"],
        ["migrations.AlterField('bed', 'code', models.CharField(max_length=99, db_column='theCode'))"],
    ),
    Sample(
        "M11",
        "a column",
        [f"{ONLINE}migrations.AddField('bed', 'note', models.TextField(null=True))"],
        ["migrations.AddField('bed', 'note', models.TextField(null=True))"],
    ),
    Sample(
        "M11",
        "SQL that is content with a broken index",
        [
            f"{ONLINE}migrations.RunSQL('CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON beds (number)', "
            "'DROP INDEX CONCURRENTLY IF EXISTS i')"
        ],
        [f"{ONLINE}migrations.RunSQL('DROP INDEX CONCURRENTLY IF EXISTS i', migrations.RunSQL.noop)"],
    ),
    Sample("M12", "an index", [f"core.db.{ADD_INDEX}"], [f"{ONLINE}core.db.{ADD_INDEX}"]),
    Sample(
        "M13",
        "a unique constraint of an index",
        [
            f"{ONLINE}core.db.AddConstraintNotValid('bed', {CHECK})",
        ],
        [NOTHING],
    ),
    Sample(
        "M14",
        "an index",
        [f"{ONLINE}core.db.RemoveIndexConcurrently('bed', 'beds_code_idx')"],
        ["migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveIndex('bed', 'beds_code_idx')])"],
    ),
    Sample(
        "M16",
        "a schema that Python changes",
        ["migrations.RunPython(lambda apps, editor: editor.execute('DROP TABLE x'), migrations.RunPython.noop)"],
        ["migrations.RunPython(lambda apps, editor: editor.connection.alias, migrations.RunPython.noop)"],
    ),
    Sample(
        "M16",
        "a block of code",
        ['migrations.RunSQL("DO $$ BEGIN DROP TABLE IF EXISTS x; END $$", migrations.RunSQL.noop)'],
        ['migrations.RunSQL("DROP TABLE IF EXISTS x", migrations.RunSQL.noop)'],
    ),
    Sample(
        "M18",
        "all rows at once",
        ['migrations.RunSQL("UPDATE beds SET number = 0 WHERE number IS NULL", migrations.RunSQL.noop)'],
        [f"{ONLINE}{BATCHES}", 'migrations.RunSQL("DELETE FROM beds WHERE id IN (1, 2)", migrations.RunSQL.noop)'],
    ),
    Sample(
        "M17",
        "char(n)",
        ["migrations.RunSQL('CREATE TABLE x (id uuid, c char(3))', \"DROP TABLE x\")"],
        ["migrations.RunSQL('CREATE TABLE x (id uuid, c text)', \"DROP TABLE x\")"],
    ),
]


def text_of(operations: str, dependency: str) -> str:
    """The file of a migration."""
    *before, last = operations.split("\n")
    in_class = ("atomic", "run_before", "replaces")
    imports = [line for line in before if not line.startswith(in_class)]
    attributes = "".join(f"    {line}\n" for line in before if line.startswith(in_class))
    dependencies = f'[("adoption", "{dependency}")]' if dependency else "[]"
    head = "" if '__doc__ = ""' in imports else HEAD
    head = head or HEAD.partition('"""\n\n')[2]
    body = "\n".join([*imports, "", "", "class Migration(migrations.Migration):"])
    return f"{head}{body}\n{attributes}    dependencies = {dependencies}\n    operations = [{last}]\n"
