"""For whom a value holds, by names that people use and that mean the same in another database.

A district and a school are named by their code, a user by her email; an id does as well.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from configuration.enums import ConfigScope
from configuration.parameters import near
from core.models import District, School, User

Names = Mapping[tuple[str, uuid.UUID | None], str]


class PlaceError(Exception):
    """Nothing has this name."""


@dataclass(frozen=True)
class Place:
    """A scope, and who or what in it. `subject` is the District, School or User; None for the system."""

    scope: str = ConfigScope.SYSTEM
    id: uuid.UUID | None = None
    name: str | None = None
    subject: Any = None

    @property
    def asked(self) -> dict[str, Any]:
        """How to ask `config` for the value that holds here: the arguments of get and explain."""
        return {} if self.scope == ConfigScope.SYSTEM else {self.scope.lower(): self.subject}

    def __str__(self) -> str:
        return "the system" if self.name is None else f"the {self.scope.lower()} {self.name}"


SYSTEM = Place()


def find_place(scope: str, name: str) -> Place:
    """The district, school or user with this code, email or id. Raises PlaceError with a sentence."""
    found = _named(scope, name)
    if found is None:
        raise PlaceError(_nothing(scope, name))
    return Place(scope, found.pk, _name(found), found)


def place_with(scope: str, pk: uuid.UUID | None) -> Place:
    """The place with this id, which nobody may have any more."""
    if pk is None:
        return SYSTEM
    try:
        return find_place(scope, str(pk))
    except PlaceError:
        return Place(scope, pk, str(pk), _Gone(pk))


@dataclass(frozen=True)
class _Gone:
    """Stands for a district, school or user of whom only the id is left."""

    id: uuid.UUID
    school_id: None = None
    district_id: None = None


def find_user(name: str) -> User:
    """The user with this email, whatever its case, or this id. Raises PlaceError."""
    user: User = find_place(ConfigScope.USER, name).subject
    return user


def _named(scope: str, name: str) -> Any:
    if "\x00" in name or not name.isprintable():
        return None
    by_id = Q(pk=_uuid(name)) if _uuid(name) else Q(pk__in=())
    if scope == ConfigScope.USER:
        return User.objects.filter(email__iexact=name).first() or User.objects.filter(by_id).first()
    model: Any = School if scope == ConfigScope.SCHOOL else District
    return model.objects.filter(code=name).first() or model.objects.filter(by_id).first()


def _nothing(scope: str, name: str) -> str:
    if scope == ConfigScope.USER:
        return f"There is no user with the email or id {name!r}."
    model: Any = School if scope == ConfigScope.SCHOOL else District
    meant = near(name, model.objects.values_list("code", flat=True))
    hint = f" Did you mean {' or '.join(meant)}?" if meant else ""
    return f"There is no {scope.lower()} with the code or id {name!r}.{hint}"


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _name(subject: Any) -> str:
    return str(subject.email if isinstance(subject, User) else subject.code)


def names_of(places: Iterable[tuple[str, uuid.UUID | None]]) -> dict[tuple[str, uuid.UUID | None], str]:
    """The names of scopes with their ids; the id itself where nobody has it any more. Three queries at most."""
    wanted: dict[str, set[uuid.UUID]] = {}
    for scope, pk in places:
        if pk is not None:
            wanted.setdefault(scope, set()).add(pk)
    names: dict[tuple[str, uuid.UUID | None], str] = {}
    for scope, model, attribute in (
        (ConfigScope.DISTRICT, District, "code"),
        (ConfigScope.SCHOOL, School, "code"),
        (ConfigScope.USER, User, "email"),
    ):
        if scope in wanted:
            found: Any = model._default_manager.filter(pk__in=wanted[scope])
            known = dict(found.values_list("pk", attribute))
            names |= {(str(scope), pk): known.get(pk, str(pk)) for pk in wanted[scope]}
    return names
