"""The backend that ``ENGINE = "whitecross.postgres"`` names."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.db.backends.postgresql import base, client, features, operations
from psycopg.types.datetime import TimestamptzLoader

from .home import EmbeddedServerError, wheel
from .schema import DatabaseSchemaEditor
from .server import PORT, USER, server_in

CONNECTING_S = 10


class DatabaseFeatures(features.DatabaseFeatures):
    minimum_database_version = (15,)  # the oldest that the tests run on


class DatabaseOperations(operations.DatabaseOperations):
    compiler_module = "whitecross.postgres.compiler"


class DatabaseClient(client.DatabaseClient):
    """``manage.py dbshell``: the embedded server comes with its own psql."""

    connection: "DatabaseWrapper"

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Any
    ) -> tuple[list[str], dict[str, str] | None]:
        arguments, environment = super().settings_to_cmd_args_env(settings_dict, parameters)
        if settings_dict.get("EMBEDDED"):
            arguments[0] = str(wheel()[0] / "bin" / cls.executable_name)
        return arguments, environment

    def runshell(self, parameters: Any) -> None:
        self.connection.start_embedded()
        super().runshell(parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    features_class = DatabaseFeatures
    ops_class = DatabaseOperations
    client_class = DatabaseClient
    SchemaEditorClass = DatabaseSchemaEditor
    begins_with: Sequence[str] = ()  # what is said at the beginning of each transaction, until the connection closes

    def start_embedded(self) -> None:
        """Start the embedded server, if this connection is to it, and say where it listens.

        Raises EmbeddedServerError where it cannot run, and in production.
        """
        folder = self.settings_dict.get("EMBEDDED")
        if not folder:
            return
        if getattr(settings, "PRODUCTION", False):
            raise EmbeddedServerError(
                "The embedded PostgreSQL is for development and trial, not for WHITECROSS_ENV=production; "
                "set DATABASE_URL to a server of yours."
            )
        server = server_in(folder)
        server.claim(self.settings_dict["NAME"])
        self.settings_dict.update(HOST=server.host, PORT=PORT, USER=USER)

    def get_connection_params(self) -> dict[str, Any]:
        self.start_embedded()
        parameters = super().get_connection_params()
        # Compiling a plan costs more than it saves on queries as short as ours. A random page costs 4 sequential ones
        # on a disk that turns, which is the default; at that price the planner reads all students instead of a
        # school's. A later -c wins, so yours does.
        parameters["options"] = f"-c jit=off -c random_page_cost=1.1 {parameters.get('options') or ''}".strip()
        parameters.setdefault("application_name", "whitecross")
        if "PGCONNECT_TIMEOUT" not in os.environ:
            # psycopg would wait two minutes for a server that accepts and says nothing.
            parameters.setdefault("connect_timeout", CONNECTING_S)
        return parameters

    @contextlib.contextmanager
    def _nodb_cursor(self) -> Iterator[Any]:
        """As Django's, which would take an embedded server that cannot run for a lack of the database postgres."""
        if folder := self.settings_dict.get("EMBEDDED"):
            server_in(folder).claim(None)
        with super()._nodb_cursor() as cursor:
            yield cursor

    def _set_autocommit(self, autocommit: bool) -> None:
        super()._set_autocommit(autocommit)  # type: ignore[misc]
        if not autocommit and self.begins_with:
            with self.wrap_database_errors:
                self.connection.execute("; ".join(self.begins_with))

    def close(self) -> None:
        super().close()
        self.begins_with = ()

    def create_cursor(self, name: str | None = None) -> Any:
        """As Django's, but read times by psycopg's compiled loader.

        Django's own is Python and costs 5 µs a value, a third of the time of a list with dates. The result is the
        same: both give the connection's zone, which is UTC.
        """
        cursor = super().create_cursor(name)
        cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
        return cursor
