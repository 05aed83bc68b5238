"""Changes of one setting, and what came of them: what it was and is, and who decides now.

All raise what `configuration.editing` raises.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from configuration import editing
from configuration.models import ConfigurationHistory, SystemConfiguration
from configuration.parameters import DECLARED
from configuration.places import Place, place_with
from configuration.reporting import Decided, decided_json, read_now
from configuration.resolution import SECRET, UnknownSettingError
from configuration.wording import Shown

CUSTOM = "custom"


@dataclass(frozen=True)
class Outcome:
    """What came of a change. `old` and `new` are the place's own value; `now` is the value that holds there."""

    key: str
    scope: str
    where: str
    old: Shown
    new: Shown
    changed: bool
    now: Decided | None  # None where the setting is gone
    needs_restart: bool
    version: str | None

    def sentences(self) -> list[str]:
        """For people."""
        if not self.changed:
            return [f"{self.key} for {self.where} is {self.new} already. Nothing was changed."]
        said = [f"{self.key} for {self.where}: {self.old} -> {self.new}."]
        if self.old == self.new:
            said = [f"{self.key} for {self.where} stays {self.new}; what else is known of it changed."]
        if self.now is None:
            return [*said, "Nothing declares this key and no row has it: there is no such setting any more."]
        if self.now.source is None:
            said.append("No value holds there now: what reads it gets an error.")
        else:
            said.append(f"What holds there now: {self.now.shown}, from {self.now.by}.")
        said += [
            f"{candidate.source} does not count: {candidate.why_not}."
            for candidate in self.now.candidates
            if candidate.why_not and candidate.source == self.scope
        ]
        if self.needs_restart:
            said.append("It takes effect after a restart of the processes that read it.")
        return said

    def as_json(self) -> dict[str, Any]:
        """For a machine."""
        return {
            "key": self.key,
            "for": self.where,
            "old": self.old.json,
            "new": self.new.json,
            "changed": self.changed,
            "now": decided_json(self.now) if self.now else None,
            "requiresRestart": self.needs_restart,
            "version": self.version,
        }


def set_text(key: str, text: str, place: Place, *, reason: str | None) -> Outcome:
    """Give a known key a value for a place: a text as the table holds it."""
    return _outcome(
        key, place, lambda: editing.set_value(key, text, scope=place.scope, scope_id=place.id, reason=reason)
    )


def create(
    key: str,
    text: str,
    place: Place,
    *,
    value_type: str,
    category: str,
    tags: Sequence[str] = (),
    description: str | None = None,
    reason: str | None,
) -> Outcome:
    """Make a key of one's own, that no code declares. It gets the tag `custom`."""

    def deed() -> SystemConfiguration:
        if key in DECLARED or SystemConfiguration.objects.filter(key=key, scope__in=("SYSTEM", place.scope)).exists():
            raise editing.EditError(f"There is a setting {key!r} already: leave --new and what belongs to it out.")
        setting = SystemConfiguration(
            key=key,
            scope=place.scope,
            scope_id=place.id,
            value=text,
            value_type=value_type,
            category=category,
            description=description,
            tags=[CUSTOM, *tags],
        )
        return editing.save(setting, reason=reason)

    return _outcome(key, place, deed)


def unset(key: str, place: Place, *, reason: str | None) -> Outcome:
    """Take a place's own value of a key away. Raises NoSuchSettingError where it has none."""

    def deed() -> None:
        setting = editing.find(key, place.scope, place.id)
        if setting is None:
            if not SystemConfiguration.objects.filter(key=key).exists():
                editing.new(key)  # says so where there is no such key
            raise editing.NoSuchSettingError(f"{key} has no value of its own for {place}: there is nothing to unset.")
        editing.delete(setting, reason=reason)

    return _outcome(key, place, deed)


def restore(version: str, *, before: bool, reason: str | None) -> Outcome:
    """Bring a setting back to what it was after a change of its history, or before it."""
    change: Any = editing.change_of(version)
    facts = (editing.facts_before(change) if before else None) or {
        name: getattr(change, name) for name in editing.FACTS
    }
    place = place_with(str(facts["scope"]), facts["scope_id"])
    return _outcome(facts["key"], place, lambda: editing.restore(change, reason=reason, before=before))


def _outcome(key: str, place: Place, deed: Callable[[], object]) -> Outcome:
    with editing.refusals(), transaction.atomic():
        earlier = editing.find(key, place.scope, place.id)
        last = _last(key, place)
        deed()
        later = editing.find(key, place.scope, place.id)
        latest = _last(key, place)
        settings = read_now()
    try:
        now = settings.decided(key, place)
    except UnknownSettingError:
        now = None
    secret = any(SECRET in (row.tags or ()) for row in (earlier, later) if row) or key in settings.secrets
    return Outcome(
        key,
        place.scope,
        str(place),
        old=_shown(earlier, secret=secret),
        new=_shown(later, secret=secret),
        changed=latest != last,
        now=now,
        needs_restart=any(row.requires_restart for row in (earlier, later) if row),
        version=str(latest) if latest != last else None,
    )


def _shown(row: SystemConfiguration | None, *, secret: bool) -> Shown:
    return Shown(row.value, row.value_type, secret) if row else Shown(None)


def _last(key: str, place: Place) -> Any:
    changes = ConfigurationHistory.objects.filter(key=key, scope=place.scope, scope_id=place.id)
    return changes.order_by("-history_date", "-history_id").values_list("history_id", flat=True).first()
