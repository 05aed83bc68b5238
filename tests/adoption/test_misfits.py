"""Rows that do not fit: each is found, none is lost, and each comes over once it is mended."""

import json
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import pytest
from django.db import connection, connections

from core.schema.expected import load_expected
from tests.adoption import predecessor
from tests.adoption.awkward import LONG
from tests.adoption.conftest import Legacy, execute, on_a_database_of_its_own, url_of, value
from tests.adoption.misfitting import NOBODY
from tests.conftest import create_database_from, drop_database
from whitecross.adoption import moving, undoing
from whitecross.adoption.adopting import RefusedError, adopt, plan_only
from whitecross.adoption.inspecting import NoPredecessorError
from whitecross.adoption.planning import Choices, Plan
from whitecross.adoption.progress import Progress
from whitecross.adoption.rejects import Kept, as_text, kept, retry
from whitecross.adoption.roads import Road, RoadFromElsewhere, leave_source
from whitecross.adoption.sql import literal, quoted

Dump = Callable[[str], bytes]
# Table -> id there -> the rule that it breaks, or the column that makes it a misfit.
Found = dict[str, dict[str, str]]
# Table -> id -> column -> text.
Texts = dict[str, dict[str, dict[str, str | None]]]
UNIQUE = {
    "districts": ("code",),
    "schools": ("code",),
    "students": ("studentNumber", "medicalRecordNum"),
    "users": ("email",),
    "system_configurations": ("key",),
}


def plan(**choices: bool) -> Plan:
    return plan_only(Road("default"), Choices(**choices), Progress())


def adopted(**choices: bool) -> dict[str, Any]:
    """Adopt the database on which Django stands. Returns the report."""
    return adopt(Road("default"), Choices(**choices), Progress(), lambda plan: True)


@contextmanager
def adopted_from(name: str, template: str, **choices: bool) -> Iterator[dict[str, Any]]:
    """Adopt a database into a copy of a migrated one, on which Django stands within the block. Yields the report."""
    url = url_of(name)
    with on_a_database_of_its_own(template):
        try:
            yield adopt(RoadFromElsewhere("default", url), Choices(**choices), Progress(), lambda plan: True)
        finally:
            leave_source()


def record() -> moving.Record:
    found = moving.read_record(connection)
    assert found is not None
    return found


def rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def texts(schema: str = "public") -> Texts:
    """Every value of the predecessor's tables, as PostgreSQL writes it."""
    found: Texts = {}
    columns: dict[str, list[str]] = {}
    for table, column in rows(
        f"SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = '{schema}'"
        " AND table_name <> 'SequelizeMeta' ORDER BY ordinal_position"
    ):
        columns.setdefault(table, []).append(column)
    for table, names in columns.items():
        shown = ", ".join(f"{quoted(name)}::text" for name in names)
        found[table] = {
            dict(zip(names, row, strict=True))["id"]: dict(zip(names, row, strict=True))
            for row in rows(f"SELECT {shown} FROM {quoted(schema)}.{quoted(table)}")
        }
    return found


def clone(table: str, original: str | None = None, **said: str | None) -> str:
    """Copy a row there, the first of those that `fill` made or another, but for what is said. Returns the copy's id."""
    own = dict.fromkeys(UNIQUE.get(table, ()), f"C{uuid.uuid4()}"[:20])
    new = {"id": str(uuid.uuid4()), **own, **said}
    names = [
        name
        for (name,) in rows(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema()"
            f" AND table_name = '{table}'"
        )
    ]
    shown = ", ".join(
        quoted(name) if name not in new else "NULL" if (text := new[name]) is None else literal(text) for name in names
    )
    which = f"id = '{original}'" if original else "true"
    execute(
        f"INSERT INTO {quoted(table)} ({', '.join(map(quoted, names))})"
        f" SELECT {shown} FROM {quoted(table)} WHERE {which} ORDER BY id LIMIT 1"
    )
    return str(new["id"])


def says(rule: str, columns: tuple[str, ...], table: str, wanted: str) -> bool:
    """Whether a reason is the wanted one: a constraint, by its name or the columns that it is about, or a column."""
    constraint = load_expected()["tables"][table]["constraints"].get(wanted, {"definition": ""})["definition"]
    return wanted in (rule, *columns) or all(f'"{name}"' in constraint or f"({name} " in constraint for name in columns)


def finds_exactly(made: Plan, wanted: Found) -> None:
    """Assert that these rows do not fit, each for its reason (and maybe for more), and no others."""
    assert {table: found.keys() for table, found in made.misfits.rows.items() if found} == {
        table: found.keys() for table, found in wanted.items()
    }
    for table, found in made.misfits.rows.items():
        for row, reasons in found.items():
            said = [says(reason.rule, reason.columns, table, wanted[table][row]) for reason in reasons]
            assert any(said), (table, wanted[table][row], reasons)


@pytest.mark.parametrize("state", [3, 4, 7])
def test_the_plan_finds_every_misfit_and_nothing_else(state: int, legacy: Legacy) -> None:
    legacy.in_place(state)
    assert plan().misfits.number == 0
    with connection.cursor() as cursor:
        made = predecessor.misfits(cursor, state)
    found = plan()
    finds_exactly(found, {table: dict(rows) for table, rows in made.items()})
    assert all(len(reasons) == 1 for rows in found.misfits.rows.values() for reasons in rows.values())
    said = found.as_json()
    assert {(row["table"], row["id"]) for row in said["rows"]} == {
        (table, row) for table, rows in made.items() for row, _ in rows
    }
    assert sum(one["rows"] for one in said["doNotFit"]) == found.misfits.number


