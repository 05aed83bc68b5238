"""Rules that PostgreSQL keeps and that Django has no word for, as members of `Meta.constraints`.

There they are part of the model state: makemigrations writes them, CreateModel and RemoveConstraint carry them out.
"""

from collections.abc import Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement, Table
from django.db.models.constraints import BaseConstraint


class _DatabaseRule(BaseConstraint):
    """What the two rules share: PostgreSQL alone judges, Python has nothing to add."""

    def validate(
        self,
        model: type[models.Model],
        instance: models.Model,
        exclude: Any = None,
        using: str = DEFAULT_DB_ALIAS,
    ) -> None:
        """The database has the last word, and here the only one."""

    def _identity(self) -> tuple[Any, ...]:
        return self.deconstruct()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._identity() == self._identity()

    def __hash__(self) -> int:
        return hash((type(self), self.name))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.name}>"


class CompositeForeignKey(_DatabaseRule):
    """A foreign key of several columns.

    `columns` of this table refer to `to_columns` (unique there) of `to_table`; all are column names. As in SQL,
    a row with a NULL among its columns is not checked. A change over there follows here (ON UPDATE CASCADE).
    """

    def __init__(self, *, name: str, columns: Sequence[str], to_table: str, to_columns: Sequence[str]) -> None:
        super().__init__(name=name)
        self.columns, self.to_table, self.to_columns = tuple(columns), to_table, tuple(to_columns)

    def deconstruct(self) -> tuple[str, tuple[()], dict[str, Any]]:
        """As migrations write it."""
        return (
            "core.db.CompositeForeignKey",
            (),
            {
                "name": self.name,
                "columns": self.columns,
                "to_table": self.to_table,
                "to_columns": self.to_columns,
            },
        )

    def constraint_sql(self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor) -> str:  # type: ignore[override]
        """The clause of CREATE TABLE."""
        quote = schema_editor.quote_name
        columns, to_columns = (", ".join(map(quote, names)) for names in (self.columns, self.to_columns))
        return (
            f"CONSTRAINT {quote(self.name)} FOREIGN KEY ({columns}) "
            f"REFERENCES {quote(self.to_table)} ({to_columns}) ON UPDATE CASCADE"
        )

    def create_sql(self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor) -> Statement:  # type: ignore[override]
        """ALTER TABLE ... ADD CONSTRAINT."""
        return Statement(
            "ALTER TABLE %(table)s ADD %(definition)s",
            table=Table(model._meta.db_table, schema_editor.quote_name),
            definition=self.constraint_sql(model, schema_editor),
        )

    def remove_sql(self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor) -> Statement:  # type: ignore[override]
        """ALTER TABLE ... DROP CONSTRAINT."""
        return Statement(
            "ALTER TABLE %(table)s DROP CONSTRAINT %(name)s",
            table=Table(model._meta.db_table, schema_editor.quote_name),
            name=schema_editor.quote_name(self.name),
        )


class Trigger(_DatabaseRule):
    """A trigger that calls a function which takes no arguments.

    - `event`: "BEFORE UPDATE", "BEFORE INSERT OR UPDATE", "BEFORE TRUNCATE" ...
    - `each`: "ROW" or "STATEMENT".
    - `always`: fire also where session_replication_role would silence triggers, for guards that nobody may switch off.
    """

    def __init__(self, *, name: str, event: str, function: str, each: str = "ROW", always: bool = False) -> None:
        super().__init__(name=name)
        self.event, self.function, self.each, self.always = event, function, each, always

    def deconstruct(self) -> tuple[str, tuple[()], dict[str, Any]]:
        """As migrations write it: what differs from the defaults."""
        kwargs: dict[str, Any] = {"name": self.name, "event": self.event, "function": self.function}
        if self.each != "ROW":
            kwargs["each"] = self.each
        if self.always:
            kwargs["always"] = self.always
        return "core.db.Trigger", (), kwargs

    def constraint_sql(self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor) -> None:  # type: ignore[override]
        """No clause of CREATE TABLE: the trigger follows once the table stands."""
        schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))

    def create_sql(self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor) -> Statement:  # type: ignore[override]
        """CREATE TRIGGER, and its mode where that is not the usual one."""
        quote = schema_editor.quote_name
        template = "CREATE TRIGGER %(name)s %(event)s ON %(table)s FOR EACH %(each)s EXECUTE FUNCTION %(function)s()"
        if self.always:
            template += "; ALTER TABLE %(table)s ENABLE ALWAYS TRIGGER %(name)s"
        return Statement(
            template,
            name=quote(self.name),
            event=self.event,
            table=Table(model._meta.db_table, quote),
            each=self.each,
            function=quote(self.function),
        )

    def remove_sql(self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor) -> Statement:  # type: ignore[override]
        """DROP TRIGGER."""
        quote = schema_editor.quote_name
        return Statement(
            "DROP TRIGGER %(name)s ON %(table)s",
            name=quote(self.name),
            table=Table(model._meta.db_table, quote),
        )
