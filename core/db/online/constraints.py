"""Rules that later rows keep at once, and that the rows there are looked through for while the table is in use."""

from __future__ import annotations

import hashlib
from typing import Any, NoReturn

from django.core.management.base import CommandError
from django.db import IntegrityError, models
from django.db.migrations.operations import AddConstraint
from django.db.migrations.operations.base import Operation, OperationCategory
from django.db.migrations.state import ProjectState

from core.db.constraints import CompositeForeignKey
from core.db.online.steps import Editor, ask, empty_twin, refuse_transaction

_FOUND = """
SELECT contype, pg_get_constraintdef(oid), convalidated FROM pg_constraint
WHERE conname = %s AND conrelid = to_regclass(%s)
"""
_FOREIGN_KEY = """
SELECT t.relname, k.confupdtype, k.confdeltype, k.condeferrable,
       ARRAY(SELECT a.attname FROM unnest(k.conkey) WITH ORDINALITY n (key, place)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = n.key ORDER BY n.place),
       ARRAY(SELECT a.attname FROM unnest(k.confkey) WITH ORDINALITY n (key, place)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = n.key ORDER BY n.place)
FROM pg_constraint k JOIN pg_class t ON t.oid = k.confrelid
WHERE k.conname = %s AND k.conrelid = to_regclass(%s)
"""
_IS_NOT_NULL = """
SELECT attnotnull FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = %s AND NOT attisdropped
"""


def _table(editor: Editor, model: type[models.Model]) -> str:
    return str(editor.quote_name(model._meta.db_table))


def _found(editor: Editor, model: type[models.Model], name: str) -> tuple[Any, ...] | None:
    rows = ask(editor, _FOUND, [name, _table(editor, model)])
    return rows[0] if rows else None


def definition_of(editor: Editor, model: type[models.Model], name: str) -> str | None:
    """PostgreSQL's text of a constraint of the table, None where there is none."""
    found = _found(editor, model, name)
    return None if found is None else str(found[1])


def _validate(editor: Editor, model: type[models.Model], name: str) -> None:
    editor.execute(f"ALTER TABLE {_table(editor, model)} VALIDATE CONSTRAINT {editor.quote_name(name)}", params=None)


def drop_constraint(editor: Editor, model: type[models.Model], name: str) -> None:
    """Drop a constraint if it is there."""
    editor.execute(
        f"ALTER TABLE {_table(editor, model)} DROP CONSTRAINT IF EXISTS {editor.quote_name(name)}", params=None
    )


def refuse_another(model: type[models.Model], name: str, definition: str) -> NoReturn:
    """Raises CommandError: another constraint bears the name."""
    raise CommandError(
        f"A constraint {name} that this migration does not add stands on {model._meta.db_table} already "
        f"({definition}): drop or rename it, then migrate again."
    )


class AddConstraintNotValid(AddConstraint):
    """Add a CheckConstraint or CompositeForeignKey that the rows there are not looked through for: NOT VALID.

    ValidateConstraint does that afterwards, while the table is in use.
    """

    atomic = False
    category = OperationCategory.ADDITION

    def __init__(self, model_name: str, constraint: models.CheckConstraint | CompositeForeignKey) -> None:
        if not isinstance(constraint, models.CheckConstraint | CompositeForeignKey):
            raise TypeError("AddConstraintNotValid takes a CheckConstraint or a CompositeForeignKey.")
        super().__init__(model_name, constraint)

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Add it, unless it stands there. Raises CommandError where another one bears its name."""
        refuse_transaction(self, schema_editor)
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        if schema_editor.collect_sql or not self._is_there(schema_editor, model):
            schema_editor.execute(f"{self.constraint.create_sql(model, schema_editor)} NOT VALID", params=None)

    def database_backwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop it."""
        refuse_transaction(self, schema_editor)
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            drop_constraint(schema_editor, model, self.constraint.name)

    def _is_there(self, editor: Editor, model: type[models.Model]) -> bool:
        name = self.constraint.name
        found = _found(editor, model, name)
        if found is None:
            return False
        _, definition, _ = found
        if isinstance(self.constraint, CompositeForeignKey):
            of_it = self.constraint
            wanted = (of_it.to_table, "c", "a", False, list(of_it.columns), list(of_it.to_columns))
            is_same = ask(editor, _FOREIGN_KEY, [name, _table(editor, model)]) == [wanted]
        else:
            with empty_twin(editor, model._meta.db_table):
                editor.execute(self.constraint.create_sql(model, editor), params=None)
                twin = _found(editor, model, name)
            is_same = twin is not None and twin[1] == definition.removesuffix(" NOT VALID")
        if not is_same:
            refuse_another(model, name, definition)
        return True

    def describe(self) -> str:
        """One line for `migrate --plan`."""
        return f"Add constraint {self.constraint.name} to model {self.model_name}, for rows to come"

    @property
    def migration_name_fragment(self) -> str:
        """For the name of a generated migration."""
        return f"{super().migration_name_fragment}_not_valid"


