"""Whom a migration makes wait: each statement by itself, and by the locks that it works under."""

from typing import Any

import pytest

from tests.deployment.law.house import House
from tests.deployment.law.samples import CHECK, UNIQUE, WIDER
from tests.deployment.law.test_running_release import COTS, sql

ROOM = (
    "migrations.CreateModel('Room', [('id', models.BigAutoField(primary_key=True)), ('b', models.IntegerField()),"
    " ('t', models.CharField(max_length=9))], options={'db_table': 'rooms'})"
)


def long_ones(house: House) -> list[str]:
    return [one for one in house.found() if one.startswith(("M01", "M16", "M18"))]


@pytest.mark.parametrize(
    ("operation", "what"),
    [
        (f"migrations.AddConstraint('bed', {CHECK})", "looks at every row for beds_number"),
        (f"migrations.AddConstraint('bed', {UNIQUE})", "builds the index of beds_number_key"),
        ("migrations.AlterField('bed', 'number', models.IntegerField())", "looks at every row for a NULL in number"),
    ],
)
def test_what_rewrites_nothing_hides_nothing_on_its_table(operation: str, what: str, house: House, db: Any) -> None:
    assert long_ones(house.write(f"{WIDER}, {operation}")) == [f"M01: ACCESS EXCLUSIVE on beds: {what}"]


def test_each_of_two_long_locks_is_told(house: House, db: Any) -> None:
    house.write(f"{sql('ALTER TABLE beds ADD CONSTRAINT a CHECK (number > 0)')}, {sql('CREATE INDEX b ON beds (id)')}")
    assert long_ones(house) == [
        "M01: ACCESS EXCLUSIVE on beds: looks at every row for a",
        "M01: SHARE on beds: builds the index b",
    ]


def test_a_function_that_is_dropped_hides_no_block(house: House, db: Any) -> None:
    body = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$SELECT 1$$"
    house.write(f"core.db.DropFunction('f()', {body!r}), {sql('DO $$ BEGIN DROP TABLE wards; END $$')}")
    assert long_ones(house) == ["M16: RunSQL: a block of code may lock anything: its text does not say"]


def test_the_other_index_of_a_text_is_built_anew_in_the_open(house: House, db: Any) -> None:
    """Django keeps a second index of an indexed text, for LIKE, which fits the type."""
    house.release(COTS).write("migrations.AlterField('cot', 'd', models.TextField(db_index=True))")
    assert long_ones(house) == ["M01: SHARE on cots: builds the index cots_d_56394d86_like"]


@pytest.mark.parametrize(
    ("constraints", "work"),
    [
        ("models.CheckConstraint(condition=models.Q(t__gt=''), name='x')", "looks at every row for x"),
        ("models.CheckConstraint(condition=~models.Q(models.Q(b=1) | models.Q(t='')), name='x')", "looks at every row"),
        ("models.CheckConstraint(condition=models.Q(b__gt=Length('t')), name='x')", "looks at every row for x"),
        ("models.UniqueConstraint(Lower('t'), name='x')", "builds the index of x anew"),
        ("models.UniqueConstraint(fields=['b'], condition=models.Q(t=''), name='x')", "builds the index of x anew"),
        ("models.UniqueConstraint(fields=['t'], condition=models.Q(b=1), name='x')", "builds the index of x anew"),
        ("ExclusionConstraint(name='x', expressions=[('t', '=')])", "builds x anew"),
        ("models.CheckConstraint(condition=models.Q(b__gt=0), name='x')", ""),
        ("models.UniqueConstraint(fields=['t', 'b'], name='x')", ""),
        ("models.UniqueConstraint(fields=['b'], condition=models.Q(b=1), name='x')", ""),
    ],
)
def test_a_text_gets_longer_for_nothing_unless_something_rests_on_it(
    constraints: str, work: str, house: House, db: Any
) -> None:
    imports = (
        "from django.contrib.postgres.constraints import ExclusionConstraint\n"
        "from django.db.models.functions import Length, Lower\n"
    )
    house.release(f"{imports}{ROOM[:-2]}, 'constraints': [{constraints}]}})")
    found = long_ones(house.write("migrations.AlterField('room', 't', models.CharField(max_length=99))"))
    assert len(found) == bool(work)
    assert all(work in one for one in found)


def test_another_collation_is_another_type(house: House, db: Any) -> None:
    house.write(WIDER.replace("max_length=99", "max_length=99, db_collation='C'"))
    assert {"M01", "M10"} <= set(house.rules())


