"""The database backend of White Cross: Django's PostgreSQL backend, and the server it can bring along.

``ENGINE = "whitecross.postgres"``. With ``EMBEDDED`` set to a folder, the first connection starts a
PostgreSQL of our own there, and the last process that used it stops it; see docs/embedded-postgres.md.
"""
