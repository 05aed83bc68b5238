"""Going back: which migrations are to be reversed, and in which order."""

from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.loader import AmbiguityError, MigrationLoader

from whitecross.deployment.enums import MigrationRunStatus as Status
from whitecross.deployment.executor import RECORD
from whitecross.deployment.losing import Loss, changes_rows, is_reversible, losses, reverse_sentence
from whitecross.deployment.models import MigrationRun, MigrationRunStep
from whitecross.deployment.reference import applied_in_order


class GoingBackError(Exception):
    """It cannot be gone back as asked. The message is a sentence for people."""


@dataclass
class WayBack:
    """The migrations to be reversed, the newest first; what then remains; what is lost."""

    target: str
    migrations: list[Migration]
    remaining: set[tuple[str, str]]
    losses: list[Loss]

    @property
    def sentences(self) -> list[tuple[str, str]]:
        """Migration and what it says of its reverse."""
        return [(str(migration), reverse_sentence(migration)) for migration in self.migrations]

    @property
    def changing_rows(self) -> list[str]:
        """The migrations whose reverse changes rows of tables that stay."""
        return [str(migration) for migration in self.migrations if changes_rows(migration)]


def to_migration(connection: BaseDatabaseWrapper, name: str) -> WayBack:
    """Back to the moment at which this migration (`app.name`, or a beginning of the name) had just been applied.

    What was applied after it, in whichever app, is reversed. Raises GoingBackError.
    """
    loader = MigrationLoader(connection)
    app, _, prefix = name.partition(".")
    if not prefix:
        raise GoingBackError(f"{name!r} names no migration: write app.name, as in health_records.0003.")
    try:
        whole = loader.disk_migrations.get((app, prefix))  # which may be the beginning of another's
        migration = whole or loader.get_migration_by_prefix(app, prefix)
    except AmbiguityError:
        raise GoingBackError(f"Several migrations of {app} begin with {prefix!r}: write more of the name.") from None
    except KeyError:
        raise GoingBackError(
            f"This code has no migration {name}; python manage.py showmigrations lists them."
        ) from None
    key = (app, migration.name)
    order = applied_in_order(connection)
    if key not in order:
        raise GoingBackError(f"{app}.{migration.name} is not applied here, so there is nothing to go back to.")
    return _way(connection, loader, order[order.index(key) + 1 :], f"{app}.{migration.name}")


def to_run(connection: BaseDatabaseWrapper, number: int) -> WayBack:
    """Back to the end of a run: what was applied since, and was not then, is reversed. Raises GoingBackError."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('migration_runs') IS NOT NULL")
        known = cursor.fetchone()[0]
    if not known or not MigrationRun.objects.using(connection.alias).filter(pk=number).exists():
        raise GoingBackError(f"There is no run {number} here; python manage.py migration_log --list shows them.")
    done = MigrationRunStep.objects.using(connection.alias).filter(status__in=(Status.SUCCEEDED, Status.ROLLED_BACK))
    then: dict[tuple[str, str], bool] = {}  # whether it was applied at the end of that run
    for run, app, name, is_reversal in done.order_by("pk").values_list("run", "app", "name", "is_reversal"):
        if run <= number:
            then[app, name] = not is_reversal
        else:
            then.setdefault((app, name), is_reversal)
    order = applied_in_order(connection)
    if gone := sorted(key for key, was_applied in then.items() if was_applied and key not in order):
        raise GoingBackError(
            f"{'.'.join(gone[0])} was applied at the end of run {number} and has been reversed since: going forward is "
            "for python manage.py upgrade."
        )
    since = [key for key in order if not then.get(key, True)]
    return _way(connection, MigrationLoader(connection), since, f"the end of run {number}")


def _way(
    connection: BaseDatabaseWrapper, loader: MigrationLoader, reversed_: list[tuple[str, str]], target: str
) -> WayBack:
    chosen = set(reversed_) - {RECORD}  # nothing hangs on it, and it keeps what is done here
    applied = set(applied_in_order(connection))
    if unknown := sorted(chosen - set(loader.graph.nodes)):
        raise GoingBackError(
            f"{'.'.join(unknown[0])} was applied by another release, and only that can reverse it: run this there."
        )
    for key in chosen:
        left = sorted(
            child.key
            for child in loader.graph.node_map[key].children
            if child.key in applied and child.key not in chosen
        )
        if left:
            raise GoingBackError(
                f"{'.'.join(left[0])} stays and needs {'.'.join(key)}: name an earlier migration to go back to."
            )
    order: dict[tuple[str, str], None] = {}
    for leaf in sorted(loader.graph.leaf_nodes()):
        order.update(dict.fromkeys(loader.graph.forwards_plan(leaf)))
    migrations = [loader.graph.nodes[key] for key in reversed(order) if key in chosen]
    for migration in migrations:
        if not is_reversible(migration):
            raise GoingBackError(
                f"{migration} cannot be reversed: restore a backup from before it (python manage.py backup list)."
            )
    remaining = applied - chosen
    return WayBack(target, migrations, remaining, losses(connection, applied, remaining))
