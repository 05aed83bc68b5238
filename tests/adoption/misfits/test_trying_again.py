"""A row that was set aside comes over once it is mended."""

import json
import threading
from collections import Counter
from typing import Any

from django.db import connection, connections

from core.schema.expected import load_expected
from tests.adoption import predecessor
from tests.adoption.conftest import Legacy, execute, value
from tests.adoption.misfits.reading import Aside, adopted_from, as_number, record, rows, texts, there
from whitecross.adoption import undoing
from whitecross.adoption.rejects import as_text, kept, retry
from whitecross.adoption.sql import quoted


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


def row_here(table: str, row: str) -> dict[str, Any]:
    return {
        name: as_number(text)
        for name, text in rows(
            f"SELECT key, value FROM {quoted(table)} AS t, jsonb_each_text(to_jsonb(t)) WHERE id = '{row}'"
        )
    }


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
