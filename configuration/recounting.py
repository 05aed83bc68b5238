"""How a setting changed, for people: what, by whom, when, why and from where. Values of secrets are left out."""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from configuration.editing import FACTS, facts_before
from configuration.models import ConfigurationHistory, SystemConfiguration
from configuration.places import Place, names_of
from configuration.reporting import read_now
from configuration.resolution import SECRET, UnknownSettingError
from configuration.wording import Shown

COLUMNS = {field.attname: str(field.column) for field in SystemConfiguration._meta.concrete_fields}
KINDS = {"+": "created", "~": "changed", "-": "deleted"}


@dataclass(frozen=True)
class Changed:
    """A row of the history, for people: what changed, who did it, when, why and from where."""

    id: uuid.UUID
    key: str
    at: dt.datetime
    kind: str
    scope: str
    of: str | None
    old: Shown
    new: Shown
    facts: tuple[tuple[str, str, str], ...]  # what else changed: its column, before and after
    who: str
    why: str | None
    address: str | None
    agent: str | None
    past_the_application: str | None  # the database role of whoever did so

    @property
    def what(self) -> str:
        """What changed, in words."""
        what = f"{self.old} -> {self.new}" if self.kind != "changed" or self.old != self.new else ""
        facts = ", ".join(f"{name} {before} -> {after}" for name, before, after in self.facts)
        return "; ".join(filter(None, (what, facts))) or "-"

    def as_json(self) -> dict[str, Any]:
        """For a machine."""
        return {
            "version": str(self.id),
            "key": self.key,
            "at": self.at.isoformat(),
            "kind": self.kind,
            "scope": self.scope,
            "of": self.of,
            "old": self.old.text if not self.old.secret else None,
            "new": self.new.text if not self.new.secret else None,
            "secret": self.new.secret,
            "facts": {name: {"old": before, "new": after} for name, before, after in self.facts},
            "who": self.who,
            "why": self.why,
            "address": self.address,
            "userAgent": self.agent,
            "pastTheApplication": self.past_the_application,
        }


def history(key: str, place: Place | None = None, limit: int = 20) -> list[Changed]:
    """The last changes of a key, the newest first; of one place where it is given. Raises UnknownSettingError."""
    changes = ConfigurationHistory.objects.filter(key=key) if "\x00" not in key else ConfigurationHistory.objects.none()
    settings = read_now()
    if key not in settings.by_key and not changes.exists():
        past = ConfigurationHistory.objects.order_by().values_list("key", flat=True).distinct()
        raise UnknownSettingError(key, {*settings.by_key, *past})
    if place is not None:
        changes = changes.filter(scope=place.scope, scope_id=place.id)
    found = list(changes.order_by("-history_date", "-history_id")[:limit])
    names = names_of((change.scope, change.scope_id) for change in found)
    secret = key in settings.secrets or any(SECRET in (change.tags or ()) for change in found)
    return [_changed(change, names.get((change.scope, change.scope_id)), secret=secret) for change in found]


def _changed(change: Any, of: str | None, *, secret: bool) -> Changed:
    before = facts_before(change) or {}
    secret = secret or SECRET in (before.get("tags") or ())
    facts = [] if change.history_type != "~" else [name for name in FACTS if name != "value"]
    return Changed(
        id=change.history_id,
        key=change.key,
        at=change.history_date,
        kind=KINDS[change.history_type],
        scope=str(change.scope),
        of=of,
        old=Shown(change.old_value, str(before.get("value_type") or change.value_type), secret),
        new=Shown(None if change.history_type == "-" else change.value, change.value_type, secret),
        facts=tuple(
            (COLUMNS[name], _fact(name, before[name], secret), _fact(name, getattr(change, name), secret))
            for name in facts
            if before[name] != getattr(change, name)
        ),
        who=change.changed_by_name or "nobody said who",
        why=change.history_change_reason,
        address=change.ip_address,
        agent=change.user_agent,
        past_the_application=change.database_role,
    )


def _fact(name: str, fact: Any, secret: bool) -> str:
    return str(Shown(None if fact is None else str(fact), secret=secret and name == "default_value"))