def test_what_takes_its_time_does_so_before_a_lock_or_apart_from_it(house: House, db: Any) -> None:
    add, view = sql("ALTER TABLE beds ADD COLUMN x int"), sql("CREATE MATERIALIZED VIEW v AS SELECT * FROM wards")
    assert not long_ones(house.write(f"{view}, {add}", view))
    (found,) = long_ones(house.write(f"{add}, {view}"))
    assert "adds the column x; what follows takes its time meanwhile (CREATE MATERIALIZED VIEW v" in found


def test_a_constraint_is_not_validated_under_the_lock_that_adds_it(house: House, db: Any) -> None:
    add = "ALTER TABLE beds ADD CONSTRAINT c CHECK (number > 0) NOT VALID"
    (found,) = long_ones(house.write(sql(f"{add}; ALTER TABLE beds VALIDATE CONSTRAINT c")))
    assert "takes its time meanwhile" in found


def test_the_reverse_makes_nobody_wait_either(house: House, db: Any) -> None:
    reverse = "CREATE INDEX i ON beds (id); UPDATE beds SET number = 1; DO $$ BEGIN END $$"
    house.write(f"migrations.RunSQL('DROP TABLE IF EXISTS x', {reverse!r})")
    assert [one.partition(" on ")[0] for one in long_ones(house)] == [
        "M01: the reverse takes SHARE",
        "M16: the reverse: a block of code may lock anything: its text does not say",
        "M18: the reverse: rows of beds that no key names (UPDATE beds SET number = 1)",
    ]


@pytest.mark.parametrize(
    ("statement", "names_them"),
    [
        ("UPDATE beds SET number = 1", False),
        ("UPDATE beds SET number = 1 WHERE number IS NULL", False),
        ("DELETE FROM beds WHERE number = 1", False),
        ("UPDATE beds SET number = 1 WHERE id > 3", False),
        ("UPDATE beds SET number = 1 WHERE id = 3 OR true", False),
        ("UPDATE beds SET number = 1 WHERE id = number", False),
        ("UPDATE beds SET number = 1 WHERE id IN (SELECT id FROM wards)", False),
        ("UPDATE beds SET number = 1 WHERE \"theCode\" = 'a'", False),
        ("WITH x AS (DELETE FROM beds WHERE id = 1 RETURNING 1) SELECT * FROM x", False),
        ("MERGE INTO beds USING wards ON beds.id = wards.id WHEN MATCHED THEN DELETE", False),
        ("UPDATE beds SET number = 1 WHERE id = 3", True),
        ("UPDATE beds SET number = 1 WHERE number IS NULL AND beds.id IN (1, 2, 3)", True),
        ("DELETE FROM beds WHERE \"theCode\" = 'a' AND number = 4 RETURNING id", True),
        ("INSERT INTO wards VALUES (1, 'a')", True),
        ("UPDATE others SET number = 1", True),
    ],
)
def test_rows_are_named_by_a_key_or_changed_in_batches(statement: str, names_them: bool, house: House, db: Any) -> None:
    assert ("M18" in house.write(sql(statement)).rules()) != names_them


def test_a_table_of_this_release_is_nobodys_for_its_later_migrations(house: House, db: Any) -> None:
    house.write(
        ROOM,
        "migrations.AlterField('room', 'b', models.ForeignKey('adoption.bed', models.CASCADE, db_column='b'))",
        "migrations.AddIndex('room', core.db.Index(fields=['t'], name='rooms_t', serves='x'))",
        "migrations.AddConstraint('room', models.CheckConstraint(condition=models.Q(t__gt=''), name='rooms_check'))",
        "migrations.AddField('room', 'u', models.IntegerField(unique=True, default=1))",
        sql("UPDATE rooms SET b = 1"),
        "migrations.RenameField('room', 'u', 'v')",
    )
    assert not house.check(asks_squawk=True).findings


def test_what_squawk_says_of_its_types_counts_all_the_same(house: House, db: Any) -> None:
    house.write(sql("CREATE TABLE x (id uuid)"), sql("CREATE SEQUENCE s; ALTER TABLE x ADD COLUMN c char(3)"))
    assert [one.rule for one in house.check(asks_squawk=True).findings] == ["M17"]


@pytest.mark.parametrize(
    "field",
    [
        "models.DateTimeField(db_default=core.db.TransactionTime())",
        "models.DateTimeField(null=True, auto_now_add=True)",
        "models.IntegerField(null=True, default=0)",
    ],
)
def test_defaults_that_cost_nothing_pass(field: str, house: House, db: Any) -> None:
    checked = house.write(f"migrations.AddField('bed', 'note', {field})").check(asks_squawk=True)
    assert checked.asks_squawk
    assert not checked.findings


def test_options_that_need_no_sql_stand_with_rows(house: House, db: Any) -> None:
    house.write(f"migrations.AlterModelOptions('bed', {{'verbose_name': 'b'}}), {sql('DELETE FROM beds WHERE id = 1')}")
    assert not house.found()
