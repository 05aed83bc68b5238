"""Rows that are set aside are kept whole, each with its reason, and all others come over."""

import json
from decimal import Decimal

from django.db import connection

from tests.adoption.awkward import LONG
from tests.adoption.conftest import Legacy, execute
from tests.adoption.misfits.reading import (
    Aside,
    Dump,
    Found,
    adopted_from,
    clone,
    finds_exactly,
    plan,
    record,
    rows,
    says,
    texts,
)
from whitecross.adoption import undoing
from whitecross.adoption.planning import Choices, Plan
from whitecross.adoption.sql import quoted


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
