"""A row as a standby knew it is not saved over what the primary has by now."""

from collections.abc import Collection
from typing import Any

from django.db import models

from whitecross.replica.configured import is_standby


class StandbyRowError(Exception):
    """A row that was read from a standby was to be saved whole: what others have written since would be undone."""


def refuse_whole_rows(
    sender: type[models.Model],
    instance: models.Model,
    *,
    update_fields: Collection[str] | None = None,
    raw: bool = False,
    **facts: Any,
) -> None:
    """Before a row is saved. Raises StandbyRowError where all of its columns would be written as a standby had them."""
    is_new = instance._state.adding or raw
    if not is_new and update_fields is None and is_standby(instance._state.db or ""):
        raise StandbyRowError(
            f"This {sender._meta.verbose_name} was read from a standby, which may be behind, and save() would write "
            "every column as it was there: name update_fields, or read the row anew with using('default')."
        )
