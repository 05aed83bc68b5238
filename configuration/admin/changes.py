"""Changes of settings in words: what differs, who did it, when, why and from where."""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

from django.utils.text import capfirst

from configuration.admin.excerpts import LONG, apart
from configuration.admin.places import Places
from configuration.admin.value_fields import laid_out
from configuration.admin.words import HIDDEN, Shown, fact, is_secret
from configuration.editing import FACTS, facts_before
from configuration.enums import ConfigCategory
from configuration.models import SystemConfiguration
from configuration.resolution import SECRET
from core.models import User

KINDS = {"+": "Created", "~": "Changed", "-": "Deleted"}
WHOSE = ("key", "scope", "scope_id")  # which setting it is
LONGEST_IN_SUMMARY = 70  # characters: two of them and a little more have room on a line
OF_A_NEW_ONE = ("value", "default_value", "value_type", "category")  # what is told of a setting that was made


@dataclass(frozen=True)
class Difference:
    """A fact that differs. None where there is nothing on that side."""

    label: str
    old: Shown | None
    new: Shown | None


def label_of(name: str) -> str:
    """What pages call a fact."""
    return capfirst(str(SystemConfiguration._meta.get_field(name).verbose_name))  # type: ignore[union-attr]


def differences(old: dict[str, Any] | None, new: dict[str, Any] | None, *, secret: bool = False) -> list[Difference]:
    """What differs between two versions of a setting, by attribute; None for no setting."""
    before, after = (SimpleNamespace(**facts) if facts else None for facts in (old, new))
    secret = secret or any(SECRET in (facts["tags"] or ()) for facts in (old, new) if facts)
    if old is None or new is None:
        told = [name for name in OF_A_NEW_ONE if (old or new or {}).get(name) is not None]
    else:
        told = [name for name in FACTS if name not in WHOSE and old[name] != new[name]]
    return [
        Difference(
            label_of(name),
            *_beside(
                fact(name, before, secret=secret) if before else None,
                fact(name, after, secret=secret) if after else None,
            ),
        )
        for name in told
    ]


def _beside(old: Shown | None, new: Shown | None) -> tuple[Shown | None, Shown | None]:
    """Both as they are, or where they are long, shortened to where they differ."""
    if old is None or new is None or max(len(old.text), len(new.text)) <= LONG:
        return old, new
    texts = [laid_out(one.text) if one.code else one.text for one in (old, new)]
    if texts[0] == texts[1]:  # only laid out in another way
        texts = [old.text, new.text]
    before, after = apart(*texts)
    return replace(old, lines=before), replace(new, lines=after)


def facts_after(change: Any) -> dict[str, Any]:
    """The facts that a row of the history keeps: those of the setting after the change; of a deletion, before it."""
    return {name: getattr(change, name) for name in FACTS}


def is_security(*versions: Any) -> bool:
    """Whether one of these versions of a setting (facts, or None) stands under SECURITY."""
    return any(facts["category"] == ConfigCategory.SECURITY for facts in versions if facts)


@dataclass(frozen=True)
class Told:
    """A row of the history, for people. `author` is the user who did it, where she is still there."""

    change: Any
    place: str
    differences: list[Difference]
    author: Any
    is_now: bool
    secret: bool

    @property
    def kind(self) -> str:
        """What was done."""
        return KINDS[self.change.history_type]

    @property
    def who(self) -> str:
        """The name as it was."""
        return self.change.changed_by_name or "Nobody said who"

    @property
    def summary(self) -> str:
        """What differs, on a line."""
        if self.kind != KINDS["~"]:
            value = next((one.old or one.new for one in self.differences if one.label == "Value"), "")
            return f"{self.kind}: {value}"
        parts = []
        for one in self.differences:
            label = "" if one.label == "Value" else f"{one.label}: "
            if one.new is not None and one.new.text == HIDDEN:
                parts.append(f"{label}another secret")
            elif max(len(str(one.old)), len(str(one.new))) > LONGEST_IN_SUMMARY:
                parts.append(f"{label}another long text")
            else:
                parts.append(f"{label}{one.old} → {one.new}")
        return "; ".join(parts) or self.kind


def told(changes: list[Any]) -> list[Told]:
    """Rows of the history in words. Six queries, however many rows."""
    places = Places((change.scope, change.scope_id) for change in changes)
    authors = User._base_manager.in_bulk([change.history_user_id for change in changes if change.history_user_id])
    keys = {change.key for change in changes}
    stored = list(SystemConfiguration.objects.filter(key__in=keys))
    by_id = {setting.pk: {name: getattr(setting, name) for name in FACTS} for setting in stored}
    secret = {setting.key for setting in stored if is_secret([setting])} | {
        change.key for change in changes if is_secret([change])
    }
    found = []
    for change in changes:
        before, after = facts_before(change), facts_after(change)
        gone = change.history_type == "-"
        found.append(
            Told(
                change,
                places.name(change.scope, change.scope_id),
                differences(before, None if gone else after, secret=change.key in secret),
                authors.get(change.history_user_id),
                is_now=not gone and by_id.get(change.id) == after,
                secret=change.key in secret,
            )
        )
    return found
