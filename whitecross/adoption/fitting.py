"""Which rows do not fit: found by reading, before anything is moved.

A row breaks a rule of its own, or it depends on a row that does: then it would refer to nothing here.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from core.schema.catalog import Catalog
from whitecross.adoption.mapping import PLACES, SETTINGS, Made, Mapping
from whitecross.adoption.setting_rows import SEEDED
from whitecross.adoption.sql import array, literal, quoted

# More than these are no exceptions: something is wrong with the whole, and setting it aside would not be adoption.
MOST = 200_000
KEY = '"the row"'
JUDGES = (
    "setting_rules_problem(text,double precision,double precision,text[],jsonb)",
    "setting_value_problem(text,text,double precision,double precision,text[],jsonb)",
)


class TooManyError(Exception):
    """More rows do not fit than anybody would set aside. The message is a sentence for people."""


@dataclass(frozen=True)
class Reason:
    """Why a row does not fit: the rule, the columns that it is about, a sentence without values."""

    rule: str
    columns: tuple[str, ...]
    why: str

    def as_json(self) -> dict[str, object]:
        """For machines, and for `adoption_rejects.reasons`."""
        return {"rule": self.rule, "columns": list(self.columns), "why": self.why}


@dataclass
class Misfits:
    """Table -> id there, as text -> why."""

    rows: dict[str, dict[str, tuple[Reason, ...]]] = field(default_factory=dict)

    def add(self, table: str, row: str, reasons: Iterable[Reason]) -> None:
        """Note why a row does not fit. Raises TooManyError."""
        rows = self.rows.setdefault(table, {})
        rows[row] = rows.get(row, ()) + tuple(reasons)
        if self.number > MOST:
            raise TooManyError(
                f"More than {MOST:,} rows do not fit, the last of {table} ({rows[row][0].why}). Mend them in the "
                "predecessor's database first; manage.py adopt --plan then counts again."
            )

    @property
    def number(self) -> int:
        """How many rows do not fit."""
        return sum(map(len, self.rows.values()))

    def of(self, table: str) -> list[str]:
        """The ids of a table's rows that do not fit."""
        return list(self.rows.get(table, ()))

    def by_rule(self) -> dict[tuple[str, str, str], int]:
        """(table, rule, why) -> how many rows."""
        found: dict[tuple[str, str, str], int] = {}
        for table, rows in self.rows.items():
            for reasons in rows.values():
                for reason in reasons:
                    place = (table, reason.rule, reason.why)
                    found[place] = found.get(place, 0) + 1
        return found


def find_misfits(
    cursor: CursorWrapper,
    made: Made,
    *,
    here: BaseDatabaseWrapper,
    expected: Catalog,
    relation: Callable[[str], str],
    present: Collection[str] | None = None,
    told: Callable[[str], None] = lambda table: None,
) -> Misfits:
    """Read the tables and find what does not fit. Raises TooManyError.

    `here` judges values of settings. `relation` names a table in SQL; `present` are those that can be referred to,
    where not the tables that are read.
    """
    misfits = Misfits()
    for table, mapping in made.items():
        told(table)
        _broken(cursor, mapping, misfits)
        _dangling(cursor, mapping, misfits, made.keys() if present is None else present, relation)
        _twice(cursor, mapping, misfits)
        if table == SETTINGS:
            _judged(cursor, mapping, misfits, here, expected)
        _dependent(cursor, mapping, misfits)
        if table == SETTINGS and "scope" in mapping.names:
            _without_place(cursor, mapping, misfits)
            if present is None:  # else those that count are here, and the database asks them
                _judged_by_the_systems(cursor, mapping, misfits, here, expected)
    return misfits


def _read(cursor: CursorWrapper, sql: str) -> list[tuple[object, ...]]:
    cursor.execute(f"{sql} LIMIT {MOST + 1}")
    return list(cursor.fetchall())


def _row(mapping: Mapping, columns: Iterable[str], *extra: str) -> str:
    """A subquery of the row's id and some of its columns as they would be here."""
    by_name = {column.name: column.conversion.sql for column in mapping.columns}
    values = [f"{by_name[name]} AS {quoted(name)}" for name in dict.fromkeys(columns)]
    return f"(SELECT {', '.join([f't.id::text AS {KEY}', *values, *extra])} FROM {mapping.source}) AS c"


