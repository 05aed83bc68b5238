"""PostgreSQL's enum types: the field, and the migration operations that create and change the types.

A model says `EnumField(UserRole)`, where UserRole is a TextChoices; the type in PostgreSQL bears that class's name.
A migration says `EnumField("UserRole", labels=[...])`: literals, so that it stays true when the class changes.
`core.db.autodetector` compares the two and writes the operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation, OperationCategory
from django.db.migrations.state import ProjectState
from django.db.models.sql.compiler import SQLCompiler

Editor = BaseDatabaseSchemaEditor


class EnumField(models.Field):  # type: ignore[type-arg]
    """A column of a native enum type. Values are the labels, as plain str.

    An unknown label is a ValueError in Python, before SQL is sent: as a DataError it would cost the transaction.
    """

    description = "Native enum"
    # What changes nothing in the column itself: labels change by operations on the type.
    non_db_attrs = (*models.Field.non_db_attrs, "labels")
    # Read by the insert compiler of whitecross.postgres: arrays of this type can be unnested.
    unnestable = True

    def __init__(self, enum: type[models.TextChoices] | str, labels: Sequence[str] = (), **kwargs: Any) -> None:
        if isinstance(enum, str):
            self.type_name, self.labels = enum, list(labels)
        else:
            self.type_name, self.labels = enum.__name__, list(enum.values)
            kwargs.setdefault("choices", enum.choices)
        super().__init__(**kwargs)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """As migrations write it: the type's name and labels, without the words for people."""
        name, _, _, kwargs = super().deconstruct()
        kwargs.pop("choices", None)
        return name, "core.db.EnumField", [self.type_name], {"labels": list(self.labels), **kwargs}

    def clone(self) -> EnumField:
        """As Field.clone, but with the choices, which deconstruct leaves out."""
        copy = super().clone()
        copy.choices = self.choices
        return copy

    def get_internal_type(self) -> str:
        """A type of its own, so that ALTER COLUMN TYPE from and to text gets its USING."""
        return "EnumField"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        """The quoted name of the type."""
        return connection.ops.quote_name(self.type_name)

    def cast_db_type(self, connection: BaseDatabaseWrapper) -> str:
        """As db_type: bulk_update() and Cast() ask for it."""
        return self.db_type(connection)

    def get_placeholder(self, value: Any, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> str:
        """A cast, as an expression that yields text (CASE, COALESCE) has no way into the column without one."""
        return f"CAST(%s AS {self.db_type(connection)})"

    def to_python(self, value: Any) -> str | None:
        """A label as str."""
        return None if value is None else str(value)

    def get_prep_value(self, value: Any) -> Any:
        """Refuse what is not a label. Raises ValueError."""
        value = super().get_prep_value(value)
        if value is None or hasattr(value, "as_sql"):
            return value
        value = str(value)
        if value not in self.labels:
            raise ValueError(f"{self.name}: {value!r} is not one of {', '.join(self.labels)}.")
        return value


def _list(labels: Sequence[str]) -> str:
    return ", ".join("'" + label.replace("'", "''") + "'" for label in labels)


class _EnumOperation(Operation):
    """What the operations on a type share: no model state, as the fields carry name and labels."""

    reversible = True
    category = OperationCategory.SQL

    def __init__(self, name: str) -> None:
        self.name = name

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Nothing: the fields' own changes of state say it."""

    def references_model(self, name: str, app_label: str) -> bool:
        """Any model may have a column of the type, so no operation is optimised across this one."""
        return True

    def _forwards(self, editor: Editor) -> None:
        raise TypeError(f"{type(self).__name__} has no forward step")

    def _backwards(self, editor: Editor) -> None:
        raise TypeError(f"{type(self).__name__} has no reverse step")

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Carry it out."""
        self._forwards(schema_editor)

    def database_backwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Take it back."""
        self._backwards(schema_editor)


class CreateEnum(_EnumOperation):
    """CREATE TYPE name AS ENUM (labels), in this order."""

    category = OperationCategory.ADDITION

    def __init__(self, name: str, labels: Sequence[str]) -> None:
        super().__init__(name)
        self.labels = list(labels)

    def _forwards(self, editor: Editor) -> None:
        editor.execute(f"CREATE TYPE {editor.quote_name(self.name)} AS ENUM ({_list(self.labels)})", params=None)

    def _backwards(self, editor: Editor) -> None:
        editor.execute(f"DROP TYPE {editor.quote_name(self.name)}", params=None)

    def describe(self) -> str:
        """One line for `migrate --plan`."""
        return f"Create enum {self.name} ({len(self.labels)} labels)"

    @property
    def migration_name_fragment(self) -> str:
        """For the name of a generated migration."""
        return self.name.lower()


class DropEnum(CreateEnum):
    """DROP TYPE; `labels` let the reverse create it again."""

    category = OperationCategory.REMOVAL

    def _forwards(self, editor: Editor) -> None:
        super()._backwards(editor)

    def _backwards(self, editor: Editor) -> None:
        super()._forwards(editor)

    def describe(self) -> str:
        """One line for `migrate --plan`."""
        return f"Drop enum {self.name}"

    @property
    def migration_name_fragment(self) -> str:
        """For the name of a generated migration."""
        return f"drop_{self.name.lower()}"


class AddEnumLabel(_EnumOperation):
    """ALTER TYPE ... ADD VALUE, before or after a label, else at the end.

    The label cannot be used in the same transaction: a data step that writes it is a migration of its own.
    The reverse swaps the type for one without the label, and refuses while rows say it.
    """

    category = OperationCategory.ADDITION

    def __init__(self, name: str, label: str, *, before: str = "", after: str = "") -> None:
        super().__init__(name)
        self.label, self.before, self.after = label, before, after

    def _forwards(self, editor: Editor) -> None:
        place = f" BEFORE {_list([self.before])}" if self.before else ""
        place = f" AFTER {_list([self.after])}" if self.after else place
        editor.execute(f"ALTER TYPE {editor.quote_name(self.name)} ADD VALUE {_list([self.label])}{place}", params=None)

    def _backwards(self, editor: Editor) -> None:
        _without_label(editor, self.name, self.label)

    def describe(self) -> str:
        """One line for `migrate --plan`."""
        return f"Add label {self.label} to enum {self.name}"

    @property
    def migration_name_fragment(self) -> str:
        """For the name of a generated migration."""
        return f"{self.name.lower()}_{self.label.lower()}"


class RemoveEnumLabel(AddEnumLabel):
    """Swap the type for one without the label; refuses while rows say it. `before`/`after` serve the reverse."""

    category = OperationCategory.REMOVAL

    def _forwards(self, editor: Editor) -> None:
        super()._backwards(editor)

    def _backwards(self, editor: Editor) -> None:
        super()._forwards(editor)

    def describe(self) -> str:
        """One line for `migrate --plan`."""
        return f"Remove label {self.label} from enum {self.name}"


class RenameEnumLabel(_EnumOperation):
    """ALTER TYPE ... RENAME VALUE: every row that said the old label says the new one."""

    category = OperationCategory.ALTERATION

    def __init__(self, name: str, old: str, new: str) -> None:
        super().__init__(name)
        self.old, self.new = old, new

    def _rename(self, editor: Editor, old: str, new: str) -> None:
        editor.execute(
            f"ALTER TYPE {editor.quote_name(self.name)} RENAME VALUE {_list([old])} TO {_list([new])}",
            params=None,
        )

    def _forwards(self, editor: Editor) -> None:
        self._rename(editor, self.old, self.new)

    def _backwards(self, editor: Editor) -> None:
        self._rename(editor, self.new, self.old)

    def describe(self) -> str:
        """One line for `migrate --plan`."""
        return f"Rename label {self.old} of enum {self.name} to {self.new}"

    @property
    def migration_name_fragment(self) -> str:
        """For the name of a generated migration."""
        return f"{self.name.lower()}_{self.old.lower()}_to_{self.new.lower()}"


# The columns of a type (%s: its name) with their defaults.
_COLUMNS = """
SELECT c.oid, c.relname, a.attname, pg_get_expr(d.adbin, d.adrelid)
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE t.typname = %s AND t.typnamespace = current_schema()::regnamespace AND NOT a.attisdropped
ORDER BY c.relname, a.attnum
"""
# What names the type in its text and so has to be dropped and built again around the swap: (drop, create) of the
# indexes with a predicate or expression, the CHECKs and the triggers of the tables (an array of oids) that use it.
_DEPENDENTS = """
SELECT format('DROP INDEX %%s', i.indexrelid::regclass),
       pg_get_indexdef(i.indexrelid) || coalesce(
           format('; COMMENT ON INDEX %%s IS %%L', i.indexrelid::regclass,
                  obj_description(i.indexrelid, 'pg_class')), '')
FROM pg_index i
WHERE i.indrelid = ANY(%(tables)s) AND (i.indpred IS NOT NULL OR i.indexprs IS NOT NULL)
  AND pg_get_indexdef(i.indexrelid) LIKE %(mention)s
UNION ALL
SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
       format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint
WHERE conrelid = ANY(%(tables)s) AND contype = 'c' AND pg_get_constraintdef(oid) LIKE %(mention)s
UNION ALL
SELECT format('DROP TRIGGER %%I ON %%s', tgname, tgrelid::regclass),
       pg_get_triggerdef(oid) || CASE tgenabled
           WHEN 'A' THEN format('; ALTER TABLE %%s ENABLE ALWAYS TRIGGER %%I', tgrelid::regclass, tgname)
           WHEN 'R' THEN format('; ALTER TABLE %%s ENABLE REPLICA TRIGGER %%I', tgrelid::regclass, tgname)
           WHEN 'D' THEN format('; ALTER TABLE %%s DISABLE TRIGGER %%I', tgrelid::regclass, tgname)
           ELSE '' END
FROM pg_trigger
WHERE tgrelid = ANY(%(tables)s) AND NOT tgisinternal AND pg_get_triggerdef(oid) LIKE %(mention)s
"""


def _without_label(editor: Editor, name: str, label: str) -> None:
    """Swap the type for one without the label. Raises CommandError, changing nothing, while rows say the label."""
    quote, old = editor.quote_name, f"{name}__old"
    with editor.connection.cursor() as cursor:
        cursor.execute(f"SELECT unnest(enum_range(NULL::{quote(name)}))::text")
        labels = [found for (found,) in cursor.fetchall() if found != label]
        cursor.execute(_COLUMNS, [name])
        columns = cursor.fetchall()
        for _, table, column, _ in columns:
            cursor.execute(f"SELECT count(*) FROM {quote(table)} WHERE {quote(column)}::text = %s", [label])  # noqa: S608 - quoted names
            (rows,) = cursor.fetchone()
            if rows:
                raise CommandError(
                    f'{table}."{column}": {rows} rows say {label}, which the enum type {name} is about to lose. '
                    "Nothing was changed. Give those rows another label, then run this again."
                )
        cursor.execute(_DEPENDENTS, {"tables": [oid for oid, *_ in columns], "mention": f'%"{name}"%'})
        dependents = cursor.fetchall()
    statements = [drop for drop, _ in dependents]
    statements += [
        f"ALTER TYPE {quote(name)} RENAME TO {quote(old)}",
        f"CREATE TYPE {quote(name)} AS ENUM ({_list(labels)})",
    ]
    for _, table, column, default in columns:
        alter = f"ALTER TABLE {quote(table)} ALTER COLUMN {quote(column)}"
        if default:
            statements.append(f"{alter} DROP DEFAULT")
        statements.append(f"{alter} TYPE {quote(name)} USING {quote(column)}::text::{quote(name)}")
        if default:
            statements.append(f"{alter} SET DEFAULT {default}")
    statements += [f"DROP TYPE {quote(old)}", *(create for _, create in dependents)]
    for statement in statements:
        editor.execute(statement, params=None)
