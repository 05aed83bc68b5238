"""What the running release would notice, in whatever way it is taken away, and what it would not."""

from typing import Any

import pytest

from tests.deployment.law.house import House
from tests.deployment.law.samples import BATCHES, FORGET, NOTHING, ONLINE
from whitecross.deployment.law import released

# A table with the constraints that fields have by themselves.
COTS = (
    "migrations.CreateModel('Cot', [('id', models.BigAutoField(primary_key=True)),"
    " ('c', models.CharField(max_length=9, unique=True)), ('d', models.CharField(max_length=9, db_index=True)),"
    " ('e', models.IntegerField(null=True)), ('h', models.IntegerField(null=True))],"
    " options={'db_table': 'cots', 'unique_together': {('e', 'h')}})"
)


def sql(text: str) -> str:
    return f"migrations.RunSQL({text!r}, migrations.RunSQL.noop)"


def add(field: str) -> str:
    return f"migrations.AddField('bed', 'note', {field})"


SET_NOT_NULL = f"{ONLINE}core.db.SetNotNull('bed', 'note')"
CHECKED = "ALTER TABLE beds ADD CONSTRAINT x CHECK (note IS NOT NULL) NOT VALID"
DROP_DEFAULT = "ALTER TABLE beds ALTER COLUMN note DROP DEFAULT"
FILLED = add("models.IntegerField(db_default=0)")


@pytest.mark.parametrize(
    "migrations",
    [
        [add("models.IntegerField(null=True)"), f"{ONLINE}{BATCHES.replace('number', 'note')}", SET_NOT_NULL],
        [add("models.IntegerField(null=True)"), sql(CHECKED)],
        [f"{add('models.IntegerField(null=True)')}, {sql('ALTER TABLE beds ALTER note SET NOT NULL')}"],
        [FILLED, sql(DROP_DEFAULT)],
        [FILLED, "migrations.AlterField('bed', 'note', models.IntegerField())"],
        [FILLED, NOTHING, sql("ALTER TABLE beds ALTER note SET DEFAULT NULL")],
        [sql("ALTER TABLE beds ADD COLUMN note int DEFAULT NULL NOT NULL")],
    ],
    ids=lambda migrations: migrations[-1][-70:],
)
def test_a_new_column_stays_one_that_the_running_release_may_leave_out(
    migrations: list[str], house: House, db: Any
) -> None:
    found = house.write(*migrations).found()
    assert found.count('M09: the running release does not fill beds."note"') == 1


@pytest.mark.parametrize(
    "migrations",
    [
        [FILLED],
        [add("models.IntegerField(null=True, db_default=0)"), SET_NOT_NULL],
        [FILLED, sql(DROP_DEFAULT), sql("ALTER TABLE beds DROP COLUMN note")],
        [add("models.IntegerField(null=True, default=0)")],
        [sql("ALTER TABLE beds ADD COLUMN note int GENERATED ALWAYS AS (1) STORED NOT NULL")],
    ],
)
def test_a_new_column_may_be_not_null_that_the_database_fills(migrations: list[str], house: House, db: Any) -> None:
    assert not [one for one in house.write(*migrations).found() if one.startswith(("M09", "M13"))][:-1]


def test_the_next_release_makes_it_not_null_with_a_warning(house: House, db: Any) -> None:
    house.release(add("models.IntegerField(null=True)"))
    assert house.write(SET_NOT_NULL).found() == ['M13: beds."note" becomes NOT NULL']


@pytest.mark.parametrize(
    "forgets",
    [
        FORGET.format("code"),
        f"migrations.SeparateDatabaseAndState(state_operations=[{FORGET.format('code')}])",
        "migrations.RunSQL('SELECT 1', '', state_operations=[migrations.RemoveField('bed', 'code')])",
        "migrations.SeparateDatabaseAndState([migrations.RunSQL('SELECT 1', '')],"
        " [migrations.RemoveField('bed', 'code')])",
    ],
)
def test_a_column_is_forgotten_that_a_row_can_do_without(forgets: str, house: House, db: Any) -> None:
    assert house.write(forgets).found() == ['M09: this release leaves beds."theCode" out, which has no default']
    for may in ('ALTER COLUMN "theCode" DROP NOT NULL', "ALTER COLUMN \"theCode\" SET DEFAULT ''"):
        house.write(sql(f"ALTER TABLE beds {may}"))
        assert not house.found()
        house.path(house.names.pop()).unlink()


