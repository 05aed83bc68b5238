"""What the predecessor's databases hold, by state: how many of its seven migrations had run, 3 to 7.

The facts (tables, columns, types) were read off databases that those migrations made; see predecessor.json.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

STATES = (3, 4, 5, 6, 7)
# Its own record of the migrations that have run.
RECORD = "SequelizeMeta"
# The tables without which a database is none of the predecessor's.
LEAST = ("districts", "schools", "users", "students")


@dataclass(frozen=True)
class Column:
    """A column as the predecessor made it: since which state, of which type. `before`: its type in earlier states."""

    type: str
    since: int
    null: bool
    before: str | None


@dataclass(frozen=True)
class Table:
    """A table of the predecessor's: since which state, and its columns in all states."""

    since: int
    columns: dict[str, Column]


@cache
def _facts() -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(Path(__file__).with_name("predecessor.json").read_text(encoding="utf-8"))
    return facts


@cache
def tables() -> dict[str, Table]:
    """Its tables by name."""
    return {
        name: Table(
            facts["since"],
            {
                column: Column(
                    about["type"], about.get("since", facts["since"]), about.get("null", False), about.get("before")
                )
                for column, about in facts["columns"].items()
            },
        )
        for name, facts in _facts()["tables"].items()
    }


def enum_types() -> frozenset[str]:
    """The names of its enum types in all states."""
    return frozenset(_facts()["enums"])


def migrations() -> list[str]:
    """The names under which it records its migrations, in order."""
    return list(_facts()["applied"])


def columns_of(state: int) -> dict[str, set[str]]:
    """Table -> columns, of one state."""
    return {
        name: {column for column, facts in table.columns.items() if facts.since <= state}
        for name, table in tables().items()
        if table.since <= state
    }