def test_by_default_adopt_refuses_and_changes_nothing(legacy: Legacy, dump: Dump) -> None:
    name = legacy.in_place(7)
    with connection.cursor() as cursor:
        predecessor.misfits(cursor, 7)
    before = dump(name)
    with pytest.raises(RefusedError, match=r"rows do not fit: mend them .*, or say --set-aside"):
        adopted()
    with pytest.raises(RefusedError, match="rows do not fit"):
        adopted(rounding=True)
    assert moving.read_record(connection) is None
    assert dump(name) == before


@dataclass
class Aside:
    """A database with all that does not fit: `before` is it, `after` a copy that was adopted, both to be copied."""

    before: str = ""
    after: str = ""
    wanted: Found = field(default_factory=dict)
    texts: Texts = field(default_factory=dict)
    plan: Any = None
    report: dict[str, Any] = field(default_factory=dict)
    # What adopt set aside, and what came of trying again before anything was mended, which is what `after` holds.
    kept: list[Kept] = field(default_factory=list)
    tried: tuple[Counter[str], list[Kept]] = (Counter(), [])
    # A user who does not fit, a student of hers, and every row that goes along.
    user: str = ""
    student: str = ""
    along: list[tuple[str, str]] = field(default_factory=list)
    unknown: dict[str, dict[str, str | None]] = field(default_factory=dict)

    def add(self, table: str, row: str, why: str) -> str:
        """Note that a row does not fit."""
        self.wanted.setdefault(table, {})[row] = why
        return row

    def take_along(self, table: str, column: str, parent: str) -> str:
        """Make a row that is sound, but refers to one that does not fit. Returns its id."""
        row = self.add(table, clone(table, **{column: parent}), f"{table}_{column}_fkey")
        self.along.append((table, row))
        return row


def dependents(aside: Aside) -> None:
    """Rows that are sound, but refer to one that is not, or to one that refers to one."""
    along = aside.take_along
    user = aside.user = aside.add(
        "users", clone("users", failedLoginAttempts="-1"), "users_failed_login_attempts_check"
    )
    student = aside.student = along("students", "nurseId", user)
    along("contacts", "relationTo", student)
    record = along("health_records", "studentId", student)
    for table in ("chronic_conditions", "vaccinations", "screenings", "growth_measurements"):
        along(table, "healthRecordId", record)
    along("vital_signs", "appointmentId", along("appointments", "nurseId", user))
    along("medication_logs", "studentMedicationId", along("student_medications", "studentId", student))
    along("medication_logs", "witnessedBy", user)
    along("incident_reports", "reportedById", user)
    for table in ("emergency_contacts", "allergies", "vital_signs"):
        along(table, "studentId", student)
    along("system_configurations", "lastModifiedBy", user)
    of_the_user = clone_setting(scope="USER", scopeId=user)
    aside.add("system_configurations", of_the_user, "system_configurations_place")
    aside.along.append(("system_configurations", of_the_user))


def clone_setting(**said: str | None) -> str:
    """A setting that somebody added."""
    local = value("SELECT id FROM system_configurations WHERE key = 'LOCAL_SETTING_3'")
    return clone(
        "system_configurations", str(local), **{"value": "5", "defaultValue": None, "validationRules": "{}", **said}
    )


def settings(aside: Aside) -> None:
    """Settings that their own rules, or those of the system's setting of the same key, refuse."""
    execute(
        "ALTER TABLE system_configurations DROP CONSTRAINT system_configurations_key_key",
        "DROP INDEX system_configurations_key_unique",
    )
    execute("""ALTER TYPE "enum_system_configurations_valueType" ADD VALUE 'MONEY'""")
    judged = "system_configurations_check_value"
    schools = [{"scope": "SCHOOL", "scopeId": school} for (school,) in rows("SELECT id::text FROM schools ORDER BY id")]
    number, narrow = '{"type": "number"}', '{"type": "number", "max": 9}'
    for why, said in (
        (judged, {"validationRules": '{"type": "number", "min": 1e400}'}),
        (judged, {"validationRules": "[]"}),
        (judged, {"validationRules": '"text"'}),
        (judged, {"validationRules": '{"unheard of": 1}'}),
        (judged, {"validationRules": number, "value": "five"}),
        (judged, {"minValue": "NaN", "validationRules": number}),
        ("valueType_label", {"valueType": "MONEY"}),
        ("system_configurations_scope_check", {"scopeId": NOBODY}),
        ("system_configurations_place", {"scope": "SCHOOL", "scopeId": NOBODY}),
        # The system's setting of the same key: here, and as seeded.
        (judged, {**schools[0], "key": "MAX_LOGIN_ATTEMPTS", "value": "five"}),
        (judged, {**schools[1], "key": "MAX_LOGIN_ATTEMPTS", "value": "11", "validationRules": '{"max": 20}'}),
        (judged, {**schools[0], "key": "NARROW", "value": "10", "validationRules": number}),
        ("valueType", {**schools[1], "key": "NARROW", "value": "5"}),
        (None, {"key": "NARROW", "value": "5", "validationRules": narrow}),
        (None, {**schools[2], "key": "NARROW", "value": "5", "validationRules": number}),
        (None, {"scope": "SCHOOL", "scopeId": schools[3]["scopeId"].upper(), "key": "OF_ONE_SCHOOL"}),
        (None, {"validationRules": '{"type": 5}'}),
        (None, {"validationRules": "null"}),
        (None, {"validationRules": None}),
        (None, {"validationRules": '{"type": "number", "min": 1e-400}'}),
    ):
        row = clone_setting(**said)
        if why is not None:
            aside.add("system_configurations", row, why)
    history = str(value("SELECT min(id) FROM configuration_history"))
    execute(f"""UPDATE configuration_history SET "configKey" = repeat('k', 201), "changedBy" = 'cron',
                "changedByName" = 'Nightly' WHERE id = '{history}'""")
    aside.add("configuration_history", history, "configKey_length")


