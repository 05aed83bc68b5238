"""What people ask about settings: which there are, who decides a value, and what it hides.

Answers are plain data, the same for a terminal and for JSON. Values of secrets are left out.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from configuration.enums import ConfigCategory, ConfigScope
from configuration.models import SystemConfiguration
from configuration.parameters import DECLARED, VALUE_TYPES
from configuration.past import rows_at
from configuration.places import SYSTEM, Names, Place, names_of
from configuration.resolution import (
    DECLARED_DEFAULT,
    DEFAULT,
    SECRET,
    Candidate,
    NoValueError,
    Reader,
    Row,
    candidate_of,
    snapshot_of,
)
from configuration.wording import Shown, text_of
from core.models import School


@dataclass(frozen=True)
class Settings:
    """All settings at one moment: how they are read, and the facts of their rows by id."""

    reader: Reader
    rows: Mapping[uuid.UUID, Any]
    stored: Mapping[uuid.UUID, Row]
    secrets: frozenset[str]  # keys that have a row with the tag `secret`

    @cached_property
    def by_key(self) -> dict[str, list[Any]]:
        """The rows of each key that is stored or declared."""
        found: dict[str, list[Any]] = {key: [] for key in DECLARED}
        for row in self.rows.values():
            found.setdefault(row.key, []).append(row)
        return found

    @cached_property
    def names(self) -> Names:
        """What the districts, schools and users of the rows are called."""
        return names_of((row.scope, row.scope_id) for row in self.rows.values())

    def show(self, key: str, candidate: Candidate) -> Shown:
        """What a candidate offers, for people."""
        row, parameter = self.rows.get(candidate.row_id) if candidate.row_id else None, DECLARED.get(key)
        kind = row.value_type if row else VALUE_TYPES[parameter.type][0] if parameter else "STRING"
        return Shown(text_of(key, candidate), kind, key in self.secrets)

    def decided(self, key: str, place: Place = SYSTEM) -> "Decided":
        """Who decides a key's value. Raises UnknownSettingError."""
        try:
            explanation = self.reader.explain(key, **place.asked)
        except NoValueError:
            here = (ConfigScope.SYSTEM, None), (place.scope, place.id)
            rows = [self.stored[row.id] for row in self.by_key[key] if (row.scope, row.scope_id) in here]
            useless = tuple(candidate_of(row, DECLARED.get(key)) for row in rows)
            return Decided(key, Shown(None, secret=key in self.secrets), None, None, useless)
        deciding = next(one for one in explanation.candidates if one.why_not is None)
        return Decided(key, self.show(key, deciding), explanation.source, self.name(deciding), explanation.candidates)

    def name(self, candidate: Candidate) -> str | None:
        """The code or email of whose value it is; None for the system."""
        return self.names.get((candidate.source, candidate.scope_id))


@dataclass(frozen=True)
class Decided:
    """The value that holds, its source (None where there is no value) and whose it is."""

    key: str
    shown: Shown
    source: str | None
    of: str | None
    candidates: tuple[Candidate, ...] = ()

    @property
    def deciding(self) -> Candidate | None:
        """The first candidate that counts."""
        return next((one for one in self.candidates if one.why_not is None), None)

    @property
    def by(self) -> str:
        """Who decides, in words."""
        return " ".join(filter(None, (self.source, self.of))) or "nobody"


def read_now() -> Settings:
    """The settings as this connection finds them, also within its transaction. Three to five queries."""
    rows = {row.id: row for row in SystemConfiguration.objects.order_by("key", "scope", "scope_id")}
    stored = {
        row.id: Row(row.id, row.key, row.scope, row.scope_id, row.value, row.value_type, row.default_value,
                    row.is_active, row.is_editable, row.requires_restart, row.tags)
        for row in rows.values()
    }  # fmt: skip
    reader = Reader(snapshot_of(stored.values(), dict(School.objects.values_list("pk", "district_id"))))
    return Settings(reader, rows, stored, _secrets(stored.values()))


def _secrets(rows: Iterable[Row]) -> frozenset[str]:
    return frozenset(row.key for row in rows if SECRET in (row.tags or ()))


