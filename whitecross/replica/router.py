"""Django's question of where to read and write."""

from typing import Any

from django.db import DEFAULT_DB_ALIAS, models
from django.db.backends.signals import connection_created
from django.db.models.signals import pre_save

from whitecross.replica import reading
from whitecross.replica.configured import is_standby
from whitecross.replica.saving import refuse_whole_rows

# Health records, whose reading is the load. All else is small, or decides who may do what (sessions, tokens, users,
# settings), and must not be old: a new app is read from the primary until it is named here. Of which school a student
# is, and what of her is confidential or deleted, is in these rows themselves and as old as they are: REPLICA_MAX_LAG.
APPS = frozenset({"health_records"})
MODELS = frozenset({"core.student", "core.contact"})


class ReplicaRouter:
    """Writes go to the primary; health records are read where the reading at hand says."""

    def __init__(self) -> None:
        connection_created.connect(reading.watch, dispatch_uid="whitecross.replica")
        pre_save.connect(refuse_whole_rows, dispatch_uid="whitecross.replica")

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str:
        """The alias to read from, also for what is related to a row that came from elsewhere."""
        here = reading.now()
        if here is None or not (model._meta.app_label in APPS or model._meta.label_lower in MODELS):
            return DEFAULT_DB_ALIAS
        return here.alias()

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str:
        """The primary, also for rows that were read from a standby."""
        return DEFAULT_DB_ALIAS

    def allow_relation(self, one: models.Model, other: models.Model, **hints: Any) -> bool:
        """All are the same rows, wherever they were read."""
        return True

    def allow_migrate(self, alias: str, app_label: str, **hints: Any) -> bool | None:
        """Standbys get their tables from the primary."""
        return False if is_standby(alias) else None
