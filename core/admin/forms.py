"""Forms that change what the user changed and nothing else, and that say why the database refuses."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.http import HttpRequest

from core import access

# The label of a present choice that the user may not see.
KEPT = "- (stays as it is)"


class RecordForm(forms.ModelForm):  # type: ignore[type-arg]
    """The form of every record. `request` is set by RecordAdmin.get_form().

    Whoever saves says which state of the record she saw (`_version`): another's changes are never overwritten unseen.
    """

    request: ClassVar[HttpRequest]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.version = self._version()
        for name, field in self.fields.items():
            if isinstance(field, forms.ModelChoiceField):
                self._keep_present_choice(name, field)

    def _version(self) -> str:
        """The state of the row that the form shows: its time of change, empty for a new row."""
        changed = None if self.instance._state.adding else getattr(self.instance, "updated_at", None)
        return changed.isoformat() if changed else ""

    def _refuse_stale(self) -> None:
        # The form comes back with the row's new version, so whoever saves it again has been told.
        if self.version and self.data.get("_version") != self.version:
            labels = ", ".join(str(self.fields[name].label) for name in self.changed_data) or "none"
            raise ValidationError(
                "Somebody changed this record while you had it open. Nothing was saved. What you see differs from the "
                f"record as it is now in: {labels}. Look at it in another window, correct this form, save again."
            )

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
        self._refuse_stale()
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
