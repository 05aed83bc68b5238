"""makemigrations writes the operations on enum types by itself."""

from django.core.management.base import CommandError
from django.db.migrations import Migration
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from core.db.enums import AddEnumLabel, CreateEnum, DropEnum, EnumField, RemoveEnumLabel, RenameEnumLabel

Enums = dict[str, tuple[str, list[str]]]


def enum_types(state: ProjectState) -> Enums:
    """The enum types that the fields of a state name: type name -> (app label, labels).

    A type used by several apps belongs to the first in alphabetical order.
    """
    found: Enums = {}
    for app_label, model_name in sorted(state.models):
        for field in state.models[app_label, model_name].fields.values():
            if isinstance(field, EnumField):
                found.setdefault(field.type_name, (app_label, list(field.labels)))
    return found


class EnumAutodetector(MigrationAutodetector):
    """Django's autodetector, which also compares the enum types."""

    def _sort_migrations(self) -> None:
        """The last step in which operations may still be added."""
        old, new = enum_types(self.from_state), enum_types(self.to_state)
        for name, (app_label, labels) in new.items():
            if name not in old:
                self.add_operation(app_label, CreateEnum(name, labels), beginning=True)
            elif labels != old[name][1]:
                self._generate_label_changes(app_label, name, old[name][1], labels)
        for name, (app_label, labels) in old.items():
            if name not in new:
                self.add_operation(app_label, DropEnum(name, labels))
        super()._sort_migrations()  # type: ignore[misc]

    def _generate_label_changes(self, app_label: str, name: str, old: list[str], new: list[str]) -> None:
        """Rename, then add each label behind the one before it, then remove. Raises CommandError for a new order."""
        now, first = list(old), list[Operation]()
        gone = [label for label in old if label not in new]
        for label in new:
            if label in now:
                continue
            renamed = next((was for was in gone if self._was_renamed(name, was, label)), None)
            if renamed:
                gone.remove(renamed)
                now[now.index(renamed)] = label
                first.append(RenameEnumLabel(name, renamed, label))
        for place, label in enumerate(new):
            if label not in now:
                before = now[0] if place == 0 else ""
                after = new[place - 1] if place else ""
                now.insert(now.index(after) + 1 if after else 0, label)
                first.append(AddEnumLabel(name, label, before=before, after=after))
        if [label for label in now if label not in gone] != new:
            raise CommandError(
                f"The labels of the enum type {name} stand in another order than before, which PostgreSQL cannot "
                f"change. Keep this one: {', '.join(label for label in now if label not in gone)}."
            )
        # Each goes to the beginning, so the last comes first.
        for operation in reversed(first):
            self.add_operation(app_label, operation, beginning=True)
        for label in gone:
            following = next((other for other in now[now.index(label) + 1 :] if other not in gone), "")
            self.add_operation(app_label, RemoveEnumLabel(name, label, before=following))

    def _was_renamed(self, name: str, old: str, new: str) -> bool:
        # The questioner has a word for fields and models only; its own way of asking serves labels as well.
        ask = getattr(self.questioner, "_boolean_input", None)
        return bool(ask and ask(f"Was the label {old} of the enum type {name} renamed to {new}? [y/N]", False))

    def _optimize_migrations(self) -> None:
        """Give added labels a migration of their own first: the transaction that adds one cannot use it."""
        for app_label, migrations in self.migrations.items():  # type: ignore[attr-defined]
            leading = migrations[0]
            labels = [found for found in leading.operations if type(found) in (RenameEnumLabel, AddEnumLabel)]
            others = [operation for operation in leading.operations if operation not in labels]
            if others and any(type(operation) is AddEnumLabel for operation in labels):
                before = type("Migration", (Migration,), {"operations": labels})("auto_0", app_label)
                before.dependencies = list(leading.dependencies)
                leading.operations = others
                migrations.insert(0, before)
        super()._optimize_migrations()  # type: ignore[misc]
