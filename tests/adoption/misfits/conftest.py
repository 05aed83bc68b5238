"""Everything that does not fit, adopted once."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.db import connection

from tests.adoption import predecessor
from tests.adoption.conftest import Legacy, execute, on_a_database_of_its_own, value
from tests.adoption.misfits.reading import Aside, adopted, clone, plan, rows, texts
from tests.adoption.misfitting import NOBODY
from tests.conftest import create_database_from, drop_database
from whitecross.adoption.rejects import kept, retry


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


@pytest.fixture(scope="package")
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
