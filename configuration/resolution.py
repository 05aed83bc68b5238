"""Which value holds: that of the user, else of the school, the district, the system, else the default. Pure.

A row counts where it is active and, for a declared key, where the code can work with its value. The default is that of
the system's row (also where the row is inactive), and after it the declared one.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from configuration.enums import ConfigScope, ConfigValueType
from configuration.parameters import DECLARED, Parameter, near
from configuration.values import ValueTextError, parse

SECRET = "secret"  # noqa: S105 - the tag's name
DEFAULT, DECLARED_DEFAULT = "DEFAULT", "DECLARED"
PRECEDENCE = (ConfigScope.USER, ConfigScope.SCHOOL, ConfigScope.DISTRICT, ConfigScope.SYSTEM)
MUTABLE = (ConfigValueType.JSON, ConfigValueType.ARRAY)


class UnknownSettingError(LookupError):
    """No such key is stored or declared."""

    def __init__(self, key: str, known: Iterable[str]) -> None:
        self.key, self.near = key, near(key, known)
        hint = f" Did you mean {' or '.join(self.near)}?" if self.near else ""
        super().__init__(f"There is no setting {key!r}.{hint}")


class NoValueError(LookupError):
    """The key is known, but no row that counts says a value here, and there is no default."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The setting {key!r} has no value here: store one for the system, or a default.")


Ids = tuple[uuid.UUID | None, uuid.UUID | None, uuid.UUID | None]  # of a user, a school, a district


class Missing:
    """Stands where no value is."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()


@dataclass(frozen=True)
class Row:
    """What of a row of system_configurations reading needs. `text` and `default_text` are as the table holds them."""

    id: uuid.UUID
    key: str
    scope: str
    scope_id: uuid.UUID | None
    text: str
    value_type: str
    default_text: str | None = None
    is_active: bool = True
    is_editable: bool = True
    requires_restart: bool = False
    tags: Sequence[str] | None = None


@dataclass(frozen=True)
class Candidate:
    """Where a value may stand. `source`: a scope, DEFAULT or DECLARED; `why_not`: why it does not count.

    `text` is the value as the table holds it; None for what no row says.
    """

    source: str
    scope_id: uuid.UUID | None
    row_id: uuid.UUID | None
    value: Any
    why_not: str | None = None
    text: str | None = None


@dataclass(frozen=True)
class Explanation:
    """The value that holds, who decided (`source`), and all candidates in their order, so also what was hidden."""

    key: str
    value: Any
    source: str
    scope_id: uuid.UUID | None
    is_secret: bool
    requires_restart: bool
    candidates: tuple[Candidate, ...]

    @property
    def hidden(self) -> tuple[Candidate, ...]:
        """The values that would hold if the deciding one did not."""
        counting = [candidate for candidate in self.candidates if candidate.why_not is None]
        return tuple(counting[1:])


class Setting:
    """A key as reading finds it: the value for everybody, and by id those of users, schools and districts."""

    __slots__ = ("districts", "mutable", "overridden", "schools", "users", "value")

    def __init__(self, value: Any, overrides: Mapping[str, dict[Any, Any]], *, mutable: bool) -> None:
        self.value, self.mutable = value, mutable
        self.users, self.schools, self.districts = (overrides.get(scope, {}) for scope in PRECEDENCE[:-1])
        self.overridden = any(overrides.values())

    def at(self, ids: Ids) -> Any:
        """The value for these ids of a user, a school and a district; MISSING where there is none."""
        user, school, district = ids
        if self.users and user in self.users:
            return self.users[user]
        if self.schools and school in self.schools:
            return self.schools[school]
        if self.districts and district in self.districts:
            return self.districts[district]
        return self.value


@dataclass(frozen=True)
class Snapshot:
    """All settings at one moment. `district_of`: school id -> district id. `problems`: rows that do not count."""

    settings: dict[str, Setting] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    district_of: Mapping[Any, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def snapshot_of(
    rows: Iterable[Row], district_of: Mapping[Any, Any] | None = None, declared: Mapping[str, Parameter[Any]] = DECLARED
) -> Snapshot:
    """Arrange rows for reading."""
    by_key: dict[str, list[Row]] = {key: [] for key in declared}
    for row in rows:
        by_key.setdefault(row.key, []).append(row)
    settings: dict[str, Setting] = {}
    problems: list[str] = []
    for key, stored in by_key.items():
        parameter = declared.get(key)
        overrides: dict[str, dict[Any, Any]] = {scope: {} for scope in PRECEDENCE[:-1]}
        for row in stored:
            candidate = candidate_of(row, parameter)
            if row.scope != ConfigScope.SYSTEM and candidate.why_not is None:
                overrides[row.scope][row.scope_id] = candidate.value
            if candidate.why_not and row.is_active:
                problems.append(f"{key} ({_place(row)}): {candidate.why_not}")
        value = next((one.value for one in _of_the_system(stored, parameter) if one.why_not is None), MISSING)
        mutable = any(row.value_type in MUTABLE for row in stored) or isinstance(value, list | dict)
        settings[key] = Setting(value, overrides, mutable=mutable)
    return Snapshot(settings, by_key, district_of or {}, tuple(problems))


def _place(row: Row) -> str:
    return str(row.scope) if row.scope_id is None else f"{row.scope} {row.scope_id}"


def candidate_of(row: Row, parameter: Parameter[Any] | None) -> Candidate:
    """The value that a row offers, and why it does not count, if it does not."""
    return _judged(str(row.scope), row, row.text, parameter, None if row.is_active else "is not active")


def _judged(source: str, row: Row, text: str, parameter: Parameter[Any] | None, why_not: str | None) -> Candidate:
    try:
        value = parse(row.value_type, text)
    except ValueTextError as error:
        return Candidate(source, row.scope_id, row.id, None, why_not or str(error), text)
    if why_not is None and parameter is not None:
        why_not = parameter.problem(row.value_type, value)
        if row.scope not in parameter.scopes:
            why_not = f"the code that reads it asks for no {row.scope}"
    return Candidate(source, row.scope_id, row.id, value, why_not, text)


def _of_the_system(stored: list[Row], parameter: Parameter[Any] | None) -> list[Candidate]:
    found = []
    for row in stored:
        if row.scope == ConfigScope.SYSTEM:
            found.append(candidate_of(row, parameter))
            if row.default_text is not None:
                found.append(_judged(DEFAULT, row, row.default_text, parameter, None))
    if parameter is not None:
        found.append(Candidate(DECLARED_DEFAULT, None, None, parameter.default))
    return found


def ids_of(user: Any, school: Any, district: Any, district_of: Mapping[Any, Any]) -> Ids:
    """For whom a value is asked: ids of the user, the school and the district, each None where there is none.

    A user's school and district follow from the user, a school's district from the school. Raises TypeError for what is
    neither an instance nor, for a school or a district, an id.
    """
    try:
        user_id = None
        if user is not None:
            user_id = user.id  # None for AnonymousUser
            if user_id is not None and school is None and district is None:
                school, district = user.school_id, user.district_id
        school_id = school if school is None or school.__class__ is uuid.UUID else school.id
        if school_id is not None:
            district = district_of.get(school_id, district)
        district_id = district if district is None or district.__class__ is uuid.UUID else district.id
    except AttributeError:
        given = ", ".join(type(thing).__name__ for thing in (user, school, district) if thing is not None)
        raise TypeError(f"Pass a User, a School or its id, a District or its id; not {given}.") from None
    return user_id, school_id, district_id


def copied(value: Any) -> Any:
    """A copy of what JSON holds, so that no reader changes another's value."""
    if isinstance(value, list):
        return [copied(member) for member in value]
    if isinstance(value, dict):
        return {key: copied(member) for key, member in value.items()}
    return value


