"""Signing in."""

from django.contrib.auth.forms import AuthenticationForm as DjangoAuthenticationForm
from unfold.forms import AuthenticationForm


class SignInForm(AuthenticationForm):  # type: ignore[misc]
    """As Unfold's; the sentence does not say which of the two is wrong, nor that case matters in an email, nor whether
    there is such an account."""

    error_messages = {
        **DjangoAuthenticationForm.error_messages,
        "invalid_login": "Email and password do not belong together, or the account may not sign in here. "
        "Mind capitals in the password. Several wrong passwords lock an account for a while, for the right one too: "
        "then wait, or ask an administrator.",
    }
