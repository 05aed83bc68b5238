"""Who may do what: permissions by role."""

from django.contrib.auth.backends import ModelBackend


class RoleBackend(ModelBackend):
    """Signs in by email and answers permission questions from the role."""
