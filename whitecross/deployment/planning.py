"""What a plan of migrations would lock, without carrying anything out."""

from dataclasses import dataclass, field

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration

from core.executor import Executor
from whitecross.deployment.locks import Lock, LockMode, locks_of
from whitecross.deployment.record import Plan


@dataclass
class PlannedMigration:
    """A migration and its locks on tables that stand there now and stop readers or writers.

    `is_foreseen` is false where its SQL cannot be told beforehand.
    """

    migration: Migration
    is_reversal: bool
    locks: list[Lock] = field(default_factory=list)
    is_foreseen: bool = True

    @property
    def name(self) -> str:
        """As app.name."""
        return f"{self.migration.app_label}.{self.migration.name}"

    @property
    def is_long(self) -> bool:
        """Whether it works under such a lock for as long as the table is large."""
        return any(lock.is_long for lock in self.locks)


def planned(connection: BaseDatabaseWrapper, plan: Plan) -> list[PlannedMigration]:
    """The migrations of a plan with their locks."""
    executor = Executor(connection)
    in_use = set(connection.introspection.table_names()) - {"django_migrations"}
    state = executor._create_project_state(with_applied_migrations=True)
    found = []
    for migration, backwards in plan:
        one = PlannedMigration(migration, backwards)
        key = migration.app_label, migration.name
        try:
            with connection.schema_editor(collect_sql=True, atomic=migration.atomic) as editor:
                if backwards:
                    before = executor.loader.project_state(key, at_end=False)
                    migration.unapply(before, editor, collect_sql=True)
                else:
                    state = migration.apply(state, editor, collect_sql=True)
        except Exception:  # an operation that asks the database for what an earlier one makes
            one.is_foreseen = False
            if not backwards:
                state = executor.loader.project_state(key)
        for lock in locks_of("\n".join(editor.collected_sql)):
            if lock.mode.strength >= LockMode.SHARE.strength and (lock.table in in_use if lock.table else in_use):
                one.locks.append(lock)
        found.append(one)
    return found