def read_at(at: dt.datetime) -> Settings:
    """The settings as they were at a moment. What is secret now is so for the past, too."""
    snapshot = rows_at(at)
    rows = {row.id: row for rows in snapshot.rows.values() for row in rows}
    return Settings(Reader(snapshot), rows, rows, _secrets(rows.values()) | read_now().secrets)


@dataclass(frozen=True)
class Listed:
    """A line of the list: a key, its value where the question was asked, and what is worth knowing about it."""

    decided: Decided
    category: str
    label: str
    overrides: int
    changed: bool
    stored: bool
    flags: Mapping[str, bool]
    useless: tuple[tuple[str, str], ...]  # whose row does not count, and why

    @property
    def marks(self) -> list[str]:
        """What is worth knowing, in words."""
        number = self.overrides
        return [
            *([f"{number} override{'s' * (number != 1)}"] if number else []),
            *(mark for mark, holds in self.flags.items() if holds),
            *([] if self.stored else ["not stored"]),
            *(f"{who} does not count: {why}" for who, why in self.useless),
        ]

    def as_json(self) -> dict[str, Any]:
        """For a machine."""
        return {
            **decided_json(self.decided),
            "category": self.category,
            "label": self.label,
            "overrides": self.overrides,
            "changed": self.changed,
            "stored": self.stored,
            "requiresRestart": self.flags["needs a restart"],
            "readOnly": self.flags["read-only"],
            "inactive": self.flags["inactive"],
            "doesNotCount": [{"row": who, "why": why} for who, why in self.useless],
        }


def decided_json(decided: Decided) -> dict[str, Any]:
    """A key and its value for a machine."""
    return {
        "key": decided.key,
        "value": decided.shown.json,
        "type": decided.shown.value_type,
        "source": decided.source,
        "of": decided.of,
        "secret": decided.shown.secret,
    }


def explanation_json(settings: Settings, decided: Decided) -> dict[str, Any]:
    """Who decides a value, what is hidden and what does not count, for a machine."""
    deciding = decided.deciding
    return {
        **decided_json(decided),
        "candidates": [
            {
                "source": one.source,
                "of": settings.name(one),
                "value": (shown := settings.show(decided.key, one)).json,
                "type": shown.value_type,
                "decides": one is deciding,
                "doesNotCount": one.why_not,
                "id": str(one.row_id) if one.row_id else None,
            }
            for one in decided.candidates
        ],
    }


def listed(settings: Settings, place: Place = SYSTEM) -> list[Listed]:
    """All keys, stored or declared, by category, in its order."""
    order = list(ConfigCategory.values)
    lines = [(_order(settings, key), _listed(settings, key, place)) for key in settings.by_key]
    return [line for _, line in sorted(lines, key=lambda pair: (order.index(pair[1].category), *pair[0]))]


def _order(settings: Settings, key: str) -> tuple[int, str]:
    rows = settings.by_key[key]
    return min((row.sort_order for row in rows), default=2**31), key


def _listed(settings: Settings, key: str, place: Place) -> Listed:
    rows, parameter = settings.by_key[key], DECLARED.get(key)
    first = next((row for row in rows if row.scope == ConfigScope.SYSTEM), rows[0] if rows else None)
    decided = settings.decided(key, place)
    candidates = settings.reader.explain(key).candidates if decided.source else ()
    default = next((one for one in candidates if one.source in (DEFAULT, DECLARED_DEFAULT)), None)
    overrides = [row for row in rows if row.scope != ConfigScope.SYSTEM]
    deciding = decided.deciding
    useless = [
        (_whose(settings, row), candidate_of(settings.stored[row.id], parameter).why_not or "")
        for row in rows
        if row.is_active
    ]
    return Listed(
        decided,
        category=said.category if (said := first or parameter) else ConfigCategory.GENERAL,
        label=(first.display_name if first else None) or (parameter.label if parameter else ""),
        overrides=len(overrides),
        changed=bool(overrides) or (default is not None and deciding is not None and deciding.value != default.value),
        stored=bool(rows),
        flags={
            "needs a restart": any(row.requires_restart for row in rows),
            "read-only": first is not None and not first.is_editable,
            "inactive": first is not None and not first.is_active,
        },
        useless=tuple((who, why) for who, why in useless if why),
    )


def _whose(settings: Settings, row: Any) -> str:
    return " ".join(filter(None, (str(row.scope), settings.names.get((row.scope, row.scope_id)))))