def surprises(aside: Aside) -> None:
    """A label, columns and values that the predecessor never made."""
    execute("ALTER TYPE enum_users_role ADD VALUE 'JANITOR'", "ALTER TYPE enum_students_gender ADD VALUE 'UNUSED'")
    aside.add("users", clone("users", role="JANITOR"), "role_label")
    # Half a character after what only looks like the other half; and what looks like a number that it is not.
    half, sound = '"\\\\ud83d\\ude37"', '["5e12345", "\\\\ud83d\\ud83d\\ude37", "\\\\u0000"]'
    aside.add("incident_reports", clone("incident_reports", attachments=half), "attachments_json")
    clone("incident_reports", attachments=sound)
    execute(
        "ALTER TABLE students ADD homeroom text, ADD locker bytea, ADD nothing int",
        'ALTER TABLE medications ADD "%s" json, ADD amount numeric, ADD until timestamptz',
    )
    execute(f"UPDATE students SET homeroom = 'B 12', locker = '\\x00ff' WHERE id = '{aside.student}'")
    one = str(value(f"SELECT id FROM students WHERE id <> '{aside.student}' ORDER BY id DESC LIMIT 1"))
    execute(f"UPDATE students SET homeroom = ' B\\ 13' WHERE id = '{one}'")
    other = clone("medications")
    execute(
        f"""UPDATE medications SET amount = 'NaN', until = '-infinity', "%s" = '{{"a": 1.50, "a": "\\u0000"}}'
            WHERE id = '{other}'"""
    )
    aside.unknown = {
        one: {"homeroom": " B\\ 13", "locker": None},
        other: {"%s": '{"a": 1.50, "a": "\\u0000"}', "amount": "NaN", "until": "-infinity"},
    }


@pytest.fixture(scope="module")
def aside(legacy_templates: Any, django_db_blocker: Any) -> Iterator[Aside]:
    """Everything that does not fit, set aside."""
    made = Aside()
    with django_db_blocker.unblock(), ExitStack() as stack:
        name = Legacy(stack, legacy_templates).in_place(7)
        with connection.cursor() as cursor:
            made.wanted = {table: dict(rows) for table, rows in predecessor.misfits(cursor, 7).items()}
        dependents(made)
        settings(made)
        surprises(made)
        made.texts = texts()
        made.plan = plan()
        for what in ("before", "after"):
            if what == "after":
                made.report = adopted(set_aside=True)
                made.kept = kept("default")
                made.tried = retry("default")
            connection.close()
            setattr(made, what, f"{name}_{what}")
            create_database_from(name, f"{name}_{what}")
            connection.close()
    yield made
    with django_db_blocker.unblock():
        drop_database(made.before)
        drop_database(made.after)


@pytest.fixture
def here(aside: Aside, django_db_blocker: Any) -> Iterator[Aside]:
    """The same, and Django stands on a copy of the adopted database."""
    with django_db_blocker.unblock(), on_a_database_of_its_own(aside.after):
        yield aside


def test_dependents_and_surprises_are_found_too_and_nothing_else(aside: Aside) -> None:
    finds_exactly(aside.plan, aside.wanted)
    why = {
        (reason.rule, reason.why)
        for rows in aside.plan.misfits.rows.values()
        for row in rows.values()
        for reason in row
    }
    assert ("students_nurseId_fkey", "nurseId: its row in users does not fit") in why
    assert ("system_configurations_place", "scopeId: its row in users does not fit") in why
    assert ("role_label", "role: none of the labels of UserRole") in why
    assert any("of the system's setting of this key" in sentence for _, sentence in why)


def test_what_nobody_knows_stops_the_plan_only_where_there_is_a_value(aside: Aside) -> None:
    columns = {"medications": {"%s": 1, "amount": 1, "until": 1}, "students": {"homeroom": 2, "locker": 1}}
    assert aside.plan.values_unknown == columns
    (refusal,) = (refusal for refusal in aside.plan.refusals() if "never made such a column" in refusal)
    for name in ("medications.%s", "medications.amount", "medications.until", "students.homeroom", "students.locker"):
        assert name in refusal
    assert "students.nothing" not in refusal
    assert "unknown column students.nothing: empty, so nothing of it is brought over" in aside.plan.notes
    assert not Plan(**{**vars(aside.plan), "choices": Choices(set_aside=True)}).refusals()
    assert aside.report["columnsSetAside"] == columns


