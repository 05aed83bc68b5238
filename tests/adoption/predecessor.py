"""The databases of the project's predecessor, made afresh for tests: the schema in each of its five states, and rows.

A state is how many of its seven migrations had run, 3 to 7. predecessor.json has each type, column, constraint, index
and migration once, with the first state that has it (`since`) and, where it changes, the last (`until`).
"""

import json
import random
import re
import uuid
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tests.adoption import awkward
from tests.adoption.awkward import Value
from tests.adoption.misfitting import MISFITS, NOBODY, Misfit
from tests.adoption.own_settings import LOCAL_RULES, LOCAL_SETTINGS, SETTINGS

STATES = (3, 4, 5, 6, 7)
# The word 'password'.
BCRYPT = "$2b$10$N9qo8uLOickgx2ZMRZoMye8fOsiTWZqYtkxvXkKm8BMzjT7t/vIdq"
EPOCH = "2025-01-03 08:15:30.123456+00"
# Columns that mean a row of another table, with no foreign key that says so.
UNDECLARED = {
    ("contacts", "relationTo"): "students",
    ("incident_reports", "parentNotifiedBy"): "users",
    ("medication_logs", "witnessedBy"): "users",
}
# Columns that hold the id of a user who may be gone.
AUDIT = ("createdBy", "updatedBy")
UNIQUE = ("code", "studentNumber", "medicalRecordNum")
# What chronic_conditions.status says, also where it is no enum yet.
CONDITION_STATUS = ("ACTIVE", "MANAGED", "RESOLVED", "MONITORING", "INACTIVE")
Row = dict[str, Value]
T = TypeVar("T")


class Cursor(Protocol):
    """A cursor of psycopg or of Django."""

    def execute(self, sql: Any, params: Any = None, /) -> Any:
        """Run a statement."""

    def fetchone(self) -> Any:
        """The next row."""


@cache
def _lines() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = json.loads(
        Path(__file__).with_name("predecessor.json").read_text(encoding="utf-8")
    )
    return found


def facts(state: int) -> dict[str, Any]:
    """Its schema in one state.

    {"applied": [migration], "enums": {name: [label]}, "tables": {name: {"columns": {name: {"type", "null", "default"}},
    "constraints": {name: definition}, "indexes": {name: CREATE INDEX ... ON public.table ...}}}}
    """
    if state not in STATES:
        raise ValueError(f"The predecessor's states are {STATES[0]} to {STATES[-1]}, not {state}.")
    now = {
        part: [line for line in lines if line["since"] <= state <= line.get("until", STATES[-1])]
        for part, lines in _lines().items()
    }
    tables: dict[str, dict[str, dict[str, Any]]] = {}
    for line in now["columns"]:
        table = tables.setdefault(line["table"], {"columns": {}, "constraints": {}, "indexes": {}})
        column = {"type": line["type"], "null": line.get("null", False), "default": line.get("default")}
        table["columns"][line["column"]] = column
    for line in now["constraints"]:
        tables[line["table"]]["constraints"][line["constraint"]] = line["definition"]
    for line in now["indexes"]:
        tables[line["table"]]["indexes"][line["index"]] = (
            f"CREATE {'UNIQUE ' if line.get('unique') else ''}INDEX {_bare(line['index'])} ON public.{line['table']} "
            f"USING {line['using']}"
        )
    return {
        "applied": [line["migration"] for line in now["applied"]],
        "enums": {line["enum"]: line["labels"] for line in now["enums"]},
        "tables": tables,
    }


def create(cursor: Cursor, state: int, *, keys: bool = True) -> None:
    """Make its schema in the current schema of an empty database. `keys=False` leaves those to `add_keys`."""
    known = facts(state)
    statements = [
        f"CREATE TYPE {_quoted(enum)} AS ENUM ({', '.join(map(_literal, labels))})"
        for enum, labels in known["enums"].items()
    ]
    for table, about in known["tables"].items():
        columns = [
            f"{_quoted(name)} {column['type']}"
            + (f" DEFAULT {column['default']}" if column["default"] is not None else "")
            + ("" if column["null"] else " NOT NULL")
            for name, column in about["columns"].items()
        ]
        statements.append(f"CREATE TABLE {_quoted(table)} ({', '.join(columns)})")
    statements += [
        'CREATE TABLE "SequelizeMeta" (name character varying(255) NOT NULL PRIMARY KEY)',
        f'INSERT INTO "SequelizeMeta" VALUES {", ".join(f"({_literal(name)})" for name in known["applied"])}',
    ]
    # Without parameters nobody takes a '%' for one, and several statements go in one.
    cursor.execute(";\n".join(statements))
    if keys:
        add_keys(cursor, state)


