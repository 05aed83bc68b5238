"""Setting passwords, one's own and another's. What the rules ask is in AUTH_PASSWORD_VALIDATORS."""

from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import get_default_password_validators
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.views.decorators.debug import sensitive_variables
from unfold.forms import AdminOwnPasswordChangeForm, AdminPasswordChangeForm

from core.acting import acting_user_id
from core.models import User

# What a new password changes; what else the row holds may have changed since the user was read.
CHANGED = ["password", "password_changed_at", "last_password_change", "must_change_password"]

FOR_THE_FIRST_TIME = "Whoever gets this password has to choose another one after signing in."


def rules(user: User | None) -> str:
    """What is asked of a new password for this user now, as HTML; of anybody's without one."""
    texts = [
        validator.help_for(user) if hasattr(validator, "help_for") else validator.get_help_text()
        for validator in get_default_password_validators()
    ]
    return format_html('<ul class="wc-rules">{}</ul>', format_html_join("", "<li>{}</li>", ((text,) for text in texts)))


class OwnPasswordForm(AdminOwnPasswordChangeForm):  # type: ignore[misc]
    """A new password for oneself: another than the present one, which has to be entered."""

    error_messages = {
        **AdminOwnPasswordChangeForm.error_messages,
        "password_incorrect": "This is not your present password, or too many wrong ones have locked the account: "
        "then wait, or ask an administrator.",
        "password_unchanged": "This is your present password: choose another one.",
    }

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.fields["old_password"].label = "Present password"
        self.fields["new_password1"].help_text = rules(user)
        self.fields["new_password2"].help_text = ""
        self.fields["new_password2"].label = "New password again"

    @sensitive_variables("old_password")
    def clean_old_password(self) -> str:
        """Count wrong ones as at sign-in: an unattended screen is no place to guess."""
        old_password: str = self.cleaned_data["old_password"]
        if authenticate(username=self.user.get_username(), password=old_password) != self.user:
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return old_password

    def clean(self) -> dict[str, Any]:
        """Refuse the present password as the new one."""
        cleaned: dict[str, Any] = super().clean()
        new, old = cleaned.get("new_password1"), cleaned.get("old_password")
        if new and new == old:
            self.add_error(
                "new_password1",
                ValidationError(self.error_messages["password_unchanged"], code="password_unchanged"),
            )
        return cleaned

    def save(self, commit: bool = True) -> User:
        """Set the new password, and nothing else."""
        user: User = super().save(commit=False)
        if commit:
            user.save(update_fields=CHANGED)
        return user


class PasswordForAnotherForm(AdminPasswordChangeForm):  # type: ignore[misc]
    """A new password for somebody else, who has to choose her own at the next sign-in."""

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.fields["password1"].help_text = rules(user)
        self.fields["password2"].help_text = "" if user.pk == acting_user_id() else FOR_THE_FIRST_TIME

    def save(self, commit: bool = True) -> User:
        """Set the new password, and nothing else."""
        user: User = super().save(commit=False)
        user.must_change_password = user.has_usable_password() and user.pk != acting_user_id()
        if commit:
            user.save(update_fields=CHANGED)
        return user
