"""The forms of settings: of a value with its facts, of the value of a district, school or user, and of a deed with a
reason."""

from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.validators import RegexValidator
from django.utils.html import escape
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from configuration.admin.places import RELATIONS
from configuration.admin.value_fields import value_field
from configuration.admin.words import rules_in_words, shown
from configuration.editing import FACTS, MODELS, ReasonError, require_reason, version
from configuration.enums import ConfigScope, ConfigValueType
from configuration.models import SystemConfiguration
from configuration.parameters import DECLARED
from configuration.resolution import SECRET
from core.admin.form_fields import ChosenRecord
from core.admin.forms import RecordForm
from core.admin.site import site

LONGEST_REASON = 1000


class ReasonField(forms.CharField):
    """Why somebody changes a setting."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label="Reason",
            help_text="Why you do it. Nothing is saved without; it stays in the history, with your name.",
            max_length=LONGEST_REASON,
            widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
            error_messages={"required": "Say why: the reason stays in the history."},
            **kwargs,
        )


def facts_of(setting: Any) -> dict[str, Any]:
    """What a version of a setting consists of, by attribute."""
    return {name: getattr(setting, name) for name in FACTS}


class SettingForm(RecordForm):
    """A setting: its value in the box for its type, and a reason where something changes.

    A new one begins with the facts of `request.proposed`: its key, scope and type are said by the address.
    """

    reason = ReasonField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        request: Any = self.request
        if kwargs.get("instance") is None:
            kwargs["instance"] = SystemConfiguration(**facts_of(request.proposed)) if _proposed(request) else None
        super().__init__(*args, **kwargs)
        setting, stored = self.instance, not self.instance._state.adding
        self.before = facts_of(setting) if stored else None
        self.secret = bool(getattr(request, "is_secret", False)) or setting.is_secret
        if "value" in self.fields:
            self.fields["value"] = value_field(
                setting,
                setting.value if stored else None,
                secret=self.secret,
                # An empty text is emptied by the API or the command; here it would be a slip. One that is, may stay.
                required=not (stored and setting.value == ""),
                label="Value",
                help_text=self._help(),
                error_messages={"required": "A setting needs a value."},
            )
            if not stored and not self.secret and setting.default_value is not None:
                self.initial["value"] = self.fields["value"].shows(setting.default_value)  # type: ignore[attr-defined]
        if "default_value" in self.fields:
            self.fields["default_value"] = value_field(
                setting,
                setting.default_value if stored else None,
                secret=self.secret,
                required=False,
                label="Default value",
                help_text="Holds where the value does not count.",
            )

    def _help(self) -> str:
        setting = self.instance
        said = [str(setting.description or ""), *rules_in_words(setting)]
        default = setting.default_value
        if default is not None:
            said.append(f"Default: {shown(setting.value_type, default, secret=self.secret)}.")
        # Unfold shows help as HTML.
        return escape(" ".join(filter(None, said)))

    def _version(self) -> str:
        return "" if self.instance._state.adding else version(self.instance)

    @property
    def changed_data(self) -> list[str]:
        """The fields of the setting that differ; the reason is none."""
        return [name for name in super().changed_data if name != "reason"]

    def clean(self) -> dict[str, Any]:
        """Need a reason for a change, and say what was refused when this form was first tried."""
        cleaned = super().clean()
        if self.changed_data or self.instance._state.adding:
            try:
                cleaned["reason"] = require_reason(cleaned.get("reason"))
            except ReasonError as error:
                if "reason" not in self.errors:
                    self.add_error("reason", error.errors["reason"])
            if self._unmasks(cleaned):
                self.add_error("tags", "Without the tag the value could be read: give it a new value as well.")
        for name, sentences in getattr(self.request, "edit_errors", {}).items():
            for sentence in sentences:
                self.add_error(name if name in self.fields else None, sentence)
        return cleaned

    def _update_errors(self, errors: ValidationError) -> None:
        # What is wrong with a fact that this form does not show is said above it.
        told = getattr(errors, "error_dict", {})
        for name in [name for name in told if name not in self.fields and name != NON_FIELD_ERRORS]:
            told.setdefault(NON_FIELD_ERRORS, []).extend(told.pop(name))
        super()._update_errors(errors)  # type: ignore[misc]

    def _unmasks(self, cleaned: dict[str, Any]) -> bool:
        was_secret = self.before is not None and SECRET in (self.before["tags"] or ())
        return was_secret and "tags" in cleaned and SECRET not in (cleaned["tags"] or ()) and (
            "value" not in self.changed_data
        )  # fmt: skip


def _proposed(request: Any) -> bool:
    return getattr(request, "proposed", None) is not None


class NewOverrideForm(SettingForm):
    """A value for a district, school or user that has none of its own yet."""

    place: Any = forms.ModelChoiceField(queryset=None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scope = str(self.instance.scope)
        chosen: Any = self.fields["place"]
        chosen.label = ConfigScope(scope).label
        chosen.help_text = "Type a part of the name, and choose."
        chosen.widget = ChosenRecord(RELATIONS[scope], site)
        chosen.queryset = MODELS[scope]._default_manager.all()
        chosen.label_from_instance = site.label

    def _keep_present_choice(self, name: str, field: Any) -> None:
        """A place is no relation of the model, and there is none yet."""

    def clean(self) -> dict[str, Any]:
        """Put the place where the setting keeps it."""
        cleaned = super().clean()
        if cleaned.get("place") is not None:
            self.instance.scope_id = cleaned["place"].pk
        return cleaned


class NewKeyForm(forms.Form):
    """The first step to a setting of one's own: what it is called, and what its values are."""

    key = forms.CharField(
        label="Key",
        max_length=200,
        help_text="Letters, digits and underscores, such as CLINIC_OPENS_AT. It stays as it is made.",
        validators=[RegexValidator(r"^[A-Za-z][A-Za-z0-9_.-]*$", "Begin with a letter; then letters, digits and _.")],
        widget=UnfoldAdminTextInputWidget(),
    )
    value_type = forms.ChoiceField(
        label="Value type",
        choices=[("", "Select value"), *ConfigValueType.choices],
        help_text="What its values are. It stays as it is made.",
        widget=UnfoldAdminSelectWidget(),
    )

    def clean_key(self) -> str:
        """A key that nothing declares and nobody has stored."""
        key = str(self.cleaned_data["key"])
        if key in DECLARED or SystemConfiguration.objects.filter(key=key).exists():
            raise ValidationError("There is such a setting already: find it in the list.")
        return key


class DeedForm(forms.Form):
    """A reason, the state of the setting that the person saw, and for security settings an explicit yes."""

    version = forms.CharField(required=False, widget=forms.HiddenInput(), max_length=200)
    reason = ReasonField()

    def __init__(self, *args: Any, security: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if security:
            self.fields["confirmed"] = forms.BooleanField(
                label="Yes, change this security setting",
                error_messages={"required": "This is a security setting: confirm that you mean it."},
                widget=UnfoldBooleanWidget(),
            )
