"""Email in production without EMAIL_URL: refused, so that it fails where one looks, and stands in no log."""

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class NoMailServerError(Exception):
    """No mail server is set up."""


class EmailBackend(BaseEmailBackend):
    """Sends nothing."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Raise NoMailServerError, unless told to fail silently."""
        if self.fail_silently:
            return 0
        raise NoMailServerError("EMAIL_URL is not set: no email can be sent. See docs/operations.md.")
