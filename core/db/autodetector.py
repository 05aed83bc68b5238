"""makemigrations writes the operations on enum types by itself."""

from django.db.migrations.autodetector import MigrationAutodetector
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
        gone = [label for label in old if label not in new]
        for label in [label for label in new if label not in old]:
            renamed = next((was for was in gone if self._was_renamed(name, was, label)), None)
            if renamed:
                gone.remove(renamed)
                self.add_operation(app_label, RenameEnumLabel(name, renamed, label), beginning=True)
                continue
            place = new.index(label)
            following = next((other for other in new[place + 1 :] if other in old), "")
            self.add_operation(app_label, AddEnumLabel(name, label, before=following), beginning=True)
        for label in gone:
            place = old.index(label)
            following = next((other for other in old[place + 1 :] if other in new), "")
            self.add_operation(app_label, RemoveEnumLabel(name, label, before=following))

    def _was_renamed(self, name: str, old: str, new: str) -> bool:
        # The questioner has a word for fields and models only; its own way of asking serves labels as well.
        ask = getattr(self.questioner, "_boolean_input", None)
        return bool(ask and ask(f"Was the label {old} of the enum type {name} renamed to {new}? [y/N]", False))
