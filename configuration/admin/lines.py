"""The list of settings: a line a key, with the value that holds and where it comes from."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from django.urls import reverse
from django.utils.http import urlencode

from configuration.admin.words import SOURCES, Shown, is_secret, shown
from configuration.enums import ConfigCategory, ConfigScope
from configuration.models import SystemConfiguration
from configuration.parameters import DECLARED, VALUE_TYPES, Parameter
from configuration.resolution import (
    DECLARED_DEFAULT,
    Candidate,
    NoValueError,
    Reader,
    Row,
    UnknownSettingError,
    candidate_of,
    snapshot_of,
)
from configuration.values import write

SYSTEM = ConfigScope.SYSTEM


def row_of(setting: Any) -> Row:
    """What reading needs of a setting."""
    return Row(
        setting.pk,
        setting.key,
        setting.scope,
        setting.scope_id,
        setting.value,
        setting.value_type,
        setting.default_value,
        setting.is_active,
        setting.is_editable,
        setting.requires_restart,
        setting.tags,
    )


def why_not(setting: Any) -> str:
    """Why a stored row does not count, as the end of a sentence; empty where it does."""
    return candidate_of(row_of(setting), DECLARED.get(setting.key)).why_not or ""


@dataclass(frozen=True)
class Offered:
    """Where a value may stand, in words. `why_not`: why it does not count; `holds`: whether it is the one."""

    source: str
    value: Shown
    why_not: str
    holds: bool


@dataclass(frozen=True)
class Line:
    """A key: its rows as they are stored, and the parameter that code declares."""

    key: str
    rows: tuple[Any, ...]

    @property
    def pk(self) -> Any:
        """The id of the system's row; None where there is none."""
        return self.system.pk if self.system else None

    @cached_property
    def parameter(self) -> Parameter[Any] | None:
        """What code says of the key."""
        return DECLARED.get(self.key)

    @cached_property
    def system(self) -> Any:
        """The row that holds for everybody, or None."""
        return next((row for row in self.rows if row.scope == SYSTEM), None)

    @cached_property
    def any_row(self) -> Any:
        """The row that says most about the key: the system's, else another's."""
        return self.system or next(iter(self.rows), None)

    @cached_property
    def overrides(self) -> list[Any]:
        """The rows of districts, schools and users."""
        return [row for row in self.rows if row.scope != SYSTEM]

    @property
    def is_known(self) -> bool:
        """Whether it is stored, or code declares it."""
        return bool(self.rows) or self.parameter is not None

    @cached_property
    def secret(self) -> bool:
        """Whether its values are shown to nobody."""
        return is_secret(self.rows)

    @property
    def category(self) -> str:
        """Under which heading it stands."""
        said = self.any_row or self.parameter
        return str(said.category if said else ConfigCategory.GENERAL)

    @property
    def is_security(self) -> bool:
        """Whether one of its rows stands under SECURITY, or code says so: then changes of all rows are confirmed."""
        said = [*self.rows, *([self.parameter] if self.parameter else [])]
        return any(one.category == ConfigCategory.SECURITY for one in said)

    @property
    def name(self) -> str:
        """What it is called."""
        given = self.any_row.display_name if self.any_row else None
        return given or (self.parameter.label if self.parameter else "") or self.key

    @property
    def description(self) -> str:
        """What it is for."""
        given = self.any_row.description if self.any_row else None
        return given or (self.parameter.help if self.parameter else "") or ""

    @property
    def url(self) -> str:
        """The key's page: that of the system's row, or where it is made."""
        name = "admin:configuration_systemconfiguration"
        if self.system:
            return reverse(f"{name}_change", args=[self.system.pk])
        return f"{reverse(f'{name}_add')}?{urlencode({'key': self.key})}"

    @property
    def key_quoted(self) -> str:
        """The key as a part of an address."""
        return quote(self.key, safe="")

    # What holds

    @cached_property
    def offers(self) -> list[Offered]:
        """Where the value for everybody may stand, the first that counts holding."""
        try:
            candidates = Reader(snapshot_of([row_of(row) for row in self.rows])).explain(self.key).candidates
        except (NoValueError, UnknownSettingError):
            candidates = (candidate_of(row_of(self.system), self.parameter),) if self.system else ()
        deciding = next((one for one in candidates if one.why_not is None), None)
        return [
            Offered(SOURCES.get(one.source, one.source), self._shown(one), one.why_not or "", one is deciding)
            for one in candidates
        ]

    def _shown(self, candidate: Candidate) -> Shown:
        if candidate.source == DECLARED_DEFAULT and self.parameter:
            kind = VALUE_TYPES[self.parameter.type][0]
            return shown(kind, write(kind, candidate.value), secret=self.secret)
        return shown(str(self.system.value_type), candidate.text, secret=self.secret)

    @property
    def told_offers(self) -> list[Offered]:
        """The offers but for a default of the code that the setting's own repeats."""
        return [one for number, one in enumerate(self.offers) if number == 0 or one != self.offers[number - 1]]

    @cached_property
    def holding(self) -> Offered | None:
        """What holds for everybody without a value of their own; None where nothing does."""
        return next((one for one in self.offers if one.holds), None)

    @cached_property
    def problems(self) -> list[tuple[Any, str]]:
        """The rows that do not count though they are active, and why."""
        found = [(row, why_not(row)) for row in self.rows if row.is_active]
        return [(row, why) for row, why in found if why]

    @property
    def own_values(self) -> str:
        """How many districts, schools and users have a value of their own, in words."""
        number = Counter(str(row.scope) for row in self.overrides)
        return ", ".join(
            f"{number[scope]} {scope.label.lower()}{'s' * (number[scope] != 1)}"
            for scope in (ConfigScope.DISTRICT, ConfigScope.SCHOOL, ConfigScope.USER)
            if number[scope]
        )

    # What the filters ask

    @property
    def scopes(self) -> set[str]:
        """For whom it has a value that is stored."""
        return {str(row.scope) for row in self.rows}

    @property
    def tags(self) -> set[str]:
        """The tags of all its rows."""
        return {tag for row in self.rows for tag in row.tags or ()}

    @cached_property
    def origin(self) -> str:
        """Where the value that holds for everybody comes from, in words."""
        if self.holding is None:
            return "no value"
        if self.holding.source == "default":
            return "default" if self.system else "default, not set"
        return "set" if self.differs else "as by default"

    @cached_property
    def differs(self) -> bool:
        """Whether the value for everybody is another than the default, or there is no default."""
        system = self.system
        if system is None or self.holding is None or self.holding.source == "default":
            return False
        if self.secret:
            return bool(system.value != system.default_value)
        defaults = [one.value for one in self.offers if one.source == "default" and not one.why_not]
        return not defaults or self.holding.value != defaults[0]

    @property
    def is_changed(self) -> bool:
        """Whether the value for everybody differs from the default, or somebody has another."""
        return self.differs or bool(self.overrides)

    @property
    def is_active(self) -> bool:
        """Whether the system's row is, where there is one."""
        return self.system is None or self.system.is_active

    @property
    def needs_restart(self) -> bool:
        """Whether a change takes effect after a restart."""
        return any(row.requires_restart for row in self.rows)

    @property
    def read_only(self) -> bool:
        """Whether people do not change it."""
        return self.system is not None and not self.system.is_editable

    def matches(self, words: Iterable[str]) -> bool:
        """Whether each word is in the key, the name or the description, in whatever case."""
        text = f"{self.key} {self.name} {self.description}".casefold()
        return all(word.casefold() in text for word in words)


def lines() -> list[Line]:
    """All keys that are stored or declared, by category and their order in it. One query."""
    by_key: dict[str, list[Any]] = {key: [] for key in DECLARED}
    for setting in SystemConfiguration.objects.order_by("scope", "scope_id"):
        by_key.setdefault(setting.key, []).append(setting)
    categories = list(ConfigCategory.values)

    def place(line: Line) -> tuple[int, int, str]:
        order = line.any_row.sort_order if line.any_row else 2**31
        return categories.index(line.category), order, line.key

    return sorted((Line(key, tuple(rows)) for key, rows in by_key.items()), key=place)


def line_of(key: str) -> Line:
    """One key, whether it is known or not. One query."""
    return Line(key, tuple(SystemConfiguration.objects.filter(key=key).order_by("scope", "scope_id")))