def _broken(cursor: CursorWrapper, mapping: Mapping, misfits: Misfits) -> None:
    rules, checks = mapping.every_rule(), mapping.checks
    if not rules and not checks:
        return
    flags = [f'{rule.broken} AS "rule {number}"' for number, rule in enumerate(rules)]
    conditions = [f'"rule {number}"' for number in range(len(rules))] + [f"({check.broken})" for check in checks]
    every = [*rules, *checks]
    which = ", ".join(f"CASE WHEN {condition} THEN {number} END" for number, condition in enumerate(conditions))
    rows = _row(mapping, (name for check in checks for name in check.columns), *flags)
    for row, numbers in _read(
        cursor, f"SELECT {KEY}, array_remove(ARRAY[{which}], NULL) FROM {rows} WHERE {' OR '.join(conditions)}"
    ):
        found = [every[number] for number in numbers]  # type: ignore[attr-defined]
        misfits.add(mapping.table, str(row), [Reason(rule.id, rule.columns, rule.why) for rule in found])


def _dangling(
    cursor: CursorWrapper, mapping: Mapping, misfits: Misfits, present: Collection[str], relation: Callable[[str], str]
) -> None:
    for key in mapping.keys:
        parent = relation(key.parent) if key.parent in present else "(SELECT NULL::uuid AS id LIMIT 0)"
        pairs = list(zip(key.columns, key.referred, strict=True))
        joined = " AND ".join(f"p.{quoted(referred)} = c.{quoted(column)}" for column, referred in pairs)
        given = " AND ".join(f"c.{quoted(column)} IS NOT NULL" for column in key.columns)
        rows = _row(mapping, key.columns)
        why = f"{', '.join(key.columns)}: no such row in {key.parent}"
        if len(pairs) > 1:
            why = f"{', '.join(key.columns)}: not as in {key.parent}"
        for (row,) in _read(
            cursor, f"SELECT {KEY} FROM {rows} LEFT JOIN {parent} AS p ON {joined} WHERE {given} AND p.id IS NULL"
        ):
            misfits.add(mapping.table, str(row), [Reason(key.name, key.columns, why)])


def _twice(cursor: CursorWrapper, mapping: Mapping, misfits: Misfits) -> None:
    for unique in mapping.uniques:
        ordering = [name for name in ("id", "createdAt", "lastLogin") if name in mapping.names]
        order = ", ".join(part for part in unique.order.split(", ") if part.split()[0].strip('"') in ordering)
        rows = _row(mapping, [*unique.columns, *ordering])
        present = (
            " AND ".join(f"c.{quoted(name)} IS NOT NULL" for name in unique.columns)
            if unique.nulls_distinct
            else "true"
        )
        ranked = (
            f"SELECT {KEY}, row_number() OVER ranking AS place FROM {rows} WHERE {present}"
            f" WINDOW ranking AS (PARTITION BY {unique.expression} ORDER BY {order})"
        )
        for (row,) in _read(cursor, f"SELECT {KEY} FROM ({ranked}) AS ranked WHERE place > 1"):
            misfits.add(mapping.table, str(row), [Reason(unique.name, unique.columns, unique.why)])


def _dependent(cursor: CursorWrapper, mapping: Mapping, misfits: Misfits) -> None:
    by_name = {column.name: column.conversion.sql for column in mapping.columns}
    for key in mapping.keys:
        gone = misfits.of(key.parent)
        if len(key.columns) > 1 or not gone or key.parent == mapping.table:
            continue
        (column,) = key.columns
        why = f"{column}: its row in {key.parent} does not fit"
        for (row,) in _read(
            cursor,
            f"SELECT t.id::text FROM {mapping.source} WHERE {by_name[column]} = ANY ({array(gone, 'uuid')})",
        ):
            misfits.add(mapping.table, str(row), [Reason(key.name, key.columns, why)])


def _without_place(cursor: CursorWrapper, mapping: Mapping, misfits: Misfits) -> None:
    """Settings of a district, school or user that does not fit: no foreign key says that they depend on it."""
    for scope, parent in PLACES.items():
        if gone := misfits.of(parent):
            reason = Reason(
                "system_configurations_place", ("scope", "scopeId"), f"scopeId: its row in {parent} does not fit"
            )
            rows = _row(mapping, ("scope", "scopeId"))
            condition = f"""c.scope = {literal(scope)} AND c."scopeId" = ANY ({array(gone, "uuid")})"""
            for (row,) in _read(cursor, f"SELECT {KEY} FROM {rows} WHERE {condition}"):
                misfits.add(mapping.table, str(row), [reason])


