"""Settings and their changes as the API shows them: typed values, and nothing of a secret."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from configuration import editing
from configuration.editing import FACTS, version
from configuration.models import ConfigurationHistory, SystemConfiguration
from configuration.resolution import SECRET, Candidate, Explanation
from configuration.wording import for_json, typed
from core.db import column_name

SECRET_ROWS = SystemConfiguration.objects.filter(key=OuterRef("key"), tags__contains=[SECRET])
EVER_SECRET_ROWS = ConfigurationHistory.objects.filter(key=OuterRef("key"), tags__contains=[SECRET])
KINDS = {"+": "created", "~": "changed", "-": "deleted"}


def settings() -> QuerySet[SystemConfiguration]:
    """The rows, each with whether its key is secret: an override is so where the system's row is."""
    return SystemConfiguration.objects.annotate(key_is_secret=Exists(SECRET_ROWS))


def changes() -> QuerySet[Any]:
    """The changes, each with whether its key is secret or ever was."""
    found: QuerySet[Any] = ConfigurationHistory.objects.annotate(
        key_is_secret=Exists(SECRET_ROWS) | Exists(EVER_SECRET_ROWS)
    )
    return found


def setting(row: Any) -> dict[str, Any]:
    """A row of `settings`."""
    secret = row.is_secret or row.key_is_secret
    value, default = (
        None if secret or text is None else typed(row.value_type, text) for text in (row.value, row.default_value)
    )
    return {
        "id": str(row.pk),
        **{column_name(name): getattr(row, name) for name in FACTS},
        "value": value,
        "defaultValue": default,
        "validValues": row.valid_values or [],
        "validationRules": row.validation_rules or {},
        "tags": row.tags or [],
        "secret": secret,
        "version": version(row),
        "createdAt": row.created_at.isoformat(),
        "updatedAt": row.updated_at.isoformat(),
        "lastModifiedBy": row.last_modified_by_id,
    }


def change(row: Any) -> dict[str, Any]:
    """A row of `changes`."""
    before = editing.facts_before(row) or {}
    secret = row.key_is_secret or any(SECRET in (tags or ()) for tags in (row.tags, before.get("tags")))
    old_type = str(before.get("value_type") or row.value_type)
    gone = row.history_type == "-"
    return {
        "id": str(row.history_id),
        "configurationId": str(row.id),
        "key": row.key,
        "scope": row.scope,
        "scopeId": row.scope_id,
        "change": KINDS[row.history_type],
        "valueType": row.value_type,
        "oldValue": None if secret or row.old_value is None else typed(old_type, row.old_value),
        "newValue": None if secret or gone else typed(row.value_type, row.value),
        "secret": secret,
        "changedFields": _changed(row, before) if before and not gone else [],
        "changedAt": row.history_date.isoformat(),
        "changedBy": row.history_user_id,
        "changedByName": row.changed_by_name,
        "reason": row.history_change_reason,
        "ipAddress": row.ip_address,
        "userAgent": row.user_agent,
        "databaseRole": row.database_role,
    }


def _changed(row: Any, before: dict[str, Any]) -> list[str]:
    return [column_name(name) for name in FACTS if getattr(row, name) != before[name]]


def effective(explanation: Explanation) -> dict[str, Any]:
    """Who decides a key."""
    secret = explanation.is_secret
    return {
        "key": explanation.key,
        "value": None if secret else for_json(explanation.value),
        "source": explanation.source,
        "scopeId": explanation.scope_id,
        "secret": secret,
        "requiresRestart": explanation.requires_restart,
        "hidden": [_candidate(candidate, secret) for candidate in explanation.hidden],
    }


def without_value(key: str) -> dict[str, Any]:
    """A key that has no value here."""
    facts = {"key": key, "value": None, "source": None, "scopeId": None}
    return {**facts, "secret": False, "requiresRestart": False, "hidden": []}


def _candidate(candidate: Candidate, secret: bool) -> dict[str, Any]:
    return {
        "source": candidate.source,
        "scopeId": candidate.scope_id,
        "value": None if secret else for_json(candidate.value),
    }
