"""What verify_schema, upgrade and doctor say of tables divided by month: nothing, unless something is wrong."""

import datetime as dt
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from core.db.online.building import is_built
from core.schema.actual import read_catalog
from core.schema.partitions import REFUSE_DELETE, REFUSE_DELETE_LINES
from core.schema.verify import verify
from health_records.models import MedicationLog
from tests.deployment.doctor.conftest import ask, named
from tests.deployment.scaling.conftest import ROWS, Divided
from tests.deployment.scaling.documented import TABLES, divide
from tests.deployment.scaling.test_partitions import FEBRUARY
from whitecross.deployment.doctor import partitions
from whitecross.postgres.connecting import connect


@pytest.fixture
def both(committed_db: str) -> None:
    divide(*TABLES)


def run(*sql: str) -> None:
    with connection.cursor() as cursor:
        for statement in sql:
            cursor.execute(statement)


def differences() -> list[str]:
    return [f"{one.kind}: {one.object}" for one in verify("default").differences]


@pytest.mark.direct("upgrade refuses a pooler")
def test_divided_as_documented_a_database_is_as_it_should_be(
    both: None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "SOON", dt.timedelta.min)  # the months of the page pass
    report = verify("default")
    assert [str(one) for one in report.differences] == []
    assert report.notes == []
    settings.WHITECROSS_BACKUP_DIR = str(tmp_path)
    said = io.StringIO()
    call_command("upgrade", "--plan", stdout=said, stderr=said)
    assert "drift: none: the schema is as its migrations made it" in said.getvalue()
    assert [one for one in named(ask(deep=True)) if not one.startswith("note")] == []


def test_so_is_one_with_one_of_them_divided(divided: Divided) -> None:
    report = verify("default")
    assert [str(one) for one in report.differences] == []
    assert report.notes == []


def test_so_it_is_when_a_month_has_come_and_another_has_gone(both: None) -> None:
    run(
        "CREATE TABLE vital_signs_2027_04 PARTITION OF vital_signs"
        " FOR VALUES FROM ('2027-04-01 00:00+00') TO ('2027-05-01 00:00+00')",
        "ALTER TABLE vital_signs DETACH PARTITION vital_signs_past CONCURRENTLY",
    )
    report = verify("default")
    assert report.differences == []
    assert report.notes == ["unknown table vital_signs_past: not looked at"]


def test_the_function_is_as_the_page_makes_it(both: None) -> None:
    assert read_catalog(connection)["functions"][REFUSE_DELETE] == REFUSE_DELETE_LINES


@pytest.mark.direct("pg_dump and pg_restore need a session of their own, so backup refuses a pooler")
def test_a_backup_of_it_comes_back_divided(divided: Divided, tmp_path: Path, settings: Any) -> None:
    settings.WHITECROSS_BACKUP_DIR = str(tmp_path)
    divided.write(**{divided.time: FEBRUARY})
    into = f"{connection.settings_dict['NAME']}_back"
    said = io.StringIO()
    try:
        call_command("backup", stdout=said, stderr=said)
        call_command("restore", "latest", "--into", into, stdout=said, stderr=said)
        with connect("default", dbname=into) as back:
            rows = back.execute(f"SELECT tableoid::regclass::text, count(*) FROM {divided.table} GROUP BY 1 ORDER BY 1")
            assert rows.fetchall() == [(f"{divided.table}_2027_02", 1), (f"{divided.table}_past", ROWS)]
    finally:
        with connect("default") as server:
            server.execute(f'DROP DATABASE IF EXISTS "{into}"')


