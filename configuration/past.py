"""Settings as they were, from their history."""

import datetime as dt
import uuid
from typing import Any

from configuration.editing import facts_before
from configuration.models import ConfigurationHistory, SystemConfiguration
from configuration.resolution import Row, Snapshot, snapshot_of
from core.models import School

FIELDS = (
    "key",
    "scope",
    "scope_id",
    "value",
    "value_type",
    "default_value",
    "is_active",
    "is_editable",
    "requires_restart",
    "tags",
)


def rows_at(moment: dt.datetime) -> Snapshot:
    """The settings that held at a moment. Schools lie in the districts in which they lie now. Three queries and one.

    Of a setting that has changed since, the last change before the moment holds; where there is none, what the first
    change after it found. Raises ValueError for a moment without a zone.
    """
    if moment.tzinfo is None:
        raise ValueError("The moment has no time zone: pass an aware datetime, such as timezone.now().")
    changes = ConfigurationHistory.objects.all()
    earlier = changes.filter(history_date__lte=moment).order_by("id", "-history_date").distinct("id")
    later = changes.filter(history_date__gt=moment).order_by("id", "history_date").distinct("id")
    found: dict[uuid.UUID, Row | None] = {}
    for change in earlier:
        found[change.id] = None if change.history_type == "-" else _row(change)
    for change in later:
        if change.id not in found:
            found[change.id] = _row_before(change) if _existed(change, moment) else None
    for setting in SystemConfiguration.objects.filter(created_at__lte=moment).exclude(pk__in=found):
        found[setting.pk] = _row(setting)
    rows = sorted((row for row in found.values() if row), key=lambda row: (row.key, row.scope, str(row.scope_id)))
    return snapshot_of(rows, dict(School.objects.values_list("pk", "district_id")))


def _row(source: Any) -> Row:
    return Row(source.id, *(getattr(source, name) for name in FIELDS))


def _existed(change: Any, moment: dt.datetime) -> bool:
    if change.before is None:  # new, or from before the database kept it
        return bool(change.history_type != "+" and change.created_at <= moment)
    return dt.datetime.fromisoformat(change.before["createdAt"]) <= moment


def _row_before(change: Any) -> Row | None:
    facts = facts_before(change)
    if facts is None or facts["value"] is None:
        return None
    return Row(change.id, *(facts[name] for name in FIELDS))