class _OfField(Operation):
    """What the operations on one field share."""

    reversible = True
    atomic = False
    category = OperationCategory.ALTERATION

    def __init__(self, model_name: str, field_name: str) -> None:
        self.model_name, self.field_name = model_name, field_name

    def _altered(self, field: models.Field[Any, Any]) -> models.Field[Any, Any]:
        raise NotImplementedError

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The field is as AlterField would leave it."""
        field = state.models[app_label, self.model_name.lower()].fields[self.field_name]
        state.alter_field(app_label, self.model_name.lower(), self.field_name, self._altered(field), True)

    def references_model(self, name: str, app_label: str) -> bool:
        """Whether squashing has to keep the order with operations on that model."""
        return name.lower() == self.model_name.lower()

    def references_field(self, model_name: str, name: str, app_label: str) -> bool:
        """Whether squashing has to keep the order with operations on that field."""
        return self.references_model(model_name, app_label) and name == self.field_name


class AddForeignKeyNotValid(_OfField):
    """Give a ForeignKey that has `db_constraint=False` its constraint, NOT VALID; then it has no such argument.

    So that the table is not looked through under a lock: AddField or AlterField with `db_constraint=False`, this, and
    ValidateConstraint with the constraint's name, which is like students_nurseId_fkey.
    """

    def _altered(self, field: models.Field[Any, Any]) -> models.Field[Any, Any]:
        if not isinstance(field, models.ForeignKey):
            raise TypeError(f"{self.model_name}.{self.field_name} is no ForeignKey.")
        _, _, args, kwargs = field.deconstruct()
        kwargs.pop("db_constraint", None)
        return type(field)(*args, **kwargs)

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Add it, unless it stands there. Raises CommandError where another one bears its name."""
        refuse_transaction(self, schema_editor)
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        field = model._meta.get_field(self.field_name)
        create = schema_editor._create_fk_sql(model, field, "_fk_%(to_table)s_%(to_column)s")  # type: ignore[attr-defined]
        name = str(create.parts["name"]).strip('"')
        found = None if schema_editor.collect_sql else _found(schema_editor, model, name)
        if found is None:
            # What creates a table's deferred constraints comes at the end of the migration; this comes now.
            schema_editor.execute(f"{create} NOT VALID", params=None)
            return
        target = field.target_field
        wanted = (target.model._meta.db_table, "a", "a", True, [field.column], [target.column])
        if ask(schema_editor, _FOREIGN_KEY, [name, _table(schema_editor, model)]) != [wanted]:
            refuse_another(model, name, found[1])

    def database_backwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop it."""
        refuse_transaction(self, schema_editor)
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            field = model._meta.get_field(self.field_name)
            create = schema_editor._create_fk_sql(model, field, "_fk_%(to_table)s_%(to_column)s")  # type: ignore[attr-defined]
            drop_constraint(schema_editor, model, str(create.parts["name"]).strip('"'))

    def describe(self) -> str:
        """One line for `migrate --plan`."""
        return f"Add the foreign key of {self.model_name}.{self.field_name}, for rows to come"

    @property
    def migration_name_fragment(self) -> str:
        """For the name of a generated migration."""
        return f"{self.model_name.lower()}_{self.field_name}_foreign_key"


class ValidateConstraint(Operation):
    """Look through the rows for a constraint that is NOT VALID, while the table is in use. The reverse does nothing."""

    reversible = True
    atomic = False
    category = OperationCategory.ALTERATION

    def __init__(self, model_name: str, name: str) -> None:
        self.model_name, self.name = model_name, name

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Nothing: the state has the constraint, and knows no validity."""

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Look through the rows. Raises CommandError where one breaks the rule, or there is no such constraint."""
        refuse_transaction(self, schema_editor)
        model = from_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        if not schema_editor.collect_sql:
            found = _found(schema_editor, model, self.name)
            if found is None:
                raise CommandError(
                    f"{model._meta.db_table} has no constraint {self.name} to validate: add it by "
                    "AddConstraintNotValid or AddForeignKeyNotValid, then migrate again."
                )
            if found[2]:
                return
        try:
            _validate(schema_editor, model, self.name)
        except IntegrityError:
            raise CommandError(
                f"{model._meta.db_table} has rows that break {self.name}, which holds for rows to come: "
                "mend them, then migrate again."
            ) from None

    def database_backwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Nothing: what is known of the rows stays true."""

    def describe(self) -> str:
        """One line for `migrate --plan`."""
        return f"Validate constraint {self.name} of model {self.model_name}"

    @property
    def migration_name_fragment(self) -> str:
        """For the name of a generated migration."""
        return f"{self.model_name.lower()}_validate_{self.name.lower()}"