def test_what_was_there_is_here_or_set_aside(here: Aside) -> None:
    reported = {table["table"]: table for table in here.report["tables"]}
    assert reported.keys() == here.texts.keys()
    assert here.report["rows"]["there"] == here.report["rows"]["here"] + here.report["rows"]["setAside"]
    for table, there in here.texts.items():
        ids = {row for (row,) in rows(f"SELECT id::text FROM {quoted(table)}")}
        gone = {
            row
            for (row,) in rows(
                f"""SELECT "rowId" FROM adoption_rejects WHERE "sourceTable" = '{table}' AND "isWhole\""""
            )
        }
        assert gone == here.wanted.get(table, {}).keys()
        came = there.keys() - gone
        if table == "system_configurations":  # beside those that were seeded
            assert len(ids - came) == here.report["seededSettings"]
        else:
            assert ids == came
        assert came <= ids
        about = reported[table]
        assert about["holds"]
        assert (about["rowsThere"], about["rowsHere"], about["setAside"]) == (len(there), len(came), len(gone))


def test_every_text_of_what_was_set_aside_is_kept(here: Aside) -> None:
    whole: dict[tuple[str, str], dict[str, str | None]] = {}
    partly: dict[tuple[str, str], dict[str, str | None]] = {}
    for table, row, is_whole, data in rows(
        """SELECT "sourceTable", "rowId", "isWhole", data::text FROM adoption_rejects"""
    ):
        (whole if is_whole else partly)[table, row] = json.loads(data)
    assert whole == {(table, row): here.texts[table][row] for table, rows in here.wanted.items() for row in rows}
    assert {row: data for (_, row), data in partly.items()} == here.unknown
    # A student who was set aside keeps what nobody knows with the rest.
    assert whole["students", here.student]["homeroom"] == "B 12"
    assert whole["students", here.student]["locker"] == "\\x00ff"
    kept_texts = {text for data in whole.values() for text in data.values()}
    assert {"NaN", "infinity", "-infinity", '["a\\u0000b"]', '["\\ud83d"]', LONG, "JANITOR"} <= kept_texts
    assert '[{"file": "a.pdf", "file": "b.pdf"}]' in kept_texts
    assert "20250-06-30 00:00:00+00" in kept_texts


def test_each_row_that_is_set_aside_says_why(aside: Aside) -> None:
    for row in aside.kept:
        assert row.reasons
        if not row.is_whole:
            assert {reason["rule"] for reason in row.reasons} == {"unknown_column"}
            assert {reason["columns"][0] for reason in row.reasons} == aside.unknown[row.row].keys()
            continue
        wanted = aside.wanted[row.table][row.row]
        assert any(says(reason["rule"], tuple(reason["columns"]), row.table, wanted) for reason in row.reasons)
        assert all(reason["why"] for reason in row.reasons)


def test_undo_after_setting_aside_is_exact(here: Aside, dump: Dump) -> None:
    name = str(connection.settings_dict["NAME"])
    undoing.undo(connection, record())
    assert dump(name) == dump(here.before)


def test_of_accounts_that_differ_by_the_case_of_the_email_the_one_in_use_stays(legacy: Legacy) -> None:
    legacy.in_place(7)
    used: dict[str, dict[str, str | None]] = {
        "long ago": {"lastLogin": "2024-01-01 00:00:00+00", "createdAt": "2025-01-01 00:00:00+00"},
        "last": {"lastLogin": "2025-09-01 07:30:00+00", "createdAt": "2020-01-01 00:00:00+00"},
        "never": {"lastLogin": None, "createdAt": "2025-06-01 00:00:00+00"},
    }
    ids = {
        who: clone("users", email=email, **about)
        for (who, about), email in zip(used.items(), ("ann@x.org", "Ann@X.org", "ANN@x.org"), strict=True)
    }
    older = clone("users", email="zoë@x.org", lastLogin=None, createdAt="2024-01-01 00:00:00+00")
    clone("users", email="ZOË@x.org", lastLogin=None, createdAt="2024-01-02 00:00:00+00")
    gone = (ids["long ago"], ids["never"], older)
    finds_exactly(plan(), {"users": dict.fromkeys(gone, "users_email_key")})


def test_numbers_are_rounded_and_counted_where_that_was_allowed(legacy: Legacy, pristine_database: str) -> None:
    name = legacy.in_place(7)
    measured = {
        "growth_measurements": ("weight", ("38.12345", "38.0005", "0.0014999", "38.123", "99999.9994999")),
        "vital_signs": ("temperature", ("98.60049", "98.6005", "98.6")),
    }
    rounded = {"38.12345": "38.123", "38.0005": "38.001", "0.0014999": "0.001", "99999.9994999": "99999.999",
               "98.60049": "98.600", "98.6005": "98.601"}  # fmt: skip
    ids = {
        clone(table, **{column: text, f"{column}Unit": "F" if column == "temperature" else "kg"}): (table, column, text)
        for table, (column, some) in measured.items()
        for text in some
    }
    beyond = clone("growth_measurements", weight="99999.9995")
    finds_exactly(plan(rounding=True), {"growth_measurements": {beyond: "weight_size"}})
    execute(f"DELETE FROM growth_measurements WHERE id = '{beyond}'")
    strict: Found = {}
    for row, (table, column, text) in ids.items():
        if text in rounded:
            strict.setdefault(table, {})[row] = f"{column}_decimals"
    finds_exactly(plan(), strict)
    before = texts()
    with adopted_from(name, pristine_database, rounding=True) as report:
        assert report["rounded"] == {"growth_measurements.weight": 4, "vital_signs.temperature": 2}
        assert all(table["holds"] and table["rowsThere"] == table["rowsHere"] for table in report["tables"])
        for table, (column, _) in measured.items():
            for row, text in rows(f"SELECT id::text, {quoted(column)}::text FROM {quoted(table)}"):
                was = before[table][row][column]
                wanted = rounded.get(ids[row][2], was) if row in ids else was
                assert text == (None if wanted is None else f"{Decimal(wanted):.3f}")
                assert row in ids or was is None or Decimal(text) == Decimal(was)


