"""The backend of standbys: what one fails to read, the primary reads."""

import contextlib
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, Error, OperationalError, connections

from whitecross.postgres import base
from whitecross.replica import reading
from whitecross.replica.waiting import give_up_on_the_dead

# The statement itself was stopped, or wanted to write: the primary would do no better.
NO_FAILURE_OF_THE_STANDBY = ("57014", "25006")
# The beginnings of SQLSTATEs after which it is not worth asking it again at once. Nobody locks a table on a standby but
# replay, which may stand still meanwhile (55P03).
IS_AWAY = ("08", "53", "55P03", "57P", "58", "XX")
# How long a read waits for such a lock. It is to end before a statement_timeout, which may be the statement's fault.
LOCKED = "1s"


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to a standby. Within a reading, a failure of the standby's is nobody's failure."""

    def __init__(self, settings_dict: dict[str, Any], alias: str = "replica") -> None:
        super().__init__(settings_dict, alias)
        self.execute_wrappers.append(self._or_on_the_primary)

    def get_connection_params(self) -> dict[str, Any]:
        """As to the primary; a read waits for no lock."""
        parameters = super().get_connection_params()
        parameters["options"] = f"-c lock_timeout={LOCKED} {parameters['options']}"  # a later -c wins, so yours does
        return parameters

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection on which nobody waits for a server that answers no more."""
        connection = super().get_new_connection(conn_params)
        give_up_on_the_dead(connection, conn_params)
        return connection

    def _cursor(self, name: str | None = None) -> Any:
        try:
            return super()._cursor(name)  # type: ignore[misc]
        except (Error, psycopg.Error) as error:
            if not self._gives_up(error):
                raise
            return connections[DEFAULT_DB_ALIAS]._cursor(name)  # type: ignore[attr-defined]

    def _or_on_the_primary(self, execute: Any, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        try:
            return execute(sql, params, many, context)
        except (Error, psycopg.Error) as error:
            if not self._gives_up(error):
                raise
        # The cursor that Django holds goes on as one of the primary's.
        primary: Any = connections[DEFAULT_DB_ALIAS]
        cursor = context["cursor"]
        primary.ensure_connection()
        with contextlib.suppress(psycopg.Error):
            cursor.cursor.close()
        with primary.wrap_database_errors:
            cursor.cursor = primary.create_cursor(getattr(cursor.cursor, "name", None))
        cursor.db = primary
        return execute(sql, params, many, context)

    def _gives_up(self, error: BaseException) -> bool:
        """Whether the primary reads instead; then it does for the rest of the reading."""
        here = reading.now()
        state = getattr(error, "sqlstate", None) or getattr(error.__cause__, "sqlstate", None)
        if here is None or state in NO_FAILURE_OF_THE_STANDBY:
            return False
        if state is None and not (self._is_lost() or isinstance(error, (OperationalError, psycopg.OperationalError))):
            return False  # a value or a statement that was never sent
        here.leave_standby()
        if state is None or state.startswith(IS_AWAY):
            next(standby for standby in reading.standbys() if standby.alias == self.alias).failed(error)
        return True

    def _is_lost(self) -> bool:
        return self.connection is not None and self.connection.closed
