"""The migrations: those on disk against those that the database has on record, and against the models."""

from collections.abc import Iterator
from typing import Any

from django.db.backends.utils import CursorWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ProjectState

from core.db.autodetector import EnumAutodetector
from core.schema.compare import Difference

Migrations = set[tuple[str, str]]


def applied_migrations(cursor: CursorWrapper) -> Migrations:
    """The (app, name) that the database has on record. Its table has to exist."""
    cursor.execute("SELECT app, name FROM django_migrations")
    return set(cursor.fetchall())


def system_settings(cursor: CursorWrapper) -> set[str]:
    """The keys of the settings of scope SYSTEM. Their table has to exist."""
    cursor.execute("SELECT key FROM system_configurations WHERE scope = 'SYSTEM'")
    return {key for (key,) in cursor.fetchall()}


def compare_migrations(loader: MigrationLoader, applied: Migrations) -> Iterator[Difference]:
    """Unapplied migrations in their order, then those on record that the code does not have."""
    unapplied = [key for key in in_order(loader) if not _is_applied(loader, key, applied)]
    for app, name in unapplied:
        yield Difference("migration unapplied", f"{app}.{name}", "applied", "not on record", "python manage.py migrate")
    for app, name in sorted(applied - set(loader.disk_migrations)):
        yield Difference(
            "migration unknown",
            f"{app}.{name}",
            "a file of that name",
            "applied here, but not in this code",
            "deploy the release that has it: the database is ahead of this code",
        )


def in_order(loader: MigrationLoader) -> list[tuple[str, str]]:
    """The migrations on disk in the order in which `migrate` takes them."""
    order: dict[tuple[str, str], None] = {}
    for leaf in sorted(loader.graph.leaf_nodes()):
        order.update(dict.fromkeys(loader.graph.forwards_plan(leaf)))
    return list(order)


def _is_applied(loader: MigrationLoader, key: tuple[str, str], applied: Migrations) -> bool:
    replaced = loader.graph.nodes[key].replaces
    return key in applied or (bool(replaced) and applied.issuperset(replaced))


def compare_models(loader: MigrationLoader) -> Iterator[Difference]:
    """What `makemigrations` would write: models that somebody changed without a migration."""
    from django.apps import apps

    detector = EnumAutodetector(loader.project_state(), ProjectState.from_apps(apps), MigrationQuestioner())
    changes: dict[str, list[Any]] = detector.changes(graph=loader.graph)
    for app, migrations in sorted(changes.items()):
        for operation in [operation for migration in migrations for operation in migration.operations]:
            yield Difference(
                "model without migration",
                app,
                "models as the migrations leave them",
                operation.describe(),
                f"python manage.py makemigrations {app}",
            )
