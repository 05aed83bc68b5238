"""Who may do what: permissions by role."""

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.backends import ModelBackend
from django.db.models import Model, Q, QuerySet

from core import access


class RoleBackend(ModelBackend):
    """Signs in by email and answers permission questions from the role, by the table in `core.access`.

    Rows of Django's Permission and Group tables count for nothing.
    """

    def get_all_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        """What the user may do anywhere in her scope; with `obj`, what she may do with that row."""
        everywhere = access.permissions(user_obj)
        if obj is None:
            return everywhere
        app, name = obj._meta.app_label, obj._meta.model_name
        return {
            permission
            for right in access.RIGHTS.values()
            if (permission := f"{app}.{right}_{name}") in everywhere and access.may(user_obj, right, obj)
        }

    def get_user_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        """As get_all_permissions: all come from the role."""
        return self.get_all_permissions(user_obj, obj)

    def get_group_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        """None: groups have no meaning here."""
        return set()

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Whether the role opens anything of the app."""
        return any(permission.startswith(f"{app_label}.") for permission in access.permissions(user_obj))

    def with_perm(
        self, perm: Any, is_active: bool | None = True, include_superusers: bool = True, obj: Any = None
    ) -> QuerySet[Any]:
        """The users whose role has a permission such as "core.view_student", wherever their scope is."""
        from django.contrib.auth import get_user_model

        app, _, codename = str(perm).partition(".")
        right, _, name = codename.partition("_")
        roles = [
            role
            for model, line in access.LINES.items()
            if model.lower() == f"{app}.{name}"
            for role, rights in line.rights.items()
            if right in rights
        ]
        allowed = (
            Q(role__in=roles) | Q(is_superuser=True) if include_superusers else Q(role__in=roles, is_superuser=False)
        )
        users: QuerySet[Any] = get_user_model()._default_manager.filter(allowed)
        return users if is_active is None else users.filter(is_active=is_active)

    async def aget_all_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        """As get_all_permissions."""
        return await sync_to_async(self.get_all_permissions)(user_obj, obj)

    async def aget_user_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        """As get_user_permissions."""
        return await self.aget_all_permissions(user_obj, obj)

    async def aget_group_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        """As get_group_permissions."""
        return set()
