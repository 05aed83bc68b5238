"""Members of staff in the admin."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.forms import AdminPasswordChangeForm, UserCreationForm

from core import access
from core.admin.columns import column
from core.admin.forms import RecordForm
from core.admin.record_admin import RecordAdmin
from core.admin.site import site
from core.enums import UserRole
from core.models import User


class StaffForm(RecordForm):
    """A member of staff; the role is one that the user may give."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "role" in self.fields:
            given = access.MANAGES.get(access.role_of(self.request.user) or "", ())
            self.fields["role"].choices = [  # type: ignore[attr-defined]
                (role.value, role.label) for role in UserRole if role in given
            ]


class NewStaffForm(StaffForm, UserCreationForm):  # type: ignore[misc]
    """A new member of staff, with a first password."""

    class Meta:
        model = User
        fields = ("email",)


@admin.register(User, site=site)
class UserAdmin(RecordAdmin, DjangoUserAdmin):  # type: ignore[misc, type-arg]
    """Staff. Passwords are set, never shown; tokens and second factors appear nowhere."""

    hidden = (
        "password",
        "email_verification_token",
        "email_verification_expires",
        "password_reset_token",
        "password_reset_expires",
        "two_factor_secret",
        "groups",
        "user_permissions",
        "last_password_change",
    )
    form = StaffForm
    add_form = NewStaffForm
    change_password_form = AdminPasswordChangeForm
    change_form_outer_before_template = "admin/user_password.html"
    list_display = ("last_name", "first_name", "email", "role", column("school"), column("district"), "is_active")
    list_display_links = ("last_name", "first_name")
    list_select_related = ("school", "district")
    list_filter = (
        ("role", ChoicesDropdownFilter),
        "is_active",
        ("school", AutocompleteSelectFilter),
        ("district", AutocompleteSelectFilter),
    )
    filter_horizontal = ()
    ordering = ("last_name", "first_name")
    search_fields = ("last_name__istartswith", "first_name__istartswith", "email__istartswith")
    search_help_text = "Name or email"
    readonly_fields = (
        "last_login",
        "email_verified",
        "password_changed_at",
        "failed_login_attempts",
        "two_factor_enabled",
    )
    fieldsets = (
        (None, {"fields": ("first_name", "last_name", "email", "phone")}),
        ("Role", {"fields": ("role", "school", "district")}),
        ("Account", {"fields": ("is_active", "is_staff", "is_superuser", "must_change_password", "lockout_until")}),
        (
            "Sign-in",
            {
                "fields": (
                    "last_login",
                    "failed_login_attempts",
                    "email_verified",
                    "password_changed_at",
                    "two_factor_enabled",
                ),
            },
        ),
    )
    add_fieldsets = (
        (None, {"fields": ("first_name", "last_name", "email", "phone")}),
        ("Role", {"fields": ("role", "school", "district", "is_staff")}),
        ("Password", {"fields": ("password1", "password2", "must_change_password")}),
    )

    def label(self, record: User) -> str:
        """The name and what she does."""
        return f"{record.get_full_name() or record.email} ({record.get_role_display()})"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Only ADMIN sees who is a superuser, and makes one."""
        groups = super().get_fieldsets(request, obj)
        if not access.is_scoped(request.user):
            return groups
        return [
            (name, {**options, "fields": [field for field in options["fields"] if field != "is_superuser"]})
            for name, options in groups
        ]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """By role, and only of those whom the role manages."""
        return super().has_change_permission(request, obj) and (obj is None or access.manages(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes herself."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.pk != request.user.pk)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Staff each of whose words begins a name or the email."""
        for word in search_term.split()[:5]:
            queryset = queryset.filter(
                Q(last_name__istartswith=word) | Q(first_name__istartswith=word) | Q(email__istartswith=word)
            )
        return queryset, False

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Set another's password: only of those whom one manages."""
        user = self.get_object(request, id)
        if user is None or not self.has_change_permission(request, user):
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)
