"""unlock: let a locked account sign in again."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from core.management.examples import WithExamples
from core.models import User

EXAMPLES = """\
example:
  python manage.py unlock ann.lee@district.example

Exits with 0 where the account can sign in as far as the lock is concerned, with 1 where there is no such account.
"""


class Command(WithExamples):
    """For whoever runs the server, when the last administrator is locked out."""

    examples = EXAMPLES
    help = "Let an account that too many wrong passwords have locked sign in again, and forget the wrong passwords."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose account."""
        parser.add_argument("email", help="the email that signs in, in capitals or not")

    def handle(self, *args: Any, **options: Any) -> None:
        """Unlock. Raises CommandError where nobody signs in with the email."""
        email = options["email"].strip().encode(errors="replace").decode()  # a terminal may send what is no text
        with transaction.atomic():
            user = User.objects.select_for_update(no_key=True).filter(email__iexact=email).first()
            if user is None:
                raise CommandError(f"Nobody signs in with {email}. Look for a typing error.")
            was_locked, attempts = user.is_locked, user.failed_login_attempts
            if user.has_wrong_passwords:
                user.unlock()
        if was_locked:
            self.stdout.write(f"{user.email} was locked after {attempts} wrong passwords, and can sign in again.")
        else:
            self.stdout.write(f"{user.email} was not locked. Wrong passwords forgotten: {attempts}.")
        if not user.is_active:
            self.stderr.write("The account is switched off: it cannot sign in before an administrator switches it on.")
        elif not user.has_usable_password():
            self.stderr.write(f"The account has no password: set one with manage.py changepassword {user.email}")
