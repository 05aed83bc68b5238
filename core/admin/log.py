"""The admin's log names records by kind and id, nobody by name."""

import json
from typing import Any, cast

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.http import HttpRequest


class DiscreetLog:
    """The part of a ModelAdmin that writes the log."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """One entry."""
        return self._log(request, [obj], ADDITION, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """One entry, with the names of the fields that changed."""
        return self._log(request, [obj], CHANGE, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """An entry for each."""
        return self._log(request, queryset, DELETION, "")

    def _log(self, request: HttpRequest, records: Any, flag: int, message: Any) -> list[LogEntry]:
        return LogEntry.objects.bulk_create(
            LogEntry(
                user_id=cast("Any", request.user.pk),
                content_type_id=get_content_type_for_model(record).pk,
                object_id=str(record.pk),
                object_repr=f"{record._meta.verbose_name} {record.pk}",
                action_flag=flag,
                change_message=json.dumps(message) if isinstance(message, list) else message,
            )
            for record in records
        )