def foreign_keys() -> list[tuple[str, str, str, str]]:
    """(table, constraint, column, parent) of the predecessor's foreign keys."""
    return rows("""
        SELECT conrelid::regclass::text, conname::text, attname::text, confrelid::regclass::text
        FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
        WHERE contype = 'f' AND connamespace = 'public'::regnamespace ORDER BY 1, 2
    """)


def test_keys_that_somebody_dropped_are_looked_after(legacy: Legacy, pristine_database: str) -> None:
    """No foreign key, no unique constraint at all: sound rows still fit, what dangles or stands twice does not."""
    name = legacy.in_place(7)
    keys = foreign_keys()
    assert len(keys) > 25
    uniques = rows("""SELECT conrelid::regclass::text, conname::text FROM pg_constraint
                      WHERE contype = 'u' AND connamespace = 'public'::regnamespace""")
    execute(*(f"ALTER TABLE {table} DROP CONSTRAINT {quoted(key)}" for table, key, *_ in [*keys, *uniques]))
    indexes = rows("""SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
                      WHERE indisunique AND NOT indisprimary AND relnamespace = 'public'::regnamespace""")
    execute(*(f"DROP INDEX {index}" for (index,) in indexes))
    assert plan().misfits.number == 0
    wanted: Found = {}
    for table, key, column, _ in keys:
        if key not in load_expected()["tables"][table]["constraints"]:
            continue  # a version may outlive its setting here
        # Of a student, the school says the district; nobody says the school.
        alone: dict[str, str | None] = {"schoolId": None} if (table, column) == ("students", "districtId") else {}
        wanted.setdefault(table, {})[clone(table, **{**alone, column: NOBODY})] = column
    for table, columns in UNIQUE.items():
        for column in columns:
            if table == "users":
                continue
            which = f"{quoted(column)} IS NOT NULL" + (" AND scope = 'SYSTEM'" if "conf" in table else "")
            first, text = rows(f"SELECT id::text, {quoted(column)} FROM {table} WHERE {which} LIMIT 1")[0]
            twin = clone(table, first, **{column: text, "createdAt": "2099-01-01 00:00:00+00"})
            wanted.setdefault(table, {})[twin] = (
                "system_configurations_key_scope_key" if "conf" in table else f"{table}_{column}_key"
            )
    finds_exactly(plan(), wanted)
    with adopted_from(name, pristine_database, set_aside=True) as report:
        assert (
            report["rows"]["setAside"]
            == value("SELECT count(*) FROM adoption_rejects")
            == sum(map(len, wanted.values()))
        )
        assert all(table["holds"] for table in report["tables"])


def test_a_key_that_was_never_validated_is_looked_after(legacy: Legacy) -> None:
    legacy.in_place(3)
    execute("""ALTER TABLE health_records DROP CONSTRAINT "health_records_studentId_fkey\"""")
    row = clone("health_records", studentId=NOBODY)
    execute(
        """ALTER TABLE health_records ADD CONSTRAINT "health_records_studentId_fkey" FOREIGN KEY ("studentId")
           REFERENCES students (id) NOT VALID"""
    )
    finds_exactly(plan(), {"health_records": {row: "health_records_studentId_fkey"}})


def test_a_table_and_columns_that_are_missing_are_said_and_the_rest_comes_over(
    legacy: Legacy, pristine_database: str
) -> None:
    name = legacy.in_place(7)
    missing = {
        "students": ("photo",),
        "users": ("lastLogin",),
        "allergies": ("active", "onsetDate"),
        "system_configurations": ("validationRules", "displayName", "valueType"),
        "configuration_history": ("oldValue", "changedByName"),
    }
    execute(
        "DROP TABLE growth_measurements",
        *(f"ALTER TABLE {table} DROP COLUMN {quoted(name)}" for table, names in missing.items() for name in names),
    )
    before = texts()
    found = plan()
    finds_exactly(found, {})
    # The state is that of which nothing is missing, and the table may be one that this state has not got.
    assert found.found.state == 3
    with adopted_from(name, pristine_database) as report:
        assert "growth_measurements" not in {table["table"] for table in report["tables"]}
        assert all(table["holds"] and table["rowsThere"] == table["rowsHere"] for table in report["tables"])
        assert report["rows"]["here"] == sum(map(len, before.values()))
        assert value("SELECT count(*) FROM growth_measurements") == value("SELECT count(photo) FROM students") == 0
        assert any("the column students.photo is missing" in note for note in report["notes"])


def test_a_missing_table_of_its_state_is_noted_and_without_students_it_is_no_database_of_his(legacy: Legacy) -> None:
    legacy.in_place(3)
    execute("DROP TABLE emergency_contacts")
    assert "the table emergency_contacts is missing, so there is nothing of it to bring over" in plan().notes
    execute("DROP TABLE students CASCADE")
    with pytest.raises(NoPredecessorError, match="but not students"):
        plan()


