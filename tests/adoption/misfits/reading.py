"""What is there, here and set aside, as texts."""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import connection

from core.schema.expected import load_expected
from tests.adoption.conftest import execute, on_a_database_of_its_own, url_of
from whitecross.adoption import moving
from whitecross.adoption.adopting import adopt, plan_only
from whitecross.adoption.planning import Choices, Plan
from whitecross.adoption.progress import Progress
from whitecross.adoption.rejects import Kept
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


def as_number(text: str | None) -> Decimal | str | None:
    """A number however it is written; any other text as it is."""
    try:
        return None if text is None else Decimal(text).normalize()
    except InvalidOperation:
        return text


def there(aside: Aside, table: str, row: str, **mended: str | None) -> dict[str, Any]:
    return {name: as_number(text) for name, text in {**aside.texts[table][row], **mended}.items()}