def add_keys(cursor: Cursor, state: int) -> None:
    """Add the keys, indexes and foreign keys that `create(..., keys=False)` left out."""
    cursor.execute(";\n".join(keys_and_indexes(state)))


def keys_and_indexes(state: int) -> list[str]:
    """The statements of `add_keys`: primary and unique keys, indexes, foreign keys."""
    tables = facts(state)["tables"]
    constraints = [
        (
            definition.startswith("FOREIGN KEY"),
            f"ALTER TABLE {_quoted(table)} ADD CONSTRAINT {_quoted(name)} {definition}",
        )
        for table, about in tables.items()
        for name, definition in about["constraints"].items()
    ]
    return [
        *(statement for is_foreign, statement in constraints if not is_foreign),
        # Where the current schema is, not in `public`.
        *(
            definition.replace(" ON public.", " ON ", 1)
            for about in tables.values()
            for definition in about["indexes"].values()
        ),
        *(statement for is_foreign, statement in constraints if is_foreign),
    ]


def parents(known: Mapping[str, Any], table: str) -> dict[str, str]:
    """Column -> the table that it refers to, declared or not."""
    found = {}
    for definition in known["tables"][table]["constraints"].values():
        if key := re.match(r'FOREIGN KEY \("?(\w+)"?\) REFERENCES "?(\w+)"?\(', definition):
            found[key[1]] = key[2]
    return found | {column: parent for (child, column), parent in UNDECLARED.items() if child == table}


def in_order(known: Mapping[str, Any]) -> list[str]:
    """Its tables, each after those that it refers to."""
    done: list[str] = []
    while len(done) < len(known["tables"]):
        done += [
            table for table in known["tables"] if table not in done and set(parents(known, table).values()) <= set(done)
        ]
    return done


def insert(cursor: Cursor, table: str, rows: Sequence[Row]) -> None:
    """Insert rows of the same columns, many a statement."""
    names = list(rows[0])
    columns, places = ", ".join(map(_quoted, names)), f"({', '.join(['%s'] * len(names))})"
    at_once = 20_000 // len(names)  # PostgreSQL takes 65,535 parameters in a statement
    for start in range(0, len(rows), at_once):
        some = rows[start : start + at_once]
        cursor.execute(
            f"INSERT INTO {_quoted(table)} ({columns}) VALUES {', '.join([places] * len(some))}",
            [row[name] for row in some for name in names],
        )


def fill(cursor: Cursor, state: int, rows: int = 60, seed: int = 7) -> dict[str, int]:
    """Fill every table with rows that are awkward and sound: White Cross can hold each of them. Returns rows by table.

    From 60 rows on, every label of every column and every awkward value occurs, and a column that may be NULL is NULL
    in some rows and not in others; but all settings are the system's, STRING and without bounds, as its own interface
    made them. The first two users, an ADMIN and a NURSE, can sign in. The same arguments make the same rows.
    """
    filler = _Filler(facts(state), rows, random.Random(seed))  # noqa: S311
    for table in in_order(filler.known):
        insert(cursor, table, filler.make(table))
    return {table: len(made) for table, made in filler.made.items()}


