"""makemigrations, which also writes operations on enum types."""

from django_linear_migrations.management.commands.makemigrations import Command as LinearMakeMigrations

from core.db.autodetector import EnumAutodetector


class Command(LinearMakeMigrations):
    """Django's command with an autodetector that knows enum types."""

    autodetector = EnumAutodetector
