"""Changing a database in use: migrate, upgrade, rollback, backups, and what is found wrong with a server."""