def misfits(cursor: Cursor, state: int) -> dict[str, list[tuple[str, str]]]:
    """Add rows, after `fill`, that the predecessor holds and White Cross refuses, each for one reason.

    Returns table -> [(id, the constraint here that refuses the row, or the column whose value would change)].
    """
    known = facts(state)
    cursor.execute('SELECT id, "districtId" FROM schools ORDER BY id LIMIT 1')
    school, its_district = map(str, cursor.fetchone())
    cursor.execute("SELECT id FROM districts WHERE id <> %s ORDER BY id LIMIT 1", [its_district])
    other_district = str(cursor.fetchone()[0])
    # Chosen before there are misfits, as what refers to one is one itself.
    sound = {}
    for table in known["tables"]:
        cursor.execute(f"SELECT id FROM {_quoted(table)} ORDER BY id LIMIT 1")
        sound[table] = str(cursor.fetchone()[0])
    stranger: Misfit = ("students", "students_school_district_fkey", {"schoolId": school, "districtId": other_district})
    found: dict[str, list[tuple[str, str]]] = {}
    for number, (table, reason, values) in enumerate((*MISFITS, stranger)):
        columns = known["tables"].get(table, {}).get("columns", {})
        if not values.keys() <= columns.keys() or (reason == "status" and not _is_text(columns["status"]["type"])):
            continue
        row = {**_ordinary(known, table, number, sound), **values}
        insert(cursor, table, [row])
        if reason is not None:
            found.setdefault(table, []).append((str(row["id"]), reason))
    if "system_configurations" in known["tables"]:
        cursor.execute(
            "UPDATE system_configurations SET value = '5000' WHERE key = 'MAX_FILE_UPLOAD_SIZE_MB' RETURNING id"
        )
        changed = str(cursor.fetchone()[0])
        found["system_configurations"] = [(changed, "system_configurations_check_value")]
    return found


def _ordinary(known: Mapping[str, Any], table: str, number: int, sound: Mapping[str, str]) -> Row:
    """A row without anything special: what has no default, and no more. `sound`: table -> the row to refer to."""
    refers = parents(known, table)
    row: Row = {}
    for name, column in known["tables"][table]["columns"].items():
        if name == "id":
            row[name] = str(uuid.uuid5(uuid.NAMESPACE_OID, f"misfit {table} {number}"))
        elif column["null"] or column["default"] is not None:
            continue
        elif name in refers:
            row[name] = sound[refers[name]]
        elif labels := known["enums"].get(column["type"].strip('"')):
            row[name] = labels[0]
        elif _is_text(column["type"]):
            row[name] = BCRYPT if name == "password" else f"Misfit {number}"
        else:
            row[name] = "2024-09-02"
    return row


