"""Takes settings over from a file: a plan of what would change, tried out on the database, then all or nothing."""

import copy
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction

from configuration import editing
from configuration.changing import changing
from configuration.enums import ConfigScope
from configuration.models import SystemConfiguration
from configuration.parameters import DECLARED, near
from configuration.places import Place, PlaceError, find_place, names_of, place_with
from configuration.transfer import NAMES, OF_SECRETS, TransferError, describe
from configuration.wording import Shown

CREATE, CHANGE, UNCHANGED, DELETE = "create", "change", "unchanged", "delete"
CUSTOM = "custom"

Where = tuple[str, str, Any]  # key, scope, id of whose value it is


@dataclass(frozen=True)
class Step:
    """What becomes of one row. `facts`: by the file's name, before and after. `setting`: the row as it will be."""

    deed: str
    key: str
    scope: str
    of: str | None
    facts: Mapping[str, tuple[Shown, Shown]]
    setting: SystemConfiguration

    @property
    def who(self) -> str:
        """Whose value it is, in words."""
        return " ".join(filter(None, (self.scope, self.of)))

    def as_json(self) -> dict[str, Any]:
        """For a machine."""
        return {
            "deed": self.deed,
            "key": self.key,
            "scope": self.scope,
            "of": self.of,
            "facts": {name: {"old": _plain(old), "new": _plain(new)} for name, (old, new) in self.facts.items()},
        }


def _plain(shown: Shown) -> str | None:
    return None if shown.text is None else "(secret)" if shown.secret else shown.text


@dataclass(frozen=True)
class Plan:
    """What an import does. `seen`: the rows on which it stands, by where they are, each with its version."""

    entries: list[dict[str, Any]]
    delete_missing: bool
    steps: tuple[Step, ...]
    seen: Mapping[Where, str]

    @property
    def to_do(self) -> list[Step]:
        """The steps that change something."""
        return [step for step in self.steps if step.deed != UNCHANGED]

    def count(self, deed: str) -> int:
        """How many steps do this."""
        return sum(step.deed == deed for step in self.steps)

    def summary(self) -> str:
        """What it does, in a sentence."""
        return (
            f"{self.count(CREATE)} to create, {self.count(CHANGE)} to change, {self.count(DELETE)} to delete,"
            f" {self.count(UNCHANGED)} unchanged."
        )


def plan_of(entries: list[dict[str, Any]], *, delete_missing: bool = False) -> Plan:
    """What the entries of a file would change. Every row is tried out on the database, and taken back.

    Raises TransferError with all that is wrong, EditError where somebody else does not let go of the settings.
    """
    with _alone(), transaction.atomic():
        _lock()
        plan = _compare(entries, delete_missing=delete_missing)
        with changing():
            problems = list(_carry_out(plan.steps))
        transaction.set_rollback(True)
    if problems:
        raise TransferError(*problems)
    return plan


def apply(plan: Plan, *, reason: str | None) -> None:
    """Carry a plan out, all or nothing. Raises StaleError where the settings are not as they were planned for."""
    reason = editing.require_reason(reason)
    with _alone(), changing(reason=reason):
        _lock()
        again = _compare(plan.entries, delete_missing=plan.delete_missing)
        if again.seen != plan.seen or [step.as_json() for step in again.steps] != [
            step.as_json() for step in plan.steps
        ]:
            raise editing.StaleError(
                "Somebody has changed these settings since the plan was made. Nothing was imported: look at a new plan."
            )
        if problems := list(_carry_out(again.steps)):
            raise TransferError(*problems)


@contextmanager
def _alone() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) not in editing.BUSY_STATES:
            raise
        raise editing.EditError(
            "Somebody else is changing settings and has not finished. Nothing was imported: try again in a moment."
        ) from None


def _lock() -> None:
    """Let others only read settings until the transaction ends. A row that they had locked could end in deadlock."""
    editing.be_patient()
    with connection.cursor() as cursor:
        cursor.execute(f'LOCK TABLE "{SystemConfiguration._meta.db_table}" IN EXCLUSIVE MODE')


def _compare(entries: list[dict[str, Any]], *, delete_missing: bool) -> Plan:
    stored: dict[Where, SystemConfiguration] = {
        (row.key, str(row.scope), row.scope_id): row for row in SystemConfiguration.objects.all()
    }
    problems: list[str] = []
    placed = _placed(entries, stored, problems)
    steps: list[Step] = []
    systems: dict[str, SystemConfiguration] = {}
    for where, (number, entry, place) in sorted(placed.items(), key=lambda item: _order(item[0])):
        try:
            step = _step(entry, place, stored.get(where), systems.get(where[0]))
        except TransferError as error:
            problems += [f"{describe(entry, number)}: {problem}" for problem in error.problems]
            continue
        steps.append(step)
        if place.scope == ConfigScope.SYSTEM:
            systems[where[0]] = step.setting
    if delete_missing:
        steps += _deletions({where: row for where, row in stored.items() if where not in placed})
    problems += [
        f"{step.key} ({step.who}) is read-only: only whoever runs the system changes it. Take the entry out."
        for step in steps
        if step.deed != UNCHANGED and _is_read_only(step, stored)
    ]
    if problems:
        raise TransferError(*problems)
    keys = {where[0] for where in placed}
    seen = {where: editing.version(row) for where, row in stored.items() if delete_missing or where[0] in keys}
    return Plan(entries, delete_missing, tuple(steps), seen)


