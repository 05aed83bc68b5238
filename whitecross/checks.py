"""What ``manage.py check --deploy`` asks beyond Django's own checks. Each hint is something to set."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from .postgres.url import leaves_the_machine_unencrypted


@register(Tags.security, deploy=True)
def check_the_server_is_not_embedded(**options: Any) -> list[CheckMessage]:
    """The embedded server lives and dies with the commands that use it, and nobody backs it up."""
    if not settings.DATABASES["default"].get("EMBEDDED"):
        return []
    return [
        Error(
            "The embedded PostgreSQL is for development and trial.",
            hint="Set DATABASE_URL=postgresql://user:password@host:5432/database?sslmode=verify-full",
            id="whitecross.E001",
        )
    ]


@register(Tags.security, deploy=True)
def check_the_environment_is_production(**options: Any) -> list[CheckMessage]:
    """Every other secure default follows from this variable."""
    if settings.PRODUCTION:
        return []
    return [
        Warning(
            f"WHITECROSS_ENV is {settings.ENVIRONMENT}.",
            hint="Set WHITECROSS_ENV=production, SECRET_KEY and ALLOWED_HOSTS; see docs/deployment.md.",
            id="whitecross.W002",
        )
    ]


@register(Tags.security, deploy=True)
def check_the_database_connection_is_encrypted(**options: Any) -> list[CheckMessage]:
    """Health records cross no network in the clear."""
    names = {
        "DATABASE_URL" if alias == "default" else "REPLICA_DATABASE_URL": None
        for alias, database in settings.DATABASES.items()
        if leaves_the_machine_unencrypted(database)
    }
    return [
        Warning(
            f"{name} points to another machine and does not ask for encryption.",
            hint=f"Append ?sslmode=verify-full (or at least ?sslmode=require) to {name}.",
            id="whitecross.W003",
        )
        for name in names
    ]


@register(Tags.security, deploy=True)
def check_notifications_can_be_sent(**options: Any) -> list[CheckMessage]:
    """Nobody hears of a locked account or of a changed protection otherwise."""
    if not settings.PRODUCTION or settings.EMAIL_URL:
        return []
    return [
        Warning(
            "Nothing sends emails: of locked accounts and changed security settings nobody is told.",
            hint="Set EMAIL_URL=smtp+tls://user:password@host:587 and DEFAULT_FROM_EMAIL; see docs/operations.md.",
            id="whitecross.W004",
        )
    ]