class _Filler:
    """Makes the rows, table by table."""

    def __init__(self, known: dict[str, Any], size: int, rng: random.Random) -> None:
        self.known, self.size, self.rng = known, size, rng
        self.made: dict[str, list[Row]] = {}

    def make(self, table: str) -> list[Row]:
        """The rows of a table; those that they refer to are made."""
        special = {
            "users": self._users,
            "system_configurations": self._settings,
            "configuration_history": self._history,
        }
        self.made[table] = special[table]() if table in special else self._rows(table, self.size)
        return self.made[table]

    def _rows(self, table: str, size: int) -> list[Row]:
        together = awkward.TOGETHER.get(table, {})
        if table == "students":
            schools = [(school["id"], school["districtId"]) for school in self.made["schools"][:10]]
            # A school's student may have no district, as that follows.
            places = [*schools, *((school, None) for school, _ in schools), (None, schools[0][1]), (None, None)]
            together = {("schoolId", "districtId"): places}
        columns: dict[str, list[Value]] = {}
        for names, values in together.items():
            for name, column_values in zip(names, zip(*self._dealt(values, size), strict=True), strict=True):
                columns[name] = list(column_values)
        for name, column in self.known["tables"][table]["columns"].items():
            if name not in columns:
                columns[name] = self._column(table, name, column, size)
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]

    def _column(self, table: str, name: str, column: dict[str, Any], size: int) -> list[Value]:
        if name == "id":
            return [self._identifier() for _ in range(size)]
        nulls = 0
        if column["null"]:
            nulls = max(1, size * 5 // 6 if name in awkward.RARE else size // 6)
        values: list[Value] = [*self._dealt(self._pool(table, name, column["type"]), size - nulls), *[None] * nulls]
        self.rng.shuffle(values)
        if name in UNIQUE:
            most = _most(column["type"])
            values = [None if value is None else f"{number}-{value}"[:most] for number, value in enumerate(values, 1)]
        return values

    def _pool(self, table: str, name: str, type_: str) -> Sequence[Value]:
        """The values from which a column's are taken, but for NULL."""
        if pool := awkward.COLUMNS.get(f"{table}.{name}", awkward.COLUMNS.get(name)):
            return pool
        if parent := parents(self.known, table).get(name):
            return [row["id"] for row in self.made[parent]]
        if name in AUDIT:
            return [
                *(row["id"] for row in self.made.get("users", [])[:10]),
                *(self._identifier() for _ in range(3)),
                NOBODY,
            ]
        labels = self.known["enums"].get(type_.strip('"'))
        if labels or (table, name) == ("chronic_conditions", "status"):
            return list(labels or CONDITION_STATUS)
        if _is_text(type_):
            indexes = self.known["tables"][table]["indexes"].values()
            return awkward.texts(_most(type_), is_indexed=any(re.search(rf"\b{name}\b", line) for line in indexes))
        return awkward.BY_TYPE[type_]

    def _dealt(self, pool: Sequence[T], size: int) -> list[T]:
        """So many of the pool, each as often as the others, in no order."""
        dealt = [value for _ in range(size // len(pool)) for value in pool]
        dealt += self.rng.sample(pool, size - len(dealt))
        self.rng.shuffle(dealt)
        return dealt

    def _identifier(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def _users(self) -> list[Row]:
        rows = self._rows("users", self.size)
        for number, row in enumerate(rows, 1):
            row |= {
                "email": f"User{number}@Example.ORG" if number % 5 == 0 else f"user{number}@example.org",
                "password": BCRYPT,
            }
        school = self.made["schools"][0]
        for row, role in zip(rows, ("ADMIN", "NURSE"), strict=False):
            row |= {"role": role, "schoolId": school["id"], "districtId": school["districtId"], "isActive": "true"}
            row |= {
                "failedLoginAttempts": "0",
                "lockoutUntil": None,
                "twoFactorEnabled": "false",
                "twoFactorSecret": None,
            }
            row |= dict.fromkeys(("passwordChangedAt", "lastPasswordChange"), EPOCH) | {"mustChangePassword": "false"}
        return rows

    def _settings(self) -> list[Row]:
        rows = self._rows("system_configurations", len(SETTINGS) + LOCAL_SETTINGS)
        for row, setting in zip(rows, SETTINGS, strict=False):
            row |= {"key": setting.key, "value": setting.value, "category": setting.category, "isActive": "true"}
            row |= {"validationRules": setting.rules, "validValues": "{}", "defaultValue": None}
        local = rows[len(SETTINGS) :]
        for number, (row, value) in enumerate(zip(local, self._dealt(awkward.TEXTS, len(local)), strict=True)):
            row |= {"key": f"LOCAL_SETTING_{number}", "value": value}
            row |= {"validationRules": LOCAL_RULES[number % len(LOCAL_RULES)], "validValues": (None, "{}")[number % 2]}
        local[0] |= {"value": "42.50", "defaultValue": "1e3", "validationRules": '{"type": "number"}'}
        local[1] |= {"value": "two, three", "defaultValue": "one", "validValues": '{one,"two, three"}'}
        columns = self.known["tables"]["system_configurations"]["columns"]
        always: Row = {"scope": "SYSTEM", "scopeId": None, "valueType": "STRING", "minValue": None, "maxValue": None}
        for row in rows:
            row |= {"createdAt": EPOCH, "updatedAt": EPOCH, **always}
        return [{name: row[name] for name in columns} for row in rows]

    def _history(self) -> list[Row]:
        rows = self._rows("configuration_history", self.size)
        settings = self.made["system_configurations"][: len(SETTINGS) + 3]
        earlier = {setting.key: setting.earlier for setting in SETTINGS}
        people = [row["id"] for row in self.made["users"]]
        for number, row in enumerate(rows):
            setting = settings[number % len(settings)]
            # To and fro, until it is what it is.
            values = [setting["value"], earlier.get(setting["key"] or "", "earlier")]
            if (len(rows) - 1 - number) // len(settings) % 2:
                values.reverse()
            row |= {"configurationId": setting["id"], "configKey": setting["key"]}
            row |= {"newValue": values[0], "oldValue": None if number < len(settings) else values[1]}
            row["changedBy"] = people[number % len(people)]
            row["createdAt"] = (
                f"2025-02-{1 + number * 27 // len(rows):02} 12:{number % 60:02}:00.000{number % 1000:03}+00"
            )
        return rows


def _most(type_: str) -> int | None:
    """How many characters a type takes; None for as many as there are."""
    return int(found[1]) if (found := re.search(r"\((\d+)\)", type_)) else None


def _is_text(type_: str) -> bool:
    return type_ == "text" or type_.startswith("character varying")


def _bare(name: str) -> str:
    """A name as PostgreSQL writes it in definitions."""
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else _quoted(name)


def _quoted(name: str) -> str:
    return f'"{name}"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
