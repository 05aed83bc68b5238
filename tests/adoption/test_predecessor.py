"""The predecessor's databases that the tests make are what they claim to be."""

from typing import Any

import pytest
from django.db import connection

from core.schema.expected import load_expected
from tests.adoption import predecessor

STATES = pytest.mark.parametrize("state", predecessor.STATES)
EDGES = pytest.mark.parametrize("state", [3, 7])
# What a setting of the predecessor never had.
NEVER = {("system_configurations", name) for name in ("scopeId", "minValue", "maxValue")}


def _all(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def _checks(state: int) -> list[tuple[str, str, str]]:
    """(table, name, condition) of the CHECKs here that are about rows as the predecessor has them."""
    tables = predecessor.facts(state)["tables"].keys() - {"system_configurations", "configuration_history"}
    return [
        (table, name, constraint["definition"].removeprefix("CHECK "))
        for table in tables
        for name, constraint in load_expected()["tables"][table]["constraints"].items()
        if constraint["definition"].startswith("CHECK ") and name != "students_school_needs_district_check"
    ]


def _broken(state: int) -> dict[str, set[tuple[str, str]]]:
    """Table -> (id, CHECK) of what the rows break."""
    found: dict[str, set[tuple[str, str]]] = {}
    for table, name, condition in _checks(state):
        for (row,) in _all(f"SELECT id::text FROM {table} WHERE NOT {condition}"):
            found.setdefault(table, set()).add((row, name))
    return found


@STATES
def test_its_schema_is_made_as_the_facts_say(empty_db: str, state: int) -> None:
    known = predecessor.facts(state)
    with connection.cursor() as cursor:
        predecessor.create(cursor, state)
    assert [name for (name,) in _all('SELECT name FROM "SequelizeMeta" ORDER BY name')] == known["applied"]
    assert (
        dict(
            _all(
                "SELECT typname::text, array_agg(enumlabel::text ORDER BY enumsortorder)"
                " FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid GROUP BY typname"
            )
        )
        == known["enums"]
    )
    columns = _all(
        "SELECT relname::text, attname::text, format_type(atttypid, atttypmod), NOT attnotnull,"
        " pg_get_expr(adbin, adrelid) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        " LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum"
        " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND relname <> 'SequelizeMeta'"
    )
    assert {
        (table, name): {"type": type_, "null": null, "default": default}
        for table, name, type_, null, default in columns
    } == {
        (table, name): column for table, about in known["tables"].items() for name, column in about["columns"].items()
    }
    constraints = _all(
        "SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace AND contype <> 'n' AND conrelid <> '\"SequelizeMeta\"'::regclass"
    )
    assert set(constraints) == {
        (table, name, definition)
        for table, about in known["tables"].items()
        for name, definition in about["constraints"].items()
    }
    indexes = _all(
        "SELECT tablename::text, indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = format('%I', indexname)::regclass)"
    )
    assert set(indexes) == {
        (table, name, definition)
        for table, about in known["tables"].items()
        for name, definition in about["indexes"].items()
    }


@EDGES
def test_every_table_has_rows_that_are_sound(empty_db: str, state: int) -> None:
    with connection.cursor() as cursor:
        predecessor.create(cursor, state)
        counts = predecessor.fill(cursor, state)
    assert counts.keys() == predecessor.facts(state)["tables"].keys()
    assert {table: _all(f"SELECT count(*) FROM {table}")[0][0] for table in counts} == counts
    assert min(counts.values()) > 0
    assert _broken(state) == {}
    for table, column, parent in (
        ("contacts", "relationTo", "students"),
        ("incident_reports", "parentNotifiedBy", "users"),
        ("medication_logs", "witnessedBy", "users"),
    ):
        assert not _all(f'SELECT FROM {table} AS child LEFT JOIN {parent} AS p ON p.id = "{column}"'
                        f' WHERE "{column}" IS NOT NULL AND p.id IS NULL')  # fmt: skip
    assert not _all('SELECT FROM students JOIN schools ON schools.id = "schoolId"'
                    ' WHERE students."districtId" <> schools."districtId"')  # fmt: skip


@EDGES
def test_every_label_and_every_null_occurs(empty_db: str, state: int) -> None:
    with connection.cursor() as cursor:
        predecessor.create(cursor, state)
        predecessor.fill(cursor, state)
    known = predecessor.facts(state)
    for table, about in known["tables"].items():
        for name, column in about["columns"].items():
            ((null, said),) = _all(f'SELECT bool_or("{name}" IS NULL), bool_or("{name}" IS NOT NULL) FROM {table}')
            assert null is column["null"], (table, name)
            assert said is ((table, name) not in NEVER), (table, name)
            labels = known["enums"].get(column["type"].strip('"'))
            if labels and name not in ("scope", "valueType"):
                assert {row[0] for row in _all(f'SELECT DISTINCT "{name}"::text FROM {table}')} - {None} == set(labels)


@STATES
def test_each_misfit_breaks_one_rule(empty_db: str, state: int) -> None:
    with connection.cursor() as cursor:
        predecessor.create(cursor, state)
        predecessor.fill(cursor, state)
        misfits = predecessor.misfits(cursor, state)
    checks = {name for _, name, _ in _checks(state)}
    assert {reason for found in misfits.values() for _, reason in found} >= checks
    assert _broken(state) == {
        table: broken
        for table, found in misfits.items()
        if (broken := {(row, reason) for row, reason in found if reason in checks})
    }
    assert all(len({row for row, _ in found}) == len(found) for found in misfits.values())


class Heard:
    """A cursor that notes what it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []

    def execute(self, query: Any, params: Any = None, /) -> None:
        """Note a statement."""
        self.heard.append((query, params))

    def fetchone(self) -> None:
        """Nothing."""


def test_the_same_seed_makes_the_same_rows() -> None:
    first, second, other = Heard(), Heard(), Heard()
    for cursor, seed in ((first, 7), (second, 7), (other, 8)):
        predecessor.fill(cursor, 7, rows=20, seed=seed)
    assert first.heard == second.heard
    assert first.heard != other.heard
