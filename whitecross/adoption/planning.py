"""The plan of an adoption: what would be moved, how, and what stands in the way. Making one changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db.backends.utils import CursorWrapper

from core.schema.catalog import Catalog
from core.schema.expected import load_expected
from whitecross.adoption.fitting import Misfits, find_misfits
from whitecross.adoption.inspecting import Inspection, blockers_in_place, inspect, rights_and_dependents
from whitecross.adoption.mapping import Made, map_tables
from whitecross.adoption.roads import Road
from whitecross.adoption.sql import quoted

# Measured (benchmarks/results/adoption.json), with some to spare: rows a second, and bytes here for one there.
ROWS_A_SECOND = 75_000
BYTES_HERE = 1.0
OVERHEAD_S = 5
# Hashes that a sign-in here understands.
BCRYPT = r"^\$2[abxy]\$[0-9]{2}\$[./A-Za-z0-9]{53}$"
SHOWN = 1000  # misfits in JSON; all are in the table after an adoption


@dataclass(frozen=True)
class Choices:
    """What whoever adopts has allowed: to set aside what does not fit, and to round numbers."""

    set_aside: bool = False
    rounding: bool = False


@dataclass
class Plan:
    """What an adoption would do. `values_unknown`: table -> column that nobody knows -> rows with a value."""

    found: Inspection
    made: Made
    choices: Choices
    in_place: bool
    source: str
    rows: dict[str, int] = field(default_factory=dict)
    misfits: Misfits = field(default_factory=Misfits)
    values_unknown: dict[str, dict[str, int]] = field(default_factory=dict)
    rounded: dict[str, int] = field(default_factory=dict)
    blockers: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Rows there."""
        return sum(self.rows.values())

    @property
    def seconds(self) -> int:
        """About how long it takes."""
        return OVERHEAD_S + self.total // ROWS_A_SECOND

    @property
    def bytes(self) -> int:
        """About how much room it takes besides what is there."""
        return int(sum(self.found.bytes.values()) * BYTES_HERE)

    def refusals(self) -> list[str]:
        """Why this plan cannot be carried out with these choices; sentences."""
        refusals = [f"{blocker}." for blocker in self.blockers]
        if self.misfits.number and not self.choices.set_aside:
            refusals.append(
                f"{counted(self.misfits.number, 'row does', 'rows do')} not fit: mend them in the predecessor's "
                "database, or say --set-aside."
            )
        if self.values_unknown and not self.choices.set_aside:
            names = [f"{table}.{column}" for table, columns in self.values_unknown.items() for column in columns]
            refusals.append(
                f"{', '.join(names)}: the predecessor never made such a column, and there are values in it. "
                "Say --set-aside to keep them in adoption_rejects."
            )
        return refusals

    def as_json(self) -> dict[str, Any]:
        """For machines. No values of rows."""
        return {
            "source": self.source,
            "inPlace": self.in_place,
            "state": self.found.state,
            "server": self.found.server,
            "schema": self.found.schema,
            "migrations": self.found.applied,
            "setAside": self.choices.set_aside,
            "round": self.choices.rounding,
            "tables": [
                {
                    "table": table,
                    "rows": self.rows[table],
                    "bytes": self.found.bytes.get(table, 0),
                    "doNotFit": len(self.misfits.of(table)),
                    "converted": mapping.said(),
                }
                for table, mapping in self.made.items()
            ],
            "doNotFit": [
                {"table": table, "rule": rule, "why": why, "rows": number}
                for (table, rule, why), number in self.misfits.by_rule().items()
            ],
            "rows": [
                {"table": table, "id": row, "reasons": [reason.as_json() for reason in reasons]}
                for table, rows in self.misfits.rows.items()
                for row, reasons in rows.items()
            ][:SHOWN],
            "unknownColumns": self.values_unknown,
            "rounded": self.rounded,
            "notes": self.notes,
            "refusals": self.refusals(),
            "estimate": {"seconds": self.seconds, "bytes": self.bytes},
        }


