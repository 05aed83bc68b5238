"""What notifications say."""

from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format

from configuration.declared import SUPPORT_EMAIL, SYSTEM_NAME
from configuration.editing import FACTS, facts_before
from configuration.models import SystemConfiguration
from configuration.resolution import SECRET
from configuration.wording import Shown, on_one_line
from core.db import column_name

MOST = 50  # changes that one message lists
LONGEST = 500  # characters of a value or reason that a message shows
DEEDS = {"+": "created", "~": "changed", "-": "deleted"}


@dataclass(frozen=True)
class Message:
    """A subject and a text for email; a short text for SMS."""

    subject: str
    text: str
    short: str


@dataclass(frozen=True)
class Change:
    """A change of a setting as a message shows it."""

    key: str
    deed: str
    scope: str
    old: str
    new: str
    by: str
    when: str
    why: str
    where: str
    others: str


def account_locked(user: Any) -> Message:
    """That an account is locked, and until when."""
    until = moment(user.lockout_until or timezone.now())
    return _message(
        "Your account is locked",
        "account_locked.txt",
        {"until": until},
        short=f"too many wrong passwords: your account is locked until {until}. "
        f"Was it not you? Write to {SUPPORT_EMAIL.get()}.",
    )


def security_setting_changed(changes: list[Any]) -> Message:
    """What was changed, by whom, when, why and from where. At least one change; those beyond MOST are counted."""
    secret_keys = _secret_keys(changes)
    shown = [_change(change, secret_keys) for change in changes[:MOST]]
    keys = sorted({change.key for change in changes})
    listed = ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
    return _message(
        f"Security setting {shown[0].key} was {shown[0].deed}"
        if len(changes) == 1
        else f"{len(changes)} changes of security settings",
        "security_setting_changed.txt",
        {"changes": shown, "more": len(changes) - len(shown)},
        short=f"security settings were changed ({listed}), last by {shown[-1].by}. See the settings history.",
    )


def moment(at: Any) -> str:
    """A moment for people, with its zone."""
    local = timezone.localtime(at)
    return f"{date_format(local, 'j F Y, H:i')} {local.tzname()}"


def _message(subject: str, template: str, facts: dict[str, Any], *, short: str) -> Message:
    name = on_one_line(SYSTEM_NAME.get())
    signed = {**facts, "system_name": name, "support_email": SUPPORT_EMAIL.get()}
    return Message(
        subject=f"[{name}] {on_one_line(subject)}",
        text=render_to_string(f"notifications/{template}", signed).strip() + "\n",
        short=on_one_line(f"{name}: {short}"),
    )


def _change(change: Any, secret_keys: frozenset[str]) -> Change:
    before = facts_before(change) or {}
    secret = change.key in secret_keys or any(SECRET in (tags or ()) for tags in (change.tags, before.get("tags")))
    old = Shown(change.old_value, str(before.get("value_type") or change.value_type), secret)
    new = Shown(None if change.history_type == "-" else change.value, change.value_type, secret)
    # Names alone of what changed besides the value: a bound, a tag, whether the row counts.
    others = [name for name in FACTS if name != "value" and before[name] != getattr(change, name)] if before else []
    return Change(
        key=on_one_line(change.key),
        deed=DEEDS[change.history_type],
        scope=str(change.scope) if change.scope_id is None else f"{change.scope} {change.scope_id}",
        old=_cut(str(old)),
        new=_cut(str(new)),
        others=", ".join(map(column_name, others)) if change.history_type == "~" else "",
        by=_cut(on_one_line(change.changed_by_name or "nobody said who")),
        when=moment(change.history_date),
        why=_cut(on_one_line(change.history_change_reason or "no reason given")),
        where=change.ip_address or ("past the application" if change.database_role else "a command on the server"),
    )


def _secret_keys(changes: list[Any]) -> frozenset[str]:
    """Of the keys that were changed those that are secret now, in any scope."""
    rows = SystemConfiguration.objects.filter(key__in={change.key for change in changes}, tags__contains=[SECRET])
    return frozenset(rows.values_list("key", flat=True))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
