"""demo: a synthetic district set to look at in the browser."""

import os
import secrets
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.utils import ProgrammingError

from core.enums import UserRole
from core.models import Student, User

STUDENTS = 2_000
EMAIL = "demo@whitecross.example"

SIGN_IN = """
White Cross is at {url}

  email     {email}
  password  {password}

The password is new at each start. What to look at, under {url}
  core/student/                       search "obrien", "zoe" or the beginning of a student number
  health_records/vaccination/         series, lots, what is overdue
  health_records/medicationlog/       every dose that a nurse gave
  health_records/growthmeasurement/   heights and weights along a curve
  configuration/systemconfiguration/  parameters with their history

Control-C stops the server; the records stay until you drop the database.
"""


class Command(BaseCommand):
    """Seed where nothing is, make a superuser, serve."""

    help = (
        f"Fill an empty database with {STUDENTS:,} synthetic students, make the superuser {EMAIL}, and serve the admin."
        " Refuses to run in production."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """[address:port], as runserver's."""
        # PORT, as gunicorn reads it.
        address = f"127.0.0.1:{os.environ.get('PORT', '8000')}"
        parser.add_argument("addrport", nargs="?", default=address, help=f"default: {address}")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, print how to sign in, serve until interrupted. Raises CommandError."""
        if settings.PRODUCTION:
            raise CommandError("The demo prints the password of a superuser; it does not run in production.")
        try:
            empty = not Student.all_objects.exists()
        except ProgrammingError as error:
            if getattr(error.__cause__, "sqlstate", None) != "42P01":
                raise
            raise CommandError("A table is missing. Run manage.py migrate first.") from None
        if empty:
            call_command("seed_demo", students=STUDENTS, stdout=self.stdout)
        password = secrets.token_urlsafe(12)
        _set_superuser(password)
        address = options["addrport"]
        url = f"http://{address if ':' in address else f'127.0.0.1:{address}'}/admin/"
        self.stdout.write(SIGN_IN.format(url=url, email=EMAIL, password=password))
        # The reloader would run this command again in a process of its own, and change the password.
        call_command("runserver", address, use_reloader=False, stdout=self.stdout)


def _set_superuser(password: str) -> None:
    """Create the account, or give it the new password and its rights back."""
    user = User.objects.filter(email__iexact=EMAIL).first()
    if user is None:
        User.objects.create_superuser(EMAIL, password, first_name="Demo", last_name="Administrator")
        return
    user.role, user.is_active, user.is_staff, user.is_superuser = UserRole.ADMIN, True, True, True
    user.failed_login_attempts, user.lockout_until = 0, None
    user.set_password(password)
    user.save()