def test_a_column_that_goes_is_refused_once_and_a_table_may_be_forgotten(house: House, db: Any) -> None:
    house.write("migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel('Ward')])")
    assert not house.found()
    assert house.write("migrations.RemoveField('bed', 'code')").found() == ['M08: the column beds."theCode"']


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("CREATE TABLE IF NOT EXISTS beds (id int); ALTER TABLE beds DROP COLUMN number", 'the column beds."number"'),
        ("CREATE TABLE archive.beds (id int); ALTER TABLE beds DROP COLUMN number", 'the column beds."number"'),
        ("ALTER TABLE beds SET SCHEMA archive", "the table beds"),
        ('ALTER TYPE "Kind" SET SCHEMA archive', "the enum type Kind"),
        ("ALTER TYPE \"Kind\" RENAME VALUE 'LOW' TO 'FLAT'", "a label of the enum type Kind"),
        ("DROP SCHEMA public CASCADE", "all that stands in public, or belongs to it"),
        ("ALTER SCHEMA public RENAME TO old", "all that stands in public, or belongs to it"),
        ("DROP OWNED BY whitecross", "all that stands in whitecross, or belongs to it"),
        ("DROP TRIGGER IF EXISTS audit ON beds", "the trigger audit on beds"),
        ("ALTER TABLE beds DISABLE TRIGGER ALL", "the trigger all on beds"),
        ("TRUNCATE wards, ONLY beds", "the rows of wards"),
    ],
)
def test_what_sql_takes_away_is_refused(statement: str, what: str, house: House, db: Any) -> None:
    assert f"M08: {what}" in house.write(sql(statement)).found()


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("REVOKE ALL ON beds FROM PUBLIC", "a right on beds is taken back"),
        (
            "REVOKE ALL ON ALL TABLES IN SCHEMA a FROM x",
            "a right on what the running release may use is taken back",
        ),
        ("REVOKE EXECUTE ON FUNCTION f FROM x", "a right on f is taken back"),
        ("ALTER TABLE beds ENABLE ROW LEVEL SECURITY", "row level security on beds"),
        ("ALTER TABLE beds FORCE ROW LEVEL SECURITY", "row level security on beds"),
        ("CREATE POLICY p ON beds USING (true)", "p on beds"),
        ("CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "the function f does something else"),
        ("DROP FUNCTION IF EXISTS f(int, text) CASCADE", "the function f goes, which the running release may call"),
        ("DROP TRIGGER t ON beds; CREATE TRIGGER t BEFORE UPDATE ON beds EXECUTE FUNCTION f()", "t on beds"),
    ],
)
def test_what_binds_the_running_release_is_warned_of(statement: str, what: str, house: House, db: Any) -> None:
    assert house.write(sql(statement)).found() == [f"M13: {what}"]


def test_functions_of_this_release_are_its_own(house: House, db: Any) -> None:
    body = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$SELECT 1$$"
    house.write(
        f"core.db.CreateFunction('f()', {body!r})",
        f"core.db.ReplaceFunction('f()', {body!r}, {body!r})",
        sql("REVOKE EXECUTE ON FUNCTION f FROM PUBLIC"),
        f"core.db.DropFunction('f()', {body!r})",
    )
    assert not house.found()
    house.write(f"core.db.DropFunction('g()', {body!r})")
    assert house.found() == ["M13: the function g() goes, which the running release may call"]


def test_a_trigger_of_this_release_may_go_again(house: House, db: Any) -> None:
    trigger = "core.db.Trigger(name='t', event='BEFORE UPDATE', function='f')"
    house.write(f"migrations.AddConstraint('bed', {trigger})", "migrations.RemoveConstraint('bed', 't')")
    assert house.found() == ["M13: t on beds"]
    house.known["adoption", house.names[1]] = released.content_hash(house.path(house.names[1]))
    assert house.found() == ["M08: the trigger t on beds"]


@pytest.mark.parametrize(
    ("operation", "what"),
    [
        ("migrations.AlterField('cot', 'c', models.CharField(max_length=9))", 'the unique constraint of cots."c"'),
        ("migrations.AlterUniqueTogether('cot', set())", "the unique constraint of cots on e, h"),
        (sql("ALTER TABLE cots DROP CONSTRAINT cots_c_key"), "the unique constraint cots_c_key"),
        (sql("ALTER TABLE cots DROP CONSTRAINT cots_pkey"), "the unique constraint cots_pkey"),
        (sql("ALTER TABLE cots RENAME CONSTRAINT cots_e_h_b6d2114b_uniq TO x"), "cots_e_h_"),
        (sql("ALTER INDEX cots_c_key RENAME TO x"), "the unique constraint cots_c_key"),
    ],
)
def test_the_unique_constraints_of_fields_are_known(operation: str, what: str, house: House, db: Any) -> None:
    assert any(one.startswith("M08") and what in one for one in house.release(COTS).write(operation).found())


def test_the_index_of_a_field_may_be_needed_and_its_name_is_nobodys(house: House, db: Any) -> None:
    house.release(COTS).write("migrations.AlterField('cot', 'd', models.CharField(max_length=9))")
    assert house.found() == ['M14: the index of cots."d"']
    house.write("migrations.RenameIndex('bed', new_name='beds_code2', old_name='beds_code_idx')")
    assert [one.rule for one in house.check(asks_squawk=True).findings] == ["M14"]
