"""Forms that change what the user changed and nothing else, and that say why the database refuses."""

import json
from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.forms.fields import InvalidJSONInput
from django.http import HttpRequest

from core import access

# The label of a present choice that the user may not see.
KEPT = "- (stays as it is)"


class RecordForm(forms.ModelForm):  # type: ignore[type-arg]
    """The form of every record. `request` is set by RecordAdmin.get_form()."""

    request: ClassVar[HttpRequest]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if isinstance(field, forms.ModelChoiceField):
                self._keep_present_choice(name, field)

    def _keep_present_choice(self, name: str, field: "forms.ModelChoiceField[Any]") -> None:
        # A nurse who has left is no longer offered, but the records that name her can still be saved.
        present = getattr(self.instance, self.instance._meta.get_field(name).attname)
        choices: Any = field.queryset
        if present is None or self.instance._state.adding or choices.filter(pk=present).exists():
            return
        offered = choices.order_by().values("pk")
        field.queryset = choices.model._base_manager.filter(Q(pk__in=offered) | Q(pk=present))
        labelled, user = field.label_from_instance, self.request.user
        field.label_from_instance = lambda obj: (  # type: ignore[method-assign]
            KEPT if obj.pk == present and not access.may(user, "view", obj) else labelled(obj)
        )

    def clean(self) -> dict[str, Any]:
        """Say what the database refused when this form was first tried."""
        cleaned = super().clean() or self.cleaned_data
        refusal = getattr(self.request, "refusal", None)
        if refusal:
            raise ValidationError(refusal)
        for name in [*cleaned]:
            column = self._meta.model._meta.get_field(name) if name in self._model_fields() else None
            if isinstance(column, models.JSONField) and not column.null and cleaned[name] is None:
                cleaned[name] = column.get_default()
        return cleaned

    def _model_fields(self) -> Iterable[str]:
        return {field.name for field in self._meta.model._meta.fields}

    def _post_clean(self) -> None:
        # A field that nobody touched keeps its value to the bit: NULL is not '', a time keeps its microseconds.
        untouched = {} if self.instance._state.adding else set(self.cleaned_data) - set(self.changed_data)
        kept = {name: self.cleaned_data.pop(name) for name in untouched}
        super()._post_clean()  # type: ignore[misc]
        self.cleaned_data = {**kept, **self.cleaned_data}


class ReadableJSONField(forms.JSONField):
    """JSON, shown indented; an empty box for NULL."""

    default_error_messages = {
        "invalid": 'This is not JSON. A text stands in double quotes, a list in brackets: ["dust", "pollen"].'
    }

    def prepare_value(self, value: Any) -> Any:
        """What the box shows."""
        if value is None:
            return ""
        return value if isinstance(value, InvalidJSONInput) else json.dumps(value, ensure_ascii=False, indent=2)


class LinesField(SimpleArrayField):
    """A list of texts, one a line: texts hold commas."""

    def __init__(self, base_field: forms.Field, **kwargs: Any) -> None:
        kwargs["delimiter"] = "\n"
        kwargs["help_text"] = " ".join(filter(None, [str(kwargs.get("help_text", "")), "One a line."]))
        super().__init__(base_field, **kwargs)

    def to_python(self, value: Any) -> Any:
        """The lines that hold something."""
        if isinstance(value, str):
            value = "\n".join(line.strip() for line in value.splitlines() if line.strip())
        return super().to_python(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether the list differs; NULL and an empty list look the same, so they count as the same."""
        try:
            return bool((initial or []) != self.to_python(data))
        except ValidationError:
            return True
