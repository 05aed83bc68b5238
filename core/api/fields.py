"""Fields of bodies that take JSON's own types alone: no "yes" for true, no "12" for 12."""

import math
import uuid
from decimal import Decimal
from typing import Any

from django.utils.datastructures import MultiValueDict
from rest_framework import serializers
from rest_framework.fields import empty

from core.api.problems import QueryError

PLAIN = r"[0-9]{1,9}"


class Text(serializers.CharField):
    """A string, kept as it is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"trim_whitespace": False, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        """The string."""
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Flag(serializers.BooleanField):
    """true or false."""

    def to_internal_value(self, data: Any) -> bool:
        """The truth."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Whole(serializers.IntegerField):
    """A whole number."""

    def to_internal_value(self, data: Any) -> int:
        """The number; 12.0 is one as well (JSON Schema)."""
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return int(data)


class Number(serializers.FloatField):
    """A number that a double holds."""

    def to_internal_value(self, data: Any) -> float:
        """The number."""
        if isinstance(data, bool) or not isinstance(data, int | float | Decimal):
            self.fail("invalid")
        try:
            number = float(data)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self.fail("invalid")
        return number


class Choice(serializers.ChoiceField):
    """One of a few strings."""

    def to_internal_value(self, data: Any) -> str:
        """The string."""
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice", input=data if isinstance(data, str) else type(data).__name__)
        return data


class Identifier(serializers.UUIDField):
    """A UUID, written with dashes."""

    def to_internal_value(self, data: Any) -> uuid.UUID:
        """The UUID."""
        try:
            if isinstance(data, str) and len(data) == 36:
                return uuid.UUID(data)
        except ValueError:
            pass
        return self.fail("invalid", value=data if isinstance(data, str) else type(data).__name__)


class WrittenNumber(serializers.IntegerField):
    """A whole number as a query writes it: digits."""

    def to_internal_value(self, data: Any) -> int:
        """The number."""
        if not (isinstance(data, str) and data.isascii() and data.isdigit() and len(data) <= 9):
            self.fail("invalid")
        return int(data)


class Body(serializers.Serializer[Any]):
    """An object of which every name is known: an unknown one is refused, for a misspelt one would be lost."""

    def to_internal_value(self, data: Any) -> Any:
        """The values by attribute. Raises ValidationError."""
        if isinstance(data, dict):
            unknown = [name for name in data if name not in self.fields or self.fields[name].read_only]
            if unknown:
                raise serializers.ValidationError({name: [self.unknown(name)] for name in unknown})
        return super().to_internal_value(data)

    def unknown(self, name: str) -> str:
        """What is said of a name that may not be sent."""
        if name in self.fields:
            return "The system says this; leave it out."
        return f"There is no such field. Known are: {', '.join(self.writable())}."

    def writable(self) -> list[str]:
        """The names that may be sent."""
        return [name for name, field in self.fields.items() if not field.read_only]


class Query(serializers.Serializer[Any]):
    """The parameters of a query: known ones, each once."""

    @classmethod
    def of(cls, parameters: MultiValueDict[str, str]) -> dict[str, Any]:
        """The values by name. Raises QueryError."""
        query = cls(data={name: parameters[name] for name in parameters})
        wrong: dict[str, list[str]] = {}
        for name, given in parameters.lists():
            if name not in query.fields:
                wrong[name] = [f"There is no such parameter. Known are: {', '.join(query.fields) or 'none'}."]
            elif len(given) > 1:
                wrong[name] = ["This parameter may stand once only."]
        if not query.is_valid():
            wrong = {**{name: [str(said) for said in query.errors[name]] for name in query.errors}, **wrong}
        if wrong:
            raise QueryError(wrong)
        return {name: value for name, value in query.validated_data.items() if value is not empty}
