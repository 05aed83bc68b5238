"""migrate, with a guard for databases that the predecessor left."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate as django_migrate
from django.db import connections

from core.db.autodetector import EnumAutodetector
from core.executor import Executor

# Django's command names its executor and offers no other way to name another.
vars(django_migrate)["MigrationExecutor"] = Executor

LEGACY = """The database {name!r} was left by the predecessor of White Cross: it has the table "SequelizeMeta". \
Nothing was changed, as migrating here would mix two schemas. To bring its records over: manage.py adopt --plan, which \
changes nothing either, then manage.py adopt; docs/adoption.md has the whole procedure."""


class Command(django_migrate.Command):
    """Django's command; refuses a database with the predecessor's tables, having changed nothing."""

    autodetector = EnumAutodetector

    def handle(self, *args: Any, **options: Any) -> None:
        """Look for the predecessor's own record of migrations, then migrate. Raises CommandError."""
        connection = connections[options["database"]]
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('\"SequelizeMeta\"') IS NOT NULL")
            if cursor.fetchone()[0]:
                raise CommandError(LEGACY.format(name=connection.settings_dict["NAME"]))
        super().handle(*args, **options)