def test_a_column_that_no_row_can_be_without_is_in_the_way(legacy: Legacy) -> None:
    legacy.in_place(7)
    execute(
        'ALTER TABLE students DROP "firstName"',
        'ALTER TABLE schools DROP "districtId" CASCADE',
        "ALTER TABLE configuration_history DROP id",
    )
    said = plan(set_aside=True).refusals()
    assert "students.firstName is missing, and no row can be without it." in said
    assert "schools: districtId missing, without which its rows cannot be brought over." in said
    assert "configuration_history: id missing, without which its rows cannot be brought over." in said


def test_a_column_of_a_type_that_nobody_can_convert_is_in_the_way(legacy: Legacy, dump: Dump) -> None:
    name = legacy.in_place(7)
    changed = {
        "appointments.duration": ("text", "integer"),
        "vital_signs.heartRate": ("double precision", "integer"),
        "students.dateOfBirth": ("timestamp without time zone", "date"),
        "users.emailVerified": ("text", "boolean"),
        "incident_reports.witnesses": ("text", "jsonb"),
    }
    for place, (type_, _) in changed.items():
        table, column = map(quoted, place.split("."))
        execute(f"ALTER TABLE {table} ALTER {column} DROP DEFAULT, ALTER {column} TYPE {type_}")
    before = dump(name)
    assert sorted(plan(set_aside=True).refusals()) == sorted(
        f"{place} is a {type_}, which cannot become a {here} here." for place, (type_, here) in changed.items()
    )
    with pytest.raises(RefusedError, match=r"appointments\.duration is a text, which cannot become a integer here"):
        adopted(set_aside=True)
    assert dump(name) == before


def test_types_that_somebody_widened_come_over(legacy: Legacy, pristine_database: str) -> None:
    """And a day that is none of our calendar does not fit, wherever it stands."""
    name = legacy.in_place(7)
    execute(
        "ALTER TABLE appointments ALTER duration TYPE bigint",
        "ALTER TABLE districts ALTER code TYPE character(50)",
        "ALTER TABLE vital_signs ALTER temperature TYPE numeric",
        """ALTER TABLE student_medications ALTER "startDate" TYPE date, ALTER "endDate" TYPE date""",
        "ALTER TABLE chronic_conditions ALTER triggers TYPE character varying(300)[]",
        "ALTER TABLE students ALTER grade TYPE text",
    )
    rejected: Found = {
        "appointments": {clone("appointments", duration="5000000000"): "duration_size"},
        "vital_signs": {clone("vital_signs", temperature="Infinity"): "temperature_size"},
        "student_medications": {clone("student_medications", startDate="5000000-01-01"): "startDate_calendar"},
        "students": {clone("students", grade="x" * 11): "grade_length"},
    }
    finds_exactly(plan(), rejected)
    with adopted_from(name, pristine_database, set_aside=True) as report:
        assert report["rows"]["setAside"] == 4
        assert all(table["holds"] for table in report["tables"])
        assert not rows("SELECT FROM districts WHERE code LIKE '% '")


def test_trying_again_brings_nothing_before_something_is_mended(aside: Aside) -> None:
    brought, remaining = aside.tried
    assert brought == {}
    assert [(row.id, row.table, row.row, row.is_whole) for row in remaining] == [
        (row.id, row.table, row.row, row.is_whole) for row in aside.kept
    ]
    assert all(row.reasons for row in remaining)


def mend(table: str, row: str, **said: Any) -> None:
    """Write values into `adoption_rejects.data`, as whoever mends a row does."""
    with connection.cursor() as cursor:
        for name, text in said.items():
            cursor.execute(
                "UPDATE adoption_rejects SET data = jsonb_set(data, ARRAY[%s], %s::jsonb)"
                """ WHERE "sourceTable" = %s AND "rowId" = %s AND "isWhole\"""",
                [name, json.dumps(text), table, row],
            )
            assert cursor.rowcount == 1, (table, row)


def misfit(aside: Aside, table: str, why: str) -> str:
    """The id of the first row of a table that was set aside for a reason."""
    return next(row for row, reason in aside.wanted[table].items() if reason == why)


def as_number(text: str | None) -> Decimal | str | None:
    """A number however it is written; any other text as it is."""
    try:
        return None if text is None else Decimal(text).normalize()
    except InvalidOperation:
        return text


def row_here(table: str, row: str) -> dict[str, Any]:
    return {
        name: as_number(text)
        for name, text in rows(
            f"SELECT key, value FROM {quoted(table)} AS t, jsonb_each_text(to_jsonb(t)) WHERE id = '{row}'"
        )
    }


def there(aside: Aside, table: str, row: str, **mended: str | None) -> dict[str, Any]:
    return {name: as_number(text) for name, text in {**aside.texts[table][row], **mended}.items()}


def still_aside() -> dict[str, list[dict[str, Any]]]:
    return {row.id: row.reasons for row in kept("default")}


def counts() -> dict[str, int]:
    tables = [*predecessor.facts(7)["tables"], "adoption_rejects"]
    return {table: value(f"SELECT count(*) FROM {quoted(table)}") for table in tables}


