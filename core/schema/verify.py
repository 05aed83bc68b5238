"""One look at a database, and everything in it that is not as expected."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.migrations.loader import MigrationLoader

from core.schema.actual import NoSchemaError, one_look, read_catalog
from core.schema.advice import of_unknown_release
from core.schema.catalog import Catalog, count
from core.schema.compare import Difference, compare
from core.schema.expected import load_expected
from core.schema.history import applied_migrations, compare_migrations, compare_models, system_settings

SEED = "configuration 0003_seed_settings"


@dataclass
class Report:
    """What was found. `counts` are of what is there, unknown tables included.

    `of_this_code` is false where a newer release has changed the database, or may have: what is extra may be its.
    """

    database: str
    server: str
    counts: dict[str, int]
    differences: list[Difference]
    notes: list[str]
    of_this_code: bool = True

    @property
    def ok(self) -> bool:
        """Whether the database is as expected."""
        return not self.differences

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "ok": self.ok,
            "database": self.database,
            "server": self.server,
            "counts": self.counts,
            "differences": [vars(difference) for difference in self.differences],
            "notes": self.notes,
        }


def verify(alias: str) -> Report:
    """Compare the database of this alias with models and migrations. Reads only, in one transaction."""
    connection, expected = connections[alias], load_expected()
    # Without a connection the loader reads the files alone; what is applied is looked up in our own transaction.
    loader = MigrationLoader(None)
    look = _Look(connection, expected)
    with one_look(connection), connection.cursor() as cursor:
        look.take(cursor)
    of_this_code = True
    differences = [*_compare_files(loader, expected), *compare_models(loader)]
    if not set(look.catalog["tables"]) & set(expected["tables"]):
        differences += look.differences or [_empty(connection)]
    else:
        result = compare(expected, look.catalog, built_in=look.built_in)
        if look.applied is not None:
            differences += compare_migrations(loader, look.applied)
        differences += [*look.differences, *result.differences]
        look.notes += result.notes
        if look.applied is None or _is_ahead(differences):
            of_this_code = False
            differences = [_left_alone(difference, is_known=look.applied is not None) for difference in differences]
    return Report(
        database=str(connection.settings_dict["NAME"]),
        server=look.server,
        counts={**count(look.catalog), "settings": len(look.settings)},
        differences=differences,
        notes=look.notes,
        of_this_code=of_this_code,
    )


class _Look:
    """What one transaction sees: the catalog, the record of migrations, the keys of settings."""

    def __init__(self, connection: BaseDatabaseWrapper, expected: Catalog) -> None:
        self._connection, self._expected = connection, expected
        self.catalog: Catalog = {"tables": {}, "enums": {}, "functions": {}, "sequences": {}}
        self.applied: set[tuple[str, str]] | None = None  # None: it cannot be known
        self.settings: set[str] = set()
        self.built_in: frozenset[str] = frozenset()
        self.server = ""
        self.differences: list[Difference] = []
        self.notes: list[str] = []

    def take(self, cursor: CursorWrapper) -> None:
        cursor.execute("SELECT current_setting('server_version'), current_setting('session_replication_role')")
        self.server, role = cursor.fetchone()
        if role != "origin":
            self.differences.append(
                Difference(
                    "triggers silenced",
                    "session_replication_role",
                    "origin",
                    role,
                    "ALTER SYSTEM, DATABASE or ROLE ... RESET session_replication_role; find out who set it",
                )
            )
        try:
            self.catalog = read_catalog(self._connection)
        except NoSchemaError:
            self.differences.append(
                Difference(
                    "not readable",
                    "schema",
                    "a schema on the search_path that this role may use",
                    "none",
                    "GRANT USAGE ON SCHEMA public TO the role that verifies, or mend its search_path",
                )
            )
            return
        # PostgreSQL 18 has uuidv7() built in, where before core.0001 supplies it.
        cursor.execute(
            "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace"
            " AND proname = ANY(%s)",
            [[signature.partition("(")[0] for signature in self._expected["functions"]]],
        )
        self.built_in = frozenset(signature.removeprefix("pg_catalog.") for (signature,) in cursor.fetchall())
        if self._may_read(cursor, "django_migrations", {"app", "name"}):
            self.applied = applied_migrations(cursor)
        if self._may_read(cursor, "system_configurations", {"key", "scope"}):
            self.settings = system_settings(cursor)
            self._miss_settings()

    def _may_read(self, cursor: CursorWrapper, table: str, columns: set[str]) -> bool:
        """Whether the rows can be read: not if the table has gone (the catalog says so), nor without the privilege."""
        if not columns <= set(self.catalog["tables"].get(table, {}).get("columns", {})):
            return False
        cursor.execute(
            "SELECT bool_and(has_column_privilege(%s, name, 'SELECT')), current_user FROM unnest(%s::text[]) AS name",
            [table, sorted(columns)],
        )
        may, user = cursor.fetchone()
        if not may:
            quoted = self._connection.ops.quote_name
            self.differences.append(
                Difference(
                    "not readable",
                    table,
                    f"readable by {user}",
                    "no privilege",
                    f"GRANT SELECT ({', '.join(map(quoted, sorted(columns)))}) ON {quoted(table)} TO {quoted(user)};",
                )
            )
        return bool(may)

    def _miss_settings(self) -> None:
        for key in sorted(set(self._expected["settings"]) - self.settings):
            self.differences.append(
                Difference(
                    "setting missing",
                    key,
                    "a row of scope SYSTEM",
                    "none",
                    f"python manage.py sqlmigrate {SEED} | python manage.py dbshell",
                )
            )


def _is_ahead(differences: Iterable[Difference]) -> bool:
    """Whether a release that this code does not know has changed the database."""
    return any(difference.kind == "migration unknown" for difference in differences)


def _left_alone(difference: Difference, *, is_known: bool) -> Difference:
    return replace(difference, advice=of_unknown_release(difference.kind, difference.advice, is_known=is_known))


def _empty(connection: BaseDatabaseWrapper) -> Difference:
    name = str(connection.settings_dict["NAME"])
    return Difference("database empty", name, "the tables of White Cross", "none of them", "python manage.py migrate")


def _compare_files(loader: MigrationLoader, expected: Catalog) -> list[Difference]:
    """Whether the snapshot was made with the migrations on disk; else the comparison with it means little."""
    on_disk, in_snapshot = {f"{app}.{name}" for app, name in loader.graph.nodes}, set(expected["migrations"])
    return [
        Difference(
            "snapshot out of date",
            "core/schema/expected.json",
            "made with the migrations of this code",
            f"made {'without' if name in on_disk else 'with'} {name}",
            "in development: python manage.py verify_schema --write-expected",
        )
        for name in sorted(on_disk ^ in_snapshot)
    ]