def make_plan(
    road: Road, choices: Choices, *, schema: str | None = None, told: Callable[[str], None] = lambda table: None
) -> Plan:
    """Look at the predecessor's database, within the caller's `road.look()`, and say what adoption would do.

    `schema` is where its tables stand, if they have been moved. `told` hears which table is being read. Raises
    NoPredecessorError and TooManyError.
    """
    expected = load_expected()
    found = inspect(road.there, schema)
    made = map_tables(found, expected, rounding=choices.rounding)
    plan = Plan(found, made, choices, road.is_in_place, road.label, notes=list(found.notes))
    with road.there.cursor() as cursor:
        plan.blockers = [*found.blockers, *(blocker for mapping in made.values() for blocker in mapping.blockers)]
        if road.is_in_place and schema is None:
            # Whatever stays where it is hinders only where our tables come to stand beside it.
            plan.blockers += [*found.collisions, *blockers_in_place(cursor, found)]
            plan.notes += rights_and_dependents(cursor, found)
        for table in made:
            _count(cursor, plan, table)
        if plan.blockers:
            return plan
        for mapping in made.values() if choices.rounding else ():
            _count_rounded(cursor, plan, mapping)
        plan.misfits = find_misfits(cursor, made, here=road.here, expected=expected, relation=found.relation, told=told)
        _passwords(cursor, plan)
        _labels(plan, expected)
    return plan


def _count(cursor: CursorWrapper, plan: Plan, table: str) -> None:
    # One that White Cross has under that name comes over as any other.
    unknown = [name for name in plan.found.unknown_columns.get(table, []) if name not in plan.made[table].names]
    counts = ", ".join(["count(*)", *(f"count({quoted(name)})" for name in unknown)])
    cursor.execute(f"SELECT {counts} FROM {plan.found.relation(table)}")
    plan.rows[table], *values = cursor.fetchone()
    if held := {name: number for name, number in zip(unknown, values, strict=True) if number}:
        plan.values_unknown[table] = held
    for name in sorted(set(unknown) - set(held)):
        plan.notes.append(f"unknown column {table}.{name}: empty, so nothing of it is brought over")


def _count_rounded(cursor: CursorWrapper, plan: Plan, mapping: Any) -> None:
    for column in mapping.columns:
        if column.conversion.how and column.conversion.how.endswith(", rounded"):
            name = quoted(column.name)
            cursor.execute(
                f"SELECT count(*) FROM {plan.found.relation(mapping.table)} AS t WHERE t.{name} <> round(t.{name}, 3)"
            )
            (number,) = cursor.fetchone()
            if number:
                plan.rounded[f"{mapping.table}.{column.name}"] = number


def _labels(plan: Plan, expected: Catalog) -> None:
    """Labels that somebody has added to the predecessor's types; a row that has one does not fit."""
    for table, mapping in plan.made.items():
        for column in mapping.columns:
            type_ = plan.found.columns(table).get(column.name, "").strip('"')
            added = [
                label
                for label in plan.found.catalog["enums"].get(type_, ())
                if column.enum and label not in expected["enums"][column.enum]
            ]
            if added:
                plan.notes.append(
                    f"the enum type {type_} of {table}.{column.name} has labels of its own: {', '.join(added)}"
                )


def _passwords(cursor: CursorWrapper, plan: Plan) -> None:
    cursor.execute(f"SELECT count(*) FROM {plan.found.relation('users')} WHERE password !~ '{BCRYPT}'")
    (number,) = cursor.fetchone()
    if number:
        plan.notes.append(
            f"{number:,} users have a password that is no bcrypt hash: it is carried over, but they need a new one"
        )


def counted(number: int, one: str, several: str) -> str:
    """A number and its noun."""
    return f"{number:,} {one if number == 1 else several}"