def test_a_mended_row_comes_over_as_it_was_and_everything_else_stays(here: Aside) -> None:
    row = misfit(here, "vital_signs", "vital_signs_oxygen_saturation_check")
    before, numbers = still_aside(), counts()
    mend("vital_signs", row, oxygenSaturation="98")
    brought, remaining = retry("default")
    assert brought == {"vital_signs": 1}
    came = row_here("vital_signs", row)
    assert came.pop("deletedAt") is None
    # As JSON has it, with a T.
    times = {name: text for name, text in came.items() if name.endswith(("At", "Date"))}
    assert {name: text and text.replace("T", " ").removesuffix(":00") for name, text in times.items()} == {
        name: text for name, text in there(here, "vital_signs", row).items() if name in times
    }
    assert {name: text for name, text in came.items() if name not in times} == {
        name: text for name, text in there(here, "vital_signs", row, oxygenSaturation="98").items() if name not in times
    }
    assert {one.row for one in remaining} == {one.row for one in kept("default")}
    assert row not in {one.row for one in remaining}
    now = still_aside()
    assert now == {one: reasons for one, reasons in before.items() if one in now}
    assert len(now) == len(before) - 1
    assert counts() == {**numbers, "vital_signs": numbers["vital_signs"] + 1, "adoption_rejects": len(now)}


def test_once_a_row_is_mended_those_that_depend_on_it_come_over_too(here: Aside) -> None:
    mend("users", here.user, failedLoginAttempts="0")
    before = {(one.table, one.row) for one in kept("default")}
    brought, remaining = retry("default")
    assert brought == Counter(table for table, _ in [("users", here.user), *here.along])
    for table, row in [("users", here.user), *here.along]:
        assert value(f"SELECT count(*) FROM {quoted(table)} WHERE id = '{row}'") == 1
    # The student is here; what nobody has a column for stays.
    assert {(one.table, one.row) for one in remaining} == before - {*here.along, ("users", here.user)} | {
        ("students", here.student)
    }
    (left,) = (one for one in remaining if one.row == here.student)
    assert not left.is_whole
    assert json.loads(value(f"SELECT data::text FROM adoption_rejects WHERE id = '{left.id}'")) == {
        "homeroom": "B 12",
        "locker": "\\x00ff",
    }


def test_a_row_that_is_mended_badly_stays_with_what_is_wrong_now(here: Aside) -> None:
    oxygen = misfit(here, "vital_signs", "vital_signs_oxygen_saturation_check")
    pain = misfit(here, "vital_signs", "vital_signs_pain_level_check")
    pulse = misfit(here, "vital_signs", "vital_signs_heart_rate_check")
    peak = misfit(here, "vital_signs", "vital_signs_peak_flow_check")
    contact = misfit(here, "contacts", "contacts_relationTo_fkey")
    twin = misfit(here, "users", "users_email_key")
    before = still_aside()
    mend("vital_signs", oxygen, oxygenSaturation="98", heartRate="999")
    mend("vital_signs", pain, painLevel="abc")
    mend("vital_signs", pulse, heartRate=72)  # a number is as good as its text
    mend("vital_signs", peak, peakFlow=None)
    mend("contacts", contact, relationTo=here.student)
    brought, remaining = retry("default")
    assert brought == {"vital_signs": 2}
    assert value(f"SELECT \"heartRate\" FROM vital_signs WHERE id = '{pulse}'") == 72
    assert value(f"SELECT \"peakFlow\" FROM vital_signs WHERE id = '{peak}'") is None
    now = {one.row: one for one in remaining}
    assert [reason["rule"] for reason in now[oxygen].reasons] == ["vital_signs_heart_rate_check"]
    assert as_text(now[pain].reasons) == "the database refuses it (InvalidTextRepresentation, 22P02)"
    assert as_text(now[contact].reasons) == "relationTo: no such row in students"
    assert as_text(now[twin].reasons) == "the database refuses it (UniqueViolation, users_email_key)"
    same = {one.id for one in remaining} - {now[row].id for row in (oxygen, pain, contact)}
    assert {one: reasons for one, reasons in still_aside().items() if one in same} == {one: before[one] for one in same}


def test_a_value_that_was_taken_out_is_missing(here: Aside) -> None:
    history = misfit(here, "configuration_history", "configKey_length")
    pain = misfit(here, "vital_signs", "vital_signs_pain_level_check")
    duration = misfit(here, "appointments", "appointments_duration_check")
    for row, name in ((history, "changedBy"), (pain, "painLevel"), (duration, "id")):
        execute(f"""UPDATE adoption_rejects SET data = data - '{name}' WHERE "rowId" = '{row}'""")
    brought, remaining = retry("default")
    assert brought == {"vital_signs": 1}
    now = {one.row: one for one in remaining}
    assert "changedBy missing" in as_text(now[history].reasons)
    assert as_text(now[duration].reasons) == "the database refuses it (UndefinedColumn, 42703)"


def test_a_time_that_was_mended_with_a_zone_is_that_moment(here: Aside) -> None:
    onset = misfit(here, "allergies", "onsetDate")
    mend("allergies", onset, onsetDate="2024-01-01T02:00:00+02:00")
    assert retry("default")[0] == {"allergies": 1}
    assert value(f"SELECT extract(epoch FROM \"onsetDate\")::bigint FROM allergies WHERE id = '{onset}'") == 1704067200