def _order(where: Where) -> tuple[str, int, str]:
    return where[0], list(ConfigScope.values).index(where[1]), str(where[2])


def _placed(
    entries: list[dict[str, Any]], stored: Iterable[Where], problems: list[str]
) -> dict[Where, tuple[int, dict[str, Any], Place]]:
    """The entries by where they belong, with their numbers."""
    found: dict[Where, tuple[int, dict[str, Any], Place]] = {}
    known: dict[tuple[str, str], Place | str] = {(ConfigScope.SYSTEM, ""): Place()}
    orphans = {(scope, str(pk)): pk for _, scope, pk in stored}
    for number, entry in enumerate(entries, 1):
        name = entry["scope"], entry.get("of") or ""
        if name not in known:
            try:
                known[name] = find_place(*name)
            except PlaceError as error:
                # A value may outlive whose it was; the file names it by its id.
                known[name] = place_with(name[0], orphans[name]) if name in orphans else str(error)
        place = known[name]
        if isinstance(place, str):
            problems.append(f"{describe(entry, number)}: {place} Correct it, or take the entry out.")
            continue
        where = (entry["key"], place.scope, place.id)
        if where in found:
            problems.append(f"{describe(entry, number)}: is in the file twice, see entry {found[where][0]}. Keep one.")
        else:
            found[where] = number, entry, place
    return found


def _step(
    entry: dict[str, Any], place: Place, stored: SystemConfiguration | None, system: SystemConfiguration | None
) -> Step:
    setting = copy.copy(stored) if stored else _fresh(entry, place, system)
    before = {name: getattr(setting, attribute) if stored else None for name, attribute in NAMES.items()}
    for name, attribute in NAMES.items():
        if name in entry:
            setattr(setting, attribute, _from_file(name, entry[name]))
    secret = setting.is_secret or (stored is not None and stored.is_secret)
    facts = {
        name: (
            _shown(name, before[name], secret=secret),
            _shown(name, getattr(setting, attribute), secret=secret),
        )
        for name, attribute in NAMES.items()
        if name not in ("key", "scope") and before[name] != getattr(setting, attribute)
    }
    deed = CREATE if stored is None else CHANGE if facts else UNCHANGED
    return Step(deed, setting.key, place.scope, place.name, facts, setting)


def _fresh(entry: dict[str, Any], place: Place, system: SystemConfiguration | None) -> SystemConfiguration:
    key = entry["key"]
    if "value" not in entry:
        raise TransferError(
            "is new here, and the file says no value (of secrets it does not). Add one, or store it first: config set."
        )
    if system is not None:
        inherited = {name: getattr(system, name) for name in editing.INHERITED}
        return SystemConfiguration(key=key, scope=place.scope, scope_id=place.id, **{**inherited, "is_active": True})
    try:
        return editing.new(key, place.scope, place.id)
    except editing.NoSuchSettingError:
        if "valueType" not in entry:
            meant = near(key, DECLARED)
            hint = f" Did you mean {' or '.join(meant)}?" if meant else ""
            raise TransferError(f"nobody knows this key.{hint} To make it, say its valueType.") from None
        return SystemConfiguration(key=key, scope=place.scope, scope_id=place.id, tags=[CUSTOM])


def _from_file(name: str, fact: Any) -> Any:
    return float(fact) if name in ("minValue", "maxValue") and fact is not None else fact


def _shown(name: str, fact: Any, *, secret: bool) -> Shown:
    return Shown(None if fact is None else str(fact), secret=secret and name in OF_SECRETS)


def _deletions(rows: Mapping[Where, SystemConfiguration]) -> list[Step]:
    """The rows that the file does not have; overrides before what they override."""
    names = names_of((scope, pk) for _, scope, pk in rows)
    return [
        Step(
            DELETE,
            row.key,
            where[1],
            names.get(where[1:]),
            {"value": (_shown("value", row.value, secret=row.is_secret), Shown(None))},
            row,
        )
        for where, row in sorted(rows.items(), key=lambda item: _order(item[0]), reverse=True)
    ]


def _is_read_only(step: Step, stored: Mapping[Where, SystemConfiguration]) -> bool:
    here = (step.key, step.scope, step.setting.scope_id), (step.key, str(ConfigScope.SYSTEM), None)
    return any(where in stored and not stored[where].is_editable for where in here)


def _carry_out(steps: Iterable[Step]) -> Iterator[str]:
    """Write what the steps say. Yields what the database, or the code that reads it, has against a row."""
    for step in steps:
        if step.deed == UNCHANGED:
            continue
        try:
            with editing.refusals(), transaction.atomic():
                if step.deed == DELETE:
                    step.setting.delete()
                else:
                    step.setting.full_clean()
                    step.setting.save()
        except editing.EditError as error:
            yield f"{step.key} ({step.who}): {error}"