class SetNotNull(_OfField):
    """Make a field NOT NULL, as AlterField with null=False would.

    A CHECK is added NOT VALID and validated while the table is in use; from it PostgreSQL knows that no row has a NULL,
    so that SET NOT NULL takes no time. Then the CHECK goes.
    """

    def _altered(self, field: models.Field[Any, Any]) -> models.Field[Any, Any]:
        altered = field.clone()
        altered.null = False
        return altered

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Make it NOT NULL. Raises CommandError, changing nothing, where a row has a NULL."""
        refuse_transaction(self, schema_editor)
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        editor, column = schema_editor, model._meta.get_field(self.field_name).column
        check = _helping_check(model._meta.db_table, column)
        alter, quoted = f"ALTER TABLE {_table(editor, model)}", editor.quote_name(column)
        if not self._is_done(editor, model, column):
            if editor.collect_sql or _found(editor, model, check) is None:
                condition = f"CHECK ({quoted} IS NOT NULL) NOT VALID"
                editor.execute(f"{alter} ADD CONSTRAINT {editor.quote_name(check)} {condition}", params=None)
            try:
                _validate(editor, model, check)
            except IntegrityError:
                if not editor.connection.in_atomic_block:
                    drop_constraint(editor, model, check)
                raise CommandError(
                    f'{model._meta.db_table}."{column}" is NULL in some rows and cannot become NOT NULL; '
                    "nothing was changed: fill them in, then migrate again."
                ) from None
            editor.execute(f"{alter} ALTER COLUMN {quoted} SET NOT NULL", params=None)
        drop_constraint(editor, model, check)

    def _is_done(self, editor: Editor, model: type[models.Model], column: str) -> bool:
        if editor.collect_sql:
            return False
        return ask(editor, _IS_NOT_NULL, [_table(editor, model), column]) == [(True,)]

    def database_backwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Allow NULL again."""
        refuse_transaction(self, schema_editor)
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            column = model._meta.get_field(self.field_name).column
            drop_constraint(schema_editor, model, _helping_check(model._meta.db_table, column))
            quoted = schema_editor.quote_name(column)
            schema_editor.execute(
                f"ALTER TABLE {_table(schema_editor, model)} ALTER COLUMN {quoted} DROP NOT NULL", params=None
            )

    def describe(self) -> str:
        """One line for `migrate --plan`."""
        return f"Make {self.model_name}.{self.field_name} NOT NULL while the table is in use"

    @property
    def migration_name_fragment(self) -> str:
        """For the name of a generated migration."""
        return f"{self.model_name.lower()}_{self.field_name}_not_null"


def _helping_check(table: str, column: str) -> str:
    """A name that PostgreSQL 18 does not give to its own constraints."""
    name = f"{table}_{column}_is_filled"
    if len(name.encode()) <= 63:
        return name
    return f"{table[:20]}_{hashlib.sha256(name.encode()).hexdigest()[:16]}_is_filled"