def test_a_setting_that_was_set_aside_comes_over_with_its_history(here: Aside) -> None:
    row = misfit(here, "system_configurations", "system_configurations_check_value")
    local = misfit(here, "system_configurations", "valueType_label")
    somebody = str(value("SELECT id FROM users LIMIT 1"))
    mend("system_configurations", row, value="50", lastModifiedBy=somebody)
    mend("system_configurations", local, valueType="NUMBER")
    versions = value("SELECT count(*) FROM configuration_history")
    assert value("SELECT value FROM system_configurations WHERE key = 'MAX_FILE_UPLOAD_SIZE_MB'") == "10"
    assert retry("default")[0] == {"system_configurations": 2}
    ((id_, text, modified, created),) = rows(
        """SELECT id::text, value, "lastModifiedBy", "createdAt"::text FROM system_configurations
           WHERE key = 'MAX_FILE_UPLOAD_SIZE_MB'"""
    )
    assert (id_, text, created) == (row, "50", here.texts["system_configurations"][row]["createdAt"])
    assert str(modified) == somebody
    # The seeded one went, the predecessor's came, and one that was added.
    assert value("SELECT count(*) FROM configuration_history") == versions + 3
    said = rows(f"""SELECT "historyType", "oldValue", "newValue", "changeReason" FROM configuration_history
                    WHERE "configurationId" = '{row}' AND "changeReason" LIKE 'brought over%'""")
    assert said == [("+", None, "50", "brought over after it was mended")]
    assert triggers() == load_triggers()


def test_a_version_of_a_setting_comes_over_and_the_history_is_guarded_again(here: Aside) -> None:
    row = misfit(here, "configuration_history", "configKey_length")
    versions = value("SELECT count(*) FROM configuration_history")
    assert triggers() == load_triggers()  # also after it was tried in vain
    mend("configuration_history", row, configKey="NIGHTLY")
    assert retry("default")[0] == {"configuration_history": 1}
    assert value("SELECT count(*) FROM configuration_history") == versions + 1
    about = here.texts["configuration_history"][row]
    assert rows(
        """SELECT id::text, "newValue", "oldValue", "createdAt"::text, "changedBy", "changedByName", "databaseRole"
           FROM configuration_history WHERE "configKey" = 'NIGHTLY'"""
    ) == [(row, about["newValue"], about["oldValue"], about["createdAt"], None, "Nightly (cron)", "pg_predecessor")]
    assert triggers() == load_triggers()


def triggers() -> dict[str, str]:
    return dict(
        rows("""SELECT tgname::text, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
                AND tgrelid IN ('system_configurations'::regclass, 'configuration_history'::regclass)""")
    )


def load_triggers() -> dict[str, str]:
    """The triggers as the models say."""
    modes = {"always": "A", "origin": "O", None: "O"}
    return {
        name: modes[trigger.get("mode")]
        for table in ("system_configurations", "configuration_history")
        for name, trigger in load_expected()["tables"][table]["triggers"].items()
    }


def test_two_who_try_at_once_bring_each_row_over_once(here: Aside) -> None:
    mended = [("users", here.user), *here.along]
    mend("users", here.user, failedLoginAttempts="0")
    for table, why, said in (
        ("vital_signs", "vital_signs_oxygen_saturation_check", {"oxygenSaturation": "98"}),
        ("configuration_history", "configKey_length", {"configKey": "NIGHTLY"}),
        ("system_configurations", "valueType_label", {"valueType": "NUMBER"}),
    ):
        mended.append((table, misfit(here, table, why)))
        mend(*mended[-1], **said)
    start = threading.Barrier(2)
    brought: list[Counter[str]] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            start.wait()
            brought.append(retry("default")[0])
        except BaseException as error:  # the thread's, for the test to see
            failures.append(error)
        finally:
            connections["default"].close()

    before, threads = counts(), [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    brought.append(retry("default")[0])  # a row may have been looked at before its parent was here
    assert sum(brought, Counter()) == Counter(table for table, _ in mended)
    gained = {table: number - before[table] for table, number in counts().items() if number != before[table]}
    # Each setting that came wrote a version; the student leaves behind what nobody has a column for.
    wanted = Counter(table for table, _ in mended)
    wanted["configuration_history"] += wanted["system_configurations"]
    assert gained == {**wanted, "adoption_rejects": 1 - len(mended)}


def test_rows_are_brought_over_after_the_end_too(here: Aside) -> None:
    undoing.finish(connection, record())
    row = misfit(here, "vital_signs", "vital_signs_oxygen_saturation_check")
    mend("vital_signs", row, oxygenSaturation="98")
    assert retry("default")[0] == {"vital_signs": 1}
    assert value(f"SELECT \"oxygenSaturation\" FROM vital_signs WHERE id = '{row}'") == 98


def test_rows_of_an_early_state_are_brought_over(legacy: Legacy, pristine_database: str) -> None:
    name = legacy.in_place(3)
    with connection.cursor() as cursor:
        made = predecessor.misfits(cursor, 3)
    wanted = {table: {why: row for row, why in rows} for table, rows in made.items()}
    before = texts()
    with adopted_from(name, pristine_database, set_aside=True):
        condition = wanted["chronic_conditions"]["status"]
        mend("chronic_conditions", condition, status="ACTIVE")
        mend("students", wanted["students"]["dateOfBirth"], dateOfBirth="2012-02-29")
        mend("incident_reports", wanted["incident_reports"]["witnesses"], witnesses='["😷"]')
        assert retry("default")[0] == {"chronic_conditions": 1, "students": 1, "incident_reports": 1}
        about = before["chronic_conditions"][condition]
        assert rows(f"""SELECT status::text, "conditionName", "createdAt"::text FROM chronic_conditions
                        WHERE id = '{condition}'""") == [("ACTIVE", about["conditionName"], about["createdAt"])]
        witnesses = wanted["incident_reports"]["witnesses"]
        assert value(f"SELECT witnesses::text FROM incident_reports WHERE id = '{witnesses}'") == '["😷"]'
