"""What was there."""

from typing import Any

from django.db import connection
from django.test import Client
from django.utils import timezone

from core.models import User

ADMIN, NURSE = "user1@example.org", "user2@example.org"


def browser_of(email: str) -> Client:
    """A browser in which somebody is signed in; her password is fresh, or she would be asked for another one first."""
    user = User.objects.get(email=email)
    User.objects.filter(pk=user.pk).update(password_changed_at=timezone.now(), must_change_password=False)
    browser = Client()
    browser.force_login(user)
    return browser


def rows_there(table: str, columns: str = "*", where: str = "true") -> list[tuple[Any, ...]]:
    """Rows of a table of the predecessor's, where it stands now."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM whitecross_legacy.{table} WHERE {where} ORDER BY id")
        return list(cursor.fetchall())