class Reader:
    """Reads a snapshot."""

    _snapshot = Snapshot()
    _settings: dict[str, Setting]
    _forced: Mapping[str, Setting] = {}  # by override()

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot, self._settings = snapshot, snapshot.settings

    def get(self, key: str, *, user: Any = None, school: Any = None, district: Any = None) -> Any:
        """The value of a key, in Python's type for its value type: the system's, or that of a user, school or district.

        `user` is a User, `school` and `district` are instances or ids. A user's school and district, and a school's
        district, follow by themselves. No query. Raises UnknownSettingError, NoValueError.
        """
        setting = self._settings.get(key)
        if setting is None:
            setting = self._find(key)
        value = setting.value
        if setting.overridden and not (user is None and school is None and district is None):
            value = setting.at(ids_of(user, school, district, self._snapshot.district_of))
        if value is MISSING:
            raise NoValueError(key)
        return copied(value) if setting.mutable else value

    def _find(self, key: str) -> Setting:
        raise UnknownSettingError(key, self._settings)

    def keys(self) -> list[str]:
        """The keys that are stored or declared, sorted."""
        self._ensure()
        return sorted(self._settings)

    def _ensure(self) -> None:
        """Make sure that there is something to read."""

    def explain(self, key: str, *, user: Any = None, school: Any = None, district: Any = None) -> Explanation:
        """Which row decides what `get` answers, and what it hides. Raises as `get` does."""
        self._ensure()
        if key not in self._settings:
            self._find(key)
        snapshot = self._snapshot
        stored, parameter = snapshot.rows.get(key, []), DECLARED.get(key)
        wanted = dict(zip(PRECEDENCE, ids_of(user, school, district, snapshot.district_of), strict=False))
        candidates = [
            candidate_of(row, parameter)
            for scope in PRECEDENCE[:-1]
            for row in stored
            if row.scope == scope and row.scope_id is not None and row.scope_id == wanted[scope]
        ]
        candidates += _of_the_system(stored, parameter)
        if (forced := self._forced.get(key)) is not None:
            candidates.insert(0, Candidate("OVERRIDE", None, None, forced.value))
        deciding = next((candidate for candidate in candidates if candidate.why_not is None), None)
        if deciding is None:
            raise NoValueError(key)
        return Explanation(
            key,
            copied(deciding.value),
            deciding.source,
            deciding.scope_id,
            is_secret=any(SECRET in (row.tags or ()) for row in stored),
            requires_restart=any(row.requires_restart for row in stored),
            candidates=tuple(candidates),
        )