# What is done, what is found, and whether the statements of the advice mend it.
WRONG = {
    "a column is dropped": (
        "ALTER TABLE vital_signs DROP COLUMN notes",
        ["column missing: vital_signs.notes"],
        True,
    ),
    "a rule is dropped": (
        "ALTER TABLE vital_signs DROP CONSTRAINT vital_signs_heart_rate_check",
        ["constraint missing: vital_signs.vital_signs_heart_rate_check"],
        True,
    ),
    "a foreign key is dropped": (
        'ALTER TABLE medication_logs DROP CONSTRAINT "medication_logs_nurseId_fkey"',
        ["constraint missing: medication_logs.medication_logs_nurseId_fkey"],
        True,
    ),
    "the primary key is dropped": (
        "ALTER TABLE medication_logs DROP CONSTRAINT medication_logs_pkey",
        ["constraint missing: medication_logs.medication_logs_pkey"],
        True,
    ),
    "an index is dropped": (
        "DROP INDEX medication_logs_adverse_idx",
        ["index missing: medication_logs.medication_logs_adverse_idx"],
        True,
    ),
    "an index is renamed": (
        "ALTER INDEX medication_logs_adverse_idx RENAME TO mine",
        ["index renamed: medication_logs.medication_logs_adverse_idx"],
        True,
    ),
    "an index is not on every partition": (
        "DROP INDEX vital_signs_date_brin; CREATE INDEX vital_signs_date_brin ON ONLY vital_signs"
        " USING brin (\"measurementDate\") WITH (autosummarize = 'on', pages_per_range = '32')",
        ["index invalid: vital_signs.vital_signs_date_brin"],
        False,
    ),
    "the guard is dropped": (
        "DROP TRIGGER vital_signs_refuse_delete ON vital_signs",
        ["trigger missing: vital_signs.vital_signs_refuse_delete"],
        True,
    ),
    "the guard is that of a whole table, so that no row can move": (
        "DROP TRIGGER vital_signs_refuse_delete ON vital_signs; CREATE TRIGGER vital_signs_refuse_delete"
        " BEFORE DELETE ON vital_signs FOR EACH ROW EXECUTE FUNCTION refuse_delete()",
        ["trigger changed: vital_signs.vital_signs_refuse_delete"],
        True,
    ),
    "the guard is off": (
        "ALTER TABLE vital_signs DISABLE TRIGGER vital_signs_refuse_delete",
        ["trigger disabled: vital_signs.vital_signs_refuse_delete"],
        True,
    ),
    "the guard is off in a partition": (
        "ALTER TABLE vital_signs_2027_02 DISABLE TRIGGER vital_signs_refuse_delete",
        ["trigger disabled: vital_signs_2027_02.vital_signs_refuse_delete"],
        True,
    ),
    "the guard lets everything pass": (
        "CREATE OR REPLACE FUNCTION refuse_delete_but_not_a_move() RETURNS trigger LANGUAGE plpgsql"
        " AS $$BEGIN RETURN NULL; END$$",
        [f"function body: {REFUSE_DELETE}"],
        False,
    ),
    "foreign keys are off in a partition": (
        "ALTER TABLE medication_logs_2027_02 DISABLE TRIGGER ALL",
        [
            "constraint not enforced: medication_logs_2027_02.medication_logs_nurseId_fkey",
            "constraint not enforced: medication_logs_2027_02.medication_logs_studentMedicationId_fkey",
            "constraint not enforced: medication_logs_2027_02.medication_logs_witnessedBy_fkey",
            "trigger disabled: medication_logs_2027_02.medication_logs_refuse_delete",
            "trigger disabled: medication_logs_2027_02.medication_logs_set_updated_at",
        ],
        True,
    ),
    "a partition has a rule of its own, which refuses rows": (
        "ALTER TABLE vital_signs_2027_02 ADD CONSTRAINT mine CHECK (notes IS NOT NULL)",
        ["constraint extra: vital_signs_2027_02.mine"],
        False,
    ),
    "a partition has a trigger of its own": (
        "CREATE TRIGGER mine BEFORE INSERT ON vital_signs_2027_02 FOR EACH ROW EXECUTE FUNCTION refuse_delete()",
        ["trigger extra: vital_signs_2027_02.mine"],
        False,
    ),
    "a partition refuses NULL": (
        "ALTER TABLE vital_signs_2027_02 ALTER notes SET NOT NULL",
        ["nullability: vital_signs_2027_02.notes"],
        True,
    ),
    "a crash would empty a partition": (
        "ALTER TABLE vital_signs_2027_02 SET UNLOGGED",
        ["table persistence: vital_signs_2027_02"],
        True,
    ),
}


@pytest.mark.parametrize("sentence", WRONG)
def test_what_is_wrong_is_still_found(sentence: str, both: None) -> None:
    sql, found, is_mended = WRONG[sentence]
    run(*sql.split("; ") if "$$" not in sql else [sql])
    assert sorted(differences()) == found
    advices = [one.advice for one in verify("default").differences]
    assert ask().exit_code == 1
    if is_mended:
        run(*(advice.removeprefix("in a quiet hour: ").partition(" then restore ")[0] for advice in advices))
        assert differences() == []


def test_nobody_advises_to_take_partitions_away(both: None) -> None:
    run("ALTER TABLE vital_signs ADD COLUMN mine text")
    steps = [step.run for _, finding in ask().found for step in finding.steps]
    assert not [step for step in steps if "INHERIT" in step]


@pytest.fixture
def by_student(committed_db: str) -> None:
    run(
        "DROP TABLE vital_signs",
        'CREATE TABLE vital_signs (id uuid, "studentId" uuid) PARTITION BY HASH ("studentId")',
        "CREATE TABLE vital_signs_0 PARTITION OF vital_signs FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
    )


@pytest.mark.direct("upgrade refuses a pooler")
def test_divided_by_something_else_a_table_is_said_to_need_comparing_by_hand(
    by_student: None, tmp_path: Path, settings: Any
) -> None:
    (difference,) = verify("default").differences
    assert str(difference) == (
        "table kind: vital_signs: expected table; found partitioned table. To do: it is not divided as in "
        "docs/scaling.md: nothing else of it was looked at, compare it by hand"
    )
    settings.WHITECROSS_BACKUP_DIR = str(tmp_path)
    with pytest.raises(CommandError, match=r"drift: .*compare it by hand. Mend them, or say --allow-drift"):
        call_command("upgrade", "--plan", stdout=io.StringIO(), stderr=io.StringIO())
    call_command("upgrade", "--plan", "--allow-drift", stdout=io.StringIO(), stderr=io.StringIO())
    assert "broken D04 vital_signs" in named(ask())


def test_partitions_in_another_schema_are_said_not_to_be_looked_at(both: None) -> None:
    run("CREATE SCHEMA archive", "ALTER TABLE vital_signs_past SET SCHEMA archive")
    report = verify("default")
    assert report.differences == []
    assert report.notes == ["1 of the partitions of vital_signs in other schemas: not looked at"]


def test_an_index_is_built_beside_others_as_the_page_says(both: None) -> None:
    run(
        "DROP INDEX medication_logs_adverse_idx",
        *(
            f'CREATE INDEX CONCURRENTLY ON medication_logs_{name} ("timeGiven" DESC) WHERE "adverseReaction"'
            for name in ("past", "2027_02", "2027_03")
        ),
        'CREATE INDEX medication_logs_adverse_idx ON medication_logs ("timeGiven" DESC) WHERE "adverseReaction"',
    )
    assert differences() == []
    (index,) = (index for index in MedicationLog._meta.indexes if index.name == "medication_logs_adverse_idx")
    with connection.schema_editor(atomic=False) as editor:
        assert is_built(editor, MedicationLog, index)  # so that a migration leaves it as it is
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%WHERE \"adverseReaction\"'")
        assert cursor.fetchone() == (4,)  # none twice