def _facts(cursor: CursorWrapper, mapping: Mapping, *extra: str) -> list[tuple[Any, ...]]:
    """Of each setting its id, what `judge_settings` asks for, and more columns."""
    names = ("valueType", "minValue", "maxValue", "validValues", "validationRules", "value", "defaultValue", *extra)
    values = [f"c.{quoted(name)}" if name in mapping.names else "NULL" for name in names]
    values[4] += "::text"  # so that psycopg makes no Python objects of it
    cursor.execute(
        f"SELECT {', '.join([KEY, *values])} FROM {_row(mapping, [name for name in names if name in mapping.names])}"
    )
    return list(cursor.fetchall())


def _judged(
    cursor: CursorWrapper, mapping: Mapping, misfits: Misfits, here: BaseDatabaseWrapper, expected: Catalog
) -> None:
    """Ask the functions that judge settings here, which the database there has not got."""
    for row, problem in judge_settings(here, _facts(cursor, mapping), expected):
        misfits.add(mapping.table, row, [Reason("system_configurations_check_value", ("value",), problem)])


def _judged_by_the_systems(
    cursor: CursorWrapper, mapping: Mapping, misfits: Misfits, here: BaseDatabaseWrapper, expected: Catalog
) -> None:
    """A district's, school's or user's value keeps to the type and the rules that the system's has for the key.

    The system's is the seeded one where the predecessor has none, or none that fits.
    """
    rows = [row for row in _facts(cursor, mapping, "key", "scope") if row[0] not in misfits.of(mapping.table)]
    cursor.execute(f"SELECT key, value_type, min_value, max_value, '{{}}'::text[], rules FROM {SEEDED.strip()}")
    systems = {key: facts for key, *facts in cursor.fetchall()}
    systems |= {key: row[:5] for row_id, *row, key, scope in rows if scope == "SYSTEM"}
    to_judge = []
    for row, type_, *_, value, default, key, scope in rows:
        if scope == "SYSTEM" or key not in systems:
            continue
        if type_ != systems[key][0]:
            why = f"valueType: the system's setting of this key is a {systems[key][0]}"
            misfits.add(mapping.table, row, [Reason("system_configurations_check_value", ("valueType",), why)])
        else:
            to_judge.append((row, *systems[key], value, default))
    for row, problem in judge_settings(here, to_judge, expected):
        why = f"by the rules of the system's setting of this key, {problem}"
        misfits.add(mapping.table, row, [Reason("system_configurations_check_value", ("value",), why)])


def judge_settings(
    here: BaseDatabaseWrapper, rows: Iterable[tuple[Any, ...]], expected: Catalog
) -> list[tuple[str, str]]:
    """(id, what is wrong) of the settings that the database would refuse.

    `rows`: id, type, minimum, maximum, valid values, rules, value, default value. Leaves nothing in the database.
    """
    found = []
    with transaction.atomic(using=here.alias), here.cursor() as cursor:
        for signature in JUDGES:
            name = signature.partition("(")[0]
            definition = "\n".join(expected["functions"][signature])
            cursor.execute(definition.replace(f" FUNCTION {name}(", f" FUNCTION pg_temp.{name}(", 1))
        for row, type_, least, most, valid, rules, value, default in rows:
            facts = (type_, least, most, valid, rules)
            cursor.execute("SELECT pg_temp.setting_rules_problem(%s, %s, %s, %s, %s::jsonb)", facts)
            problem = cursor.fetchone()[0]
            for what, text in (("value", value), ("default value", default)):
                if problem is None and text is not None:
                    cursor.execute(
                        "SELECT pg_temp.setting_value_problem(%s, %s, %s, %s, %s, %s::jsonb)", [text, *facts]
                    )
                    said = cursor.fetchone()[0]
                    problem = said and f"the {what} {said}"
            if problem:
                found.append((str(row), without_values(str(problem))))
        transaction.set_rollback(True, using=here.alias)
    return found


def without_values(problem: str) -> str:
    """What is wrong with a setting, without the valid values and patterns that some sentences end with."""
    return re.sub(r"(valid values|pattern) .*", r"\1", problem, flags=re.DOTALL)
