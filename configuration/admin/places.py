"""For whom values hold, by the names that administrators know."""

import uuid
from collections.abc import Iterable
from typing import Any

from configuration.editing import MODELS
from configuration.enums import ConfigScope
from configuration.models import SystemConfiguration
from core.admin.site import site
from core.models import School, User

Spot = tuple[str, uuid.UUID | None]

# A relation to the model of each scope, through which the admin completes its names.
RELATIONS: dict[str, Any] = {
    ConfigScope.DISTRICT: School._meta.get_field("district"),
    ConfigScope.SCHOOL: User._meta.get_field("school"),
    ConfigScope.USER: SystemConfiguration._meta.get_field("last_modified_by"),
}


class Places:
    """The names of scopes with their ids, looked up together: a query for each of the three scopes at most."""

    def __init__(self, spots: Iterable[Spot]) -> None:
        wanted: dict[str, set[uuid.UUID]] = {}
        for scope, pk in spots:
            if pk is not None and scope in MODELS:
                wanted.setdefault(scope, set()).add(pk)
        self.records: dict[Spot, Any] = {
            (scope, pk): record
            for scope, pks in wanted.items()
            for pk, record in MODELS[scope]._base_manager.in_bulk(list(pks)).items()
        }

    def name(self, scope: str, pk: uuid.UUID | None) -> str:
        """Such as "school Cedar Grove"; "everybody" for the system."""
        if scope == ConfigScope.SYSTEM:
            return "everybody"
        record = self.records.get((scope, pk))
        kind = ConfigScope(scope).label.lower()
        return f"{kind} {site.label(record)}" if record is not None else f"a {kind} that is gone ({pk})"


def whom(setting: Any, places: Places, own_values: int) -> str:
    """Whom a change of a setting's value reaches, as a sentence."""
    if setting.scope == ConfigScope.SYSTEM:
        others = f", but for the {own_values} with a value of their own" if own_values else ""
        return f"Everybody{others}."
    name = places.name(setting.scope, setting.scope_id)
    if setting.scope == ConfigScope.USER:
        return f"{name[0].upper()}{name[1:]} alone."
    return f"Everybody of {name} without a narrower value."
